"""Slope and speed in; the level speed that would cost a runner as much, out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.science.arguments import positive, same_length, series

__all__ = ["STEEPEST", "cost_of_grade", "grade_of", "graded_speed"]

STEEPEST = 0.45
"""The polynomial was measured on slopes from -0.45 to 0.45; beyond it runs away."""
_LEVEL = 3.6


def cost_of_grade(grade: npt.ArrayLike) -> FloatArray:
    """Energy of running a metre at a slope, J/kg/m: 3.6 on the level; NaN stays NaN.

    Parameters
    ----------
    grade
        Height gained per distance covered (0.1 = ten per cent up), any shape; what is steeper
        than 0.45 counts as 0.45.

    References
    ----------
    A. E. Minetti, C. Moia, G. S. Roi, D. Susta, G. Ferretti, Energy cost of walking and running
    at extreme uphill and downhill slopes, J. Appl. Physiol. 93 (2002) 1039.

    Examples
    --------
    >>> (cost_of_grade(np.array([0.1, -0.1])) / cost_of_grade(0.0)).round(4)
    array([1.6578, 0.5977])
    """
    i = np.clip(np.asarray(grade), -STEEPEST, STEEPEST)
    cost: FloatArray = 155.4 * i**5 - 30.4 * i**4 - 43.3 * i**3 + 46.3 * i**2 + 19.5 * i + _LEVEL
    return cost


def graded_speed(speed_mps: npt.ArrayLike, grade: npt.ArrayLike) -> FloatArray:
    """(n,) m/s on the level that cost as much as this speed on this slope.

    Parameters
    ----------
    speed_mps
        (n,) speed over ground.
    grade
        (n,) height gained per distance covered, as a ratio; missing slope gives missing speed.

    Examples
    --------
    >>> graded_speed([3.0, 3.0], [0.0, 0.1]).round(2)
    array([3.  , 4.97])
    """
    speed, slope = series("speed_mps", speed_mps), series("grade", grade)
    same_length(speed_mps=speed, grade=slope)
    adjusted: FloatArray = speed * cost_of_grade(slope) / _LEVEL
    return adjusted


def grade_of(
    altitude_m: npt.ArrayLike, distance_m: npt.ArrayLike, window_m: float = 40.0
) -> FloatArray:
    """(n,) slope at each sample: the mean height ahead less that behind, per distance between.

    Heights come in steps of the barometer and distances in leaps of the satellites, so that the
    quotient of neighbours is noise. Here the mean height of the `window_m` ahead is compared
    with that of the `window_m` behind; standing still changes nothing.

    Parameters
    ----------
    altitude_m
        (n,) m; NaN = missing.
    distance_m
        (n,) m since the start; what falls back counts as standing.
    window_m
        Length of the way ahead, and of that behind.

    Returns
    -------
    (n,) ratio between -1 and 1; NaN where height or distance is missing, everywhere if the whole
    way is shorter than half a window.

    Examples
    --------
    >>> way = np.arange(0.0, 300.0, 3.0)
    >>> grade_of(100.0 + 0.05 * way, way)[[0, 50, 99]].round(3)
    array([0.05, 0.05, 0.05])
    """
    height, way = series("altitude_m", altitude_m), series("distance_m", distance_m)
    same_length(altitude_m=height, distance_m=way)
    window = positive("window_m", window_m, "m")
    known = ~(np.isnan(height) | np.isnan(way))
    grade: FloatArray = np.full(len(way), np.nan)
    if known.any():
        grade[known] = _slope(height[known], np.maximum.accumulate(way[known]), window)
    return grade


def _slope(height: FloatArray, way: FloatArray, window: float) -> FloatArray:
    """Slopes at (n,) places of a way that never falls back."""
    first, last = way[0], way[-1]
    if last - first < window / 2.0:
        return np.full(len(way), np.nan)
    pieces = np.diff(way) * (height[1:] + height[:-1]) / 2.0
    # The area under the heights: a mean over any stretch is one difference of it.
    area = np.concatenate([[0.0], pieces.cumsum()])
    # At either end one stretch would be empty; the place moves inwards by a quarter of a window.
    margin = min(window, last - first) / 4.0
    middle = np.clip(way, first + margin, last - margin)
    left, right = np.maximum(middle - window, first), np.minimum(middle + window, last)
    below, here, beyond = (_area_until(way, height, area, x) for x in (left, middle, right))
    ahead, behind = (beyond - here) / (right - middle), (here - below) / (middle - left)
    slope: FloatArray = (ahead - behind) / ((right - left) / 2.0)
    return np.clip(slope, -1.0, 1.0)


def _area_until(way: FloatArray, height: FloatArray, area: FloatArray, x: FloatArray) -> FloatArray:
    """Area under the straight lines between the heights, from the start to each x."""
    index = np.clip(np.searchsorted(way, x, side="right") - 1, 0, len(way) - 2)
    step, length = x - way[index], way[index + 1] - way[index]
    rise = np.divide(
        height[index + 1] - height[index], length, out=np.zeros(len(x)), where=length > 0
    )
    result: FloatArray = area[index] + step * (height[index] + rise * step / 2.0)
    return result
