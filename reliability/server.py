"""A home in, a real `stadion up` running; what the kernel says of its processes out."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stadion.client import Client
from stadion.serve.plane_client import PlaneClient

__all__ = ["Server", "children", "serving", "until"]

_START_S = 180.0
_END_S = 40.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server and where it answers."""

    process: subprocess.Popen[str]
    home: Path
    predictions: str
    control: str = ""
    grpc: str = ""

    @property
    def port(self) -> int:
        """Of predictions over HTTP."""
        return urlsplit(self.predictions).port or 0

    @property
    def client(self) -> Client:
        """Its verbs over the control port, as a user's program has them."""
        return Client(self.control, timeout_s=120)

    @property
    def plane(self) -> PlaneClient:
        """Its control socket."""
        return PlaneClient(self.home / "run" / "plane.sock")

    def workers(self) -> list[int]:
        """Process ids of the workers that stand."""
        found = self.plane.status()["workers"]
        return [worker["pid"] for worker in found if worker["standing"]]

    def busiest(self) -> int:
        """The worker with the most connections."""
        found = [worker for worker in self.plane.status()["workers"] if worker["standing"]]
        pid: int = max(found, key=lambda worker: worker["connections"])["pid"]
        return pid

    def processes(self) -> list[int]:
        """Process ids of everything that runs a worker, one in reserve included."""
        return [pid for pid in children(self.process.pid) if _is_worker(pid)]

    def cpu_s(self) -> float:
        """Seconds of CPU that the server and everything below it have taken so far."""
        pids = [self.process.pid, *children(self.process.pid)]
        return sum(map(_ticks, pids)) / os.sysconf("SC_CLK_TCK")

    def worker_memory(self) -> int:
        """Bytes that the workers hold, what they share counted by parts."""
        return sum(_memory(pid) for pid in self.processes())

    def resident(self) -> int:
        """Bytes that the workers have resident; what they share counts for each."""
        return sum(_memory(pid, "Rss:") for pid in self.processes())

    def memory(self) -> dict[str, int]:
        """The same of the server's processes, by what they are."""
        pids = set(children(self.process.pid))
        workers = set(self.processes()) & pids
        return {
            "supervisor": _memory(self.process.pid),
            "workers": sum(map(_memory, workers)),
            "control": sum(map(_memory, pids - workers)),
        }

    def descriptors(self) -> int:
        """Open files and sockets of the workers."""
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.processes())  # noqa: PTH208  # counts only

    def threads(self) -> int:
        """Threads of the workers."""
        return sum(len(os.listdir(f"/proc/{pid}/task")) for pid in self.processes())  # noqa: PTH208  # counts only

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_END_S)


@contextmanager
def serving(
    home: Path,
    workers: int = 1,
    options: Sequence[str] = (),
    program: Sequence[str] = (),
    core: int = -1,
) -> Iterator[Server]:
    """`stadion up` on free ports of this machine, ready to answer.

    Parameters
    ----------
    options
        More of its options.
    program
        Another program in its place, with everything it needs; see `reliability.program`.
    core
        The only core that it may use; -1: all.
    """
    command = [sys.executable, "-m", "stadion", "up", "--home", str(home), "--json"]
    command += ["--grpc", "127.0.0.1:0"]
    command += ["--http", "127.0.0.1:0", "--control", "127.0.0.1:0", "--workers", str(workers)]
    pinned = ["taskset", "-c", str(core)] if core >= 0 else []
    process = subprocess.Popen(
        [*pinned, *(program or [*command, *options])],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watchdog = threading.Timer(_START_S, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        watchdog.cancel()
        assert line, f"the server ended with {process.wait(10)} before it was ready"
        view = json.loads(line)
        names = ("predictions", "control", "grpc")
        server = Server(process, home, *(str(view.get(name) or "") for name in names))
        yield server
        assert server.stop() == 0
    finally:
        watchdog.cancel()
        _end(process)


def children(pid: int) -> list[int]:
    """All processes below one."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            below = [int(word) for word in (task / "children").read_text().split()]
            found += [*below, *(deeper for child in below for deeper in children(child))]
    return found


def until(truth: Callable[[], bool], limit_s: float, every_s: float = 0.02) -> float:
    """Seconds until it was true; infinity when it never was."""
    began = time.perf_counter()
    while not truth():
        if time.perf_counter() - began > limit_s:
            return float("inf")
        time.sleep(every_s)
    return time.perf_counter() - began


def _memory(pid: int, kind: str = "Pss:") -> int:
    """Proportional or resident set size; 0 for a process that has ended meanwhile."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    line = next(line for line in text.splitlines() if line.startswith(kind))
    return int(line.split()[1]) * 1024


def _is_worker(pid: int) -> bool:
    try:
        return b"stadion.serve.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _ticks(pid: int) -> int:
    """User and system time of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _end(process: subprocess.Popen[str]) -> None:
    """The whole group: the server's children end with it."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    if process.stdout is not None:
        process.stdout.close()
