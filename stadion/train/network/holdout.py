"""Groups and targets in; which rows are held out to judge the epochs by, whole groups only, out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.train.network.chance import seed_of

__all__ = ["held_out_rows"]

_DRAWS = 50  # random choices of groups of which the most balanced one is taken


def held_out_rows(data: Dataset, share: float, seed: int) -> Array:
    """(n,) bool, True where held out: about `share` of the rows, classes as in the whole set.

    Raises
    ------
    StadionError
        INVALID when there are fewer than two groups: one cannot be divided.
    """
    _, group = np.unique(np.asarray(data.groups), return_inverse=True)
    groups = int(group.max()) + 1 if len(group) else 0
    if groups < 2:
        raise StadionError(
            Code.INVALID,
            f"the training set has {groups} group; early stopping holds out whole groups, "
            "so it needs at least two",
            "set patience to 0",
        )
    classes = _classes(data)
    random = np.random.default_rng(seed_of(seed, 0x401D))
    draws = [_drawn(group, groups, share, random) for _ in range(_DRAWS)]
    return min(draws, key=lambda held: _imbalance(held, classes, share))


def _drawn(group: Array, groups: int, share: float, random: np.random.Generator) -> Array:
    """Random groups, one after the other, until the share is reached; one at least trains."""
    order = random.permutation(groups)
    sizes = np.bincount(group, minlength=groups)[order].cumsum()
    count = int(np.argmin(np.abs(sizes - share * len(group)))) + 1
    return np.isin(group, order[: min(count, groups - 1)])


def _imbalance(held: Array, classes: Array, share: float) -> float:
    """Largest distance of a class's held-out share from `share`; a class held out whole is worst.

    Parameters
    ----------
    classes
        (n, K) bool.
    """
    parts = (classes & held[:, None]).sum(axis=0) / classes.sum(axis=0)
    return float(np.abs(parts - share).max() + (parts == 1).sum())


def _classes(data: Dataset) -> Array:
    """(n, K) bool membership of the classes there are; one class of all for quantities."""
    columns = [np.ones((len(data), 1), dtype=np.bool_)]
    for name in data.signature.labels:
        target = data.targets[name]
        columns.append(target[:, None] == np.unique(target)[None, :])
    return np.concatenate(columns, axis=1)
