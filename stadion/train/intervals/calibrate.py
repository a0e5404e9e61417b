"""Answers to unseen rows in; margins, and how well such margins hold, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.dataset import Dataset
from stadion.core.model import Model
from stadion.science.folds import grouped_folds
from stadion.train.base import Run
from stadion.train.intervals.conformal import margin
from stadion.train.intervals.difficulty import hardness_of, typical_sizes
from stadion.train.intervals.model import IntervalModel, Margin

__all__ = ["intervals_unseen", "with_intervals"]

_FEW = 50
"""Fewer known values than this have no margin of their own among places of one output."""


def with_intervals(
    model: Model, data: Dataset, answers: Arrays, share: float, run: Run
) -> IntervalModel:
    """The model with intervals that hold `share` of the truth (cross-conformal prediction).

    Parameters
    ----------
    data
        Rows that were answered by models that had not seen them, split as the task splits.
    answers
        Their answers: output -> (n, ...). Outputs without a target get no interval. Where a model
        itself tells how far off it expects its output `y` to be, as `y_spread` of the same shape,
        the margins grow with that.
    share
        0.9 for intervals that miss one truth in ten.
    """
    quantities = [name for name in data.targets if name not in data.signature.labels]
    errors = {
        name: np.abs(np.asarray(data.targets[name], np.float64) - answers[name])
        for name in quantities
    }
    errors = {name: values for name, values in errors.items() if np.isfinite(values).any()}
    told = {name: answers[f"{name}_spread"] for name in errors if f"{name}_spread" in answers}
    untold = {name: values for name, values in errors.items() if name not in told}
    hardness = hardness_of(data, untold, run)
    hard = {**(hardness.unseen if hardness else {}), **told}
    margins = {
        name: _scaled(values, hard[name], share, name in told)
        if name in hard
        else Margin(_each(values, share))
        for name, values in errors.items()
    }
    for name in data.signature.labels:
        if name in data.targets:
            margins[name] = _least(np.asarray(data.targets[name]), answers[name], share)
    names = [tensor.name for tensor in model.signature.outputs]
    return IntervalModel(model, _in_order(margins, names), hardness.model if hardness else None)


def intervals_unseen(
    model: Model, data: Dataset, answers: Arrays, share: float, run: Run
) -> dict[str, Array]:
    """The answers with bounds whose margins come from other groups: to see how well they hold.

    Rows of each half of the groups get the margins of the other half.

    Raises
    ------
    StadionError
        INVALID when there is one group only.
    """
    parts: list[dict[str, Array]] = []
    folds = grouped_folds(data, 2, run.seed)
    for fold in folds:
        known = {name: values[fold.train] for name, values in answers.items()}
        asked = {name: values[fold.test] for name, values in answers.items()}
        calibrated = with_intervals(model, data.take(fold.train), known, share, run)
        parts.append(calibrated.around(asked, data.take(fold.test).inputs))
    back = np.argsort(np.concatenate([fold.test for fold in folds]))
    return {name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]}


def _scaled(errors: FloatArray, hard: Array, share: float, is_told: bool) -> Margin:
    """A margin in units of how hard each row was expected to be before it was seen."""
    floor = typical_sizes(errors)
    scores = errors / np.maximum(hard, floor)
    return Margin(_each(scores, share, _FEW if is_told else 1), floor, is_told)


def _each(scores: FloatArray, share: float, fewest: int = 1) -> FloatArray:
    """(...) one margin per column of (n, ...) scores; a column never known takes the largest.

    With `fewest` above 1, columns that are known less often take the margin of all together.
    """
    columns = scores.reshape(len(scores), -1).T
    if fewest > 1:
        return _pooled(columns, share, fewest).reshape(scores.shape[1:])
    known = [margin(column, share) for column in columns if np.isfinite(column).any()]
    sizes = [
        margin(column, share) if np.isfinite(column).any() else max(known) for column in columns
    ]
    each: FloatArray = np.array(sizes).reshape(scores.shape[1:])
    return each


def _least(targets: Array, probabilities: Array, share: float) -> Margin:
    """The least probability at which a class stays in the set (least ambiguous sets).

    References
    ----------
    M. Sadinle, J. Lei, L. Wasserman, Least ambiguous set-valued classifiers with bounded error
    levels, JASA 114 (2019) 223.
    """
    place = targets.clip(0)[..., None]
    of_truth = np.take_along_axis(probabilities, place, axis=-1)[..., 0].astype(np.float64)
    scores = np.where(targets >= 0, 1.0 - of_truth, np.nan)
    if targets.ndim == 1:
        return Margin(np.array(1.0 - margin(scores, share)))
    columns = scores.reshape(len(scores), -1).T
    return Margin((1.0 - _pooled(columns, share, _FEW)).reshape(*targets.shape[1:], 1))


def _pooled(columns: FloatArray, share: float, fewest: int) -> FloatArray:
    """(columns,) a margin for each row of (columns, n) scores.

    That of all scores together for a row of which fewer than `fewest` are known.
    """
    together = margin(columns.ravel(), share)
    sizes = [
        margin(column, share) if np.isfinite(column).sum() >= fewest else together
        for column in columns
    ]
    return np.array(sizes)


def _in_order(margins: Mapping[str, Margin], names: Sequence[str]) -> dict[str, Margin]:
    return {name: margins[name] for name in names if name in margins}
