"""Runs, rides and heart rates in; uptake of oxygen in ml/kg/min, estimated, out.

Estimates of a whole population's regression lines: an athlete's own value may lie 10 % away.
"""

from __future__ import annotations

import math

from stadion.science.arguments import above, positive

__all__ = [
    "cooper",
    "cycling_oxygen",
    "heart_rate_ratio",
    "running_oxygen",
    "submaximal",
    "walking_oxygen",
]

_REST = 3.5
"""ml/kg/min at rest, one metabolic equivalent."""


def cooper(distance_m: float) -> float:
    """VO2max of the distance run in 12 minutes: (m - 504.9) / 44.73.

    Returns
    -------
    ml/kg/min; NaN for a distance to which the line gives nothing above 0.

    References
    ----------
    K. H. Cooper, A means of assessing maximal oxygen intake, JAMA 203 (1968) 201.

    Examples
    --------
    >>> round(cooper(2800), 1)
    51.3
    """
    value = (positive("distance_m", distance_m, "m") - 504.9) / 44.73
    return value if value > 0.0 else math.nan


def heart_rate_ratio(hr_max_bpm: float, hr_rest_bpm: float) -> float:
    """VO2max of trained men: 15.3 HRmax / HRrest.

    References
    ----------
    N. Uth, H. Sorensen, K. Overgaard, P. K. Pedersen, Estimation of VO2max from the ratio
    between HRmax and HRrest, Eur. J. Appl. Physiol. 91 (2004) 111.

    Examples
    --------
    >>> heart_rate_ratio(190, 50)
    58.14
    """
    rest = positive("hr_rest_bpm", hr_rest_bpm, "bpm")
    highest = above("hr_max_bpm", hr_max_bpm, rest, "bpm", "hr_rest_bpm")
    return 15.3 * highest / rest


def running_oxygen(speed_mps: float, grade: float = 0.0) -> float:
    """Uptake of steady running: 0.2 v + 0.9 v G + 3.5, v in m/min; from about 2.2 m/s.

    Parameters
    ----------
    grade
        Height gained per distance covered, as a ratio, 0 or more: made on treadmills that climb.

    References
    ----------
    American College of Sports Medicine, Guidelines for Exercise Testing and Prescription.

    Examples
    --------
    >>> round(running_oxygen(3.0), 1), round(running_oxygen(3.0, 0.05), 1)
    (39.5, 47.6)
    """
    speed = above("speed_mps", speed_mps, -1e-9, "m/s") * 60.0
    return 0.2 * speed + 0.9 * speed * above("grade", grade, -1e-9, "") + _REST


def walking_oxygen(speed_mps: float, grade: float = 0.0) -> float:
    """Uptake of steady walking: 0.1 v + 1.8 v G + 3.5, v in m/min; up to about 1.7 m/s.

    Arguments and reference are those of `running_oxygen`.

    Examples
    --------
    >>> walking_oxygen(1.5)
    12.5
    """
    speed = above("speed_mps", speed_mps, -1e-9, "m/s") * 60.0
    return 0.1 * speed + 1.8 * speed * above("grade", grade, -1e-9, "") + _REST


def cycling_oxygen(power_w: float, mass_kg: float) -> float:
    """Uptake of steady cycling: 10.8 W / kg + 7, from about 50 W.

    At the power that can just be held for five minutes it estimates VO2max.

    References
    ----------
    American College of Sports Medicine, Guidelines for Exercise Testing and Prescription.

    Examples
    --------
    >>> round(cycling_oxygen(300, 75), 1)
    50.2
    """
    power = above("power_w", power_w, -1e-9, "W")
    return 10.8 * power / positive("mass_kg", mass_kg, "kg") + 7.0


def submaximal(
    oxygen: float, heart_rate_bpm: float, hr_rest_bpm: float, hr_max_bpm: float
) -> float:
    """VO2max from steady effort below it: the shares of both reserves are taken as equal.

    Parameters
    ----------
    oxygen
        ml/kg/min of the effort, such as `running_oxygen` or `cycling_oxygen` gives.
    heart_rate_bpm
        Steady heart rate of it; between 40 and 90 % of the reserve it tells something.

    Returns
    -------
    ml/kg/min; NaN below 40 % of the reserve or above the maximum.

    References
    ----------
    D. P. Swain, B. C. Leutholtz, Heart rate reserve is equivalent to %VO2 reserve, not to
    %VO2max, Med. Sci. Sports Exerc. 29 (1997) 410.

    Examples
    --------
    >>> round(submaximal(39.5, 155, 50, 190), 1)
    51.5
    """
    rest = positive("hr_rest_bpm", hr_rest_bpm, "bpm")
    highest = above("hr_max_bpm", hr_max_bpm, rest, "bpm", "hr_rest_bpm")
    share = (heart_rate_bpm - rest) / (highest - rest)
    return (oxygen - _REST) / share + _REST if 0.4 <= share <= 1.0 else math.nan
