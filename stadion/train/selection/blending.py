"""What several models answer to rows they did not see in; how their answers are joined out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray

__all__ = ["FLOOR", "Blend", "average_blend", "class_blend", "quantity_blend"]

FLOOR = 1e-4
"""A probability below counts as this one: no member alone can rule a class out."""

_PRIOR_ROWS = 20.0  # what equal weights count for, in rows of evidence
_MOST_STEPS = 60
_MOST_ROWS = 20_000  # of classes: far more than a handful of weights can use


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """How M members' answers to one output become one.

    Parameters
    ----------
    weights
        (M,) none negative.
    shift
        (...) of the output without its rows; added at the end.
    is_pool
        True: softmax(sum of weight * log probability + shift); False: the weighted sum + shift.
    """

    weights: FloatArray
    shift: FloatArray
    is_pool: bool

    def __call__(self, answers: FloatArray) -> FloatArray:
        """(n, ...) out of (M, n, ...)."""
        given = np.log(np.maximum(answers, FLOOR)) if self.is_pool else answers
        joined: FloatArray = np.tensordot(self.weights, given, axes=1) + self.shift
        return _softmax(joined) if self.is_pool else joined


def average_blend(members: int, shape: tuple[int, ...]) -> Blend:
    """Every member counts the same."""
    return Blend(np.full(members, 1.0 / members), np.zeros(shape), False)


def class_blend(labels: IntArray, answers: FloatArray) -> Blend:
    """The logarithmic opinion pool of least log loss, weights from 0, near equal ones.

    The truth is softened to what n rows can show at most, so that weights stay finite where all
    rows are answered right.

    Parameters
    ----------
    labels
        (n, ...) true classes; below 0 = unknown.
    answers
        (M, n, ..., K) probabilities of rows the members had not seen.

    References
    ----------
    D. Wolpert, Stacked generalization, Neural Networks 5 (1992). T. Heskes, Selecting weighting
    factors in logarithmic opinion pools, NIPS 1997.
    """
    members, classes = len(answers), answers.shape[-1]
    truth = np.asarray(labels).reshape(-1)
    known = np.flatnonzero(truth >= 0)
    known = known[:: max(1, -(-len(known) // _MOST_ROWS))]
    truth = truth[known]
    logs = np.log(np.maximum(answers.reshape(members, -1, classes)[:, known], FLOOR))
    rows = max(len(truth), 1)
    soft = (rows * np.eye(classes)[truth] + 1.0) / (rows + classes)
    # logit of class k in a row: sum_m w_m log_m[k] + b_k, so its slope by b is the identity
    slopes = np.concatenate(
        [
            np.moveaxis(logs, 0, -1),
            np.broadcast_to(np.eye(classes), (len(truth), classes, classes)),
        ],
        axis=2,
    )
    prior = np.concatenate([np.full(members, 1.0 / members), np.zeros(classes)])

    def look(x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        logits = slopes @ x
        top = logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1, keepdims=True)) + top
        chance = np.exp(logits - total)
        loss = float((total[:, 0] - (soft * logits).sum(axis=1)).sum())
        weighted = chance[:, :, None] * slopes
        mean = weighted.sum(axis=1)
        curve = np.einsum("nkp,nkq->pq", weighted, slopes) - mean.T @ mean
        away = x - prior
        return (
            loss + _PRIOR_ROWS / 2 * float(away @ away),
            np.einsum("nk,nkp->p", chance - soft, slopes) + _PRIOR_ROWS * away,
            curve + _PRIOR_ROWS * np.eye(len(x)),
        )

    found = _minimum(look, prior, members)
    return Blend(found[:members], found[members:], True)


def quantity_blend(truth: FloatArray, answers: FloatArray) -> Blend:
    """The non-negative weights of least squared error, near equal ones, and a shift per column.

    Parameters
    ----------
    truth
        (n, ...) NaN = unknown.
    answers
        (M, n, ...) of rows the members had not seen.

    References
    ----------
    L. Breiman, Stacked regressions, Machine Learning 24 (1996): non-negative weights.
    """
    members, shape = len(answers), truth.shape[1:]
    wanted = np.asarray(truth, np.float64).reshape(len(truth), -1)
    given = np.asarray(answers, np.float64).reshape(members, len(truth), -1)
    known = np.isfinite(wanted)
    middle, spread = _moments(wanted, known)
    centers = np.stack([_moments(one, known)[0] for one in given])
    residual = np.where(known, (wanted - middle) / spread, 0.0)
    parts = np.where(known, (given - centers[:, None]) / spread, 0.0).reshape(members, -1)
    per_row = max(
        known.sum() / max(known.any(axis=1).sum(), 1), 1.0
    )  # columns of a row go together
    gram = parts @ parts.T / per_row + _PRIOR_ROWS * np.eye(members)
    prior = np.full(members, 1.0 / members)
    toward = parts @ residual.reshape(-1) / per_row + _PRIOR_ROWS * prior

    def look(x: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        return float(x @ gram @ x / 2 - toward @ x), gram @ x - toward, gram

    weights = _minimum(look, prior, members)
    return Blend(weights, (middle - weights @ centers).reshape(shape), False)


def _moments(values: FloatArray, known: Array) -> tuple[FloatArray, FloatArray]:
    """(q,) mean and spread of the known values; 0 and 1 of a column without any."""
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    away = np.where(known, values - mean, 0.0)
    spread = np.sqrt((away**2).sum(axis=0) / count)
    return mean, np.where(spread > 0, spread, 1.0)


def _minimum(
    look: Callable[[FloatArray], tuple[float, FloatArray, FloatArray]],
    start: FloatArray,
    bounded: int,
) -> FloatArray:
    """Where a convex function is least, its first `bounded` arguments from 0: projected Newton.

    `look` gives value, slope and curvature.

    References
    ----------
    D. Bertsekas, Projected Newton methods for optimization problems with simple constraints,
    SIAM J. Control and Optimization 20 (1982).
    """
    x, limited = start.copy(), np.arange(len(start)) < bounded
    value, slope, curve = look(x)
    for _ in range(_MOST_STEPS):
        free = ~(limited & (x <= 0.0) & (slope > 0.0))
        step = np.zeros_like(x)
        step[free] = np.linalg.solve(curve[np.ix_(free, free)], slope[free])
        size, before = 1.0, value
        while size > 1e-6:
            moved = x - size * step
            moved[limited] = np.maximum(moved[limited], 0.0)
            new = look(moved)
            if new[0] <= before:
                x, (value, slope, curve) = moved, new
                break
            size /= 2
        if before - value <= 1e-10 * max(1.0, abs(before)):
            break
    return x


def _softmax(logits: FloatArray) -> FloatArray:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    share: FloatArray = raised / raised.sum(axis=-1, keepdims=True)
    return share
