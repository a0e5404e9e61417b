"""Heart rate at 1 Hz and an athlete's limits in; training impulses out.

A missing second adds nothing: the impulse is that of the seconds that are known, NaN if none is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import above, enough, known_together, positive, series, sex_of

__all__ = [
    "BANISTER",
    "LactateCurve",
    "edwards",
    "fit_individual",
    "heart_rate_load",
    "individual_trimp",
    "lucia",
    "reserve",
    "trimp",
]

BANISTER = {"male": (0.64, 1.92), "female": (0.86, 1.67)}
"""Sex -> (a, b) of the weight a e^(b x) of a minute at the share x of the reserve."""
_EDWARDS = (0.50, 0.60, 0.70, 0.80, 0.90)


def reserve(heart_rate: npt.ArrayLike, rest_bpm: float, max_bpm: float) -> FloatArray:
    """(n,) share of the heart rate reserve, 0 at rest and 1 at the maximum, and no further.

    Examples
    --------
    >>> reserve([50.0, 150.0, 210.0], 50.0, 200.0).round(3)
    array([0.   , 0.667, 1.   ])
    """
    rest = positive("rest_bpm", rest_bpm, "bpm")
    highest = above("max_bpm", max_bpm, rest, "bpm", "rest_bpm")
    share = (series("heart_rate", heart_rate) - rest) / (highest - rest)
    return np.clip(share, 0.0, 1.0)


def trimp(heart_rate_1hz: npt.ArrayLike, rest_bpm: float, max_bpm: float, sex: str) -> float:
    """Banister's training impulse: the sum over minutes of x a e^(b x).

    Parameters
    ----------
    heart_rate_1hz
        (n,) bpm.
    sex
        "male" (a 0.64, b 1.92) or "female" (a 0.86, b 1.67).

    Returns
    -------
    Arbitrary units; NaN where no heart rate is known.

    References
    ----------
    E. W. Banister, Modeling elite athletic performance, in Physiological Testing of Elite
    Athletes, 1991, 403-424.

    Examples
    --------
    >>> [round(trimp(np.full(3600, 150.0), 50, 200, sex), 2) for sex in ("male", "female")]
    [92.07, 104.73]
    """
    return individual_trimp(heart_rate_1hz, rest_bpm, max_bpm, *BANISTER[sex_of(sex)])


def individual_trimp(
    heart_rate_1hz: npt.ArrayLike, rest_bpm: float, max_bpm: float, a: float, b: float
) -> float:
    """The sum over minutes of x a e^(b x), with the athlete's own a and b (`fit_individual`).

    References
    ----------
    V. Manzi, F. Iellamo, F. Impellizzeri, S. D'Ottavio, C. Castagna, Relation between
    individualized training impulses and performance in distance runners, Med. Sci. Sports
    Exerc. 41 (2009) 2090.

    Examples
    --------
    An hour at 150 bpm, which the lactate of this athlete weighs as Banister's men:

    >>> round(individual_trimp(np.full(3600, 150.0), 50.0, 190.0, 0.64, 1.92), 1)
    108.1
    """
    x = reserve(heart_rate_1hz, rest_bpm, max_bpm)
    x = x[~np.isnan(x)]
    return float(np.sum(x * a * np.exp(b * x))) / 60.0 if len(x) else np.nan


def edwards(heart_rate_1hz: npt.ArrayLike, max_bpm: float) -> float:
    """Minutes in 50-60, 60-70, 70-80, 80-90 and from 90 % of the maximum, times 1 to 5.

    References
    ----------
    S. Edwards, The Heart Rate Monitor Book, 1993.

    Examples
    --------
    >>> edwards(np.repeat([110.0, 190.0], 600), 200.0)
    60.0
    """
    highest = positive("max_bpm", max_bpm, "bpm")
    return _weighted_minutes(heart_rate_1hz, [share * highest for share in _EDWARDS], start=0)


def lucia(heart_rate_1hz: npt.ArrayLike, vt1_bpm: float, vt2_bpm: float) -> float:
    """Minutes below, between and above the ventilatory thresholds, times 1, 2 and 3.

    References
    ----------
    A. Lucia, J. Hoyos, A. Santalla, C. Earnest, J. L. Chicharro, Tour de France versus Vuelta a
    Espana: which is harder?, Med. Sci. Sports Exerc. 35 (2003) 872.

    Examples
    --------
    >>> lucia(np.repeat([120.0, 150.0, 175.0], 600), 140.0, 165.0)
    60.0
    """
    first = positive("vt1_bpm", vt1_bpm, "bpm")
    second = above("vt2_bpm", vt2_bpm, first, "bpm", "vt1_bpm")
    return _weighted_minutes(heart_rate_1hz, [first, second], start=1)


def heart_rate_load(
    heart_rate_1hz: npt.ArrayLike, rest_bpm: float, max_bpm: float, threshold_bpm: float, sex: str
) -> float:
    """100 times the impulse over that of an hour at threshold: an hour at threshold is 100.

    Raises
    ------
    StadionError
        INVALID unless rest < threshold <= max.

    Examples
    --------
    >>> round(heart_rate_load(np.full(3600, 170.0), 50, 190, 170, "female"), 6)
    100.0
    """
    threshold = above("threshold_bpm", threshold_bpm, rest_bpm, "bpm", "rest_bpm")
    if threshold > max_bpm:
        raise StadionError(
            Code.INVALID,
            f"threshold_bpm is {threshold_bpm}; expected at most max_bpm = {max_bpm:g} bpm",
        )
    hour = trimp(np.full(60, threshold), rest_bpm, max_bpm, sex) * 60.0
    return 100.0 * trimp(heart_rate_1hz, rest_bpm, max_bpm, sex) / hour


@dataclass(frozen=True, slots=True)
class LactateCurve:
    """a e^(b x): lactate in mmol/l at the share x of the heart rate reserve.

    `residual` is the root mean square distance of the measurements from it, in mmol/l.
    """

    a: float
    b: float
    residual: float


def fit_individual(reserve_share: npt.ArrayLike, lactate_mmol: npt.ArrayLike) -> LactateCurve:
    """The a and b of an athlete's own impulse, by least squares to a step test.

    Parameters
    ----------
    reserve_share
        (m,) share of the heart rate reserve at the end of each step, 0 to 1; 3 steps or more.
    lactate_mmol
        (m,) blood lactate of each step.

    Raises
    ------
    StadionError
        INVALID when there are fewer than three different steps.

    References
    ----------
    V. Manzi et al., Med. Sci. Sports Exerc. 41 (2009) 2090.

    Examples
    --------
    >>> x = np.array([0.4, 0.6, 0.8, 0.95])
    >>> curve = fit_individual(x, 0.3 * np.exp(3.1 * x))
    >>> round(curve.a, 3), round(curve.b, 3)
    (0.3, 3.1)
    """
    x, y = known_together(reserve_share=reserve_share, lactate_mmol=lactate_mmol)
    enough("reserve_share", x, 3)
    low, high = -5.0, 20.0
    # For a given b the best a is linear: one number is searched, on ever finer grids.
    for _ in range(12):
        grid = np.linspace(low, high, 41)
        shapes = np.exp(grid[:, None] * x)
        scales = shapes @ y / np.sum(shapes**2, axis=1)
        errors = np.sum((scales[:, None] * shapes - y) ** 2, axis=1)
        best, step = int(np.argmin(errors)), grid[1] - grid[0]
        low, high = grid[best] - 2 * step, grid[best] + 2 * step
    return LactateCurve(
        float(scales[best]), float(grid[best]), float(np.sqrt(errors[best] / len(x)))
    )


def _weighted_minutes(heart_rate_1hz: npt.ArrayLike, bounds: list[float], start: int) -> float:
    """Minutes in each zone times its number; that below the first bound has number `start`."""
    rate = series("heart_rate_1hz", heart_rate_1hz)
    rate = rate[~np.isnan(rate)]
    if not len(rate):
        return np.nan
    return float(np.sum(np.searchsorted(bounds, rate, side="right") + start)) / 60.0
