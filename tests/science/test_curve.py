"""The duration curve: every window counts, none is invented, and it is quick."""

from __future__ import annotations

import numpy as np
import pytest

from stadion.science.curve import DURATIONS_S, duration_curve
from tests.science.refusals import best_seconds, refused


def slow_curve(values: list[float], durations: tuple[int, ...]) -> list[float]:
    """Every window, one after the other."""
    best = []
    for duration in durations:
        windows = (values[k : k + duration] for k in range(len(values) - duration + 1))
        means = [sum(w) / duration for w in windows if not any(np.isnan(w))]
        best.append(max(means, default=np.nan))
    return best


@pytest.mark.parametrize("holes", [0, 1, 7])
def test_the_fast_way_agrees_with_every_window(holes: int) -> None:
    random = np.random.default_rng(holes)
    values = random.integers(0, 1200, 700).astype(float)
    values[random.integers(0, 700, holes)] = np.nan
    durations = (1, 2, 7, 30, 60, 299, 699, 700, 701)
    np.testing.assert_allclose(
        duration_curve(values, durations), slow_curve(values.tolist(), durations), rtol=1e-12
    )


def test_it_falls_where_whole_windows_nest() -> None:
    values = np.random.default_rng(1).integers(0, 1000, 4000).astype(float)
    doubling = duration_curve(values, tuple(2**k for k in range(12)))
    assert np.all(np.diff(doubling) <= 1e-9)


def test_a_window_with_a_missing_second_does_not_count() -> None:
    values = np.array([100.0, 100.0, np.nan, 500.0, 0.0])
    np.testing.assert_array_equal(
        duration_curve(values, (1, 2, 3)), np.array([500.0, 250.0, np.nan])
    )
    assert np.isnan(duration_curve([], (1,))).all()
    assert np.isnan(duration_curve(np.full(5, np.nan))).all()


def test_durations_run_from_a_second_to_five_hours_in_like_steps() -> None:
    assert DURATIONS_S[0] == 1
    assert DURATIONS_S[-1] == 5 * 3600
    steps = np.diff(np.log(DURATIONS_S[5:]))
    assert steps.min() > 0.1
    assert steps.max() < 0.35
    assert {5, 60, 300, 1200, 3600} <= set(DURATIONS_S)


def test_three_hours_take_less_than_four_milliseconds() -> None:
    random = np.random.default_rng(2)
    values = random.integers(0, 600, 10_800).astype(float)
    assert best_seconds(lambda: duration_curve(values)) < 0.004
    values[[300, 5000]] = np.nan
    assert best_seconds(lambda: duration_curve(values)) < 0.004


def test_wrong_durations_are_named() -> None:
    with refused("durations_s", "0"):
        duration_curve([1.0], (0,))
