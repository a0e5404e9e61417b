"""Ratings and goals against published tables, scipy and another library's figures.

The figures of penaltyblog come from its version 1.13.1, run once on the same made-up season.
openskill (6.2.0) has nothing to compare: its models (Plackett-Luce, Bradley-Terry and
Thurstone-Mosteller by Weng and Lin) are none of ours.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from stadion.core.arrays import Array, FloatArray
from stadion.science.elo import football_step, win_probability
from stadion.science.glicko import Glicko, after_period
from stadion.science.goals import (
    GoalHistory,
    GoalStrengths,
    expected_goals,
    fit_goals,
    fit_rho,
    outcome_chances,
)
from stadion.science.threat import Moves, Shots, fit_threat

TEAMS, MATCHES, XI = 5, 400, 0.0018
PAIRS = (("a", "b"), ("c", "e"), ("d", "a"))
POISSON = {
    "flat": [(1.5889, 1.6195), (1.77541, 0.8305), (1.62476, 1.45823)],
    "aged": [(1.58553, 1.5946), (1.77521, 0.81989), (1.6305, 1.4794)],
}
"""Expected goals at home and away of penaltyblog's PoissonGoalsModel."""
DIXON_COLES: dict[str, tuple[float, list[tuple[float, float]], list[list[float]]]] = {
    "flat": (
        -0.16453,
        [(1.59199, 1.61877), (1.77441, 0.82904), (1.62616, 1.46073)],
        [[0.360288, 0.268001, 0.371712], [0.580164, 0.265959, 0.153877],
         [0.39893, 0.273899, 0.327171]],
    ),
    "aged": (
        -0.16739,
        [(1.58376, 1.59118), (1.7796, 0.81935), (1.63085, 1.47748)],
        [[0.363122, 0.270571, 0.366307], [0.583596, 0.265601, 0.150803],
         [0.39644, 0.273452, 0.330108]],
    ),
}  # fmt: skip
"""Its DixonColesGoalModel: rho, expected goals, chances of home, draw and away."""
THREAT = [
    [0.010318, 0.014191, 0.019669, 0.029194, 0.04164, 0.07397, 0.098259, 0.225943],
    [0.009207, 0.011576, 0.017407, 0.024191, 0.033851, 0.052386, 0.068423, 0.132046],
]
"""Its XTModel (no smoothing of transitions, the two shots it adds to each cell taken out): the
fourth and the sixth row across the pitch."""


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [(0, 0.5), (20, 0.529), (100, 0.640), (130, 0.679), (200, 0.760), (300, 0.849), (400, 0.909),
     (800, 0.990)],
)  # fmt: skip
def test_the_table_of_the_world_football_elo_ratings(ahead: float, expected: float) -> None:
    assert win_probability(1500 + ahead, 1500) == pytest.approx(expected, abs=5e-4)
    assert win_probability(1500, 1500 + ahead) == pytest.approx(1 - expected, abs=5e-4)


@pytest.mark.parametrize(
    ("ahead", "expected"), [(25, 0.53), (50, 0.57), (100, 0.64), (150, 0.70), (200, 0.76)]
)
def test_fides_table_up_to_200_points(ahead: float, expected: float) -> None:
    """FIDE's handbook (8.1.2) follows the normal curve: above 300 points it is up to 0.01 more."""
    assert win_probability(ahead, 0) == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(
    ("other", "margin", "score", "change"),
    [(500, 2, 1.0, 9.63), (500, 2, 0.0, -20.37), (500, 0, 0.5, -3.58)],
)
def test_a_friendly_of_630_against_500_as_published(
    other: float, margin: float, score: float, change: float
) -> None:
    gain = football_step(20, margin) * (score - win_probability(630, other))
    assert gain == pytest.approx(change, abs=0.01)


def test_five_games_of_a_player_of_1613() -> None:
    """The worked example of a tournament: 2.5 points of 2.88 expected, K = 32: 1601."""
    others = (1609, 1477, 1388, 1586, 1720)
    chances = [win_probability(1613, other) for other in others]
    assert [round(chance, 2) for chance in chances] == [0.51, 0.69, 0.79, 0.54, 0.35]
    assert 1613 + 32 * (2.5 - sum(chances)) == pytest.approx(1601, abs=0.5)


def test_goals_of_national_teams_weigh_as_published() -> None:
    assert [football_step(40, margin) for margin in (0, 1, 2, 3, 4, 10)] == [
        40, 40, 60, 70, 75, 105,
    ]  # fmt: skip
    assert football_step(60, -3) == football_step(60, 3)


def test_glickmans_worked_example_step_by_step() -> None:
    """r' 1464.06, RD' 151.52, sigma' 0.05999: the paper rounds on the way, by 0.01 at the end."""
    games = [(Glicko(1400, 30), 1.0), (Glicko(1550, 100), 0.0), (Glicko(1700, 300), 0.0)]
    after = after_period(Glicko(1500, 200, 0.06), games, tau=0.5)
    assert after.rating == pytest.approx(1464.0507, abs=1e-3)
    assert after.deviation == pytest.approx(151.5165, abs=1e-3)
    assert after.volatility == pytest.approx(0.05999598, abs=1e-7)


def _season() -> GoalHistory:
    """400 made-up matches; every fourth 1-0 or 0-1 became a draw."""
    rng = np.random.default_rng(7)
    strength = rng.normal(0, 0.3, (2, TEAMS))
    first, second = np.array([rng.permutation(TEAMS)[:2] for _ in range(MATCHES)]).T
    ours = np.exp(0.3 + 0.15 + strength[0, first] - strength[1, second])
    theirs = np.exp(0.3 - 0.15 + strength[0, second] - strength[1, first])
    goals = rng.poisson(np.stack([ours, theirs])).astype(float)
    day = np.sort(rng.uniform(0, 300, MATCHES))
    again = np.random.default_rng(8)
    one = (goals.sum(axis=0) == 1) & (again.random(MATCHES) < 0.25)
    goals[:, one] = np.where(again.random(one.sum()) < 0.5, 1.0, 0.0)
    return GoalHistory(first, second, goals[0], goals[1], np.ones(MATCHES), day)


def _fitted(kind: str) -> tuple[GoalHistory, GoalStrengths, FloatArray, float]:
    history, zeros = _season(), np.zeros(TEAMS)
    half_life = math.log(2) / XI if kind == "aged" else 1e9
    start = GoalStrengths(zeros, zeros, 0.0, 0.0)
    strengths = fit_goals(history, 300.0, half_life, start, precision=1e-6)
    weight = 0.5 ** ((300.0 - history.day) / half_life)
    means = expected_goals(strengths, history.first, history.second, history.home)
    rho = fit_rho(history.goals, history.against, means, weight)
    return history, strengths, weight, rho


def _of_pairs(strengths: GoalStrengths) -> tuple[FloatArray, FloatArray]:
    first, second = (np.array(["abcde".index(pair[k]) for pair in PAIRS]) for k in (0, 1))
    return expected_goals(strengths, first, second, np.ones(len(PAIRS)))


@pytest.mark.parametrize("kind", ["flat", "aged"])
def test_goals_expected_are_penaltyblogs(kind: str) -> None:
    _, strengths, _, rho = _fitted(kind)
    means = np.stack(_of_pairs(strengths), axis=1)
    np.testing.assert_allclose(means, POISSON[kind], atol=5e-4)
    their_rho, their_means, their_chances = DIXON_COLES[kind]
    # it fits rho and the strengths at once, here one comes after the other
    np.testing.assert_allclose(means, their_means, rtol=0.005)
    assert rho == pytest.approx(their_rho, abs=0.005)
    chances = outcome_chances(*_of_pairs(strengths), rho=rho)
    np.testing.assert_allclose(chances, their_chances, atol=0.003)


@pytest.mark.parametrize("kind", ["flat", "aged"])
def test_chances_of_the_same_goals_are_penaltyblogs(kind: str) -> None:
    rho, means, chances = DIXON_COLES[kind]
    ours, theirs = np.array(means).T
    np.testing.assert_allclose(outcome_chances(ours, theirs, rho), chances, atol=2e-5)


@pytest.mark.parametrize("rho", [-0.1, 0.1])
def test_the_correction_leaves_the_goals_of_each_team_as_they_were(rho: float) -> None:
    """Which tells 0-1 from 1-0: with the two exchanged, as in `create_dixon_coles_grid` of
    penaltyblog 1.13.1 (0.422266 against 0.425401 at rho -0.1), a team without goals gets rarer.
    """
    ours, theirs = 1.4, 1.1
    k = np.arange(11)
    factorial = np.array([math.factorial(int(n)) for n in k], float)
    one, other = (np.exp(-mean) * mean**k / factorial for mean in (ours, theirs))
    scores = np.outer(one, other)
    scores[:2, :2] *= [[1 - ours * theirs * rho, 1 + ours * rho], [1 + theirs * rho, 1 - rho]]
    np.testing.assert_allclose(scores.sum(axis=1)[0], one[0] * other.sum())
    np.testing.assert_allclose(scores.sum(axis=0)[0], other[0] * one.sum())
    by_hand = np.array([np.tril(scores, -1).sum(), np.trace(scores), np.triu(scores, 1).sum()])
    chances = outcome_chances(np.array([ours]), np.array([theirs]), rho)[0]
    np.testing.assert_allclose(chances, by_hand / by_hand.sum(), atol=1e-12)


@pytest.mark.parametrize("kind", ["flat", "aged"])
def test_dixon_coles_is_the_maximum_that_scipy_finds(kind: str) -> None:
    """All parameters at once, written down independently: constraint instead of a ridge."""
    from scipy import optimize  # type: ignore[import-untyped]

    history, strengths, weight, rho = _fitted(kind)

    def loss(at: Array, has_rho: bool) -> float:
        attack = np.append(at[: TEAMS - 1], -at[: TEAMS - 1].sum())
        defence, home, one_rho = at[TEAMS - 1 : 2 * TEAMS - 1], at[2 * TEAMS - 1], at[2 * TEAMS]
        ours = np.exp(attack[history.first] - defence[history.second] + home)
        theirs = np.exp(attack[history.second] - defence[history.first])
        x, y, lost = history.goals, history.against, one_rho if has_rho else 0.0
        tau = np.ones(len(x))
        tau[(x == 0) & (y == 0)] = (1 - ours * theirs * lost)[(x == 0) & (y == 0)]
        tau[(x == 0) & (y == 1)] = (1 + ours * lost)[(x == 0) & (y == 1)]
        tau[(x == 1) & (y == 0)] = (1 + theirs * lost)[(x == 1) & (y == 0)]
        tau[(x == 1) & (y == 1)] = 1 - lost
        if (tau <= 0).any():
            return 1e9
        each = np.log(tau) + x * np.log(ours) - ours + y * np.log(theirs) - theirs
        return -float(weight @ each)

    def best(has_rho: bool) -> Any:
        start = np.zeros(2 * TEAMS + 1)
        return optimize.minimize(loss, start, args=(has_rho,), method="BFGS").x

    plain, joint = best(False), best(True)
    attack = np.append(plain[: TEAMS - 1], -plain[: TEAMS - 1].sum())
    np.testing.assert_allclose(strengths.attack - strengths.attack.mean(), attack, atol=1e-3)
    defence = plain[TEAMS - 1 : 2 * TEAMS - 1]
    np.testing.assert_allclose(
        strengths.defence - strengths.defence.mean(), defence - defence.mean(), atol=1e-3
    )
    assert 2 * strengths.home == pytest.approx(plain[2 * TEAMS - 1], abs=1e-3)
    assert rho == pytest.approx(joint[2 * TEAMS], abs=0.005)
    assert rho < -0.1  # below 0: more draws than by chance, as the season was made


def test_rho_stays_where_every_chance_is_positive() -> None:
    one = np.ones(3)
    draws = fit_rho(np.zeros(3), np.zeros(3), (one, one))
    assert draws == pytest.approx(-1.0, abs=1e-6)
    assert fit_rho(np.full(3, 4.0), np.full(3, 2.0), (one, one)) == 0.0
    high = fit_rho(np.ones(3), np.zeros(3), (1.5 * one, 2.0 * one))
    assert 0.9 < high <= 1.0


def test_expected_threat_is_penaltyblogs() -> None:
    rng = np.random.default_rng(1)
    actions = 5_000
    x, y = rng.uniform(0, 105, actions), rng.uniform(0, 68, actions)
    away = np.hypot(105 - x, 34 - y)
    shot = rng.random(actions) < np.exp(-away / 12.0)
    goal = rng.random(actions) < 0.5 * np.exp(-away / 15.0)
    end_x, end_y = x + rng.normal(4, 15, actions), y + rng.normal((34 - y) / 8, 10)
    kept, move = rng.random(actions) < 0.8, ~shot
    surface = fit_threat(
        Shots(x[shot], y[shot], goal[shot]),
        Moves(x[move], y[move], end_x[move], end_y[move], kept[move]),
        columns=8, rows=6,
    )  # fmt: skip
    np.testing.assert_allclose(surface.threat[:, [3, 5]].T, THREAT, atol=2e-6)
