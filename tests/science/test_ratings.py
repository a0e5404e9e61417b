"""Ratings agree with their authors' examples and with what was published on real matches."""

from __future__ import annotations

import csv
import gzip
import math
from datetime import datetime

import numpy as np
import pytest

from stadion.science.elo import (
    EloTable,
    MarketTable,
    experience_step,
    goal_step,
    win_probability,
)
from stadion.science.games import GamesTable
from stadion.science.glicko import Glicko, after_days, after_period, beats
from stadion.science.goals import (
    GoalHistory,
    GoalStrengths,
    expected_goals,
    fit_goals,
    outcome_chances,
)
from stadion.science.pi import PiTable
from stadion.science.serve import ServeTable, game_probability
from tests.places import shared_data


def test_two_hundred_points_are_three_wins_in_four() -> None:
    assert win_probability(1700, 1500) == pytest.approx(0.7597, abs=1e-4)
    assert win_probability(1500, 1500, advantage=65) > 0.5
    assert experience_step(0) > experience_step(100)
    assert goal_step(20, 3) > goal_step(20, 1) > goal_step(20, 0)


def test_a_match_moves_both_by_the_surprise_and_a_narrow_win_less() -> None:
    plain, weighted = EloTable(), EloTable(is_weighted=True)
    assert plain.update("a", "b", share=0.5) == 0.5
    weighted.update("a", "b", share=0.5)
    assert plain.rating("a") - 1500 == 1500 - plain.rating("b") == pytest.approx(131.3 / 2, abs=0.1)
    assert weighted.rating("a") - 1500 == pytest.approx((plain.rating("a") - 1500) / 2)
    plain.start("a", 2000)
    assert plain.rating("a") < 1600
    assert plain.played("a") == 1


def test_ratings_of_the_market_come_to_explain_its_odds() -> None:
    table = MarketTable()
    assert math.isnan(table.probability("a", "b"))
    for _ in range(60):
        table.update("a", "b", 0.7)
        table.update("b", "c", 0.6)
    assert table.probability("a", "b") == pytest.approx(0.7, abs=0.01)
    assert table.probability("a", "c") == pytest.approx(0.78, abs=0.02)


def test_glicko_2_gives_the_numbers_of_its_author() -> None:
    games = [(Glicko(1400, 30), 1.0), (Glicko(1550, 100), 0.0), (Glicko(1700, 300), 0.0)]
    after = after_period(Glicko(1500, 200, 0.06), games, tau=0.5)
    assert after.rating == pytest.approx(1464.06, abs=0.02)
    assert after.deviation == pytest.approx(151.52, abs=0.01)
    assert after.volatility == pytest.approx(0.05999, abs=1e-5)


def test_without_games_only_the_uncertainty_grows() -> None:
    player = Glicko(1600, 80)
    rested = after_period(player, [])
    assert rested.rating == player.rating
    assert rested.deviation > player.deviation
    assert after_days(player, 30).deviation == pytest.approx(rested.deviation)
    assert after_days(player, 1e6).deviation == 350.0
    assert beats(Glicko(1600, 50), Glicko(1500, 50)) > beats(Glicko(1600, 300), Glicko(1500, 300))


def test_elo_and_welo_give_the_published_figures_on_atp() -> None:
    path = shared_data("D_match_results", "tennis_odds", "atp_2005_2020.csv.gz")
    with gzip.open(path, "rt") as lines:
        rows = [row for row in csv.DictReader(lines) if row["Comment"] == "Completed"]
    seen: set[tuple[str, ...]] = set()
    matches = []
    for row in rows:
        key = (row["Date"], row["Winner"].strip(), row["Loser"].strip())
        if key not in seen:
            seen.add(key)
            games = [[int(row[f"{who}{k}"] or 0) for k in range(1, 6)] for who in "WL"]
            is_asked = row["Date"][-4:] >= "2007" and row["B365W"] and row["B365L"] and row["AvgW"]
            day = datetime.strptime(row["Date"], "%d/%m/%Y").toordinal()
            matches.append((day, key[1], key[2], sum(games[0]), sum(games[1]), bool(is_asked)))
    matches.sort(key=lambda match: match[0])
    for is_weighted, expected in ((False, (0.6009, 0.2069)), (True, (0.5965, 0.2054))):
        table, chances = EloTable(is_weighted), []
        for _, winner, loser, won, lost, is_asked in matches:
            chance = table.probability(winner, loser)
            table.update(winner, loser, share=won / max(won + lost, 1))
            if is_asked:
                chances.append(chance)
        given = np.array(chances)
        assert len(given) == 32_217
        assert -np.log(given).mean() == pytest.approx(expected[0], abs=5e-4)
        assert ((1 - given) ** 2).mean() == pytest.approx(expected[1], abs=3e-4)
        assert (given > 0.5).mean() == pytest.approx(0.676, abs=2e-3)


def test_a_game_is_won_more_often_than_a_point() -> None:
    assert game_probability(0.5) == 0.5
    assert game_probability(0.6) == pytest.approx(0.7357, abs=1e-4)


def test_serve_and_return_are_found_again_from_points() -> None:
    rng = np.random.default_rng(0)
    names = [f"p{k}" for k in range(12)]
    serve, back = rng.normal(0, 0.03, (2, 12))
    table = ServeTable()
    for _ in range(4_000):
        a, b = rng.permutation(12)[:2]
        points = rng.integers(60, 100, 2)
        shares = (0.62 + serve[a] - back[b], 0.62 + serve[b] - back[a])
        won = rng.binomial(points, shares)
        table.update(
            (names[a], names[b]), (float(won[0]), float(won[1])),
            (float(points[0]), float(points[1])), "open", "hard",
        )  # fmt: skip
    found = np.array([table.of(name).on("hard")[:2] for name in names])
    assert np.corrcoef(found[:, 0], serve)[0, 1] > 0.9
    assert np.corrcoef(found[:, 1], back)[0, 1] > 0.9
    assert table.base("open", "hard") == pytest.approx(0.62, abs=0.02)


def test_games_won_tell_the_stronger_and_a_rank_the_newcomer() -> None:
    table = GamesTable()
    table.start("top", 1.0)
    table.start("unranked", math.nan)
    assert table.strength("top") > table.strength("unranked") == 0.0
    for _ in range(30):
        table.update("a", "b", "clay", 12.0, 6.0)
    assert table.strength("a", "clay") > table.strength("a") > 0 > table.strength("b")
    assert table.strength("a", "clay") - table.strength("b", "clay") == pytest.approx(
        math.log(2), abs=0.15
    )


def test_pi_ratings_know_home_from_away() -> None:
    table = PiTable()
    for _ in range(300):
        table.update("home strong", "other", 1.0, 2.0)
        table.update("home strong", "other", -1.0, 0.0)
    assert table.rating("home strong", 1.0) > table.rating("home strong", -1.0)
    assert table.expected("home strong", "other", 1.0) > 1.0
    assert table.expected("home strong", "other", 0.0) > 0.0


def _season(rng: np.random.Generator, teams: int, matches: int) -> tuple[GoalHistory, np.ndarray]:
    strength = rng.normal(0, 0.3, (2, teams))
    pairs = np.array([rng.permutation(teams)[:2] for _ in range(matches)])
    first, second = pairs.T
    ours = np.exp(0.3 + 0.15 + strength[0, first] - strength[1, second])
    theirs = np.exp(0.3 - 0.15 + strength[0, second] - strength[1, first])
    goals = rng.poisson(np.stack([ours, theirs])).astype(float)
    day = np.sort(rng.uniform(0, 300, matches))
    return GoalHistory(first, second, goals[0], goals[1], np.ones(matches), day), strength


def test_dixon_coles_finds_attack_defence_and_home_advantage() -> None:
    history, strength = _season(np.random.default_rng(1), 10, 3_000)
    zeros = np.zeros(10)
    fitted = fit_goals(history, 300.0, 1e6, GoalStrengths(zeros, zeros, 0.0, 0.0), 1.0)
    assert np.corrcoef(fitted.attack, strength[0])[0, 1] > 0.97
    assert np.corrcoef(fitted.defence, strength[1])[0, 1] > 0.97
    assert fitted.home == pytest.approx(0.15, abs=0.03)
    elsewhere = fitted._replace(attack=fitted.attack + 0.2, home=0.0)
    again = fit_goals(history, 300.0, 1e6, GoalStrengths(zeros, zeros, 0.0, 0.0), 1.0, elsewhere)
    assert np.allclose(again.attack, fitted.attack, atol=1e-6)


def test_old_matches_are_forgotten() -> None:
    history, _ = _season(np.random.default_rng(2), 6, 400)
    flipped = history._replace(
        goals=np.concatenate([history.goals[:200], history.against[200:]]),
        against=np.concatenate([history.against[:200], history.goals[200:]]),
    )
    zeros = np.zeros(6)
    start = GoalStrengths(zeros, zeros, 0.0, 0.0)
    late = GoalHistory(
        flipped.first[200:], flipped.second[200:], flipped.goals[200:], flipped.against[200:],
        flipped.home[200:], flipped.day[200:],
    )  # fmt: skip
    recent = fit_goals(flipped, 300.0, 10.0, start, 3.0)
    assert np.abs(recent.attack - fit_goals(late, 300.0, 10.0, start, 3.0).attack).max() < 0.05


def test_chances_add_up_and_low_scores_hang_together() -> None:
    goals, against = np.array([1.4, 0.9]), np.array([1.1, 1.0])
    chances = outcome_chances(goals, against)
    assert np.allclose(chances.sum(axis=1), 1)
    assert (chances[:, 1] > outcome_chances(goals, against, rho=0.0)[:, 1]).all()
    k = np.arange(40)
    factorials = np.array([math.factorial(int(n)) for n in k], float)
    ours, theirs = (np.exp(-m) * m**k / factorials for m in (1.4, 1.1))
    by_hand = np.tril(np.outer(ours, theirs), -1).sum()
    assert outcome_chances(goals, against, rho=0.0)[0, 0] == pytest.approx(by_hand, abs=1e-4)


def test_the_home_team_scores_more() -> None:
    zeros = np.zeros(2)
    ours, theirs = expected_goals(
        GoalStrengths(zeros, zeros, 0.2, 0.1), np.array([0, 0]), np.array([1, 1]),
        np.array([1.0, 0.0]),
    )  # fmt: skip
    assert ours[0] > theirs[0]
    assert ours[1] == theirs[1]
