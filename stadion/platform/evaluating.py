"""A version and recordings in, a report with the baselines beside it out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stadion.core.activity import Recording
from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage, Version
from stadion.core.plugins import Cupboard
from stadion.core.request import Report
from stadion.core.settings import read_settings
from stadion.platform.measuring import (
    baseline_scores,
    group_scores,
    interval_coverage,
    relabelled,
    scores_of,
)
from stadion.serve.loading import runtime_of
from stadion.tasks.base import Task

__all__ = ["answers_of", "evaluate"]

_BATCH = 256


def evaluate(version: Version, recordings: Sequence[Recording], tasks: Cupboard[Task]) -> Report:
    """Ask the version's graph about every row of a data set made with its own settings.

    Raises
    ------
    StadionError
        INVALID when the recordings do not fit the model, naming what differs.
    """
    lineage = version.package.lineage
    task = tasks.get(lineage.task)
    settings = read_settings(task.Settings, lineage.task_settings, f"task {task.name}")
    data = relabelled(task.dataset(recordings, settings), version.package.signature.labels)
    _check_fit(data, version)
    answers = answers_of(version.package, data.inputs)
    return Report(
        model=version.model,
        version=version.number,
        data_digest=data.digest,
        rows=len(data),
        groups=len(set(data.groups.tolist())),
        metrics=scores_of(data, answers),
        baselines=baseline_scores(task, data),
        by_group=group_scores(data, answers, task.metric),
        intervals=interval_coverage(data, answers, task.interval),
    )


def answers_of(package: ModelPackage, inputs: Arrays) -> dict[str, Array]:
    """What the package's graph answers to (n, ...) checked inputs, asked in bounded batches."""
    session = runtime_of(package).load(package)
    rows = len(next(iter(inputs.values())))
    parts = [
        session.run({name: values[at : at + _BATCH] for name, values in inputs.items()})
        for at in range(0, rows, _BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _check_fit(data: Dataset, version: Version) -> None:
    try:
        version.package.signature.check_inputs(data.inputs)
    except StadionError as error:
        raise StadionError(
            Code.INVALID, f"the recordings do not fit {version.model}: {error.message}"
        ) from None
