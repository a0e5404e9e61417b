"""Answers and targets in, scores beside the baselines' out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np

from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.science.scores import all_scores, score_named
from stadion.tasks.base import Task

__all__ = [
    "baseline_scores",
    "group_scores",
    "interval_coverage",
    "primary",
    "relabelled",
    "scores_of",
]

_ENOUGH_ROWS = 100
"""A group of fewer rows is not reported on: chance would speak."""


def scores_of(data: Dataset, outputs: Arrays) -> dict[str, float]:
    """Every score that fits each output; with several outputs, 'name.score'."""
    several = len(data.targets) > 1
    scores: dict[str, float] = {}
    for name, target in data.targets.items():
        if not _is_known(target).any():
            continue
        found = all_scores(target, outputs[name], of_classes=name in data.signature.labels)
        scores |= {f"{name}.{key}" if several else key: value for key, value in found.items()}
    return scores


def primary(data: Dataset, metric: str) -> str:
    """What `scores_of` calls the metric of the first output."""
    return f"{data.signature.outputs[0].name}.{metric}" if len(data.targets) > 1 else metric


def group_scores(data: Dataset, outputs: Arrays, metric: str) -> dict[str, dict[str, float]]:
    """The metric of the first output in each stratum of 100 and more rows with a known target."""
    name = data.signature.outputs[0].name
    score, target = score_named(metric), data.targets[name]
    return {
        label: {"rows": float(rows.sum()), metric: score.compute(target[rows], outputs[name][rows])}
        for label, rows in _strata(data, _is_known(target))
    }


def interval_coverage(
    data: Dataset, outputs: Arrays, share: float | None
) -> dict[str, dict[str, float]]:
    """How often the intervals hold the truth, overall and by stratum, and how wide they are."""
    found: dict[str, dict[str, float]] = {}
    for name, target in data.targets.items():
        if share is None or not {f"{name}_set", f"{name}_low"} & set(outputs):
            continue
        known, holds, width = _held(name, np.asarray(target), outputs)
        if not known.any():
            continue
        report = {"share": share, "coverage": float(holds[known].mean()),
                  "width": float(width[known].mean())}  # fmt: skip
        for label, rows in _strata(data, _is_known(target)):
            part = known & rows.reshape(-1, *[1] * (known.ndim - 1))
            report[f"coverage {label}"] = float(holds[part].mean())
        found[name] = report
    return found


def _held(name: str, target: Array, outputs: Arrays) -> tuple[Array, Array, Array]:
    """Which values are known, which of them the interval holds, and the widths; of one shape."""
    if f"{name}_set" in outputs:
        chosen = outputs[f"{name}_set"]
        known = target >= 0
        holds = np.take_along_axis(chosen, target.clip(0)[..., None], axis=-1)[..., 0]
        return known, holds, chosen.sum(axis=-1)
    low, high = outputs[f"{name}_low"], outputs[f"{name}_high"]
    return np.isfinite(target), (target >= low) & (target <= high), high - low


def _is_known(target: Array) -> Array:
    """(n,) rows of which anything is known."""
    known = target >= 0 if target.dtype.kind in "iu" else np.isfinite(target)
    return np.asarray(known.reshape(len(target), -1).any(axis=1))


def _strata(data: Dataset, known: Array) -> Iterator[tuple[str, Array]]:
    """'sex=female' and its (n,) known rows, for those with enough of them."""
    for name, values in data.strata.items():
        for value in np.unique(values):
            rows = (np.asarray(values) == value) & known
            if value and rows.sum() >= _ENOUGH_ROWS:
                yield f"{name}={value}", rows


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
        given = data.targets[name]
        targets[name] = np.where(given >= 0, places[given], -1)
    signature = dataclasses.replace(data.signature, labels=labels)
    return dataclasses.replace(data, signature=signature, targets=targets)
