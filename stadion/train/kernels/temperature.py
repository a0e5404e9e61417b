"""Scores of held-out rows in; the temperature that makes their softmax mean what it says out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import FloatArray, IntArray

__all__ = ["best_temperature"]

_TEMPERATURES = np.geomspace(0.01, 10.0, 151)


def best_temperature(scores: FloatArray, labels: IntArray) -> float:
    """The divisor of the scores that gives the least log loss.

    The truth is taken as (n + 1) / (n + K) of the true class and 1 / (n + K) of each other one,
    what n rows can show at most: where all held-out rows are right, the answers stay as unsure
    as so few rows must leave them.

    Parameters
    ----------
    scores, labels
        (n, K) answers to rows the model had not seen, and (n,) their true classes.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger, On calibration of modern neural networks, ICML
    2017, section 4.2. J. Platt, Probabilistic outputs for support vector machines, 1999
    (targets that leave room for the unseen).
    """
    rows, classes = scores.shape
    truth = (rows * np.eye(classes)[labels] + 1.0) / (rows + classes)
    losses = [_loss(scores / temperature, truth) for temperature in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def _loss(logits: FloatArray, truth: FloatArray) -> float:
    """Mean cross entropy with the softmax of the logits, in nats."""
    top = logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
    return float((total - (truth * logits).sum(axis=1)).mean())
