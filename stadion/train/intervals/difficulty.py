"""How far off answers to unseen rows were in; a small model of how hard a row is out."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from stadion.core.arrays import Arrays, FloatArray
from stadion.core.dataset import Dataset
from stadion.core.errors import StadionError
from stadion.core.model import Model
from stadion.core.signature import Signature, Tensor
from stadion.science.folds import grouped_folds
from stadion.train.base import Run
from stadion.train.boosting import PLUGIN as BOOSTING
from stadion.train.boosting import BoostingSettings

__all__ = ["FEWEST_ROWS", "MOST_COLUMNS", "Hardness", "hardness_of", "typical_sizes"]

FEWEST_ROWS = 400
"""With fewer rows all of them are taken to be equally hard."""
MOST_COLUMNS = 4
"""A quantity of more columns has one margin per column, whatever the row."""
_FLOOR = 0.25  # of the typical size: no row is trusted to be easier than that
_SETTINGS = BoostingSettings(trees=60, leaves=8, min_child=60, learning_rate=0.05)


class Hardness(NamedTuple):
    """What expects the size of the errors.

    `model` gives for each output it knows (n, ...) expected sizes; `unseen` are the sizes that
    models of the same kind expected of these rows without having seen their groups.
    """

    model: Model
    unseen: Arrays


def hardness_of(data: Dataset, errors: Arrays, run: Run) -> Hardness | None:
    """Boosted trees on the same inputs that expect the size of the error, per output and column.

    None where there is too little to learn from: fewer than 400 rows with a known error, one
    group only, no output of few columns, or inputs that the trees cannot take.

    Parameters
    ----------
    data
        The rows that were answered.
    errors
        Output -> (n, ...) absolute errors, NaN = unknown.
    """
    small = {
        name: values
        for name, values in errors.items()
        if values[0].size <= MOST_COLUMNS and np.isfinite(values).sum() >= FEWEST_ROWS
    }
    if not small:
        return None
    outputs = tuple(
        Tensor(name, "FP32", data.signature.output(name).shape, data.signature.output(name).unit)
        for name in small
    )
    asked = dataclasses.replace(
        data,
        signature=Signature(data.signature.inputs, outputs),
        targets={name: values.astype(np.float32) for name, values in small.items()},
    )
    try:
        folds = grouped_folds(asked, 2, run.seed)
        halves = [
            BOOSTING.fit(asked.take(fold.train), _SETTINGS, run).predict(
                asked.take(fold.test).inputs
            )
            for fold in folds
        ]
        model = BOOSTING.fit(asked, _SETTINGS, run)
    except StadionError:
        return None
    back = np.argsort(np.concatenate([fold.test for fold in folds]))
    unseen = {name: np.concatenate([half[name] for half in halves])[back] for name in small}
    return Hardness(model, unseen)


def typical_sizes(errors: FloatArray) -> FloatArray:
    """(...) the least size a row's error is expected to have, per column of (n, ...) errors."""
    known = np.isfinite(errors)
    total = np.where(known, errors, 0.0).sum(axis=0)
    overall = total.sum() / max(int(known.sum()), 1)  # for a column that is never known
    typical: FloatArray = np.where(known.any(axis=0), total / known.sum(axis=0).clip(1), overall)
    floors: FloatArray = np.maximum(typical * _FLOOR, 1e-6)
    return floors
