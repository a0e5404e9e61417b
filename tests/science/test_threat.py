"""Expected threat: a small pitch solved exactly, and a made-up game played often."""

from __future__ import annotations

import numpy as np
import pytest

from stadion.core.errors import StadionError
from stadion.science.threat import Moves, Shots, ThreatSurface, fit_threat, threat_of


def _moves(rows: list[tuple[float, float, float, float, int]]) -> Moves:
    x, y, end_x, end_y, kept = np.array(rows, float).T
    return Moves(x, y, end_x, end_y, kept)


def test_three_cells_in_a_row_are_solved_exactly() -> None:
    """Thirds of 100 m, by linear algebra: (I - M) xT = s g.

    Defence: 4 moves, 2 to the middle, 1 back to itself, 1 lost. Middle: 2 to the attack, 1 back,
    1 lost, 1 shot without a goal. Attack: 1 back to the middle, 4 shots with 1 goal.
    """
    moves = _moves([
        (10, 5, 50, 5, 1), (10, 5, 50, 5, 1), (10, 5, 20, 5, 1), (10, 5, 50, 5, 0),
        (50, 5, 90, 5, 1), (50, 5, 90, 5, 1), (50, 5, 10, 5, 1), (50, 5, 90, 5, 0),
        (90, 5, 50, 5, 1),
    ])  # fmt: skip
    shots = Shots([50, 90, 90, 90, 90], [5] * 5, [0, 1, 0, 0, 0])
    surface = fit_threat(shots, moves, length_m=100.0, width_m=60.0, columns=3, rows=1)
    leads = np.array([[1 / 4, 2 / 4, 0], [1 / 5, 0, 2 / 5], [0, 1 / 5, 0]])
    by_shot = np.array([0.0, 0.0, 4 / 5 * 1 / 4])
    exact = np.linalg.solve(np.eye(3) - leads, by_shot)
    np.testing.assert_allclose(surface.threat[:, 0], exact, atol=1e-8)
    assert surface.shot[:, 0].tolist() == [0.0, 0.2, 0.8]
    assert surface.goal[:, 0].tolist() == [0.0, 0.0, 0.25]
    assert 3 < surface.rounds < 60
    gained = threat_of(surface, moves)
    assert gained[0] == pytest.approx(exact[1] - exact[0], abs=1e-8)
    assert gained[2] == 0.0
    assert np.isnan(gained[[3, 7]]).all()
    assert gained[8] == pytest.approx(exact[1] - exact[2], abs=1e-8)


def _game(actions: int, seed: int) -> tuple[Shots, Moves]:
    """Moves drift forward and towards the middle; nearer shots are likelier and better."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 105, actions), rng.uniform(0, 68, actions)
    away = np.hypot(105 - x, 34 - y)
    is_shot = rng.random(actions) < np.exp(-away / 12.0)
    is_goal = rng.random(actions) < 0.5 * np.exp(-away / 15.0)
    end_x, end_y = x + rng.normal(4, 15, actions), y + rng.normal((34 - y) / 8, 10)
    kept = rng.random(actions) < 0.8
    s, m = is_shot, ~is_shot
    return Shots(x[s], y[s], is_goal[s]), Moves(x[m], y[m], end_x[m], end_y[m], kept[m])


def test_a_whole_pitch_is_worth_more_the_nearer_the_goal() -> None:
    shots, moves = _game(60_000, 0)
    surface = fit_threat(shots, moves)
    assert surface.threat.shape == (16, 12)
    assert np.isfinite(surface.threat).all()
    assert ((surface.threat > 0) & (surface.threat < 1)).all()
    by_column = surface.threat.mean(axis=1)
    assert (np.diff(by_column[4:]) > 0).all()
    assert surface.threat[15, 5:7].min() > 3 * surface.threat[15, [0, 11]].max()
    assert surface.at([100.0, 5.0], [34.0, 34.0])[0] > 5 * surface.at([5.0], [34.0])[0]
    gained = threat_of(surface, moves)
    ahead = np.asarray(moves.end_x_m) - np.asarray(moves.x_m)
    assert np.nanmean(gained[ahead > 20]) > 0.005
    assert np.nanmean(gained[ahead < -10]) < -0.001


def test_value_iteration_ends_at_the_solution_of_its_equations() -> None:
    shots, moves = _game(5_000, 1)
    surface = fit_threat(shots, moves, columns=8, rows=6)
    cell = (np.clip(np.asarray(moves.x_m) // (105 / 8), 0, 7) * 6
            + np.clip(np.asarray(moves.y_m) // (68 / 6), 0, 5)).astype(int)  # fmt: skip
    ends = (np.clip(np.asarray(moves.end_x_m) // (105 / 8), 0, 7) * 6
            + np.clip(np.asarray(moves.end_y_m) // (68 / 6), 0, 5)).astype(int)  # fmt: skip
    leads = np.zeros((48, 48))
    kept = np.asarray(moves.is_kept)
    np.add.at(leads, (cell[kept], ends[kept]), 1.0)
    every = np.bincount(cell, minlength=48)
    move_share = 1.0 - surface.shot.ravel()
    onward = move_share[:, None] * leads / every[:, None]
    exact = np.linalg.solve(np.eye(48) - onward, (surface.shot * surface.goal).ravel())
    np.testing.assert_allclose(surface.threat.ravel(), exact, atol=1e-7)


def test_cells_without_actions_are_not_told_and_few_shots_can_be_steadied() -> None:
    shots = Shots([100.0, 100.0, 80.0], [34.0] * 3, [1, 0, 1])
    moves = _moves([(50, 34, 100, 34, 1), (50, 34, 10, 34, 1)])
    surface = fit_threat(shots, moves, columns=5, rows=1)
    assert np.isnan(surface.threat[[0, 1], 0]).all()
    assert surface.threat[2, 0] == pytest.approx(0.5 * 0.5)  # half of its moves reach 0.5, half 0
    assert surface.goal[3, 0] == 1.0
    steadied = fit_threat(shots, moves, columns=5, rows=1, prior_shots=3.0)
    assert steadied.goal[3, 0] == pytest.approx((1 + 3 * 2 / 3) / (1 + 3))
    assert np.isnan(surface.at([np.nan, 10.0], [3.0, 3.0])).all()
    assert surface.at([200.0], [-5.0])[0] == surface.at([104.0], [1.0])[0]


def test_nothing_known_is_nothing_told() -> None:
    empty = fit_threat(Shots([], [], []), Moves([], [], [], [], []))
    assert np.isnan(empty.threat).all()
    missing = fit_threat(Shots([np.nan], [1.0], [1]), Moves([], [], [], [], []))
    assert np.isnan(missing.threat).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"columns": 0}, "the grid is 0 x 12"),
        ({"columns": 1000, "rows": 1000}, "expected 1 x 1 to 2500 cells"),
        ({"length_m": 0.0}, "length_m is 0"),
        ({"prior_shots": -1.0}, "prior_shots is -1"),
    ],
)
def test_a_wrong_argument_is_named(change: dict[str, int], words: str) -> None:
    with pytest.raises(StadionError, match=words):
        fit_threat(Shots([1.0], [1.0], [1]), Moves([], [], [], [], []), **change)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(StadionError, match="lengths differ"):
        fit_threat(Shots([1.0], [1.0, 2.0], [1]), Moves([], [], [], [], []))
    surface = ThreatSurface(np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((2, 1)), 105, 68, 1)
    with pytest.raises(StadionError, match="is_kept has 2 values"):
        threat_of(surface, Moves([1.0], [1.0], [2.0], [2.0], [1, 1]))
