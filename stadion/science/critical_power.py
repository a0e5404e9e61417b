"""A few hard efforts in; the power or speed that could be held on and on, and its doubt, out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import above_nought, enough, same_length, series
from stadion.science.critical_speed import CriticalSpeed, fit_critical_speed
from stadion.science.line import line, reach95
from stadion.science.w_balance import w_balance

__all__ = [
    "FORMS",
    "CriticalPower",
    "CriticalSpeed",
    "critical_power_of_curve",
    "fit_critical_power",
    "fit_critical_speed",
    "w_balance",
]

FORMS = ("inverse", "work", "hyperbola", "three")
"""P = W'/t + CP; W = CP t + W'; t = W'/(P - CP); t = W'/(P - CP) + W'/(CP - Pmax)."""
_SHORTEST_S, _LONGEST_S = 120.0, 1800.0
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class CriticalPower:
    """Critical power and the work above it, with standard errors (NaN = cannot be told).

    Parameters
    ----------
    cp_w, w_prime_j, p_max_w
        Of the model; `p_max_w` is NaN but for the model of three parameters.
    cp_se_w, w_prime_se_j, p_max_se_w
        Standard errors; NaN where the efforts are as few as the parameters.
    form
        The one of `FORMS` that was fitted.
    efforts
        How many efforts it rests on.
    """

    cp_w: float
    w_prime_j: float
    cp_se_w: float
    w_prime_se_j: float
    form: str
    efforts: int
    p_max_w: float = math.nan
    p_max_se_w: float = math.nan

    @property
    def cp_interval_w(self) -> tuple[float, float]:
        """95 % interval of critical power, by Student's t; NaN without a degree of freedom."""
        return self._interval(self.cp_w, self.cp_se_w)

    @property
    def w_prime_interval_j(self) -> tuple[float, float]:
        """95 % interval of W'."""
        return self._interval(self.w_prime_j, self.w_prime_se_j)

    def _interval(self, value: float, error: float) -> tuple[float, float]:
        reach = reach95(self.efforts - (3 if self.form == "three" else 2)) * error
        return value - reach, value + reach

    def power_w(self, duration_s: float) -> float:
        """Power that can be held so long; NaN for a duration that is not above 0."""
        if not duration_s > 0.0:
            return math.nan
        lag = 0.0
        if self.form == "three":
            lag = self.w_prime_j / (self.p_max_w - self.cp_w)
        return self.cp_w + self.w_prime_j / (duration_s + lag)


def fit_critical_power(
    durations_s: npt.ArrayLike, power_w: npt.ArrayLike, form: str = "inverse"
) -> CriticalPower:
    """Critical power of efforts to exhaustion, by least squares.

    Parameters
    ----------
    durations_s
        (m,) s. Two-parameter forms need two different ones or more, of 2 to 30 minutes: shorter
        efforts are not limited by W', longer ones not by CP. The form of three needs three or
        more of up to 30 minutes, and only makes sense with some below 2 minutes.
    power_w
        (m,) mean W of each; a NaN on either side leaves the effort out.
    form
        "inverse" errs in power, "work" in work, "hyperbola" and "three" in time.

    Returns
    -------
    CriticalPower; all NaN where the power does not fall with the duration, since no critical
    power or W' above 0 fits that.

    Raises
    ------
    StadionError
        INVALID for durations out of range, powers not above 0, or too few efforts.

    References
    ----------
    H. Monod, J. Scherrer, The work capacity of a synergic muscular group, Ergonomics 8 (1965)
    329; R. H. Morton, A 3-parameter critical power model, Ergonomics 39 (1996) 611.

    Examples
    --------
    >>> fit = fit_critical_power([180, 360, 720], [361.1, 305.6, 277.8])
    >>> round(fit.cp_w), round(fit.w_prime_j, -2), [round(w) for w in fit.cp_interval_w]
    (250, 20000.0, [250, 250])
    """
    if form not in FORMS:
        raise StadionError(Code.INVALID, f"form is {form!r}; expected one of {', '.join(FORMS)}")
    t, p = _efforts(durations_s, power_w, form)
    if form == "inverse":
        (w, cp), (w_se, cp_se) = line(1.0 / t, p)
    elif form == "work":
        (cp, w), (cp_se, w_se) = line(t, p * t)
    else:
        return _hyperbola(t, p, form)
    if not (cp > 0.0 and w > 0.0):
        return _unknown(form, len(t))
    return CriticalPower(cp, w, cp_se, w_se, form, len(t))


def critical_power_of_curve(curve_w: npt.ArrayLike, durations_s: npt.ArrayLike) -> CriticalPower:
    """Critical power of the best means of a season (`science.curve.duration_curve`).

    Takes the durations from 2 to 30 minutes. Best means of one ride overlap and were seldom
    all-out: what comes out is a lower estimate, and its standard errors are too small.

    Parameters
    ----------
    curve_w, durations_s
        (k,) best mean power and how long it lasted; NaN = unknown.

    Returns
    -------
    CriticalPower; all NaN where fewer than two efforts are known.

    Examples
    --------
    >>> durations = np.array([60.0, 180.0, 600.0, 1200.0])
    >>> found = critical_power_of_curve(250.0 + 20_000.0 / durations, durations)
    >>> round(found.cp_w), round(found.w_prime_j), found.efforts
    (250, 20000, 3)
    """
    t, p = series("durations_s", durations_s), series("curve_w", curve_w)
    same_length(durations_s=t, curve_w=p)
    use = (t >= _SHORTEST_S) & (t <= _LONGEST_S) & (p > 0)
    if use.sum() < 2:
        return _unknown("inverse", int(use.sum()))
    return fit_critical_power(t[use], p[use], "inverse")


def _efforts(
    durations: npt.ArrayLike, power: npt.ArrayLike, form: str
) -> tuple[FloatArray, FloatArray]:
    t, p = above_nought(durations_s=durations, power_w=power)
    low = 0.0 if form == "three" else _SHORTEST_S
    wrong = t[(t < low) | (t > _LONGEST_S)]
    if len(wrong):
        raise StadionError(
            Code.INVALID,
            f"durations_s holds {wrong[0]:g}; expected {low:g} to {_LONGEST_S:g} s",
            "leave out efforts that are shorter or longer",
        )
    enough("durations_s", t, 3 if form == "three" else 2)
    return t, p


def _hyperbola(t: FloatArray, p: FloatArray, form: str) -> CriticalPower:
    """Both forms that err in time: CP (and Pmax) are sought, W' is linear once they are given."""
    highest, lowest = float(p.max()), float(p.min())
    # CP lies below every power; Pmax above: steps of their distances' logarithms.
    low = np.log(np.array([lowest * 1e-6, highest * 1e-6]))
    high = np.log(np.array([lowest * (1 - 1e-9), highest * 100.0]))
    lags = form == "three"
    ends = np.stack([low, high])
    for _ in range(_ROUNDS):
        below = np.exp(np.linspace(low[0], high[0], 41))
        above = np.exp(np.linspace(low[1], high[1], 41)) if lags else np.array([np.inf])
        shapes = _shape(p, lowest - below[:, None, None], highest + above[None, :, None])
        scales = np.maximum(shapes @ t / np.sum(shapes**2, axis=-1), 0.0)
        errors = np.sum((scales[..., None] * shapes - t) ** 2, axis=-1)
        i, j = np.unravel_index(int(np.argmin(errors)), errors.shape)
        best = np.array([math.log(below[i]), math.log(above[j]) if lags else low[1]])
        reach = (high - low) * 0.3
        low, high = np.maximum(best - reach, ends[0]), np.minimum(best + reach, ends[1])
    cp, w, top = lowest - float(below[i]), float(scales[i, j]), highest + float(above[j])
    return _with_errors(t, p, (cp, w, top), form)


def _shape(p: FloatArray, cp: FloatArray, p_max: FloatArray) -> FloatArray:
    """Time per unit of W': 1 / (P - CP), less what a finite Pmax takes."""
    shape: FloatArray = 1.0 / (p - cp) - 1.0 / (p_max - cp)
    return shape


def _with_errors(
    t: FloatArray, p: FloatArray, found: tuple[float, float, float], form: str
) -> CriticalPower:
    cp, w, top = found
    if not (w > 0.0 and cp > 1e-3 * p.min()) or np.corrcoef(t, p)[0, 1] >= 0.0:
        return _unknown(form, len(t))
    by_w = _shape(p, np.array(cp), np.array(top))
    by_cp = w * (1.0 / (p - cp) ** 2 - 1.0 / (top - cp) ** 2)
    columns = [by_cp, by_w]
    if form == "three":
        columns.append(np.full(len(p), w / (top - cp) ** 2))
    jacobian, freedom = np.stack(columns, axis=1), len(t) - len(columns)
    errors = np.full(3, math.nan)
    if freedom > 0:
        scale = np.linalg.norm(jacobian, axis=0)
        inverse = np.linalg.pinv((jacobian / scale).T @ (jacobian / scale))
        variance = float(np.sum((t - w * by_w) ** 2)) / freedom
        errors[: len(columns)] = np.sqrt(variance * np.diag(inverse)) / scale
    cp_se, w_se, top_se = errors.tolist()
    top = top if form == "three" else math.nan
    return CriticalPower(cp, w, cp_se, w_se, form, len(t), top, top_se)


def _unknown(form: str, efforts: int) -> CriticalPower:
    return CriticalPower(math.nan, math.nan, math.nan, math.nan, form, efforts)
