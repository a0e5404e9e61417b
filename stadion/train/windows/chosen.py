"""Statistics of the training rows and what they shall tell in; the few worth keeping out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.science.relevance import binned, most_relevant
from stadion.train._target import Target

__all__ = ["most_important", "most_telling"]

_MOST_ROWS = 4_000  # enough to tell columns apart; the work grows with them
_MOST_COLUMNS = 32  # of a quantity, evenly taken
_SHUFFLES = 3


def most_telling(features: FloatArray, targets: Sequence[Target], keep: int) -> IntArray:
    """At most `keep` columns of (n, d), rising: relevant to the targets, little redundant.

    See `science.relevance.most_relevant`.
    """
    rows = np.arange(len(features))[:: -(-len(features) // _MOST_ROWS)]
    codes = np.concatenate([_codes(target, rows) for target in targets], axis=1)
    return np.sort(most_relevant(features[rows], codes, keep))


def most_important(
    features: FloatArray,
    targets: Sequence[Target],
    keep: int,
    answers: Callable[[FloatArray], Sequence[FloatArray]],
    used: Array,
    seed: int,
) -> IntArray:
    """At most `keep` columns, rising, without whose values the answers get worse, the most.

    Each column's values are shuffled among rows the models had not seen; what that adds to their
    loss is its importance. A column whose shuffling adds nothing is never kept, unless none does.

    Parameters
    ----------
    features, targets
        Of rows the models had not seen.
    answers
        (n, d) statistics -> per target (n, size): probabilities, or quantities.
    used
        (d,) bool: columns that the models look at; the others have no importance.

    References
    ----------
    L. Breiman, Random forests, Machine Learning 45 (2001), section 10. A. Fisher, C. Rudin, F.
    Dominici, All models are wrong, but many are useful, JMLR 20 (2019).
    """
    rows = np.arange(len(features))[:: -(-len(features) // _MOST_ROWS)]
    shuffled, chance = features[rows], np.random.default_rng(seed)
    before = _loss(answers(shuffled), targets, rows)
    importance = np.zeros(features.shape[1])
    for column in np.flatnonzero(used):
        own = shuffled[:, column].copy()
        for _ in range(_SHUFFLES):
            shuffled[:, column] = chance.permutation(own)
            importance[column] += _loss(answers(shuffled), targets, rows) - before
        shuffled[:, column] = own
    order = np.argsort(-importance, kind="stable")
    kept = order[: max(1, min(keep, int((importance > 0).sum())))]
    return np.sort(kept)


def _codes(target: Target, rows: IntArray) -> IntArray:
    """(k, columns) classes, or quantities in bins, -1 = unknown, of some of the rows."""
    if target.labels is not None:
        return target.labels[rows, None]
    some = np.unique(np.linspace(0, target.size - 1, _MOST_COLUMNS).round().astype(np.int64))
    values = target.values[np.ix_(rows, some)]
    return np.where(np.isfinite(values), binned(values), -1)


def _loss(answers: Sequence[FloatArray], targets: Sequence[Target], rows: IntArray) -> float:
    """Log loss of classes and squared error in units of the spread, added up."""
    total = 0.0
    for answer, target in zip(answers, targets, strict=True):
        truth = target.values[rows]
        if target.labels is not None:
            surprise = (truth * np.log(np.clip(answer, 1e-6, 1.0))).sum(axis=1)
            total -= float(np.nanmean(surprise))
        else:
            error = np.nanmean((answer - truth) ** 2, axis=0)
            total += float(np.mean(error / np.maximum(np.nanvar(truth, axis=0), 1e-12)))
    return total
