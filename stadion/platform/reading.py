"""The bytes of a recording in, a model's request out: what a serving worker calls."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stadion.core.activity import Recording, Table
from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.core.plugins import Cupboard
from stadion.core.settings import Home
from stadion.ingest import Opened, open_bytes
from stadion.ingest.base import Reader
from stadion.tasks.base import Task

__all__ = ["read_file", "readers", "tasks"]


def tasks(plugins: Path | None) -> Cupboard[Task]:
    """All tasks, with those of the user's own folder."""
    return Cupboard("stadion.tasks", plugins)


def readers(plugins: Path | None) -> Cupboard[Reader]:
    """All readers, with those of the user's own folder."""
    return Cupboard("stadion.ingest", plugins)


def read_file(package: ModelPackage, data: bytes, name: str) -> dict[str, Array]:
    """Make a request of a recording, by the code that made the training set.

    A file that holds several recordings gives the rows of all, in its order. Recordings that
    the task does not read (streams beside the tables it wants) are passed over.

    Raises
    ------
    StadionError
        INVALID when the bytes are no recording, or one the model's task cannot use.
    """
    plugins = Home.find().plugins
    opened = open_bytes(data, name, readers(plugins))
    recordings = opened.recordings
    if not recordings:
        raise StadionError(Code.INVALID, _why_not(opened))
    lineage = package.lineage
    task = tasks(plugins).get(lineage.task)
    read = [r for r in recordings if _is_read(task, r)] or recordings[:1]
    parts = [task.features(one, package.signature, lineage.task_settings) for one in read]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _is_read(task: Task, recording: Recording) -> bool:
    return recording.kind in task.tables if isinstance(recording, Table) else bool(task.channels)


def _why_not(opened: Opened) -> str:
    reasons = "; ".join(f"{r.name or 'the body'}: {r.reason}" for r in opened.refused[:3])
    return f"the body is no recording that can be read ({reasons or 'it is empty'})"
