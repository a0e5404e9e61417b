"""A runner's speed, slope and acceleration in; the power that it takes, out.

Two powers bear the name. The metabolic one is what the body burns above rest, some 3.6 J per kg
and metre on the level; the mechanical one is what a foot pod shows, about a quarter of it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.science.arguments import positive, same_length, series
from stadion.science.effort import running_power
from stadion.science.grade import STEEPEST, cost_of_grade

__all__ = ["accelerated_power", "energy_kj", "mechanical_power", "metabolic_power"]

_GRAVITY = 9.80665
_ECONOMY = 0.98
"""Mechanical work in J per kg and metre on a level, hard road (van Dijk and van Megen)."""
_DRAG_AREA = 0.24
_CLIMB, _CLIMB_RISE = 0.456, 1.1622


def metabolic_power(speed_mps: npt.ArrayLike, grade: npt.ArrayLike) -> FloatArray:
    """(n,) W/kg above rest of steady running: speed times the cost of the slope.

    As `science.effort.running_power`, but what is missing stays missing.

    Parameters
    ----------
    speed_mps
        (n,) m/s over ground.
    grade
        (n,) height gained per distance covered, as a ratio.

    References
    ----------
    A. E. Minetti et al., J. Appl. Physiol. 93 (2002) 1039.

    Examples
    --------
    >>> metabolic_power([3.0, 3.0], [0.0, 0.1]).round(1)
    array([10.8, 17.9])
    """
    speed, slope = _pair(speed_mps, grade)
    return np.where(np.isnan(slope), np.nan, running_power(speed, slope))


def accelerated_power(
    speed_mps: npt.ArrayLike, acceleration_mps2: npt.ArrayLike, terrain: float = 1.0
) -> FloatArray:
    """(n,) W/kg of running on the level with changes of speed, as in team sports.

    To speed up is to run uphill leaning forward: at the slope a / g, with the weight
    sqrt((a / g)^2 + 1). Slopes beyond 0.45 count as that, so that a start is underestimated.
    Independent trials found errors of 6 to 52 %: compare players, and trust no single figure.

    Parameters
    ----------
    terrain
        1.29 on grass, 1 on a hard floor.

    References
    ----------
    P. E. di Prampero et al., Sprint running: a new energetic approach, J. Exp. Biol. 208 (2005)
    2809; C. Osgnach, S. Poser, R. Bernardini, R. Rinaldo, P. E. di Prampero, Energy cost and
    metabolic power in elite soccer, Med. Sci. Sports Exerc. 42 (2010) 170.

    Examples
    --------
    >>> accelerated_power([5.0, 5.0, 5.0], [0.0, 2.0, -2.0]).round(1)
    array([18. , 46.6,  9.2])
    """
    speed, gain = _pair(speed_mps, acceleration_mps2, "acceleration_mps2")
    slope = gain / _GRAVITY
    cost = cost_of_grade(slope) * np.sqrt(slope**2 + 1.0)
    power: FloatArray = cost * positive("terrain", terrain, "") * speed
    return power


def mechanical_power(
    speed_mps: npt.ArrayLike,
    grade: npt.ArrayLike,
    mass_kg: float,
    *,
    wind_mps: float = 0.0,
    air_kg_m3: float = 1.2,
    economy: float = _ECONOMY,
) -> FloatArray:
    """(n,) W of running, of the kind a foot pod shows: road, air and climb.

    c m v + 1/2 rho CdA (v + w)^2 v + (0.456 + 1.1622 i) i m g v, with CdA 0.24 m^2.

    Parameters
    ----------
    speed_mps
        (n,) m/s over ground.
    grade
        (n,) height gained per distance covered, i; beyond 0.45 it counts as that.
    wind_mps
        Wind against the runner; from behind it is negative.
    economy
        c, J per kg and metre; 0.98 for most, up to a tenth less for the most economical.

    References
    ----------
    H. van Dijk, R. van Megen, The Secret of Running, 2017.

    Examples
    --------
    >>> mechanical_power([20 / 3.6], [0.0], 70, air_kg_m3=1.205).round()
    array([406.])
    """
    speed, slope = _pair(speed_mps, grade)
    mass, air = positive("mass_kg", mass_kg, "kg"), positive("air_kg_m3", air_kg_m3, "kg/m^3")
    through = speed + wind_mps
    i = np.clip(slope, -STEEPEST, STEEPEST)
    climb = (_CLIMB + _CLIMB_RISE * i) * i * _GRAVITY
    road = (positive("economy", economy, "J/kg/m") + climb) * mass
    power: FloatArray = (road + 0.5 * air * _DRAG_AREA * through * np.abs(through)) * speed
    return power


def energy_kj(power_w_1hz: npt.ArrayLike) -> float:
    """Energy in kJ of all known seconds of a power in W; NaN where none is known.

    Examples
    --------
    >>> energy_kj([200.0] * 3600)
    720.0
    """
    power = series("power_w_1hz", power_w_1hz)
    known = power[~np.isnan(power)]
    return float(known.sum()) / 1000.0 if len(known) else np.nan


def _pair(
    speed_mps: npt.ArrayLike, other: npt.ArrayLike, name: str = "grade"
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    speed, second = series("speed_mps", speed_mps), series(name, other)
    same_length(**{"speed_mps": speed, name: second})
    return speed, second
