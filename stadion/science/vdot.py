"""A race in, VDOT out; VDOT in, race times and training speeds out."""

from __future__ import annotations

import math

from stadion.core.errors import Code, StadionError
from stadion.science.arguments import positive

__all__ = ["INTENSITIES", "race_time", "speed_at", "training_speeds", "vdot"]

INTENSITIES = {
    "easy": (0.59, 0.74),
    "marathon": (0.75, 0.84),
    "threshold": (0.83, 0.88),
    "interval": (0.95, 1.00),
    "repetition": (1.05, 1.10),
}
"""Kind of training -> shares of VDOT at its slow and fast end."""


def vdot(distance_m: float, time_s: float) -> float:
    """What maximal uptake of oxygen a race shows, ml/kg/min: Daniels' VDOT.

    Made for races of 3.5 minutes to 4 hours. The uptake at the race's speed, over the share of
    the maximum that can be held so long.

    Returns
    -------
    ml/kg/min; NaN for a speed so slow that the line gives nothing above 0 (1.5 km/h).

    References
    ----------
    J. Daniels, J. Gilbert, Oxygen Power: Performance Tables for Distance Runners, 1979.

    Examples
    --------
    >>> round(vdot(5000, 20 * 60), 2)
    49.81
    """
    minutes = positive("time_s", time_s, "s") / 60.0
    uptake = _uptake(positive("distance_m", distance_m, "m") / minutes)
    return uptake / _share(minutes) if uptake > 0.0 else math.nan


def race_time(vdot: float, distance_m: float) -> float:
    """Time in s for a distance at a VDOT: the inverse of `vdot`, to the microsecond.

    Raises
    ------
    StadionError
        INVALID for a VDOT outside 5 to 120.

    Examples
    --------
    >>> round(race_time(49.81, 5000) / 60, 2)
    20.0
    """
    wanted, distance = _checked(vdot), positive("distance_m", distance_m, "m")
    # From 30 m/s down to a walk: VDOT falls all the way.
    low, high = distance / 30.0, distance / 0.5
    while high - low > 1e-7:
        middle = (low + high) / 2.0
        minutes = middle / 60.0
        if _uptake(distance / minutes) > wanted * _share(minutes):
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def speed_at(oxygen: float) -> float:
    """Speed in m/s at which level running takes so much oxygen, ml/kg/min.

    Examples
    --------
    >>> round(speed_at(50.0), 3)
    4.346
    """
    uptake = positive("oxygen", oxygen, "ml/kg/min")
    a, b, c = 0.000104, 0.182258, -4.6 - uptake
    return (-b + math.sqrt(b * b - 4.0 * a * c)) / (2.0 * a) / 60.0


def training_speeds(vdot: float) -> dict[str, tuple[float, float]]:
    """Kind of training -> slow and fast end in m/s, at the shares of `INTENSITIES`.

    References
    ----------
    J. Daniels, Daniels' Running Formula, 3rd ed. 2014, chapter 4.

    Examples
    --------
    >>> [round(1000 / speed) for speed in training_speeds(50.0)["threshold"]]
    [268, 255]
    """
    best = _checked(vdot)
    return {
        kind: (speed_at(low * best), speed_at(high * best))
        for kind, (low, high) in INTENSITIES.items()
    }


def _uptake(metres_per_minute: float) -> float:
    return -4.6 + 0.182258 * metres_per_minute + 0.000104 * metres_per_minute**2


def _share(minutes: float) -> float:
    slow, fast = math.exp(-0.012778 * minutes), math.exp(-0.1932605 * minutes)
    return 0.8 + 0.1894393 * slow + 0.2989558 * fast


def _checked(vdot: float) -> float:
    if not 5.0 <= vdot <= 120.0:
        raise StadionError(Code.INVALID, f"vdot is {vdot}; expected 5 to 120 ml/kg/min")
    return vdot
