"""Scaled rows with holes in, the weights of the best linear guess of each value out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import FloatArray

__all__ = ["filling_weights"]

_KEPT = 0.7  # share of the values that are there when a guess is needed
_RIDGE = 0.05


def filling_weights(scaled: FloatArray) -> FloatArray:
    """(d, d): a missing value j is the row, 0 where missing, times column j.

    The guess is the linear regression of each value on all others while each of those is missing
    with the chance 0.3, so that no guess leans on few values only. What is never known together
    counts as unrelated.

    Parameters
    ----------
    scaled
        (n, d) with mean 0 and deviation 1 per column, NaN = missing.

    References
    ----------
    R. Little, D. Rubin, Statistical Analysis with Missing Data, 2002, chapter 2 (regression
    imputation); moments of data missing at random as in P.-L. Loh, M. Wainwright, High-dimensional
    regression with noisy and missing data, Annals of Statistics 40 (2012) 1637-1664.
    """
    known = np.isfinite(scaled)
    held = np.where(known, scaled, 0.0)
    counts = known.astype(np.float64)
    together = held.T @ held / np.maximum(counts.T @ counts, 1.0)
    seen = _KEPT * _KEPT * together
    np.fill_diagonal(seen, _KEPT * together.diagonal() + _RIDGE)
    lowest = float(np.linalg.eigvalsh(seen)[0])
    if lowest < _RIDGE / 2.0:  # moments of different rows need not fit together
        seen[np.diag_indices(len(seen))] += _RIDGE / 2.0 - lowest
    precision = np.linalg.inv(seen)
    weights: FloatArray = -precision / precision.diagonal()[None, :] / _KEPT
    np.fill_diagonal(weights, 0.0)
    return weights
