"""Groups and classes of rows in; folds that never part a group out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError

__all__ = ["Fold", "grouped_folds"]


class Fold(NamedTuple):
    """Row numbers, rising: those to learn from and those to answer."""

    train: IntArray
    test: IntArray


def grouped_folds(data: Dataset, k: int, seed: int) -> list[Fold]:
    """Split the rows into `k` folds of about equal size and mix of classes.

    All rows of a group lie in one fold; a class that few groups hold is spread as far as that
    allows. Every row is in the test part of exactly one fold. With fewer than `k` groups there
    are as many folds as groups.

    Parameters
    ----------
    data
        Classes are those of the signature's first labelled output; without one, only sizes
        are balanced.
    seed
        Decides which of equally good splits is taken.

    Raises
    ------
    StadionError
        INVALID for `k` under 2 or fewer than two groups.
    """
    names, group_of_row = np.unique(np.asarray(data.groups).astype("U"), return_inverse=True)
    if k < 2 or len(names) < 2:
        raise StadionError(
            Code.INVALID,
            f"cannot make {k} folds of {len(names)} groups; expected at least 2 of each",
        )
    content = _classes_per_group(data, group_of_row, len(names))
    fold_of_row = _assign(content, min(k, len(names)), seed)[group_of_row]
    rows = np.arange(len(data))
    return [Fold(rows[fold_of_row != f], rows[fold_of_row == f]) for f in np.unique(fold_of_row)]


def _classes_per_group(data: Dataset, group_of_row: Array, groups: int) -> FloatArray:
    """(groups, classes) number of rows; one class where nothing is labelled."""
    labelled = [o.name for o in data.signature.outputs if o.name in data.signature.labels]
    labels = data.targets[labelled[0]] if labelled else np.zeros(len(data), np.int64)
    counts = np.zeros((groups, int(labels.max(initial=0)) + 1))
    np.add.at(counts, (group_of_row, labels), 1)
    return counts


def _assign(content: FloatArray, folds: int, seed: int) -> IntArray:
    """Fold of each group: large groups first, each where its classes are rarest so far.

    Adding counts c to a fold that holds f raises the sum of squared class shares, which is
    least for even folds, by sum(w (2 f c + c^2)) with w = 1 / total^2: so f . (w c) decides.
    """
    shuffled = np.random.default_rng(seed).permutation(len(content))
    order = shuffled[np.argsort(-content[shuffled].max(axis=1), kind="stable")]
    weight = 1.0 / np.maximum(content.sum(axis=0), 1.0) ** 2
    held = np.zeros((folds, content.shape[1]))
    fold_of_group = np.zeros(len(content), np.int64)
    for group in order:
        crowding = held @ (weight * content[group])
        best = np.lexsort((held.sum(axis=1), np.round(crowding, 12)))[0]
        held[best] += content[group]
        fold_of_group[group] = best
    return fold_of_group
