"""Two sets of series in; how far each is from each when time may stretch out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import FloatArray, IntArray

__all__ = ["dtw_distances", "nearest_by_dtw"]


def dtw_distances(series: FloatArray, others: FloatArray, band: int) -> FloatArray:
    """(n, m) squared distances along the best warping path.

    Parameters
    ----------
    series, others
        (n, T, C) and (m, T, C), without missing values.
    band
        Steps by which the clocks may differ; 0 = the Euclidean distance.

    References
    ----------
    H. Sakoe, S. Chiba, Dynamic programming algorithm optimization for spoken word recognition,
    IEEE Trans. Acoustics, Speech, and Signal Processing 26 (1978) 43-49.

    Examples
    --------
    >>> step, late = np.zeros((1, 4, 1)), np.zeros((1, 4, 1))
    >>> step[0, 1:], late[0, 2:] = 1.0, 1.0
    >>> float(dtw_distances(step, late, band=0)[0, 0]), float(dtw_distances(step, late, 1)[0, 0])
    (1.0, 0.0)
    """
    lengths = (others**2).sum(axis=2)
    return np.stack([_to_all(one, others, lengths, band) for one in series])


def nearest_by_dtw(known: FloatArray, asked: FloatArray, band: int) -> IntArray:
    """(n asked,) index of the nearest known series; channels scaled by the known ones' spread.

    Missing values count as the mean of their channel.
    """
    mean = np.nanmean(known, axis=(0, 1))
    spread = np.nanstd(known, axis=(0, 1))
    spread = np.where(spread > 0, spread, 1.0)
    ours, theirs = (np.nan_to_num((part - mean) / spread) for part in (known, asked))
    nearest: IntArray = dtw_distances(theirs, ours, band).argmin(axis=1)
    return nearest


def _to_all(one: FloatArray, others: FloatArray, lengths: FloatArray, band: int) -> FloatArray:
    steps = len(one)
    products = np.einsum("tc,msc->tsm", one, others)
    cost = (one**2).sum(axis=1)[:, None, None] + lengths.T[None] - 2 * products
    far = np.full(len(others), np.inf)
    before = [far] * steps
    for i in range(steps):
        row = [far] * steps
        for j in range(max(0, i - band), min(steps, i + band + 1)):
            left, across = (row[j - 1], before[j - 1]) if j else (far, far)
            came = np.minimum(np.minimum(before[j], across), left)
            row[j] = cost[i, j] + (0.0 if i == j == 0 else came)
        before = row
    return np.asarray(np.maximum(before[-1], 0.0))
