"""Columns of numbers and what they shall tell in; how much each tells, and what adds most, out."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray

__all__ = ["binned", "most_relevant", "mutual_information"]

_FEWEST, _MOST = 3, 8  # bins of a column; the missing are one more
_COPY = 0.9  # of the smaller entropy: a column that shares more with another is its copy
_BY_CHANCE = 0.01  # that any of the columns that tell nothing passes for one that does


def binned(values: FloatArray) -> IntArray:
    """Bins of about equal size for each column, from 0; the missing (NaN) are in one of their own.

    Parameters
    ----------
    values
        (n, d). The cube root of n tells the number of bins, 3 to 8; ties stay in one bin.
    """
    rows, columns = values.shape
    bins = int(np.clip(rows ** (1 / 3), _FEWEST, _MOST))
    codes = np.zeros((rows, columns), np.int64)
    shares = np.arange(1, bins) / bins
    for column in range(columns):
        numbers = values[:, column]
        known = np.isfinite(numbers)
        if known.any():
            edges = np.unique(np.quantile(numbers[known], shares, method="lower"))
            codes[known, column] = np.searchsorted(edges, numbers[known], side="left")
        codes[~known, column] = bins
    return codes


def mutual_information(columns: IntArray, other: IntArray) -> tuple[FloatArray, FloatArray]:
    """What each column and `other` tell of each other, in nats, and how sure that is.

    Parameters
    ----------
    columns
        (n, d) codes from 0.
    other
        (n,) codes from 0.

    Returns
    -------
    tuple
        (d,) mutual information, corrected for the few rows (Miller and Madow) and from 0; and (d,)
        how many standard deviations it lies above what columns that tell nothing show (the
        likelihood ratio's chi-squared, made normal by Wilson and Hilferty).

    Examples
    --------
    >>> coin = np.array([0, 1] * 50)
    >>> shared, _ = mutual_information(np.stack([coin, np.zeros_like(coin)], axis=1), coin)
    >>> [round(float(nats), 3) for nats in shared]
    [0.698, 0.0]

    References
    ----------
    G. Miller, Note on the bias of information estimates, 1955. E. Wilson, M. Hilferty, The
    distribution of chi-square, PNAS 17 (1931).
    """
    rows = len(other)
    own, many_own = _entropy(columns)
    others, many_other = _entropy(other[:, None])
    joint, many_joint = _entropy(columns * (int(other.max(initial=0)) + 1) + other[:, None])
    plain = np.maximum(own + others - joint, 0.0)
    bias = (many_own + many_other - many_joint - 1) / (2 * rows)
    freedom = np.maximum((many_own - 1) * (many_other - 1), 1)
    spread = 2 / (9 * freedom)
    sureness = (np.cbrt(2 * rows * plain / freedom) - (1 - spread)) / np.sqrt(spread)
    return np.maximum(plain + bias, 0.0), sureness


def most_relevant(values: FloatArray, targets: IntArray, keep: int) -> IntArray:
    """At most `keep` columns that tell much of the targets and little of each other, best first.

    Greedy: each time the column of the largest relevance (mean mutual information with the
    targets) less its redundancy (mean mutual information with those chosen before). Columns that
    could tell so much by chance, and copies of a chosen one, are never taken; without any other,
    the most relevant one is.

    Parameters
    ----------
    values
        (n, d) NaN = missing.
    targets
        (n, t) codes from 0: classes, or quantities as `binned` cuts them; below 0 = unknown.

    References
    ----------
    H. Peng, F. Long, C. Ding, Feature selection based on mutual information: criteria of
    max-dependency, max-relevance, and min-redundancy, IEEE TPAMI 27 (2005), equation 6.
    """
    codes = binned(values)
    told = [_told(codes, target) for target in targets.T]
    relevance = np.mean([nats for nats, _ in told], axis=0)
    sureness = np.max([sure for _, sure in told], axis=0)
    entropy, _ = _entropy(codes)
    least = NormalDist().inv_cdf(1 - _BY_CHANCE / (codes.shape[1] * targets.shape[1]))
    open_ = (sureness > least) & (entropy > 0)
    if not open_.any():
        return np.array([int(np.argmax(relevance))])
    shared = np.zeros(codes.shape[1])
    chosen: list[int] = []
    while len(chosen) < keep and open_.any():
        score = relevance - shared / max(len(chosen), 1)
        best = int(np.argmax(np.where(open_, score, -np.inf)))
        chosen.append(best)
        common, _ = mutual_information(codes, codes[:, best])
        shared += common
        open_ &= common < _COPY * np.minimum(entropy, entropy[best])
        open_[best] = False
    return np.array(chosen)


def _told(codes: IntArray, target: Array) -> tuple[FloatArray, FloatArray]:
    known = target >= 0
    if not known.any():
        return np.zeros(codes.shape[1]), np.full(codes.shape[1], -np.inf)
    return mutual_information(codes[known], target[known])


def _entropy(codes: IntArray) -> tuple[FloatArray, IntArray]:
    """(d,) entropy in nats of each column of (n, d) codes, and how many codes occur in it."""
    rows, columns = codes.shape
    width = int(codes.max(initial=0)) + 1
    places = codes + np.arange(columns) * width
    counts = np.bincount(places.reshape(-1), minlength=columns * width).reshape(columns, width)
    share = counts / max(rows, 1)
    logs = np.log(np.where(counts > 0, share, 1.0))
    nats: FloatArray = -(share * logs).sum(axis=1)
    return nats, (counts > 0).sum(axis=1)
