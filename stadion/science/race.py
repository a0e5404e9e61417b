"""Races in; what they say of a runner, and times of races to come with their doubt, out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stadion.core.errors import Code, StadionError
from stadion.science.arguments import above_nought, enough, positive
from stadion.science.critical_speed import fit_critical_speed
from stadion.science.line import line, reach95
from stadion.science.vdot import race_time, training_speeds, vdot

__all__ = [
    "MODELS",
    "RIEGEL",
    "PersonalExponent",
    "Prediction",
    "fit_riegel",
    "predict",
    "race_time",
    "riegel",
    "training_speeds",
    "vdot",
]

RIEGEL = 1.06
"""Exponent of the time over the distance: 6 % more effort for twice the way, and a bit."""
_EXPONENT_SPREAD = 0.04
_RACE_SPREAD = 0.025
_NORMAL = 1.96
MODELS = ("power_law", "critical_speed")
"""What `predict` can rest on."""


def riegel(time_s: float, distance_m: float, target_m: float, exponent: float = RIEGEL) -> float:
    """Time for another distance: T2 = T1 (D2 / D1) ** exponent.

    Parameters
    ----------
    time_s, distance_m
        A race of 3.5 minutes to 4 hours, in which the formula was found.
    exponent
        1.06, or the runner's own (`fit_riegel`).

    References
    ----------
    P. S. Riegel, Athletic records and human endurance, American Scientist 69 (1981) 285.

    Examples
    --------
    >>> round(riegel(2400, 10_000, 42_195) / 60, 2)
    184.01
    """
    ratio = positive("target_m", target_m, "m") / positive("distance_m", distance_m, "m")
    return positive("time_s", time_s, "s") * math.pow(ratio, positive("exponent", exponent, ""))


@dataclass(frozen=True, slots=True)
class PersonalExponent:
    """How fast a runner tires with the distance: T = T_1km (D / 1 km) ** exponent.

    `exponent_se` is its standard error, NaN with two races.
    """

    exponent: float
    exponent_se: float
    time_1km_s: float
    races: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the exponent."""
        reach = reach95(self.races - 2) * self.exponent_se
        return self.exponent - reach, self.exponent + reach

    def time_s(self, distance_m: float) -> float:
        """Time for a distance on the fitted line."""
        ratio = positive("distance_m", distance_m, "m") / 1000.0
        return self.time_1km_s * math.pow(ratio, self.exponent)


def fit_riegel(distances_m: npt.ArrayLike, times_s: npt.ArrayLike) -> PersonalExponent:
    """A runner's own exponent: the slope of log time over log distance, by least squares.

    Parameters
    ----------
    distances_m, times_s
        (m,) each: races at full effort of one season, two different distances or more.

    Raises
    ------
    StadionError
        INVALID for values not above 0 or a single distance.

    Examples
    --------
    >>> own = fit_riegel([5_000, 10_000, 21_097.5], [1200, 2520, 5560])
    >>> round(own.exponent, 3), round(own.exponent_se, 3)
    (1.065, 0.003)
    """
    distances, times = above_nought(distances_m=distances_m, times_s=times_s)
    enough("distances_m", distances, 2)
    (exponent, log_time), (error, _) = line(np.log(distances / 1000.0), np.log(times))
    return PersonalExponent(exponent, error, math.exp(log_time), len(times))


@dataclass(frozen=True, slots=True)
class Prediction:
    """Time of a race to come and its 95 % interval; NaN where the races cannot tell."""

    time_s: float
    low_s: float
    high_s: float
    model: str


def predict(
    distances_m: npt.ArrayLike, times_s: npt.ArrayLike, target_m: float, model: str = "power_law"
) -> Prediction:
    """Time for `target_m` after some races, one or more, with a 95 % interval.

    "power_law" starts from Riegel's exponent and moves to the runner's own as races of different
    lengths accrue: exponent ~ N(1.06, 0.04), log time +- 2.5 % from race to race, or as much as
    the races themselves scatter if that is more. "critical_speed" draws D = CS t + D' through
    the races; it holds for 2 to 30 minutes, needs two races and tells an interval from three.

    Parameters
    ----------
    distances_m, times_s
        (m,) each, of one season.

    Returns
    -------
    Prediction for an ordinary day on a like course.

    References
    ----------
    Riegel 1981 (`riegel`); W. G. Hopkins, D. J. Hewson, Variability of competitive performance
    of distance runners, Med. Sci. Sports Exerc. 33 (2001) 1588 (1.2 to 4.2 % between races of
    one runner); A. J. Vickers, E. A. Vertosick, An empirical study of race times in recreational
    endurance runners, BMC Sports Sci. Med. Rehabil. 8 (2016) 26 (1.06 is too fast by 10 minutes
    in the marathon of every other runner: about 0.04 in the exponent).

    Examples
    --------
    >>> guess = predict([10_000], [2400], 42_195)
    >>> [round(t / 60) for t in (guess.low_s, guess.time_s, guess.high_s)]
    [161, 184, 210]
    """
    if model not in MODELS:
        raise StadionError(Code.INVALID, f"model is {model!r}; expected one of {', '.join(MODELS)}")
    target = positive("target_m", target_m, "m")
    distances, times = above_nought(distances_m=distances_m, times_s=times_s)
    enough("distances_m", distances, 1 if model == "power_law" else 2)
    if model == "critical_speed":
        return _by_critical_speed(distances, times, target)
    return _by_power_law(np.log(distances), np.log(times), math.log(target))


def _by_power_law(
    x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], target: float
) -> Prediction:
    """Posterior of a line whose slope has a normal prior; all in logarithms."""
    centre, spread = x.mean(), float(np.sum((x - x.mean()) ** 2))
    noise = _RACE_SPREAD**2
    if len(x) > 3 and spread > 0.0:
        (slope, intercept), _ = line(x, y)
        noise = max(noise, float(np.sum((y - intercept - slope * x) ** 2)) / (len(x) - 2))
    precision = 1.0 / _EXPONENT_SPREAD**2 + spread / noise
    pull = RIEGEL / _EXPONENT_SPREAD**2 + float(np.sum((x - centre) * y)) / noise
    away = target - centre
    mean = float(y.mean() + pull / precision * away)
    reach = _NORMAL * math.sqrt(noise * (1.0 + 1.0 / len(x)) + away**2 / precision)
    return Prediction(math.exp(mean), math.exp(mean - reach), math.exp(mean + reach), "power_law")


def _by_critical_speed(
    distances: npt.NDArray[np.float64], times: npt.NDArray[np.float64], target: float
) -> Prediction:
    """The line turned round: time = (D - D') / CS, its doubt by the delta method."""
    fit = fit_critical_speed(times, distances)
    time = fit.time_s(target)
    if len(times) < 3 or math.isnan(time):
        return Prediction(time, math.nan, math.nan, "critical_speed")
    misses = distances - fit.d_prime_m - fit.cs_mps * times
    variance = float(np.sum(misses**2)) / (len(times) - 2)
    away = (time - times.mean()) ** 2 / float(np.sum((times - times.mean()) ** 2))
    error = math.sqrt(variance * (1.0 + 1.0 / len(times) + away)) / fit.cs_mps
    reach = reach95(len(times) - 2) * error
    return Prediction(time, max(time - reach, 0.0), time + reach, "critical_speed")
