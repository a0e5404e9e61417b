"""The bytes of a recording in, a model's request out: what a serving worker calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stadion.core.activity import Recording, Table
from stadion.core.arrays import Array, Arrays
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.core.plugins import Cupboard
from stadion.core.settings import Home
from stadion.ingest import Opened, open_bytes
from stadion.ingest.base import Reader
from stadion.tasks.base import Task

__all__ = ["advice_on", "read_file", "readers", "tasks"]


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
    task, recordings = _task_and_recordings(package, data, name)
    settings = package.lineage.task_settings
    parts = [task.features(one, package.signature, settings) for one in recordings]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def advice_on(
    package: ModelPackage,
    data: bytes,
    name: str,
    predict: Callable[[Arrays], Mapping[str, Array]],
) -> Sequence[Any]:
    """What the model's task recommends after the first recording of a file it can read."""
    task, recordings = _task_and_recordings(package, data, name)
    return task.recommend(predict, package.signature, recordings[0])


def _task_and_recordings(
    package: ModelPackage, data: bytes, name: str
) -> tuple[Task, list[Recording]]:
    """The package's task, and what it reads of the file; the first recording when it is none."""
    plugins = Home.find().plugins
    opened = open_bytes(data, name, readers(plugins), finish=False)
    recordings = opened.recordings
    if not recordings:
        raise StadionError(Code.INVALID, _why_not(opened))
    task = tasks(plugins).get(package.lineage.task)
    return task, [r for r in recordings if _is_read(task, r)] or recordings[:1]


def _is_read(task: Task, recording: Recording) -> bool:
    return recording.kind in task.tables if isinstance(recording, Table) else bool(task.channels)


def _why_not(opened: Opened) -> str:
    reasons = "; ".join(f"{r.name or 'the body'}: {r.reason}" for r in opened.refused[:3])
    return f"the body is no recording that can be read ({reasons or 'it is empty'})"
