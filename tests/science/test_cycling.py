"""The cycling model both ways, and a drag that is found again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq  # type: ignore[import-untyped]

from stadion.science.cycling import Rider, air_density, fit_resistance, power_of, speed_of
from tests.science.refusals import refused

RIDER = Rider(80.0, cda_m2=0.32, crr=0.004, air_kg_m3=1.2, efficiency=0.976)


def test_power_is_the_sum_of_its_terms() -> None:
    v, w, s, a = 9.0, 2.0, 0.03, 0.1
    along = np.sqrt(1 + s * s)
    force = 0.5 * 1.2 * 0.32 * (v + w) ** 2 + 80 * 9.80665 * (0.004 + s) / along + 80 * a
    assert power_of(RIDER, [v], s, w, a)[0] == pytest.approx(force * v / 0.976)


@given(st.floats(0, 1500), st.floats(-0.15, 0.25), st.floats(-8, 8))
@settings(max_examples=80, deadline=None)
def test_speed_is_the_inverse_of_power(power: float, grade: float, wind: float) -> None:
    speed = speed_of(RIDER, [power], grade, wind)[0]
    if speed > 1e-6:
        assert power_of(RIDER, [speed], grade, wind)[0] == pytest.approx(power, abs=1e-3)
    else:
        assert power < 1e-3


def test_speed_is_what_a_root_finder_finds() -> None:
    root = brentq(lambda v: power_of(RIDER, [v], 0.05, 1.0)[0] - 280, 0.1, 30)
    assert speed_of(RIDER, [280.0], 0.05, 1.0)[0] == pytest.approx(root, abs=1e-9)


def test_more_power_is_faster_and_wind_from_behind_helps() -> None:
    speeds = speed_of(RIDER, np.arange(0, 1000, 50.0), 0.02)
    assert np.all(np.diff(speeds) > 0)
    behind, against = speed_of(RIDER, [200.0, 200.0], 0.0, [-4.0, 4.0])
    assert behind > speed_of(RIDER, [200.0])[0] > against


def test_coasting_downhill_ends_at_a_speed_and_on_the_level_at_rest() -> None:
    assert speed_of(RIDER, [0.0], -0.08)[0] == pytest.approx(
        np.sqrt(80 * 9.80665 * (0.08 - 0.004) / np.sqrt(1 + 0.08**2) / (0.5 * 1.2 * 0.32))
    )
    assert speed_of(RIDER, [0.0, -50.0]).tolist() == [0.0, 0.0]


def test_missing_stays_missing() -> None:
    assert np.isnan(power_of(RIDER, [8.0, np.nan], [np.nan, 0.0])).all()
    assert np.isnan(speed_of(RIDER, [np.nan, 100.0], [0.0, np.nan])).all()
    assert not len(power_of(RIDER, []))


def test_drag_and_rolling_are_found_again_within_their_errors() -> None:
    random = np.random.default_rng(0)
    speed = random.uniform(4, 14, 3000)
    grade, gain = random.normal(0, 0.01, 3000), random.normal(0, 0.05, 3000)
    power = power_of(RIDER, speed, grade, 0.0, gain)
    exact = fit_resistance(power, speed, grade, gain, 80.0)
    assert (exact.cda_m2, exact.crr) == pytest.approx((0.32, 0.004), rel=1e-6)
    noisy = fit_resistance(power + random.normal(0, 15, 3000), speed, grade, gain, 80.0)
    assert abs(noisy.cda_m2 - 0.32) < 4 * noisy.cda_se_m2 < 0.02
    assert abs(noisy.crr - 0.004) < 4 * noisy.crr_se < 0.002


def test_a_steady_ride_cannot_tell_drag_from_rolling() -> None:
    steady = np.full(600, 9.0)
    fit = fit_resistance(np.full(600, 200.0), steady, np.zeros(600), np.zeros(600), 80.0)
    assert np.isnan([fit.cda_m2, fit.crr]).all()


def test_air_thins_with_height_and_heat() -> None:
    assert air_density(15, 0) == pytest.approx(1.225, abs=5e-4)
    assert air_density(-1.5, 0) > air_density(15, 0) > air_density(30, 0)
    assert air_density(8.5, 1000) == pytest.approx(1.112, abs=1e-3)


def test_wrong_arguments_are_named() -> None:
    with refused("mass_kg", "0"):
        Rider(0)
    with refused("efficiency", "1.2"):
        Rider(80, efficiency=1.2)
    with refused("speed_mps 2", "grade 3"):
        power_of(RIDER, [1.0, 2.0], [0.0, 0.0, 0.0])
    with refused("mass_kg"):
        fit_resistance([1.0], [1.0], [0.0], [0.0], -1)
    with refused("altitude_m", "20000"):
        air_density(15, 20_000)
