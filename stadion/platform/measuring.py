"""Answers and targets in, scores beside the baselines' out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.science.scores import all_scores
from stadion.tasks.base import Task

__all__ = ["baseline_scores", "relabelled", "scores_of"]


def scores_of(data: Dataset, outputs: Arrays) -> dict[str, float]:
    """Every score that fits each output; with several outputs, 'name.score'."""
    several = len(data.targets) > 1
    scores: dict[str, float] = {}
    for name, target in data.targets.items():
        found = all_scores(target, outputs[name], of_classes=name in data.signature.labels)
        scores |= {f"{name}.{key}" if several else key: value for key, value in found.items()}
    return scores


def baseline_scores(
    task: Task, data: Dataset, folds: list[tuple[Array, Array]] | None = None
) -> dict[str, dict[str, float]]:
    """Scores of the task's trivial answers: baseline -> score -> value.

    With `folds` (training rows, test rows) each fold's baselines know its training rows only,
    as the model does. Without, they know the answers' distribution in the data itself, which
    flatters them.
    """
    splits = folds or [(np.arange(len(data)), np.arange(len(data)))]
    answers: dict[str, dict[str, list[Array]]] = {}
    for known, asked in splits:
        for name, outputs in task.baselines(data.take(known), data.take(asked)).items():
            for output, values in outputs.items():
                answers.setdefault(name, {}).setdefault(output, []).append(values)
    order = data.take(np.concatenate([asked for _, asked in splits]))
    return {
        name: scores_of(order, {output: np.concatenate(parts) for output, parts in outputs.items()})
        for name, outputs in answers.items()
    }


def relabelled(data: Dataset, labels: Mapping[str, tuple[str, ...]]) -> Dataset:
    """The same data with class indices counted as in a model's `labels`.

    Raises
    ------
    StadionError
        INVALID when the data holds a class the model has never seen.
    """
    targets = dict(data.targets)
    for name, own in data.signature.labels.items():
        known = labels.get(name, ())
        unknown = [label for label in own if label not in known]
        if unknown:
            raise StadionError(
                Code.INVALID,
                f"the data holds {unknown[:5]} for {name!r}; the model knows {list(known)}",
            )
        places = np.array([known.index(label) for label in own], np.int64)
        targets[name] = places[data.targets[name]]
    signature = type(data.signature)(data.signature.inputs, data.signature.outputs, labels)
    return Dataset(data.task, signature, data.inputs, targets, data.groups, data.settings)
