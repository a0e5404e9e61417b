"""What is known of an athlete in, zones of effort out; a series and zones in, seconds out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray, IntArray
from stadion.core.errors import Code, StadionError
from stadion.core.profile import Profile
from stadion.science.arguments import series

__all__ = [
    "HEART_RATE_BASES",
    "Zones",
    "heart_rate_zones",
    "power_zones",
    "speed_zones",
    "zone_seconds",
]

_TENTHS = (0.60, 0.70, 0.80, 0.90)
_HEART_THRESHOLD = (0.68, 0.83, 0.94, 1.05)
_POWER = (0.55, 0.75, 0.90, 1.05, 1.20, 1.50)
_PACE = (1.29, 1.14, 1.06, 1.00, 0.97, 0.90)
HEART_RATE_BASES = ("threshold", "reserve", "max")
"""What heart rate zones can rest on, the most telling first."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Bounds that part a quantity into zones, the lowest open below and the highest above.

    Parameters
    ----------
    name
        What they are of and what they rest on, such as "heart rate, % of reserve".
    bounds
        (k,) rising, in the quantity's SI unit: k + 1 zones; a value on a bound is in the upper.
    """

    name: str
    bounds: tuple[float, ...]

    def __post_init__(self) -> None:
        _checked(self.bounds)

    def __len__(self) -> int:
        return len(self.bounds) + 1


def heart_rate_zones(profile: Profile, basis: str = "") -> Zones | None:
    """Five zones of heart rate in bpm, or None where the profile does not know enough.

    Parameters
    ----------
    basis
        "threshold" (68, 83, 94, 105 % of the heart rate at threshold), "reserve" or "max" (60,
        70, 80, 90 % of max - rest, or of max); empty takes the first of these that is known.

    References
    ----------
    H. Allen, A. R. Coggan, Training and Racing with a Power Meter, 2006 (threshold);
    M. J. Karvonen, E. Kentala, O. Mustala, Ann. Med. Exp. Biol. Fenn. 35 (1957) 307 (reserve);
    S. Edwards, The Heart Rate Monitor Book, 1993 (max).

    Examples
    --------
    >>> heart_rate_zones(Profile(hr_max_bpm=200)).bounds
    (120.0, 140.0, 160.0, 180.0)
    >>> heart_rate_zones(Profile(hr_max_bpm=200, hr_rest_bpm=50)).bounds
    (140.0, 155.0, 170.0, 185.0)
    """
    if basis not in ("", *HEART_RATE_BASES):
        raise StadionError(
            Code.INVALID,
            f"basis is {basis!r}; expected one of {', '.join(HEART_RATE_BASES)}, or nothing",
        )
    for one in (basis,) if basis else HEART_RATE_BASES:
        bounds = _heart_bounds(profile, one)
        if bounds is not None:
            return Zones(f"heart rate, % of {one}", bounds)
    return None


def _heart_bounds(profile: Profile, basis: str) -> tuple[float, ...] | None:
    highest, rest, threshold = profile.hr_max_bpm, profile.hr_rest_bpm, profile.hr_threshold_bpm
    if basis == "threshold":
        return None if threshold is None else _shares(0.0, threshold, _HEART_THRESHOLD)
    if highest is None:
        return None
    if basis == "max":
        return _shares(0.0, highest, _TENTHS)
    if rest is None or rest >= highest:
        return None
    return _shares(rest, highest, _TENTHS)


def _shares(low: float, high: float, shares: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(low + share * (high - low), 9) for share in shares)


def power_zones(profile: Profile) -> Zones | None:
    """Seven zones of power in W: 55, 75, 90, 105, 120, 150 % of FTP; None without it.

    References
    ----------
    H. Allen, A. R. Coggan, Training and Racing with a Power Meter, 2006, table of seven levels.

    Examples
    --------
    >>> power_zones(Profile(ftp_w=200)).bounds
    (110.0, 150.0, 180.0, 210.0, 240.0, 300.0)
    """
    if profile.ftp_w is None:
        return None
    return Zones("power, % of FTP", _shares(0.0, profile.ftp_w, _POWER))


def speed_zones(profile: Profile) -> Zones | None:
    """Seven zones of running speed in m/s, by pace: 129, 114, 106, 100, 97, 90 % of threshold's.

    References
    ----------
    J. Friel, The Triathlete's Training Bible, 4th ed. 2016 (pace zones 1 to 5c).

    Examples
    --------
    >>> [round(bound, 2) for bound in speed_zones(Profile(threshold_speed_mps=4)).bounds]
    [3.1, 3.51, 3.77, 4.0, 4.12, 4.44]
    """
    if profile.threshold_speed_mps is None:
        return None
    return Zones(
        "speed, % of threshold pace", tuple(profile.threshold_speed_mps / pace for pace in _PACE)
    )


def zone_seconds(values_1hz: npt.ArrayLike, bounds: Zones | npt.ArrayLike) -> IntArray:
    """(k + 1,) seconds that a 1 Hz series spent in each zone; missing seconds are in none.

    Parameters
    ----------
    bounds
        Zones, or their (k,) rising bounds: zone j holds bounds[j - 1] <= value < bounds[j].

    Examples
    --------
    >>> zone_seconds([90.0, 100.0, 150.0, float("nan")], (100.0, 150.0))
    array([1, 1, 1])
    """
    limits = _checked(bounds.bounds if isinstance(bounds, Zones) else bounds)
    values = series("values_1hz", values_1hz)
    index = np.searchsorted(limits, values[~np.isnan(values)], side="right")
    return np.bincount(index, minlength=len(limits) + 1)


def _checked(bounds: npt.ArrayLike) -> FloatArray:
    limits = series("bounds", bounds)
    if not len(limits) or not np.all(np.diff(limits) > 0) or np.isnan(limits).any():
        raise StadionError(Code.INVALID, f"bounds are {limits.tolist()}; expected rising numbers")
    return limits
