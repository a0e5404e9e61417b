"""A version and recordings in, a report with the baselines beside it out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stadion.core.activity import Activity
from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.package import Version
from stadion.core.plugins import Cupboard
from stadion.core.request import Report
from stadion.core.settings import read_settings
from stadion.platform.measuring import baseline_scores, relabelled, scores_of
from stadion.serve.runtimes.onnx import load
from stadion.tasks.base import Task

__all__ = ["evaluate"]

_BATCH = 256


def evaluate(version: Version, activities: Sequence[Activity], tasks: Cupboard[Task]) -> Report:
    """Ask the version's graph about every row of a data set made with its own settings.

    Raises
    ------
    StadionError
        INVALID when the recordings do not fit the model, naming what differs.
    """
    lineage = version.package.lineage
    task = tasks.get(lineage.task)
    settings = read_settings(task.Settings, lineage.task_settings, f"task {task.name}")
    data = relabelled(task.dataset(activities, settings), version.package.signature.labels)
    _check_fit(data, version)
    return Report(
        model=version.model,
        version=version.number,
        data_digest=data.digest,
        rows=len(data),
        groups=len(set(data.groups.tolist())),
        metrics=scores_of(data, _answers(version, data)),
        baselines=baseline_scores(task, data),
    )


def _check_fit(data: Dataset, version: Version) -> None:
    try:
        version.package.signature.check_inputs(data.inputs)
    except StadionError as error:
        raise StadionError(
            Code.INVALID, f"the recordings do not fit {version.model}: {error.message}"
        ) from None


def _answers(version: Version, data: Dataset) -> dict[str, Array]:
    runtime = load(version.package)
    parts = [
        runtime.run({name: values[at : at + _BATCH] for name, values in data.inputs.items()})
        for at in range(0, len(data), _BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
