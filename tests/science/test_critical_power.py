"""Critical power, critical speed and W' balance, against scipy and slow twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import curve_fit  # type: ignore[import-untyped]
from scipy.stats import linregress, t  # type: ignore[import-untyped]

from stadion.science.critical_power import (
    FORMS,
    critical_power_of_curve,
    fit_critical_power,
    fit_critical_speed,
    w_balance,
)
from stadion.science.curve import DURATIONS_S
from stadion.science.line import reach95
from tests.science.refusals import best_seconds, refused

TIMES = np.array([150.0, 240.0, 400.0, 700.0, 1200.0])
NOISE = np.array([3.1, -4.0, 1.2, 2.0, -2.2])
POWERS = 250 + 20_000 / TIMES + NOISE


@pytest.mark.parametrize("form", FORMS[:3])
def test_two_parameters_are_found_again(form: str) -> None:
    fit = fit_critical_power(TIMES, 250 + 20_000 / TIMES, form)
    assert fit.cp_w == pytest.approx(250, rel=1e-6)
    assert fit.w_prime_j == pytest.approx(20_000, rel=1e-5)
    assert fit.cp_se_w < 0.01
    assert fit.power_w(1000) == pytest.approx(270, rel=1e-5)


def test_straight_lines_and_their_errors_are_scipys() -> None:
    inverse, work = (fit_critical_power(TIMES, POWERS, form) for form in ("inverse", "work"))
    line = linregress(1 / TIMES, POWERS)
    assert (inverse.w_prime_j, inverse.cp_w) == pytest.approx((line.slope, line.intercept))
    assert inverse.w_prime_se_j == pytest.approx(line.stderr)
    assert inverse.cp_se_w == pytest.approx(line.intercept_stderr)
    line = linregress(TIMES, TIMES * POWERS)
    assert (work.cp_w, work.w_prime_j) == pytest.approx((line.slope, line.intercept))
    assert (work.cp_se_w, work.w_prime_se_j) == pytest.approx((line.stderr, line.intercept_stderr))


def test_the_hyperbola_and_its_errors_are_scipys() -> None:
    found, covariance = curve_fit(lambda p, cp, w: w / (p - cp), POWERS, TIMES, [230, 20_000])
    fit = fit_critical_power(TIMES, POWERS, "hyperbola")
    assert (fit.cp_w, fit.w_prime_j) == pytest.approx(tuple(found), rel=1e-4)
    assert (fit.cp_se_w, fit.w_prime_se_j) == pytest.approx(
        tuple(np.sqrt(np.diag(covariance))), rel=1e-2
    )


def test_three_parameters_and_their_errors_are_scipys() -> None:
    powers = np.array([900.0, 600.0, 450.0, 350.0, 300.0, 270.0])
    times = 20_000 / (powers - 250) - 20_000 / (1000 - 250)
    exact = fit_critical_power(times, powers, "three")
    assert (exact.cp_w, exact.w_prime_j, exact.p_max_w) == pytest.approx(
        (250, 20_000, 1000), rel=1e-4
    )
    assert exact.power_w(float(times[2])) == pytest.approx(450, rel=1e-4)
    assert exact.power_w(1e-9) == pytest.approx(1000, rel=1e-4)
    times += [0.4, -0.3, 0.5, -1.0, 0.8, 0.2]
    fit = fit_critical_power(times, powers, "three")
    found, covariance = curve_fit(
        lambda p, cp, w, top: w / (p - cp) + w / (cp - top), powers, times, [240, 20_000, 1100]
    )
    assert (fit.cp_w, fit.w_prime_j, fit.p_max_w) == pytest.approx(tuple(found), rel=1e-4)
    assert (fit.cp_se_w, fit.w_prime_se_j, fit.p_max_se_w) == pytest.approx(
        tuple(np.sqrt(np.diag(covariance))), rel=1e-2
    )


def test_the_interval_is_students_and_covers_the_truth() -> None:
    for freedom in (1, 3, 20, 21, 40, 500):
        assert reach95(freedom) == pytest.approx(t.ppf(0.975, freedom), rel=5e-4)
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        fit = fit_critical_power(TIMES, 250 + 20_000 / TIMES + random.normal(0, 5, 5))
        low, high = fit.cp_interval_w
        covered += low <= 250 <= high
    assert 180 <= covered <= 199


def test_two_efforts_give_a_value_and_no_interval() -> None:
    fit = fit_critical_power([180, 900], [340, 270])
    assert math.isfinite(fit.cp_w)
    assert math.isnan(fit.cp_se_w)
    assert all(math.isnan(end) for end in (*fit.cp_interval_w, *fit.w_prime_interval_j))


@pytest.mark.parametrize("form", FORMS)
def test_power_that_does_not_fall_tells_nothing(form: str) -> None:
    fit = fit_critical_power(TIMES, [200, 210, 220, 230, 240], form)
    assert math.isnan(fit.cp_w)
    assert math.isnan(fit.w_prime_j)


def test_a_duration_curve_gives_the_efforts_of_two_to_thirty_minutes() -> None:
    durations = np.array(DURATIONS_S, float)
    curve = np.where(durations > 7200, np.nan, 250 + 20_000 / np.maximum(durations, 40))
    assert critical_power_of_curve(curve, durations).cp_w == pytest.approx(250)
    assert math.isnan(critical_power_of_curve([300.0, np.nan], [60, 300]).cp_w)
    assert math.isnan(critical_power_of_curve(np.full(len(durations), np.nan), durations).cp_w)


def test_critical_speed_and_the_time_it_gives() -> None:
    times = np.array([200.0, 600.0, 1100.0, 1500.0])
    distances = 4.5 * times + 180 + np.array([3.0, -4.0, 2.0, -1.0])
    fit, line = fit_critical_speed(times, distances), linregress(times, distances)
    assert (fit.cs_mps, fit.d_prime_m) == pytest.approx((line.slope, line.intercept))
    assert (fit.cs_se_mps, fit.d_prime_se_m) == pytest.approx((line.stderr, line.intercept_stderr))
    low, high = fit.cs_interval_mps
    assert low < 4.5 < high
    assert fit.time_s(3000) == pytest.approx((3000 - fit.d_prime_m) / fit.cs_mps)
    assert math.isnan(fit.time_s(100))
    assert math.isnan(fit_critical_speed([100, 200], [500, 400]).cs_mps)


@pytest.mark.parametrize(("exact", "golden"), [(False, 15_558), (True, 15_555)])
def test_w_balance_has_its_golden_value(exact: bool, golden: int) -> None:
    balance = w_balance(np.repeat([350.0, 150.0], 60), 250, 20_000, exact)
    assert balance[59] == pytest.approx(14_000)
    assert round(balance[-1]) == golden


def slow_balance(power: list[float], cp: float, store: float) -> list[float]:
    """Skiba's differential equation, a second at a time, as it is printed."""
    left, balance = store, []
    for p in power:
        if not math.isnan(p):
            left += cp - p if p >= cp else (cp - p) * (store - left) / store
        balance.append(math.nan if math.isnan(p) else left)
    return balance


def test_w_balance_agrees_with_the_printed_equation() -> None:
    power = np.random.default_rng(0).integers(0, 600, 4000).astype(float)
    power[100:130] = np.nan
    np.testing.assert_allclose(
        w_balance(power, 260, 18_000), slow_balance(power.tolist(), 260, 18_000), atol=1e-6
    )
    fine = w_balance(power, 260, 18_000, exact=True)
    known = ~np.isnan(power)
    assert np.max(np.abs(fine - w_balance(power, 260, 18_000))[known]) < 200


def test_w_balance_never_overfills_and_may_go_below_nought() -> None:
    resting = w_balance(np.repeat([400.0, 0.0], [60, 3600]), 250, 20_000)
    assert resting.max() <= 20_000
    assert resting[-1] == pytest.approx(20_000, abs=1)
    assert w_balance(np.full(600, 400.0), 250, 20_000)[-1] < 0
    assert w_balance([300.0, 0.0], 250, 10).max() <= 10
    assert not len(w_balance([], 250, 20_000))


def test_three_hours_of_balance_take_less_than_five_milliseconds() -> None:
    power = np.random.default_rng(1).integers(0, 600, 10_800).astype(float)
    assert best_seconds(lambda: w_balance(power, 250, 20_000)) < 0.005
    assert best_seconds(lambda: w_balance(power, 250, 20_000, exact=True)) < 0.005


def test_wrong_arguments_are_named() -> None:
    with refused("durations_s", "60", "120"):
        fit_critical_power([60, 300, 900], [400, 300, 280])
    with refused("durations_s", "3600", "1800"):
        fit_critical_power([300, 3600], [300, 250])
    with refused("durations_s", "1 different"):
        fit_critical_power([300, 300], [300, 310])
    with refused("durations_s", "2 different", "3 or more"):
        fit_critical_power([30, 300], [700, 310], "three")
    with refused("power_w", "-10"):
        fit_critical_power([300, 600], [300, -10])
    with refused("durations_s 2", "power_w 1"):
        fit_critical_power([300, 600], [300])
    with refused("form", "cubic", "inverse"):
        fit_critical_power([300, 600], [300, 280], "cubic")
    with refused("w_prime_j", "0"):
        w_balance([100.0], 250, 0)
    with refused("cp_w", "nan"):
        w_balance([100.0], float("nan"), 20_000)
