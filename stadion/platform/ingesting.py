"""Paths in, everything readable in them kept out: in this process, or shared by several."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stadion.archive import Archive, Tables
from stadion.core.plugins import Cupboard
from stadion.core.settings import Home
from stadion.ingest import Archives, Job, open_bytes, plan
from stadion.ingest.base import Reader
from stadion.ingest.tabular.mapping import stated, with_mapping
from stadion.platform.ingest_pool import IngestPool
from stadion.platform.ingest_worker import Settings
from stadion.platform.keeping import Found, Row, add_rows, commit, found_in, keep, nothing_yet
from stadion.platform.rooms import read_file

__all__ = ["ingest", "ingest_stated"]

Progress = Callable[[str, int, int], None]
"""Told (the file that is done, how many are, how many there are)."""

_BATCH = 64
_WAIT_S = 5.0
"""What is read is kept after so long: somebody may wait for it, and drafts do not live for ever."""
_LARGE_BYTES = 32 << 20
_SMALL_FILES = 48
_SMALL_BYTES = 12 << 20
"""Less is read sooner than a process has started."""


def ingest(
    paths: Iterable[Path],
    home: Home,
    readers: Cupboard[Reader],
    archive: Archive,
    tables: Tables,
    athlete: str = "",
    workers: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Read files, folders and archives into the archive; nothing is taken twice.

    Recordings are kept in commits of 64: a kill at any moment loses nothing that was kept, and
    what was not is taken when the same paths are given again.

    Parameters
    ----------
    paths
        Files and folders that are there.
    athlete
        Pseudonym for recordings whose file does not say whose they are.
    workers
        Processes that read; None = one a core, and none for a few small files.
    progress
        Called for each recording or group of files.

    Returns
    -------
    The report that `keeping.nothing_yet` describes; `files` are in the order of the paths.
    """
    jobs = [job for path in paths for job in plan(path, readers)]
    tally = _Tally(archive, sum(job.files for job in jobs), progress)
    if _is_small(jobs) if workers is None else workers <= 1:
        with Archives() as archives:
            for number, job in enumerate(jobs):
                if job.size > _LARGE_BYTES:
                    tally.keep()
                for opened in job.run(readers, athlete, True, archives):
                    tally.take(number, job, found_in(opened, archive, tables, sync=False))
        tally.keep()
    else:
        plugins = str(home.plugins) if home.plugins else ""
        settings = Settings(str(home.archive.absolute()), plugins, athlete)
        count = min(workers or len(os.sched_getaffinity(0)), max(1, len(jobs)))
        with IngestPool(settings, count) as pool:
            pool.run(jobs, tally.take, tally.keep_if_old)
            tally.keep()
    return tally.report()


def ingest_stated(
    files: Iterable[Path],
    mapping: Sequence[str],
    readers: Cupboard[Reader],
    archive: Archive,
    tables: Tables,
    athlete: str = "",
) -> dict[str, Any]:
    """The same for tables whose columns somebody states: "Puls=heart_rate", "v=speed[km/h]"."""
    columns = stated(mapping)
    report = nothing_yet()
    for file in files:
        both = with_mapping(read_file(file), columns, file.name)
        keep(open_bytes(both, file.name, readers, athlete), archive, tables, report)
    return report


@dataclass(slots=True, eq=False)
class _Tally:
    """Takes what was read, keeps it in batches, and remembers what became of it."""

    archive: Archive
    total: int
    progress: Progress | None
    done: int = 0
    kept: float = field(default_factory=time.monotonic)
    waiting: list[tuple[int, Found]] = field(default_factory=list)
    rows: list[tuple[int, list[Row]]] = field(default_factory=list)
    files: dict[int, tuple[Job, Iterator[tuple[str, int]]]] = field(default_factory=dict)

    def take(self, number: int, job: Job, found: Found) -> None:
        """What came out of one recording or group of files of the job with that number."""
        self.waiting.append((number, found))
        if sum(max(1, len(each.drafts)) for _, each in self.waiting) >= _BATCH:
            self.keep()
        self.keep_if_old()
        _, files = self.files.setdefault(id(job), (job, _files(job)))
        name, count = next(files, ("", 0))
        self.done += count
        if self.progress:
            self.progress(name, self.done, self.total)

    def keep_if_old(self) -> None:
        """Commit what has waited for long."""
        if time.monotonic() - self.kept > _WAIT_S:
            self.keep()

    def keep(self) -> None:
        """Commit what waits."""
        self.kept = time.monotonic()
        kept = commit([found for _, found in self.waiting], self.archive)
        self.rows += [(number, rows) for (number, _), rows in zip(self.waiting, kept, strict=True)]
        self.waiting.clear()

    def report(self) -> dict[str, Any]:
        report = nothing_yet()
        for _, rows in sorted(self.rows, key=lambda each: each[0]):
            add_rows(report, rows)
        # What came first may have been joined to what came later.
        leads = self.archive.leads(report["added"])
        report["added"] = list(dict.fromkeys(leads.get(id, id) for id in report["added"]))
        return report


def _files(job: Job) -> Iterator[tuple[str, int]]:
    """Name, and number of files, of each thing that a job gives, in its order."""
    told = [*(each.name for each in job.refused), *(each.name for each in job.doubled)]
    if told:
        yield told[-1], len(told)
    for piece in job.pieces:
        yield piece.members[0].path, len(piece.members)


def _is_small(jobs: Sequence[Job]) -> bool:
    pieces = sum(len(job.pieces) for job in jobs)
    return pieces <= _SMALL_FILES and sum(job.size for job in jobs) <= _SMALL_BYTES
