"""Inputs and classes of both orders in, the weights of a multinomial linear model out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import Array, FloatArray

__all__ = ["fit_linear"]

_STEPS = 30
_CLOSE = 1e-6


def fit_linear(
    inputs: FloatArray, labels: Array, weights: FloatArray, classes: int, ridge: float
) -> FloatArray:
    """(d, classes) weights by Newton's method; those of the last class are 0.

    Parameters
    ----------
    inputs
        (n, d), the last column ones.
    labels, weights
        (n,) class of each row, and how much it counts.
    ridge
        Precision of the normal prior of each weight, in rows; that of the ones is nearly free.

    References
    ----------
    D. Böhning, Multinomial logistic regression algorithm, Annals of the Institute of Statistical
    Mathematics 44 (1992) 197-200.
    """
    used = weights > 0
    rows, weight = inputs[used], weights[used]
    free = classes - 1
    truth = np.eye(classes)[labels[used]][:, :free]
    width = rows.shape[1]
    precision = np.full(width, max(ridge, 1e-3))
    precision[-1] = 1e-3
    at = np.zeros((width, free))
    for _ in range(_STEPS):
        chances = _chances(rows @ at)
        slope = rows.T @ (weight[:, None] * (truth - chances)) - precision[:, None] * at
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
    return np.concatenate([at, np.zeros((width, 1))], axis=1)


def _chances(scores: FloatArray) -> FloatArray:
    """(n, classes - 1) probabilities; the last class has the score 0."""
    highest = np.maximum(scores.max(axis=1, keepdims=True), 0.0)
    powers = np.exp(scores - highest)
    found: FloatArray = powers / (powers.sum(axis=1, keepdims=True) + np.exp(-highest))
    return found
