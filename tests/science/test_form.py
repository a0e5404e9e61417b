"""Fitness, fatigue and form, and a Banister model against scipy's least squares."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import least_squares  # type: ignore[import-untyped]

from stadion.core.arrays import FloatArray
from stadion.science.form import Banister, fit_banister, form_curve
from tests.science.refusals import best_seconds, refused

TRUTH = Banister(500.0, 0.08, 0.15, 45.0, 11.0, {}, 0.0)


def model(p: FloatArray) -> Banister:
    p0, k1, k2, tau1, tau2 = p.tolist()
    return Banister(p0, k1, k2, tau1, tau2, {}, 0.0)


def season(seed: int, noise: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Loads of 700 days, and 60 performances with noise."""
    random = np.random.default_rng(seed)
    loads = np.maximum(0.0, random.normal(60, 40, 700))
    days = np.sort(random.choice(np.arange(30, 700), 60, replace=False)).astype(float)
    return loads, days, TRUTH.predict(loads, days) + random.normal(0, noise, 60)


def test_one_load_decays_by_the_documents_convention() -> None:
    curve = form_curve([100.0, 0.0, 0.0])
    keep, lose = math.exp(-1 / 42), math.exp(-1 / 7)
    np.testing.assert_allclose(curve.fitness, 100 * (1 - keep) * keep ** np.arange(3))
    np.testing.assert_allclose(curve.fatigue, 100 * (1 - lose) * lose ** np.arange(3))
    assert curve.form[0] == 0.0
    np.testing.assert_allclose(curve.form[1:], (curve.fitness - curve.fatigue)[:-1])


def test_an_unknown_day_counts_as_rest_and_rest_may_follow() -> None:
    loads = [80.0, float("nan"), 60.0]
    curve = form_curve(loads, future_days=4)
    same = form_curve([80.0, 0.0, 60.0, 0.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(curve.form, same.form)
    assert len(curve) == 7
    assert curve.form[-1] > curve.form[3]


def test_steady_training_ends_in_its_own_load_and_no_form() -> None:
    curve = form_curve(np.full(600, 75.0))
    assert curve.fitness[-1] == pytest.approx(75.0, rel=1e-4)
    assert curve.form[-1] == pytest.approx(0.0, abs=0.01)
    kept = form_curve([75.0] * 3, start_fitness=75.0, start_fatigue=75.0)
    np.testing.assert_allclose(kept.fitness, 75.0)


def test_form_of_no_days_is_empty() -> None:
    assert not len(form_curve([]))


def test_a_model_without_noise_is_found_again() -> None:
    fitted = fit_banister(*season(0, 0.0))
    found = (fitted.p0, fitted.k1, fitted.k2, fitted.tau1_days, fitted.tau2_days)
    assert found == pytest.approx((500.0, 0.08, 0.15, 45.0, 11.0), rel=1e-5)
    assert fitted.residual < 1e-5


def test_fit_and_standard_errors_are_those_of_scipy() -> None:
    loads, days, performances = season(1, 3.0)
    fitted = fit_banister(loads, days, performances)

    def misses(p: FloatArray) -> FloatArray:
        return model(p).predict(loads, days) - performances

    start = np.array([500, 0.1, 0.1, 40.0, 10.0])
    oracle = least_squares(misses, start, x_scale=start, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    errors = np.sqrt(np.diag(np.linalg.inv(oracle.jac.T @ oracle.jac)) * 2 * oracle.cost / 55)
    found = [fitted.p0, fitted.k1, fitted.k2, fitted.tau1_days, fitted.tau2_days]
    np.testing.assert_allclose(found, oracle.x, rtol=1e-4)
    np.testing.assert_allclose(list(fitted.errors.values()), errors, rtol=1e-2)
    assert fitted.residual == pytest.approx(3.0, rel=0.2)


def test_standard_errors_cover_the_truth() -> None:
    within = 0
    for seed in range(12):
        fitted = fit_banister(*season(seed, 3.0))
        within += abs(fitted.tau1_days - 45.0) < 2 * fitted.errors["tau1_days"]
    assert within >= 9


def test_a_model_at_its_bounds_gives_no_standard_errors() -> None:
    loads, days, _ = season(2, 0.0)
    flat = fit_banister(np.zeros(700), days, np.random.default_rng(3).normal(300, 1, 60))
    assert flat.k1 == flat.k2 == 0.0
    assert flat.p0 == pytest.approx(300, abs=1)
    assert all(math.isnan(error) for error in flat.errors.values())
    assert np.isfinite(flat.predict(loads, days)).all()


def test_a_fit_takes_less_than_half_a_second() -> None:
    loads, days, performances = season(1, 3.0)
    assert best_seconds(lambda: fit_banister(loads, days, performances), 3) < 0.5


def test_wrong_arguments_are_named() -> None:
    with refused("daily_loads", "-3"):
        form_curve([-3.0])
    with refused("tau_fitness", "0"):
        form_curve([1.0], tau_fitness=0)
    with refused("future_days", "-1"):
        form_curve([1.0], future_days=-1)
    with refused("performances", "5 known"):
        fit_banister([1.0] * 30, [5, 10, 15, 20, 25], [1.0] * 5)
    with refused("days", "0"):
        fit_banister([1.0] * 30, [0, 10, 15, 20, 25, 29], [1.0] * 6)
    with refused("days 6", "performances 7"):
        fit_banister([1.0] * 30, [4, 10, 15, 20, 25, 29], [1.0] * 7)
    with refused("tau1_bounds"):
        fit_banister([1.0] * 30, [4, 10, 15, 20, 25, 29], [1.0] * 6, tau1_bounds=(0.2, 0.9))
