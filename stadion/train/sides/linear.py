"""Inputs and classes of both orders in, the weights of a multinomial linear model out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import Array, FloatArray

__all__ = ["fit_linear"]

_STEPS = 30
_CLOSE = 1e-6
_FREE = 1e-3


def fit_linear(
    inputs: FloatArray,
    labels: Array,
    weights: FloatArray,
    classes: int,
    ridge: float,
    edge: slice,
) -> FloatArray:
    """(d, classes) weights by Newton's method; those of the last class are 0.

    The weights are drawn towards a model of two numbers, the mean of the edge columns and a
    constant, not towards nothing: with few matches the answer is that of the average rating.

    Parameters
    ----------
    inputs
        (n, d), the last column ones.
    labels, weights
        (n,) class of each row, and how much it counts.
    ridge
        Precision of the normal prior of each weight, in rows; that of the ones is nearly free.
    edge
        Columns that all lean to the side named first.

    References
    ----------
    D. Böhning, Multinomial logistic regression algorithm, Annals of the Institute of Statistical
    Mathematics 44 (1992) 197-200.
    """
    used = weights > 0
    rows, weight = inputs[used], weights[used]
    truth = np.eye(classes)[labels[used]][:, : classes - 1]
    centre = np.zeros((rows.shape[1], classes - 1))
    if edge.stop > edge.start:
        mean = np.stack([rows[:, edge].mean(axis=1), rows[:, -1]], axis=1)
        start = _newton(mean, truth, weight, np.full(2, 1.0), np.zeros((2, classes - 1)))
        centre[edge], centre[-1] = start[0] / (edge.stop - edge.start), start[1]
    precision = np.full(rows.shape[1], max(ridge, _FREE))
    precision[-1] = _FREE
    found = _newton(rows, truth, weight, precision, centre)
    return np.concatenate([found, np.zeros((len(found), 1))], axis=1)


def _newton(
    rows: FloatArray,
    truth: FloatArray,
    weight: FloatArray,
    precision: FloatArray,
    centre: FloatArray,
) -> FloatArray:
    """(d, k) weights of k classes against the last; normal prior around `centre`."""
    width, free = centre.shape
    at = centre
    for _ in range(_STEPS):
        chances = _chances(rows @ at)
        slope = rows.T @ (weight[:, None] * (truth - chances))
        slope -= precision[:, None] * (at - centre)
        curve = np.zeros((free, width, free, width))
        for a in range(free):
            for b in range(a, free):
                own = chances[:, a] * ((a == b) - chances[:, b]) * weight
                block = (rows * own[:, None]).T @ rows
                curve[a, :, b], curve[b, :, a] = block, block
            curve[a, :, a] += np.diag(precision)
        step = np.linalg.solve(curve.reshape(free * width, -1), slope.T.reshape(-1))
        at = at + step.reshape(free, width).T.clip(-2.0, 2.0)
        if np.abs(step).max() < _CLOSE:
            break
    return at


def _chances(scores: FloatArray) -> FloatArray:
    """(n, classes - 1) probabilities; the last class has the score 0."""
    highest = np.maximum(scores.max(axis=1, keepdims=True), 0.0)
    powers = np.exp(scores - highest)
    found: FloatArray = powers / (powers.sum(axis=1, keepdims=True) + np.exp(-highest))
    return found
