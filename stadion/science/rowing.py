"""Pace, power and strokes of rowing in; each out of the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stadion.science.arguments import positive, series
from stadion.science.critical_power import CriticalPower, fit_critical_power
from stadion.science.swim import distance_per_stroke, stroke_rate

__all__ = [
    "calories_per_hour",
    "distance_per_stroke",
    "mass_adjusted_time",
    "power_of_split",
    "rowing_critical_power",
    "speed_of_split",
    "split_of_power",
    "split_of_speed",
    "stroke_rate",
]

_DRAG = 2.80  # W per (m/s)^3
_POUND_KG = 0.45359237


def split_of_speed(speed_mps: float) -> float:
    """Seconds per 500 m.

    Examples
    --------
    >>> split_of_speed(5.0)
    100.0
    """
    return 500.0 / positive("speed_mps", speed_mps, "m/s")


def speed_of_split(split_s: float) -> float:
    """m/s of a split in seconds per 500 m.

    Examples
    --------
    >>> speed_of_split(100.0)
    5.0
    """
    return 500.0 / positive("split_s", split_s, "s per 500 m")


def power_of_split(split_s: float) -> float:
    """Watts that the ergometer shows at a split in seconds per 500 m: 2.80 / pace^3, pace in s/m.

    References
    ----------
    Concept2, Watts calculator (concept2.com/training/watts-calculator).

    Examples
    --------
    >>> round(power_of_split(120.0), 1)
    202.5
    """
    return _DRAG * speed_of_split(split_s) ** 3


def split_of_power(power_w: float) -> float:
    """Seconds per 500 m at a power.

    Examples
    --------
    >>> round(split_of_power(202.546), 2)
    120.0
    """
    return float(500.0 * np.cbrt(_DRAG / positive("power_w", power_w, "W")))


def calories_per_hour(power_w: float, mass_kg: float | None = None) -> float:
    """kcal/h as the ergometer counts them, for a rower of 79.4 kg (175 lb) unless told a mass.

    References
    ----------
    Concept2, Calories calculator: 4 kcal spent for each done (0.8604 kcal/h per W) and 300 kcal/h
    for moving the body; with a mass, 1.714 kcal/h per pound in place of those 300.

    Examples
    --------
    >>> round(calories_per_hour(202.5)), round(calories_per_hour(202.5, 90.0))
    (997, 1037)
    """
    moving = 300.0
    if mass_kg is not None:
        moving = 1.714 * positive("mass_kg", mass_kg, "kg") / _POUND_KG
    return 4.0 * 0.8604 * positive("power_w", power_w, "W") + moving


def mass_adjusted_time(time_s: float, mass_kg: float) -> float:
    """Seconds as a rower of 122.5 kg (270 lb) in an eight might have taken: compares bodies.

    References
    ----------
    Concept2, Weight adjustment calculator: (mass in pounds / 270) ** 0.222.

    Examples
    --------
    >>> round(mass_adjusted_time(480.0, 165 * 0.45359237), 1)
    430.3
    """
    share = positive("mass_kg", mass_kg, "kg") / _POUND_KG / 270.0
    return float(positive("time_s", time_s, "s") * share**0.222)


def rowing_critical_power(durations_s: npt.ArrayLike, splits_s: npt.ArrayLike) -> CriticalPower:
    """Critical power of best efforts given by their splits.

    Parameters
    ----------
    durations_s, splits_s
        (k,) how long each effort took and its split in seconds per 500 m.

    Examples
    --------
    >>> splits = [split_of_power(20_000 / t + 250) for t in (180, 360, 720)]
    >>> round(rowing_critical_power([180, 360, 720], splits).cp_w)
    250
    """
    powers = [power_of_split(split) for split in series("splits_s", splits_s).tolist()]
    return fit_critical_power(series("durations_s", durations_s), np.array(powers))
