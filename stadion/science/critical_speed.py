"""Races or trials in; the speed that could be held on and on, and its doubt, out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy.typing as npt

from stadion.science.arguments import above_nought, enough
from stadion.science.line import line, reach95

__all__ = ["CriticalSpeed", "fit_critical_speed"]


@dataclass(frozen=True, slots=True)
class CriticalSpeed:
    """Critical speed and the distance beyond it, with standard errors (NaN = cannot be told)."""

    cs_mps: float
    d_prime_m: float
    cs_se_mps: float
    d_prime_se_m: float
    efforts: int

    @property
    def cs_interval_mps(self) -> tuple[float, float]:
        """95 % interval of critical speed; NaN without a degree of freedom."""
        reach = reach95(self.efforts - 2) * self.cs_se_mps
        return self.cs_mps - reach, self.cs_mps + reach

    def time_s(self, distance_m: float) -> float:
        """Time for a distance beyond D'; NaN for a shorter one."""
        return (
            (distance_m - self.d_prime_m) / self.cs_mps if distance_m > self.d_prime_m else math.nan
        )


def fit_critical_speed(durations_s: npt.ArrayLike, distances_m: npt.ArrayLike) -> CriticalSpeed:
    """Critical speed and D' of races or trials: D = CS t + D', by least squares.

    Parameters
    ----------
    durations_s, distances_m
        (m,) each, two different durations or more; best of 2 to 30 minutes.

    References
    ----------
    A. V. Hill, The physiological basis of athletic records, Nature 116 (1925) 544; R. L. Hughson,
    C. J. Orok, L. E. Staudt, Int. J. Sports Med. 5 (1984) 23.

    Examples
    --------
    >>> fit = fit_critical_speed([300, 900], [1400, 3800])
    >>> fit.cs_mps, fit.d_prime_m
    (4.0, 200.0)
    """
    t, d = above_nought(durations_s=durations_s, distances_m=distances_m)
    enough("durations_s", t, 2)
    (speed, beyond), (speed_se, beyond_se) = line(t, d)
    if not speed > 0.0:
        return CriticalSpeed(math.nan, math.nan, math.nan, math.nan, len(t))
    return CriticalSpeed(round(speed, 12), round(beyond, 9), speed_se, beyond_se, len(t))
