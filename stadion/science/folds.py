"""A data set in; folds that never part a group, or never look ahead, out."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError

__all__ = ["Fold", "folds_of", "grouped_folds", "time_folds"]

_HELD_OUT = 5  # one part in five, where there is one fold only


class Fold(NamedTuple):
    """Row numbers, rising: those to learn from and those to answer."""

    train: IntArray
    test: IntArray


def folds_of(data: Dataset, split: Literal["group", "time"], k: int, seed: int) -> list[Fold]:
    """Folds as a task declares them; `k` = 1 holds out one fifth once.

    Raises
    ------
    StadionError
        INVALID when the data has too few groups or moments, or no times for a split by time.
    """
    if split == "time":
        return time_folds(data, k)
    return grouped_folds(data, k, seed) if k > 1 else grouped_folds(data, _HELD_OUT, seed)[:1]


def time_folds(data: Dataset, k: int) -> list[Fold]:
    """Learn from all that was before, answer what came next, `k` times over.

    The moments are cut into `k` + 1 stretches of about equal numbers of rows (one in five is
    tested when `k` is 1); rows of one moment stay together. Each stretch but the first is the
    test part of one fold, and everything before it is what that fold learns from.

    Raises
    ------
    StadionError
        INVALID for `k` under 1, rows without times, and fewer than two moments.
    """
    if data.times is None or not np.isfinite(data.times).all():
        raise StadionError(Code.INVALID, "the rows have no times; a split by time needs them")
    moments, counts = np.unique(data.times, return_counts=True)
    if k < 1 or len(moments) < 2:
        raise StadionError(
            Code.INVALID,
            f"cannot make {k} folds of {len(moments)} moments; expected 1 and 2 at least",
        )
    shares = np.arange(1, k + 1) / (k + 1) if k > 1 else np.array([1 - 1 / _HELD_OUT])
    places = np.searchsorted(np.cumsum(counts), shares * len(data)).clip(0, len(moments) - 2) + 1
    edges = [*moments[np.unique(places)], np.inf]
    return [
        Fold(np.flatnonzero(data.times < start), np.flatnonzero(_within(data.times, start, end)))
        for start, end in pairwise(edges)
    ]


def _within(times: FloatArray, start: float, end: float) -> Array:
    return (times >= start) & (times < end)


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
    labels = labels if labels.ndim == 1 else np.zeros(len(data), np.int64)  # a class at each place
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
