"""A path or bytes in, activities, tables and refusals out: the front door of the room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stadion.core.plugins import Cupboard
from stadion.ingest.base import Reader
from stadion.ingest.opening.claims import Opened
from stadion.ingest.opening.jobs import Job
from stadion.ingest.opening.places import Archives
from stadion.ingest.opening.planning import planned_bytes, planned_path

__all__ = ["open_bytes", "open_each", "open_path", "plan"]


def open_path(
    path: Path,
    readers: Cupboard[Reader] | None = None,
    athlete: str = "",
    finish: bool = True,
) -> Opened:
    """Everything that can be read from a file, an archive or a folder.

    Parameters
    ----------
    path
        A folder is walked in sorted order. Compressed files and archives are unwrapped, one in
        another too, inside bounds: 16 GiB and 100 times its size per input. Nothing is written
        but temporary files without a name.
    readers
        The readers to ask; None = those of this room and its entry points.
    athlete
        Pseudonym for activities whose file does not say whose they are.
    finish
        True to add what can be told from the streams: zone, quality flags, coordinates.

    Raises
    ------
    StadionError
        NOT_FOUND when there is no such file or folder. What cannot be read is no error: it is
        among `refused`, with a reason.
    """
    return Opened.joined(open_each(path, readers, athlete, finish))


def open_each(
    path: Path,
    readers: Cupboard[Reader] | None = None,
    athlete: str = "",
    finish: bool = True,
) -> Iterator[Opened]:
    """As `open_path`, one recording at a time: for folders and archives larger than memory."""
    asked = _asked(readers)
    with Archives() as archives:
        for job in planned_path(path, list(asked), archives):
            yield from job.run(asked, athlete, finish, archives)


def open_bytes(
    data: bytes,
    name: str = "",
    readers: Cupboard[Reader] | None = None,
    athlete: str = "",
    finish: bool = True,
) -> Opened:
    """As `open_path`, for bytes at hand; `name` helps where content cannot tell."""
    asked = _asked(readers)
    with Archives(data) as archives:
        jobs = planned_bytes(data, name, list(asked), archives)
        return Opened.joined(
            part for job in jobs for part in job.run(asked, athlete, finish, archives)
        )


def plan(path: Path, readers: Cupboard[Reader] | None = None) -> list[Job]:
    """What `open_path` would read, in jobs that several processes can share.

    Each job is small plain data: pickle it, and call `Job.run` where the same files are. A job
    holds at most 32 files or 16 MiB, unless one recording alone is larger. What is refused at
    first sight and what is there twice is told by a job of its own.

    Raises
    ------
    StadionError
        NOT_FOUND when there is no such file or folder.
    """
    with Archives() as archives:
        return planned_path(path, list(_asked(readers)), archives)


def _asked(readers: Cupboard[Reader] | None) -> Cupboard[Reader]:
    return Cupboard("stadion.ingest") if readers is None else readers
