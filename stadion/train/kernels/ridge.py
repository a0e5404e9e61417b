"""Features and targets in; a linear model whose penalty held-out rows chose out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stadion.core.arrays import FloatArray, IntArray

__all__ = ["Decomposed", "Linear", "decomposed", "fitted_ridge"]

_PENALTIES = np.logspace(-6.0, 3.0, 10)  # per feature


class Decomposed(NamedTuple):
    """Centred features X = scores @ basis.T with orthogonal columns of scores.

    `scores` (n, r), `basis` (d, r) orthonormal, `energy` (r,) = squared lengths of the scores.
    """

    scores: FloatArray
    basis: FloatArray
    energy: FloatArray


class Linear(NamedTuple):
    """answer = features @ weight + intercept, for features centred as they were given.

    `held_out` (n, q) are the answers to each training row by a model that had not seen it.
    """

    weight: FloatArray
    intercept: FloatArray
    held_out: FloatArray


def decomposed(features: FloatArray) -> Decomposed:
    """The thin singular value decomposition of (n, d) centred features, by their smaller Gram
    matrix: r = min(n, d) costs r^3 whatever the other size.
    """  # noqa: D205  # one sentence
    wide = features.shape[0] <= features.shape[1]
    energy, vectors = np.linalg.eigh(features @ features.T if wide else features.T @ features)
    kept = energy > max(energy[-1], 0.0) * 1e-9
    energy, vectors = energy[kept], vectors[:, kept]
    if wide:
        scores = vectors * np.sqrt(energy)
        return Decomposed(scores, features.T @ (scores / energy), energy)
    return Decomposed(features @ vectors, vectors, energy)


def fitted_ridge(
    features: Decomposed, targets: FloatArray, parts: Sequence[IntArray] | None
) -> Linear:
    """Least squares with a penalty on the squared weights.

    Parameters
    ----------
    targets
        (n, q); all columns share one penalty, the one of least squared error on held-out rows.
    parts
        Rows that are held out together; None holds out one row at a time, in closed form.

    References
    ----------
    A. Hoerl, R. Kennard, Ridge regression, Technometrics 12 (1970). D. Allen, The relationship
    between variable selection and data augmentation and a method for prediction, Technometrics
    16 (1974) (the held-out error of one row).
    """
    mean = targets.mean(axis=0)
    projected = features.scores.T @ (targets - mean)
    candidates = _PENALTIES * len(features.basis)
    held_out = _one_by_one if parts is None else _by_parts
    answers = held_out(features, targets, candidates, parts or ())
    errors = [float(((answer - targets) ** 2).mean()) for answer in answers]
    best = int(np.argmin(errors))
    weight = features.basis @ (projected / (features.energy + candidates[best])[:, None])
    return Linear(weight, mean, answers[best])


def _one_by_one(
    features: Decomposed, targets: FloatArray, penalties: FloatArray, _: Sequence[IntArray]
) -> list[FloatArray]:
    """Held out = y - (y - fit) / (1 - leverage), exact for a free intercept and centred X."""
    mean = targets.mean(axis=0)
    projected = features.scores.T @ (targets - mean)
    answers = []
    for penalty in penalties:
        shrunk = 1.0 / (features.energy + penalty)
        fit = mean + features.scores @ (projected * shrunk[:, None])
        leverage = (features.scores**2) @ shrunk + 1.0 / len(targets)
        answers.append(targets - (targets - fit) / np.maximum(1.0 - leverage, 1e-9)[:, None])
    return answers


def _by_parts(
    features: Decomposed, targets: FloatArray, penalties: FloatArray, parts: Sequence[IntArray]
) -> list[FloatArray]:
    """Refit without each part; the intercept is a column of ones without penalty."""
    columns = np.column_stack([features.scores, np.ones(len(targets))])
    gram, cross = columns.T @ columns, columns.T @ targets
    free = np.append(np.ones(len(features.energy)), 0.0)
    answers = [np.empty_like(targets) for _ in penalties]
    for rows in parts:
        out = columns[rows]
        rest = gram - out.T @ out
        toward = cross - out.T @ targets[rows]
        for answer, penalty in zip(answers, penalties, strict=True):
            answer[rows] = out @ np.linalg.solve(rest + np.diag(free * penalty), toward)
    return answers
