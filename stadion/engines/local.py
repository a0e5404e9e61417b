"""Commands in, processes of this machine out, their state kept in files."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from stadion.core.errors import Code, StadionError
from stadion.engines.base import Work

__all__ = ["PLUGIN", "LocalEngine"]

# The shell records how the command ended, so that the answer outlives whoever started it.
_SCRIPT = '"$@" >out 2>log; echo $? >code.part; mv code.part code'


class LocalEngine:
    """A process group per work; its folder holds out, log, code and pid."""

    name = "local"

    def start(self, command: Sequence[str], folder: Path) -> None:
        """Run `command` in a session of its own, in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "pid").exists() and self.look(folder).state == "running":
            raise StadionError(Code.CONFLICT, f"work {folder.name!r} is running already")
        for name in ("code", "cancelled", "out", "log"):
            (folder / name).unlink(missing_ok=True)
        child = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "work", *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        (folder / "pid").write_text(f"{child.pid} {_started(child.pid)}")

    def look(self, folder: Path) -> Work:
        """State by the recorded exit code, else by whether the process still lives."""
        if not (folder / "pid").exists():
            raise StadionError(Code.NOT_FOUND, f"there is no work {folder.name!r}")
        output, log = _text(folder / "out"), _last_line(folder / "log")
        if (folder / "cancelled").exists():
            return Work("cancelled", output, log)
        if (folder / "code").exists():
            failed = _text(folder / "code").strip() != "0"
            return Work("failed" if failed else "done", output, log)
        if _lives(folder):
            return Work("running", output, log)
        if (folder / "code").exists():  # it ended between the two looks
            return self.look(folder)
        return Work("lost", output, log)

    def cancel(self, folder: Path, timeout_s: float = 10.0) -> Work:
        """SIGTERM to the group, SIGKILL when it does not end in time."""
        if self.look(folder).state != "running":
            return self.look(folder)
        (folder / "cancelled").touch()
        group = int(_text(folder / "pid").split()[0])
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, number)
            deadline = time.monotonic() + timeout_s
            while _lives(folder) and time.monotonic() < deadline:
                time.sleep(0.02)
        return self.look(folder)


def _lives(folder: Path) -> bool:
    pid, _, started = _text(folder / "pid").partition(" ")
    with contextlib.suppress(ChildProcessError):
        os.waitpid(int(pid), os.WNOHANG)  # our own ended child would stay a zombie
    return bool(started) and _started(int(pid)) == started


def _started(pid: int) -> str:
    """When a process began, in clock ticks since boot; tells a re-used pid from the first."""
    stat = _text(Path(f"/proc/{pid}/stat"))
    fields = stat.rpartition(")")[2].split()
    return fields[19] if fields and fields[0] != "Z" else ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _last_line(path: Path) -> str:
    return next((line for line in reversed(_text(path)[-8192:].splitlines()) if line), "")


PLUGIN = LocalEngine()
