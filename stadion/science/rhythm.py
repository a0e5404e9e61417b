"""Sleep of many days in; how regular it is, and how far work moves it, out."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import positive, series

__all__ = ["clock_h", "mean_clock_h", "regularity", "social_jet_lag_h"]

_DAY_S = 86_400.0


def regularity(is_asleep: npt.ArrayLike, epoch_s: float = 30.0) -> float:
    """Sleep regularity index: 100 for the same every day, 0 for chance, -100 for the opposite.

    Parameters
    ----------
    is_asleep
        (n,) 1 asleep, 0 awake, NaN unknown, day and night, over some days without a break; stages
        as in `night_of` will do. Seven days are usual.
    epoch_s
        A day must be a whole number of epochs.

    Returns
    -------
    -100 + 200 times the share of epochs in the same state as 24 hours later; NaN where none can
    be compared.

    References
    ----------
    A. J. K. Phillips et al., Irregular sleep/wake patterns are associated with poorer academic
    performance and delayed circadian and sleep/wake timing, Sci. Rep. 7 (2017) 3216.

    Examples
    --------
    >>> regularity([0, 0, 1, 1, 0, 0, 0, 1], epoch_s=21_600)
    50.0
    """
    codes = series("is_asleep", is_asleep)
    positive("epoch_s", epoch_s, "s")
    day = round(_DAY_S / epoch_s)
    if day < 1 or abs(day * epoch_s - _DAY_S) > 1e-6:
        raise StadionError(
            Code.INVALID, f"epoch_s is {epoch_s:g}; expected a divisor of 86400 s, such as 30 or 60"
        )
    now, later = codes[:-day], codes[day:]
    is_told = np.isfinite(now) & np.isfinite(later)
    if not is_told.any():
        return float("nan")
    same: Array = (now[is_told] > 0) == (later[is_told] > 0)
    return float(-100.0 + 200.0 * same.mean())


def clock_h(moment: datetime, zone: str) -> float:
    """Hours after midnight on the clocks of a zone, such as 3.5 for half past three.

    Examples
    --------
    >>> from datetime import UTC
    >>> clock_h(datetime(2024, 7, 1, 1, 30, tzinfo=UTC), "Europe/Berlin")
    3.5
    """
    if moment.tzinfo is None:
        raise StadionError(
            Code.INVALID, f"moment is {moment} without a time zone; expected one, such as UTC"
        )
    try:
        local = moment.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        told = f"zone is {zone!r}; expected a name of the IANA list, such as Europe/Berlin"
        raise StadionError(Code.INVALID, told) from error
    return local.hour + local.minute / 60.0 + local.second / 3600.0 + local.microsecond / 3.6e9


def mean_clock_h(hours: npt.ArrayLike) -> float:
    """Mean of clock times around midnight, 0 to 24; NaN without any.

    Examples
    --------
    >>> round(mean_clock_h([23.5, 0.5, 1.5]), 3)
    0.5
    """
    turns = series("hours", hours) / 24.0 * 2.0 * np.pi
    turns = turns[np.isfinite(turns)]
    if not len(turns):
        return float("nan")
    mean = np.arctan2(np.sin(turns).mean(), np.cos(turns).mean())
    return float(mean / (2.0 * np.pi) * 24.0 % 24.0)


def social_jet_lag_h(free_middle_h: npt.ArrayLike, work_middle_h: npt.ArrayLike) -> float:
    """Hours by which the middle of sleep is later on free days than on work days.

    Parameters
    ----------
    free_middle_h, work_middle_h
        Local clock times of the middle of each night (`clock_h` of a night's `middle`).

    Returns
    -------
    -12 to 12; the measure as published is its absolute value.

    References
    ----------
    M. Wittmann, J. Dinich, M. Merrow, T. Roenneberg, Social jetlag: misalignment of biological
    and social time, Chronobiol. Int. 23 (2006) 497-509.

    Examples
    --------
    >>> social_jet_lag_h([5.0, 5.5], [3.0, 3.5, 3.25])
    2.0
    """
    later = mean_clock_h(free_middle_h) - mean_clock_h(work_middle_h)
    return float(round((later + 12.0) % 24.0 - 12.0, 9))
