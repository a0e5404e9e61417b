"""Irregular samples in, a regular grid out; NaN wherever nothing was measured nearby."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError

__all__ = ["bin_means", "interpolate", "per_second", "window_starts"]

_LONGEST_S = 31 * 86_400


def interpolate(
    time_s: FloatArray, values: FloatArray, grid_s: FloatArray, max_gap_s: float
) -> FloatArray:
    """Linear interpolation that does not bridge gaps.

    Parameters
    ----------
    time_s, values
        (n,) samples, time strictly rising; NaN values count as not sampled.
    grid_s
        (m,) moments asked for.
    max_gap_s
        A grid point between two samples further apart than this is NaN.

    Returns
    -------
    (m,) float64.

    Examples
    --------
    >>> t, v = np.array([0.0, 1.0, 9.0]), np.array([0.0, 2.0, 4.0])
    >>> interpolate(t, v, np.array([0.5, 5.0]), max_gap_s=2.0)
    array([ 1., nan])
    """
    known = np.isfinite(values)
    t, v = time_s[known], values[known]
    if not len(t):
        return np.full(len(grid_s), np.nan)
    result: FloatArray = np.interp(grid_s, t, v, left=np.nan, right=np.nan)
    after = np.searchsorted(t, grid_s, side="left").clip(0, len(t) - 1)
    before = (np.searchsorted(t, grid_s, side="right") - 1).clip(0, len(t) - 1)
    result[t[after] - t[before] > max_gap_s] = np.nan
    return result


def per_second(time_s: FloatArray, values: FloatArray, max_gap_s: float = 30.0) -> FloatArray:
    """One value a second, on which the measures of training rest.

    Parameters
    ----------
    time_s, values
        (m,) samples; a NaN in either counts as not sampled, and so does a sample whose time is
        not after that of all before it.
    max_gap_s
        Between two samples up to this far apart the values are joined by a straight line.

    Returns
    -------
    (n,) float64: index i is second i after time 0, n ends with the last whole second of the
    recording. NaN before the first value, after the last and in longer gaps.

    Raises
    ------
    StadionError
        INVALID when the times span more than 31 days: one wrong clock would fill the memory.

    Examples
    --------
    >>> per_second(np.array([0.0, 2.0, 60.0]), np.array([10.0, 14.0, 5.0]))[[0, 1, 2, 3, 60]]
    array([10., 12., 14., nan,  5.])
    """
    times, numbers = np.asarray(time_s, np.float64), np.asarray(values, np.float64)
    if times.shape != numbers.shape or times.ndim != 1:
        raise StadionError(
            Code.INVALID,
            f"time_s and values have shapes {times.shape} and {numbers.shape}; expected one (m,)",
        )
    timed = np.isfinite(times) & (times >= 0.0)
    end = float(times[timed].max()) if timed.any() else -1.0
    if end > _LONGEST_S:
        raise StadionError(
            Code.INVALID, f"time_s reaches {end:.0f}; expected at most {_LONGEST_S} (31 days)"
        )
    known = np.isfinite(times) & np.isfinite(numbers)
    t, v = times[known], numbers[known]
    if len(t) > 1 and not np.all(np.diff(t) > 0):
        late = np.concatenate([[True], t[1:] > np.maximum.accumulate(t)[:-1]])
        t, v = t[late], v[late]
    if not len(t):
        return np.full(int(end) + 1, np.nan)
    second: FloatArray = np.interp(np.arange(int(end) + 1), t, v, left=np.nan, right=np.nan)
    # As `interpolate` does, but the few long gaps are looked up instead of every second.
    for gap in np.flatnonzero(np.diff(t) > max_gap_s):
        second[max(int(np.floor(t[gap])) + 1, 0) : max(int(np.ceil(t[gap + 1])), 0)] = np.nan
    return second


def bin_means(time_s: FloatArray, values: FloatArray, width_s: float, bins: int) -> FloatArray:
    """Mean of the samples in [i * width_s, (i + 1) * width_s) for each of `bins` bins.

    Returns
    -------
    (bins,) float64; NaN where a bin holds no sample.

    Examples
    --------
    >>> bin_means(np.array([0.0, 4.0, 11.0]), np.array([1.0, 3.0, 5.0]), 10.0, 3)
    array([ 2.,  5., nan])
    """
    index = np.floor(time_s / width_s).astype(np.int64)
    use = np.isfinite(values) & (index >= 0) & (index < bins)
    totals = np.bincount(index[use], weights=values[use], minlength=bins)
    counts = np.bincount(index[use], minlength=bins)
    means: FloatArray = np.full(bins, np.nan)
    np.divide(totals, counts, out=means, where=counts > 0)
    return means


def window_starts(length: int, size: int, hop: int) -> Array:
    """First indices of windows of `size` every `hop` samples that lie inside `length`.

    Examples
    --------
    >>> window_starts(10, 4, 2)
    array([0, 2, 4, 6])
    """
    return np.arange(0, max(length - size, -1) + 1, hop)
