"""How long and how hard in; what a session, and a week of them, asked of the athlete, out.

Heart rate and speed are series at 1 Hz. A missing second adds nothing to a sum: a load of a
recording with holes is that of the seconds that are known, and NaN where none is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import above, between, positive, series
from stadion.science.trimp import (
    edwards,
    fit_individual,
    heart_rate_load,
    individual_trimp,
    lucia,
    trimp,
)

__all__ = [
    "acute_chronic",
    "edwards",
    "fit_individual",
    "heart_rate_load",
    "individual_trimp",
    "lucia",
    "monotony",
    "power_load",
    "run_load",
    "session_load",
    "strain",
    "swim_load",
    "trimp",
]


def power_load(duration_s: float, intensity: float) -> float:
    """100 h I^2: an hour at threshold is 100; NaN when the intensity is unknown.

    References
    ----------
    H. Allen, A. R. Coggan, Training and Racing with a Power Meter, 2006.

    Examples
    --------
    >>> power_load(3600.0, 1.0)
    100.0
    """
    return 100.0 * _hours(duration_s) * intensity**2


def run_load(graded_speed_1hz: npt.ArrayLike, threshold_mps: float) -> float:
    """100 h (v / v_threshold)^2, v the mean graded speed over the h hours in which it is known.

    Parameters
    ----------
    graded_speed_1hz
        (n,) m/s, of `science.grade.graded_speed`.

    Examples
    --------
    >>> run_load(np.full(3600, 4.0), 4.0)
    100.0
    """
    threshold = positive("threshold_mps", threshold_mps, "m/s")
    speed = series("graded_speed_1hz", graded_speed_1hz)
    known = speed[~np.isnan(speed)]
    if not len(known):
        return np.nan
    return 100.0 * len(known) / 3600.0 * float(known.mean() / threshold) ** 2


def swim_load(duration_s: float, speed_mps: float, css_mps: float) -> float:
    """100 h (v / CSS)^3: drag grows with the square of speed, so the effort with its cube.

    Parameters
    ----------
    css_mps
        Critical swim speed (`science.critical_power.fit_critical_speed`).

    Examples
    --------
    >>> round(swim_load(1800.0, 1.1, 1.0), 2)
    66.55
    """
    css = positive("css_mps", css_mps, "m/s")
    return 100.0 * _hours(duration_s) * (speed_mps / css) ** 3


def session_load(rpe: float, minutes: float) -> float:
    """Rating of perceived exertion (0 = rest, 10 = maximal; higher is harder) times minutes.

    References
    ----------
    C. Foster, Monitoring training in athletes with reference to overtraining syndrome,
    Med. Sci. Sports Exerc. 30 (1998) 1164.

    Examples
    --------
    >>> session_load(7, 60)
    420.0
    """
    return between("rpe", rpe, 0.0, 10.0, "points") * between(
        "minutes", minutes, 0.0, 1e6, "minutes"
    )


def monotony(loads7: npt.ArrayLike) -> float:
    """Mean over standard deviation of a week's daily loads: high = every day alike.

    Parameters
    ----------
    loads7
        (7,) daily loads, 0 on days of rest.

    Returns
    -------
    NaN where a day is unknown, or where all days are equal: the quotient has no value then. The
    standard deviation is that of a sample, over n - 1.

    References
    ----------
    C. Foster, Med. Sci. Sports Exerc. 30 (1998) 1164.

    Examples
    --------
    >>> round(monotony([400, 0, 300, 0, 500, 200, 0]), 2)
    0.96
    """
    loads = _week(loads7)
    spread = float(np.std(loads, ddof=1))
    return float(loads.mean()) / spread if spread > 1e-9 * float(loads.max()) else np.nan


def strain(loads7: npt.ArrayLike) -> float:
    """The week's load times its monotony; NaN where `monotony` is.

    Examples
    --------
    >>> round(strain([400, 0, 300, 0, 500, 200, 0]))
    1345
    """
    return float(_week(loads7).sum()) * monotony(loads7)


def acute_chronic(loads: npt.ArrayLike, acute_days: int = 7, chronic_days: int = 28) -> FloatArray:
    """(n,) mean load of the last week over that of the last four, for each day.

    It describes how the load changed, and nothing more: the ratio has no established link to
    injury and must never be sold as a risk of it.

    Parameters
    ----------
    loads
        (n,) daily loads, 0 on days of rest.

    Returns
    -------
    (n,) ratios; NaN in the first `chronic_days` - 1 days, where a day is unknown and where all
    were 0.

    References
    ----------
    F. M. Impellizzeri, M. S. Tenan, T. Kempton, A. Novak, A. J. Coutts, Acute:chronic workload
    ratio: conceptual issues and fundamental pitfalls, Int. J. Sports Physiol. Perform. 15
    (2020) 907.

    Examples
    --------
    >>> acute_chronic([100.0] * 28 + [200.0] * 7)[[0, 27, 34]]
    array([nan, 1. , 1.6])
    """
    days = series("loads", loads)
    if not 1 <= acute_days < chronic_days:
        raise StadionError(
            Code.INVALID,
            f"acute_days is {acute_days} and chronic_days {chronic_days};"
            " expected at least 1, and fewer than chronic_days",
        )
    ratios: FloatArray = np.full(len(days), np.nan)
    if len(days) >= chronic_days:
        windows = np.lib.stride_tricks.sliding_window_view(days, chronic_days)
        chronic, acute = windows.mean(axis=1), windows[:, -acute_days:].mean(axis=1)
        np.divide(acute, chronic, out=ratios[chronic_days - 1 :], where=chronic > 0)
    return ratios


def _week(loads7: npt.ArrayLike) -> FloatArray:
    loads = series("loads7", loads7)
    if len(loads) != 7:
        raise StadionError(
            Code.INVALID, f"loads7 has {len(loads)} days; expected 7, with 0 on days of rest"
        )
    for load in loads[~np.isnan(loads)]:
        above("loads7", load, -1e-9, "")
    return loads


def _hours(duration_s: float) -> float:
    return between("duration_s", duration_s, 0.0, 1e9, "s") / 3600.0
