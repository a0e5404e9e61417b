"""Slopes: what they cost, and that they are found through noise."""

from __future__ import annotations

import numpy as np
import pytest

from stadion.science.effort import running_power
from stadion.science.grade import cost_of_grade, grade_of, graded_speed
from tests.science.refusals import refused


def test_minettis_cost_has_its_published_ratios() -> None:
    level = cost_of_grade(0.0)
    assert float(cost_of_grade(0.10) / level) == pytest.approx(1.6578, abs=5e-5)
    assert float(cost_of_grade(-0.10) / level) == pytest.approx(0.5977, abs=5e-5)


def test_beyond_the_measured_slopes_the_cost_stays() -> None:
    np.testing.assert_array_equal(
        cost_of_grade(np.array([0.5, 9.0, -0.5])), cost_of_grade(np.array([0.45, 0.45, -0.45]))
    )
    assert np.all(cost_of_grade(np.linspace(-1, 1, 201)) > 0)


def test_running_power_is_the_same_polynomial() -> None:
    slopes = np.linspace(-0.4, 0.4, 9)
    np.testing.assert_allclose(running_power(np.full(9, 2.0), slopes), 2 * cost_of_grade(slopes))


def test_graded_speed_is_speed_on_the_level_and_missing_without_a_slope() -> None:
    speed = graded_speed([3.0, 3.0, 3.0, np.nan], [0.0, 0.1, np.nan, 0.1])
    assert speed[0] == 3.0
    assert speed[1] == pytest.approx(3.0 * 1.6578, abs=1e-3)
    assert np.isnan(speed[2:]).all()


def test_a_slope_is_found_through_steps_and_noise() -> None:
    random = np.random.default_rng(0)
    way = np.cumsum(np.clip(random.normal(3.0, 1.0, 1200), 0, None))
    truth = np.where(way < way[-1] / 2, 0.06, -0.04)
    height = np.concatenate([[0.0], np.cumsum(np.diff(way) * truth[1:])])
    coarse = np.round((height + random.normal(0, 0.3, 1200)) * 5) / 5
    found = grade_of(coarse, way)
    inside = np.abs(way - way[-1] / 2) > 60
    assert np.sqrt(np.mean((found - truth)[inside] ** 2)) < 0.01
    naive = np.gradient(coarse) / np.maximum(np.gradient(way), 0.5)
    assert np.std((naive - truth)[inside]) > 5 * np.std((found - truth)[inside])


def test_a_straight_ramp_is_exact_everywhere() -> None:
    way = np.cumsum(np.random.default_rng(1).uniform(0, 5, 400))
    np.testing.assert_allclose(grade_of(7 - 0.08 * way, way), -0.08, atol=1e-9)


def test_standing_still_and_falling_back_change_nothing() -> None:
    way = np.concatenate([np.arange(0, 300, 3.0), np.full(50, 297.0), np.arange(297, 600, 3.0)])
    slope = grade_of(0.05 * way, way)
    np.testing.assert_allclose(slope, 0.05, atol=1e-9)
    jitter = way.copy()
    jitter[120] -= 4.0
    assert np.isfinite(grade_of(0.05 * way, jitter)).all()


def test_what_cannot_be_told_is_missing() -> None:
    assert np.isnan(grade_of(np.arange(5.0), np.zeros(5))).all()
    assert not len(grade_of([], []))
    way = np.arange(0, 400, 4.0)
    height = 0.02 * way
    height[10] = np.nan
    slope = grade_of(height, way)
    assert np.isnan(slope[10])
    assert np.isfinite(np.delete(slope, 10)).all()


def test_wrong_arguments_are_named() -> None:
    with refused("speed_mps 1", "grade 2"):
        graded_speed([1.0], [0.0, 0.0])
    with refused("window_m", "-1"):
        grade_of([1.0], [1.0], window_m=-1)
