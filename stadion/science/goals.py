"""Goals of past matches in; attack, defence and the chances of the next result out."""

from __future__ import annotations

from math import lgamma
from typing import NamedTuple

import numpy as np

from stadion.core.arrays import FloatArray, IntArray

__all__ = [
    "GoalHistory",
    "GoalStrengths",
    "expected_goals",
    "fit_goals",
    "fit_rho",
    "outcome_chances",
]

_MOST_GOALS = 10
_RHO = -0.05  # usual dependence of low scores
_CLOSE = 1e-4
_STEPS = 12
_FORGOTTEN = 0.01  # matches of less weight are left out
_WIDE = 1e-3  # precision of the prior of level and home advantage
_HALVINGS = 60
_LOG_FACTORIAL = np.array([lgamma(k + 1.0) for k in range(_MOST_GOALS + 1)])


class GoalHistory(NamedTuple):
    """Matches in order of time.

    Parameters
    ----------
    first, second
        (n,) numbers of the two teams.
    goals, against
        (n,) goals of the first and of the second.
    home
        (n,) 1 where the first is at home, -1 the second, 0 nobody.
    day
        (n,) day of each match.
    """

    first: IntArray
    second: IntArray
    goals: FloatArray
    against: FloatArray
    home: FloatArray
    day: FloatArray


class GoalStrengths(NamedTuple):
    """Logarithms: goals a team scores and keeps away (teams,), usual goals, half home advantage."""

    attack: FloatArray
    defence: FloatArray
    level: float
    home: float


def fit_goals(
    history: GoalHistory,
    today: float,
    half_life_days: float,
    prior: GoalStrengths,
    precision: float,
    start: GoalStrengths | None = None,
) -> GoalStrengths:
    """Attack and defence of all teams that make the weighted goals most likely.

    Goals are Poisson with mean exp(level +- home + attack - defence of the other); a match that
    is t days old weighs 0.5 ** (t / half life); strengths have a normal prior.

    Parameters
    ----------
    prior
        Means of the prior; its level and home are where the search begins.
    precision
        1 / variance of the prior of each strength, in matches.
    start
        Strengths to begin the search at, such as last week's.

    References
    ----------
    M. Dixon, S. Coles, Modelling association football scores and inefficiencies in the football
    betting market, Applied Statistics 46 (1997) 265-280, with a ridge in place of the constraint.

    Examples
    --------
    Twenty matches of two teams on neutral ground, all of which the first wins by 3 to 1:

    >>> n, zero = 20, np.zeros(20)
    >>> teams = np.zeros(n, np.int64), np.ones(n, np.int64)
    >>> history = GoalHistory(*teams, zero + 3.0, zero + 1.0, zero, zero)
    >>> prior = GoalStrengths(np.zeros(2), np.zeros(2), 0.3, 0.1)
    >>> found = fit_goals(history, 0.0, 365.0, prior, 0.1)
    >>> ours, theirs = expected_goals(found, np.array([0]), np.array([1]), np.zeros(1))
    >>> ours.round(1), theirs.round(1)
    (array([3.]), array([1.]))
    """
    weight = 0.5 ** ((today - history.day) / half_life_days)
    told = np.flatnonzero(weight > _FORGOTTEN)
    past = GoalHistory(
        history.first[told], history.second[told], history.goals[told], history.against[told],
        history.home[told], history.day[told],
    )  # fmt: skip
    centre = np.concatenate([prior.attack, prior.defence, [prior.level, prior.home]])
    ridge = np.full(len(centre), precision)
    ridge[-2:] = _WIDE
    at = centre if start is None else np.concatenate([start.attack, start.defence, start[2:]])
    for _ in range(_STEPS):
        slope, curve = _derivatives(at, past, weight[told], len(prior.attack))
        slope -= ridge * (at - centre)
        curve[np.diag_indices(len(at))] += ridge
        step = np.linalg.solve(curve, slope).clip(-1.0, 1.0)
        at = at + step
        if np.abs(step).max() < _CLOSE:
            break
    teams = len(prior.attack)
    return GoalStrengths(at[:teams], at[teams:-2], float(at[-2]), float(at[-1]))


def expected_goals(
    strengths: GoalStrengths, first: IntArray, second: IntArray, home: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(n,) mean goals of the first and of the second."""
    ours = strengths.level + strengths.home * home
    theirs = strengths.level - strengths.home * home
    return (
        np.exp(ours + strengths.attack[first] - strengths.defence[second]),
        np.exp(theirs + strengths.attack[second] - strengths.defence[first]),
    )


def fit_rho(
    goals: FloatArray,
    against: FloatArray,
    means: tuple[FloatArray, FloatArray],
    weight: FloatArray | None = None,
) -> float:
    """Dependence of low scores that makes the results most likely, the mean goals being known.

    Parameters
    ----------
    goals, against
        (n,) goals of the first and of the second.
    means
        (n,) and (n,) expected ones, from `expected_goals`.
    weight
        (n,) of each match, such as the one it had in `fit_goals`.

    Returns
    -------
    For `outcome_chances`; below 0 where there are more draws at 0-0 and 1-1 than by chance. 0
    without any such score. Fitting all at once moves the strengths by a fraction of a percent.

    References
    ----------
    Dixon & Coles 1997, equations 4.2 and 4.3; the likelihood is concave in rho.

    Examples
    --------
    >>> one = np.ones(4)
    >>> abs(fit_rho(np.array([1.0, 0, 1, 0]), np.array([1.0, 0, 0, 1]), (one, one))) < 1e-9
    True
    """
    weight = np.ones(len(goals)) if weight is None else weight
    first, second = means
    factor = np.select(
        [(goals == 0) & (against == 0), (goals == 0) & (against == 1),
         (goals == 1) & (against == 0), (goals == 1) & (against == 1)],
        [-first * second, first, second, -np.ones(len(goals))], 0.0,
    )  # fmt: skip
    low, high = -1.0 / factor.max(initial=1.0), -1.0 / factor.min(initial=-1.0)
    if not factor.any():
        return 0.0
    for _ in range(_HALVINGS):
        rho = (low + high) / 2.0
        if (weight * factor / (1.0 + factor * rho)).sum() > 0:
            low = rho
        else:
            high = rho
    return float((low + high) / 2.0)


def outcome_chances(goals: FloatArray, against: FloatArray, rho: float = _RHO) -> FloatArray:
    """(n, 3) probabilities of win, draw and loss of two Poisson numbers of goals.

    Parameters
    ----------
    goals, against
        (n,) mean goals of the two.
    rho
        Dependence of 0-0, 1-0, 0-1 and 1-1; negative for more draws than by chance.

    Examples
    --------
    >>> outcome_chances(np.array([1.4]), np.array([1.1]), rho=0.0).round(3).tolist()
    [[0.438, 0.266, 0.296]]

    References
    ----------
    Dixon & Coles 1997, equation 4.2.
    """
    k = np.arange(_MOST_GOALS + 1)
    ours, theirs = (
        np.exp(k * np.log(mean)[:, None] - mean[:, None] - _LOG_FACTORIAL)
        for mean in (goals, against)
    )
    scores = ours[:, :, None] * theirs[:, None, :]
    scores[:, 0, 0] *= 1.0 - goals * against * rho
    scores[:, 0, 1] *= 1.0 + goals * rho
    scores[:, 1, 0] *= 1.0 + against * rho
    scores[:, 1, 1] *= 1.0 - rho
    scores = np.maximum(scores, 0.0)
    draw = np.trace(scores, axis1=1, axis2=2)
    win = np.tril(scores, -1).sum(axis=(1, 2))
    total = scores.sum(axis=(1, 2))
    return np.stack([win / total, draw / total, 1.0 - (win + draw) / total], axis=1)


def _derivatives(
    at: FloatArray, past: GoalHistory, weight: FloatArray, teams: int
) -> tuple[FloatArray, FloatArray]:
    """Slope (2 teams + 2,) and negative curvature of the weighted log-likelihood."""
    first, second, home = past.first, past.second, past.home
    strengths = GoalStrengths(at[:teams], at[teams:-2], float(at[-2]), float(at[-1]))
    slope, curve = np.zeros(len(at)), np.zeros((len(at), len(at)))
    means = expected_goals(strengths, first, second, home)
    sides = ((first, second, past.goals, means[0], home), (second, first, past.against, means[1],
                                                           -home))  # fmt: skip
    level, place = len(at) - 2, len(at) - 1
    for scorer, keeper, scored, mean, at_home in sides:
        beyond, w = weight * (scored - mean), weight * mean
        slope[:teams] += np.bincount(scorer, beyond, teams)
        slope[teams:level] -= np.bincount(keeper, beyond, teams)
        slope[level] += beyond.sum()
        slope[place] += (beyond * at_home).sum()
        each = np.arange(teams)
        by_scorer, by_keeper = np.bincount(scorer, w, teams), np.bincount(keeper, w, teams)
        curve[each, each] += by_scorer
        curve[teams + each, teams + each] += by_keeper
        crossed = np.bincount(scorer * teams + keeper, w, teams * teams).reshape(teams, teams)
        curve[:teams, teams:level] -= crossed
        curve[teams:level, :teams] -= crossed.T
        columns = ((level, by_scorer, by_keeper, w.sum()),
                   (place, np.bincount(scorer, w * at_home, teams),
                    np.bincount(keeper, w * at_home, teams), (w * at_home**2).sum()))  # fmt: skip
        for column, of_scorer, of_keeper, alone in columns:
            curve[:teams, column] += of_scorer
            curve[teams:level, column] -= of_keeper
            curve[column, :teams] += of_scorer
            curve[column, teams:level] -= of_keeper
            curve[column, column] += alone
        mixed = (w * at_home).sum()
        curve[level, place] += mixed
        curve[place, level] += mixed
    return slope, curve
