"""One value a second: joined over short gaps, missing in long ones."""

from __future__ import annotations

import numpy as np

from stadion.science.resample import interpolate, per_second
from tests.science.refusals import refused


def test_short_gaps_are_joined_and_long_ones_are_not() -> None:
    time, values = np.array([0.0, 1.0, 31.0, 62.0]), np.array([0.0, 10.0, 310.0, 0.0])
    second = per_second(time, values)
    assert len(second) == 63
    assert second[16] == 160.0
    assert np.isnan(second[32:62]).all()
    assert second[62] == 0.0
    assert np.isnan(per_second(time, values, max_gap_s=5.0)[16])


def test_it_agrees_with_the_general_way_of_joining() -> None:
    random = np.random.default_rng(0)
    for whole in (True, False):
        steps = random.exponential(3.0, 400) + 1.0
        steps[[50, 51, 200]] = 40.5
        time = np.cumsum(np.floor(steps) if whole else steps) - 5.0
        values = random.normal(size=400)
        values[random.integers(0, 400, 20)] = np.nan
        grid = np.arange(int(time[-1]) + 1.0)
        np.testing.assert_allclose(
            per_second(time, values, 8.0), interpolate(time, values, grid, 8.0)
        )


def test_a_sensor_that_starts_late_or_ends_early_is_missing_there() -> None:
    values = np.array([np.nan, np.nan, 3.0, 4.0, np.nan])
    second = per_second(np.arange(5.0), values)
    np.testing.assert_array_equal(second, values)


def test_zero_stays_zero_and_halves_fall_between_samples() -> None:
    np.testing.assert_allclose(per_second(np.array([0.5, 1.5, 2.5]), np.zeros(3))[1:], 0.0)
    assert per_second(np.array([0.5, 1.5]), np.array([1.0, 3.0]))[1] == 2.0


def test_times_that_turn_back_lose_to_those_before_them() -> None:
    time = np.array([0.0, 1.0, 5.0, 2.0, 3.0, 5.0, 6.0])
    second = per_second(time, np.array([0.0, 1.0, 5.0, 99.0, 99.0, 99.0, 6.0]))
    np.testing.assert_allclose(second, np.arange(7.0))


def test_nothing_gives_nothing() -> None:
    assert not len(per_second(np.zeros(0), np.zeros(0)))
    assert np.isnan(per_second(np.arange(3.0), np.full(3, np.nan))).all()


def test_a_wrong_clock_is_refused_before_it_fills_the_memory() -> None:
    with refused("time_s", "31 days"):
        per_second(np.array([0.0, 1e12]), np.zeros(2))
    with refused("(2,)", "(3,)"):
        per_second(np.zeros(2), np.zeros(3))
