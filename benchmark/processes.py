"""A command in; its process tree on chosen cores, its memory and processor time, its end, out."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Tree", "running"]

_TICKS = os.sysconf("SC_CLK_TCK")
_STOP_S, _KILL_S = 20.0, 5.0
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Tree:
    """A process with all its descendants."""

    def __init__(self, root: subprocess.Popen[bytes]) -> None:
        self.root = root

    @property
    def alive(self) -> bool:
        """Whether the first process still runs."""
        return self.root.poll() is None

    def pids(self) -> set[int]:
        """All of them."""
        return set(self._members())

    def rss_mb(self) -> float:
        """Resident memory, pages that processes share counted for each of them."""
        pages = sum(int(stat[21]) for stat in self._members().values())
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu_s(self) -> float:
        """Processor time that those who live now have used."""
        return sum(sum(map(int, stat[11:13])) for stat in self._members().values()) / _TICKS

    def settle(self, limit_s: float = 10.0, quiet: float = 0.2, every_s: float = 0.2) -> float:
        """Wait until it takes less than `quiet` of a core; the share it took in the end."""
        deadline = time.monotonic() + limit_s
        while True:
            before, started = self.cpu_s(), time.monotonic()
            time.sleep(every_s)
            share = (self.cpu_s() - before) / (time.monotonic() - started)
            if share < quiet or time.monotonic() > deadline:
                return share

    def stop(self, limit_s: float = _STOP_S) -> None:
        """SIGTERM to the first process, then SIGKILL to what is left of the others."""
        born = {pid: stat[19] for pid, stat in self._members().items()}
        if self.alive:
            self.root.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.root.wait(limit_s)
        for pid, birth in born.items():
            with contextlib.suppress(OSError):
                if _stat(pid)[19] == birth:  # else the number belongs to somebody else now
                    os.kill(pid, signal.SIGKILL)
        self.root.wait(_KILL_S)

    def _members(self) -> dict[int, list[str]]:
        """Descendants, and whoever is in the session that the first one opened."""
        stats = dict(_all_stats())
        members = {pid for pid, stat in stats.items() if int(stat[3]) == self.root.pid}
        grown = True
        while grown:
            more = {pid for pid, stat in stats.items() if int(stat[1]) in members} - members
            members |= more
            grown = bool(more)
        return {pid: stats[pid] for pid in members}


@contextmanager
def running(
    command: Sequence[str], cores: Iterable[int], log: Path, environment: Mapping[str, str]
) -> Iterator[Tree]:
    """The command on these cores in a session of its own, its words in `log`."""
    pinned = ["taskset", "-c", ",".join(map(str, cores)), *command]
    variables = {**os.environ, **_ONE_THREAD, **environment}
    with log.open("wb") as words:
        process = subprocess.Popen(
            pinned,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env=variables,
            start_new_session=True,
        )
    tree = Tree(process)
    try:
        yield tree
    finally:
        tree.stop()


def _all_stats() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                yield int(folder.name), _stat(int(folder.name))


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat after the name.

    1 parent, 3 session, 11 and 12 times, 19 birth, 21 resident pages.
    """
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
