"""Races or trials in; the speed that could be held on and on, and its doubt, out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stadion.core.errors import Code, StadionError
from stadion.science.arguments import same_length, series
from stadion.science.student import line, reach95

__all__ = ["CriticalSpeed", "enough", "fit_critical_speed", "known_efforts"]

Efforts = npt.NDArray[np.float64]


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
    t, d = series("durations_s", durations_s), series("distances_m", distances_m)
    t, d = known_efforts(t, d, "distances_m", "m")
    enough(t, 2)
    (speed, beyond), (speed_se, beyond_se) = line(t, d)
    if not speed > 0.0:
        return CriticalSpeed(math.nan, math.nan, math.nan, math.nan, len(t))
    return CriticalSpeed(round(speed, 12), round(beyond, 9), speed_se, beyond_se, len(t))


def known_efforts(t: Efforts, y: Efforts, name: str, unit: str) -> tuple[Efforts, Efforts]:
    """Both without the efforts of which one side is missing."""
    same_length(**{"durations_s": t, name: y})
    known = ~(np.isnan(t) | np.isnan(y))
    for label, values, its in (("durations_s", t, "s"), (name, y, unit)):
        if (values[known] <= 0).any():
            lowest = values[known].min()
            raise StadionError(
                Code.INVALID, f"{label} holds {lowest:g}; expected more than 0 {its}"
            )
    return t[known], y[known]


def enough(t: Efforts, needed: int) -> None:
    """Nothing, when there are so many different durations."""
    different = len(np.unique(t))
    if different < needed:
        raise StadionError(
            Code.INVALID,
            f"durations_s has {different} different known values; expected {needed} or more",
        )
