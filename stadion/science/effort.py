"""Speed and slope in, the power that moving takes, per kilogram of body, out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.science.grade import cost_of_grade

__all__ = ["cycling_power", "exponential_means", "running_power", "slope"]

_GRAVITY = 9.80665
_ROLLING = 0.006
"""Coefficient of rolling resistance of a road tyre on asphalt."""
_DRAG_AREA_PER_KG = 0.35 / 80.0
"""Drag area of a rider on the hoods, 0.35 m^2, shared by a rider and bicycle of 80 kg."""
_AIR = 1.2
"""Density of air in kg/m^3 at 20 degrees and 100 m above the sea."""
_MOST = 30.0


def running_power(speed_mps: FloatArray, slope_ratio: FloatArray) -> FloatArray:
    """(n,) W/kg of metabolic power above rest for walking or running up or down a slope.

    Parameters
    ----------
    speed_mps
        (n,) speed over ground; NaN = missing.
    slope_ratio
        (n,) height gained per distance covered; NaN counts as level.

    References
    ----------
    A. E. Minetti, C. Moia, G. S. Roi, D. Susta, G. Ferretti, Energy cost of walking and running
    at extreme uphill and downhill slopes, J. Appl. Physiol. 93 (2002) 1039.

    Examples
    --------
    >>> running_power(np.array([3.0]), np.array([0.0])).round(1)
    array([10.8])
    """
    cost = cost_of_grade(np.nan_to_num(slope_ratio))
    power: FloatArray = np.clip(cost * speed_mps, 0.0, 4.0 * _MOST)
    return power


def cycling_power(speed_mps: FloatArray, slope_ratio: FloatArray) -> FloatArray:
    """(n,) W/kg at the wheel of an average rider in still air, between 0 and 30.

    Shapes and missing values are those of `running_power`.

    References
    ----------
    J. C. Martin, D. L. Milliken, J. E. Cobb, K. L. McFadden, A. R. Coggan, Validation of a
    mathematical model for road cycling power, J. Appl. Biomech. 14 (1998) 276.

    Examples
    --------
    >>> cycling_power(np.array([10.0]), np.array([0.0])).round(1)
    array([3.2])
    """
    i = np.nan_to_num(slope_ratio)
    resistance = _GRAVITY * (_ROLLING + i) + 0.5 * _AIR * _DRAG_AREA_PER_KG * speed_mps**2
    power: FloatArray = np.clip(resistance * speed_mps, 0.0, _MOST)
    return power


def slope(climb_mps: FloatArray, speed_mps: FloatArray) -> FloatArray:
    """(n,) height gained per distance covered, between -0.3 and 0.3; level below 0.5 m/s.

    Steeper ways are walked in steps of a barometer rather than climbed.
    """
    moving = speed_mps > 0.5
    ratio = np.divide(climb_mps, speed_mps, out=np.zeros(len(speed_mps)), where=moving)
    return np.clip(ratio, -0.3, 0.3)


def exponential_means(values: FloatArray, steps: float) -> FloatArray:
    """(n,) mean of all values so far, those `steps` steps ago weighing 1/e; NaN = missing.

    This is how a quantity answers that follows another one with a time constant.

    Examples
    --------
    >>> exponential_means(np.array([1.0, np.nan, 1.0]), 2.0)
    array([1., 1., 1.])
    """
    keep = float(np.exp(-1.0 / steps))
    total = weight = 0.0
    means: FloatArray = np.full(len(values), np.nan)
    for index, value in enumerate(values.tolist()):
        total, weight = total * keep, weight * keep
        if value == value:  # noqa: PLR0124 - NaN is the only value that differs from itself
            total, weight = total + value, weight + 1.0
        if weight > 0.0:
            means[index] = total / weight
    return means
