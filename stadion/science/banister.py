"""Loads of days and a few performances in; an athlete's own model of how one makes the other.

The performance is a straight function of two sums of past loads, once their time constants are
given: only these two are searched, the other three follow exactly (variable projection).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import above, positive, same_length, series

__all__ = ["Banister", "fit_banister"]

_NAMES = ("p0", "k1", "k2", "tau1_days", "tau2_days")
_GRID = 25
_ROUNDS = 24


@dataclass(frozen=True, slots=True)
class Banister:
    """p = p0 + k1 sum w e^(-d / tau1) - k2 sum w e^(-d / tau2), d days since each load w.

    Parameters
    ----------
    p0
        Performance without training, in the unit of the performances.
    k1, k2
        What one unit of load adds through fitness and takes through fatigue a moment later.
    tau1_days, tau2_days
        How slowly fitness and fatigue go.
    errors
        Name of a parameter -> its standard error from the curvature at the best fit; NaN for
        all where a parameter lies at its bound or no degree of freedom is left, because the
        straight-line theory says nothing there.
    residual
        Root mean square distance of the performances from the model.
    """

    p0: float
    k1: float
    k2: float
    tau1_days: float
    tau2_days: float
    errors: dict[str, float]
    residual: float

    def predict(self, loads: npt.ArrayLike, days: npt.ArrayLike) -> FloatArray:
        """(m,) performance on each of the days, of which day 0 is that of the first load."""
        taus = np.array([self.tau1_days, self.tau2_days])
        slow, fast = _responses(_loads(loads), _days(days), taus)
        performance: FloatArray = self.p0 + self.k1 * slow - self.k2 * fast
        return performance


def fit_banister(
    loads: npt.ArrayLike,
    days: npt.ArrayLike,
    performances: npt.ArrayLike,
    *,
    tau1_bounds: tuple[float, float] = (10.0, 120.0),
    tau2_bounds: tuple[float, float] = (1.0, 30.0),
) -> Banister:
    """The five parameters that fit an athlete's performances best, by least squares.

    Only loads of days before a performance count for it. k1 and k2 are 0 or more, tau1 is
    longer than tau2. Five or six performances give numbers and no certainty: read the errors.

    Parameters
    ----------
    loads
        (n,) daily loads from day 0 on; NaN counts as 0.
    days
        (m,) whole days of the performances, 1 or later; at least 6 of them.
    performances
        (m,) in any unit in which more is better.

    Returns
    -------
    Banister with standard errors.

    Raises
    ------
    StadionError
        INVALID for fewer than six known performances, or bounds that leave no tau1 > tau2.

    References
    ----------
    D. C. Clarke, P. F. Skiba, Rationale and resources for teaching the mathematical modeling of
    athletic training and performance, Adv. Physiol. Educ. 37 (2013) 134; G. H. Golub,
    V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413 (variable projection).

    Examples
    --------
    >>> loads = 60.0 + 40.0 * np.sin(np.arange(200) / 9.0)
    >>> days = np.arange(20, 200, 9)
    >>> truth = Banister(500.0, 1.0, 2.0, 45.0, 12.0, {}, 0.0)
    >>> fitted = fit_banister(loads, days, truth.predict(loads, days))
    >>> round(fitted.tau1_days, 2), round(fitted.tau2_days, 2), round(fitted.k1, 3)
    (45.0, 12.0, 1.0)
    """
    load, day, y = _loads(loads), _days(days), series("performances", performances)
    same_length(days=day.astype(np.float64), performances=y)
    day, y = day[~np.isnan(y)], y[~np.isnan(y)]
    if len(y) <= len(_NAMES):
        raise StadionError(
            Code.INVALID, f"performances has {len(y)} known values; expected 6 or more"
        )
    bounds = _bounds(tau1_bounds, tau2_bounds)
    taus = _search(load, day, y, bounds)
    slow, fast = _responses(load, day, taus)
    p0, k1, k2, _ = _projected(slow, fast, y)
    found = np.array([p0, k1, k2, *taus])
    misses = y - (p0 + k1 * slow - k2 * fast)
    errors = _errors(load, day, found, misses, bounds)
    residual = float(np.sqrt(np.mean(misses**2)))
    return Banister(
        float(p0), float(k1), float(k2), float(taus[0]), float(taus[1]), errors, residual
    )


def _search(load: FloatArray, day: FloatArray, y: FloatArray, bounds: FloatArray) -> FloatArray:
    """(2,) time constants of least squares: grids of their logarithms, each round a finer one."""
    ends = np.log(bounds)
    low, high = ends[:, 0].copy(), ends[:, 1].copy()
    for _ in range(_ROUNDS):
        slow = np.exp(np.linspace(low[0], high[0], _GRID))
        fast = np.exp(np.linspace(low[1], high[1], _GRID))
        one, two = np.meshgrid(slow, fast, indexing="ij")
        allowed = one > two * 1.01
        responses = [_responses(load, day, taus) for taus in (slow, fast)]
        *_, errors = _projected(responses[0][:, None, :], responses[1][None, :, :], y)
        errors = np.where(allowed, errors, np.inf)
        i, j = np.unravel_index(int(np.argmin(errors)), errors.shape)
        best = np.log([slow[i], fast[j]])
        # Half as wide each time: narrow and tilted valleys are followed rather than lost.
        reach = (high - low) / 4.0
        low, high = np.maximum(best - reach, ends[:, 0]), np.minimum(best + reach, ends[:, 1])
    found: FloatArray = np.exp(best)
    return found


def _projected(slow: FloatArray, fast: FloatArray, y: FloatArray) -> tuple[FloatArray, ...]:
    """p0, k1, k2 and the squared error, each (...), best for responses (..., m); k >= 0."""
    s, f, t = (x - x.mean(axis=-1, keepdims=True) for x in (slow, fast, y))
    ss, ff, sf = (np.sum(a * b, axis=-1) for a, b in ((s, s), (f, f), (s, f)))
    st, ft = np.sum(s * t, axis=-1), np.sum(f * t, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        determinant = ss * ff - sf**2
        both = [(st * ff - ft * sf) / determinant, (st * sf - ft * ss) / determinant]
        alone = [np.nan_to_num(np.maximum(st / ss, 0.0)), np.nan_to_num(np.maximum(-ft / ff, 0.0))]
    nought = np.zeros(np.broadcast(s, f).shape[:-1])
    usable = (both[0] >= 0) & (both[1] >= 0) & (determinant > 1e-12 * ss * ff)
    choices = [
        (np.where(usable, both[0], 0.0), np.where(usable, both[1], 0.0)),
        (alone[0] + nought, nought),
        (nought, alone[1] + nought),
    ]
    errors = np.stack(
        [np.sum((t - k1[..., None] * s + k2[..., None] * f) ** 2, axis=-1) for k1, k2 in choices]
    )
    best = np.argmin(errors, axis=0)[None]
    k1, k2 = (
        np.take_along_axis(np.stack([pair[side] for pair in choices]), best, axis=0)[0]
        for side in (0, 1)
    )
    p0 = y.mean() - k1 * slow.mean(axis=-1) + k2 * fast.mean(axis=-1)
    return p0, k1, k2, np.take_along_axis(errors, best, axis=0)[0]


def _errors(
    load: FloatArray, day: FloatArray, found: FloatArray, misses: FloatArray, bounds: FloatArray
) -> dict[str, float]:
    """Standard errors from the Jacobian at the best fit."""
    _, k1, k2, *taus = found.tolist()
    inside = all(
        low * 1.001 < tau < high * 0.999 for tau, (low, high) in zip(taus, bounds, strict=True)
    )
    freedom = len(misses) - len(found)
    unknown = dict.fromkeys(_NAMES, float("nan"))
    if not inside or k1 <= 0.0 or k2 <= 0.0 or freedom < 1:
        return unknown
    columns = [np.ones(len(misses))]
    columns += [
        sign * _responses(load, day, np.array([tau]))[0]
        for sign, tau in zip((1, -1), taus, strict=True)
    ]
    for k, sign, tau in zip((k1, k2), (1, -1), taus, strict=True):
        step = tau * 1e-5
        ahead, behind = _responses(load, day, np.array([tau + step, tau - step]))
        columns.append(sign * k * (ahead - behind) / (2.0 * step))
    jacobian = np.stack(columns, axis=1)
    scale = np.linalg.norm(jacobian, axis=0)
    try:
        inverse = np.linalg.inv((jacobian / scale).T @ (jacobian / scale))
    except np.linalg.LinAlgError:
        return unknown
    variance = np.sum(misses**2) / freedom * np.diag(inverse) / scale**2
    return dict(zip(_NAMES, np.sqrt(np.maximum(variance, 0.0)).tolist(), strict=True))


def _responses(load: FloatArray, day: FloatArray, taus: FloatArray) -> FloatArray:
    """(k, m) sum of w e^(-d / tau) over the loads of the days before each of the m days."""
    last = int(day.max(initial=0))
    keep = np.exp(-1.0 / taus)
    sums = np.zeros((last + 1, len(taus)))
    for index, value in enumerate(load[:last].tolist()):
        sums[index + 1] = (sums[index] + value) * keep
    for index in range(len(load), last):
        sums[index + 1] = sums[index] * keep
    return sums[day.astype(np.int64)].T


def _loads(loads: npt.ArrayLike) -> FloatArray:
    values = np.nan_to_num(series("loads", loads))
    if len(values) and values.min() < 0.0:
        raise StadionError(Code.INVALID, f"loads holds {values.min():g}; expected 0 or more")
    return values


def _days(days: npt.ArrayLike) -> FloatArray:
    values = series("days", days)
    wrong = values[~((values >= 1) & (values == np.floor(values)) & (values < 100_000))]
    if len(wrong):
        raise StadionError(
            Code.INVALID, f"days holds {wrong[0]:g}; expected whole days from 1 to 99,999"
        )
    return values


def _bounds(slow: tuple[float, float], fast: tuple[float, float]) -> FloatArray:
    for name, (low, high) in (("tau1_bounds", slow), ("tau2_bounds", fast)):
        above(name, high, positive(name, low, "days"), "days", "their lower end")
    if slow[1] <= fast[0] * 1.01:
        raise StadionError(
            Code.INVALID, f"tau1_bounds end at {slow[1]}; expected more than tau2's {fast[0]} days"
        )
    return np.array([slow, fast])
