"""Points in, the straight line of least squares out, with the standard errors of its figures."""

from __future__ import annotations

import math

import numpy as np

from stadion.core.arrays import FloatArray

__all__ = ["line", "reach95"]

_TABLE = (
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860),
)
_NORMAL = 1.959964


def reach95(freedom: int) -> float:
    """How many standard errors a 95 % interval reaches to either side.

    The 97.5 % point of Student's t; NaN without a degree of freedom.

    References
    ----------
    M. Abramowitz, I. A. Stegun, Handbook of Mathematical Functions, 1964: table 26.10, and
    26.7.5 beyond 20 degrees, right to four digits.

    Examples
    --------
    >>> round(reach95(3), 4), round(reach95(60), 4)
    (3.1824, 2.0003)
    """
    if freedom < 1:
        return math.nan
    if freedom <= len(_TABLE):
        return _TABLE[freedom - 1]
    z, n = _NORMAL, freedom
    first = (z**3 + z) / 4.0
    second = (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0
    third = (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / 384.0
    return z + first / n + second / n**2 + third / n**3


def line(x: FloatArray, y: FloatArray) -> tuple[tuple[float, float], tuple[float, float]]:
    """(slope, intercept) of least squares, and their standard errors (NaN with two points).

    Examples
    --------
    >>> (slope, intercept), _ = line(np.array([1.0, 2.0]), np.array([5.0, 7.0]))
    >>> slope, intercept
    (2.0, 3.0)
    """
    centre, freedom = x.mean(), len(x) - 2
    spread = float(np.sum((x - centre) ** 2))
    slope = float(np.sum((x - centre) * y)) / spread
    intercept = float(y.mean() - slope * centre)
    if freedom < 1:
        return (slope, intercept), (math.nan, math.nan)
    variance = float(np.sum((y - intercept - slope * x) ** 2)) / freedom
    intercept_se = math.sqrt(variance * (1.0 / len(x) + centre**2 / spread))
    return (slope, intercept), (math.sqrt(variance / spread), intercept_se)
