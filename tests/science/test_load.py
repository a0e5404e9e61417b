"""Loads and training impulses: golden values, what is missing, and who is refused."""

from __future__ import annotations

import numpy as np
import pytest

from stadion.science.load import (
    acute_chronic,
    edwards,
    fit_individual,
    heart_rate_load,
    individual_trimp,
    lucia,
    monotony,
    power_load,
    run_load,
    session_load,
    strain,
    swim_load,
    trimp,
)
from stadion.science.trimp import BANISTER, reserve
from tests.science.refusals import refused

HOUR = np.full(3600, 150.0)


@pytest.mark.parametrize(("sex", "golden"), [("male", 92.07), ("female", 104.73)])
def test_an_hour_at_150_has_its_published_impulse(sex: str, golden: float) -> None:
    assert trimp(HOUR, 50, 200, sex) == pytest.approx(golden, abs=0.005)


def test_an_hour_at_threshold_is_a_hundred_by_every_measure() -> None:
    assert power_load(3600, 1.0) == 100.0
    assert run_load(np.full(3600, 4.2), 4.2) == pytest.approx(100.0)
    assert swim_load(3600, 1.3, 1.3) == 100.0
    for sex in BANISTER:
        assert heart_rate_load(np.full(3600, 168.0), 48, 188, 168, sex) == pytest.approx(100.0)


def test_loads_grow_with_the_powers_of_their_formulas() -> None:
    assert power_load(3600, 0.5) == 25.0
    assert run_load(np.full(3600, 2.0), 4.0) == pytest.approx(25.0)
    assert swim_load(3600, 0.5, 1.0) == 12.5
    impulses = [trimp(np.full(600, rate), 50, 190, "female") for rate in range(60, 191, 10)]
    assert np.all(np.diff(np.diff(impulses)) > 0)


def test_missing_seconds_add_nothing_and_none_at_all_is_missing() -> None:
    holes = np.concatenate([HOUR, np.full(1800, np.nan)])
    assert trimp(holes, 50, 200, "male") == pytest.approx(trimp(HOUR, 50, 200, "male"))
    assert edwards(holes, 200) == edwards(HOUR, 200)
    assert run_load(np.concatenate([HOUR / 50, [np.nan]]), 3.0) == pytest.approx(100.0)
    nothing = np.full(60, np.nan)
    for value in (
        trimp(nothing, 50, 200, "male"),
        edwards([], 200),
        lucia(nothing, 140, 160),
        run_load(nothing, 4.0),
        heart_rate_load(nothing, 50, 190, 170, "male"),
    ):
        assert np.isnan(value)


def test_the_reserve_ends_at_rest_and_at_the_maximum() -> None:
    np.testing.assert_array_equal(reserve([30.0, 50.0, 125.0, 250.0], 50, 200), [0, 0, 0.5, 1])


def test_zones_weigh_as_edwards_and_lucia_say() -> None:
    minute = {rate: np.full(60, rate) for rate in (90.0, 100.0, 139.0, 140.0, 160.0, 179.9, 250.0)}
    weights = [edwards(minute[rate], 200) for rate in minute]
    assert weights == [0, 1, 2, 3, 4, 4, 5]
    assert [lucia(minute[rate], 139, 160) for rate in (90.0, 139.0, 160.0)] == [1, 2, 3]


def test_an_individual_curve_is_found_again_and_gives_back_banister() -> None:
    x = np.array([0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98])
    curve = fit_individual(x, 0.64 * np.exp(1.92 * x))
    assert (curve.a, curve.b) == pytest.approx((0.64, 1.92), abs=1e-6)
    assert curve.residual < 1e-6
    own = individual_trimp(HOUR, 50, 200, curve.a, curve.b)
    assert own == pytest.approx(92.07, abs=0.005)


def test_an_individual_curve_is_the_least_squares_one() -> None:
    from scipy.optimize import curve_fit  # type: ignore[import-untyped]

    random = np.random.default_rng(4)
    x = np.linspace(0.3, 1.0, 8)
    y = 0.2 * np.exp(3.6 * x) + random.normal(0, 0.3, 8)
    (a, b), _ = curve_fit(lambda x, a, b: a * np.exp(b * x), x, y, p0=[0.3, 3.0])
    curve = fit_individual(x, y)
    assert (curve.a, curve.b) == pytest.approx((a, b), rel=1e-4)


def test_fosters_week() -> None:
    week = [400, 0, 300, 0, 500, 200, 0]
    deviation = np.sqrt(sum((load - 200) ** 2 for load in week) / 6)
    assert monotony(week) == pytest.approx(200 / deviation)
    assert strain(week) == pytest.approx(1400 * 200 / deviation)
    assert session_load(7, 45) == 315
    assert np.isnan(monotony([100] * 7))
    assert np.isnan(monotony([0] * 7))
    assert np.isnan(strain([100, np.nan, 0, 0, 0, 0, 0]))


def test_the_ratio_of_weeks_only_describes() -> None:
    ratios = acute_chronic(np.concatenate([np.full(28, 50.0), np.full(7, 100.0)]))
    assert np.isnan(ratios[:27]).all()
    assert ratios[27] == 1.0
    assert ratios[34] == pytest.approx(100 / 62.5)
    assert np.isnan(acute_chronic(np.zeros(40))).all()
    assert np.isnan(acute_chronic([1.0] * 5)).all()
    assert "never be sold as a risk" in (acute_chronic.__doc__ or "")


def test_wrong_arguments_are_named() -> None:
    with refused("max_bpm", "50", "rest_bpm"):
        trimp(HOUR, 60, 50, "male")
    with refused("sex", "''", "differs by sex"):
        trimp(HOUR, 50, 200, "")
    with refused("threshold_bpm", "210"):
        heart_rate_load(HOUR, 50, 200, 210, "male")
    with refused("vt2_bpm", "130"):
        lucia(HOUR, 140, 130)
    with refused("rpe", "11"):
        session_load(11, 60)
    with refused("loads7", "6 days"):
        monotony([1.0] * 6)
    with refused("loads7", "-5"):
        strain([-5, 0, 0, 0, 0, 0, 0])
    with refused("threshold_mps"):
        run_load(HOUR, 0)
    with refused("css_mps"):
        swim_load(60, 1, -1)
    with refused("duration_s", "-1"):
        power_load(-1, 1)
    with refused("reserve_share", "2 different"):
        fit_individual([0.5, 0.5, 0.7], [1, 1, 2])
    with refused("acute_days", "28"):
        acute_chronic([1.0], 28, 28)
