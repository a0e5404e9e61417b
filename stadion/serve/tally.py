"""What a worker has done in, what it tells its supervisor of it now and then out."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stadion.serve.stats import Stats

if TYPE_CHECKING:
    from stadion.serve.plane import Plane

__all__ = ["Process", "Tally", "Teller", "process_now"]

_PERIOD_S = 1.0
_AT_ONCE = 128  # versions looked through in one go: a fraction of a millisecond
_CLOSE_EVERY = 60  # reports
_CLOSE_AFTER_S = 600.0
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")


class Process(msgspec.Struct):
    """A worker's process, and what it has done that belongs to no model."""

    rss_bytes: int = 0
    cpu_ns: int = 0
    connections: int = 0
    waiting: int = 0
    refused: dict[str, int] = {}
    log_lines: int = 0
    log_dropped: int = 0


class Tally(msgspec.Struct, tag=True):
    """What a worker has done so far; of the versions only those with news.

    `closed` names the versions that it will not speak of again.
    """

    process: Process
    models: dict[str, dict[int, Stats]] = {}
    closed: list[tuple[str, int]] = []


class Teller:
    """Sends tallies: every second, and whenever the supervisor asks.

    Each tally holds all counts of its versions, so one that is lost loses nothing for good.
    What happened since the last one is lost with a process that is killed.

    Parameters
    ----------
    process
        The figures of this process now.
    tell
        Sends a message to the supervisor.
    """

    def __init__(
        self, plane: Plane, process: Callable[[], Process], tell: Callable[[Tally], None]
    ) -> None:
        self._plane = plane
        self._process = process
        self._tell = tell
        self._told: dict[tuple[str, int], tuple[int, ...]] = {}
        self._idle_since: dict[tuple[str, int], float] = {}
        self._rounds = 0

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            await self.report()
            await asyncio.sleep(_PERIOD_S)

    async def report(self) -> None:
        """Tell of everything that has changed; requests are answered in between."""
        entries = list(self._plane.book.entries.items())
        for start in range(0, len(entries), _AT_ONCE):
            news: dict[str, dict[int, Stats]] = {}
            for key, stats in entries[start : start + _AT_ONCE]:
                mark = _mark(stats)
                if self._told.get(key) != mark:
                    self._told[key] = mark
                    news.setdefault(key[0], {})[key[1]] = stats
            if news:
                self._tell(Tally(self._process(), news))
            await asyncio.sleep(0)
        self._tell(Tally(self._process(), closed=self._close()))

    def _close(self) -> list[tuple[str, int]]:
        """Forget what was not deployed for long, or memory would grow with every deployment.

        What is being loaded is not deployed yet, and no loading takes that long.
        """
        self._rounds += 1
        if self._rounds % _CLOSE_EVERY:
            return []
        book, now = self._plane.book, time.monotonic()
        idle = [key for key in self._told if not self._is_deployed(*key)]
        self._idle_since = {key: self._idle_since.get(key, now) for key in idle}
        old = [key for key, since in self._idle_since.items() if now - since > _CLOSE_AFTER_S]
        closed = [key for key in old if not book.entries[key].pending]
        for key in closed:
            del book.entries[key], self._told[key], self._idle_since[key]
        return closed

    def _is_deployed(self, model: str, version: int) -> bool:
        placement = self._plane.table.placements.get(model)
        return placement is not None and version in placement.packages


def process_now() -> Process:
    """Memory and processor time of this process."""
    pages = int(_STATM.read_text().split()[1])
    return Process(rss_bytes=pages * _PAGE, cpu_ns=time.process_time_ns())


def _mark(stats: Stats) -> tuple[int, ...]:
    """Changes whenever any count of the version does."""
    return (
        stats.success,
        stats.pending,
        stats.cancelled,
        stats.runs,
        sum(stats.failed.values()),
        stats.shadow_same + stats.shadow_different,
        stats.shadow_failed + stats.shadow_dropped,
        stats.resident_bytes,
        stats.load_ns,
        stats.total.sum_ns,
        stats.output.sum_ns,
    )
