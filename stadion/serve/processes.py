"""Commands in, child processes out that end when this process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

__all__ = ["child_environment", "die_with_parent", "start_child", "start_module"]

_PR_SET_PDEATHSIG = 1


def child_environment(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with one thread per numeric library.

    Workers fill the cores by their number; a library that starts a thread per core in each of
    them would only add start-up time and memory.
    """
    quiet = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **quiet, **more}


def start_module(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], pass_fd: int
) -> subprocess.Popen[bytes]:
    """A fresh interpreter that runs a module of this package and inherits one descriptor."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env=dict(environment), pass_fds=[pass_fd]
    )


def start_child(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Any command, ended by the kernel should this process die without a word."""
    wrapper = [sys.executable, "-P", "-S", "-E", __file__, str(os.getpid()), *command]
    return subprocess.Popen(wrapper, stdin=subprocess.DEVNULL, env=dict(environment))


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends; at once if that is so already."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # becomes the command it was given
