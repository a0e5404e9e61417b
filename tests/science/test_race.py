"""VDOT, race times, and predictions whose intervals hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress  # type: ignore[import-untyped]

from stadion.science.race import (
    fit_riegel,
    predict,
    race_time,
    riegel,
    training_speeds,
    vdot,
)
from stadion.science.vdot import speed_at
from tests.science.refusals import refused

MARATHON = 42_195.0
TABLE = {
    1500: "5:46.1",
    3000: "12:19.9",
    5000: "21:15.1",
    10_000: "44:03.9",
    21_097.5: "1:37:36.7",
    MARATHON: "3:22:58.7",
}
"""Distance in m -> time that a public calculator (runworks.com, 2007) gives 1:07:48 over 15 km."""


def seconds(text: str) -> float:
    total = 0.0
    for part in text.split(":"):
        total = 60 * total + float(part)
    return total


def test_five_kilometres_in_twenty_minutes() -> None:
    assert vdot(5000, 1200) == pytest.approx(49.81, abs=0.005)


@pytest.mark.parametrize("distance", TABLE)
def test_race_times_are_those_of_a_public_calculator(distance: float) -> None:
    shown = vdot(15_000, seconds("1:07:48"))
    assert shown == pytest.approx(46.4, abs=0.05)
    assert race_time(shown, distance) == pytest.approx(seconds(TABLE[distance]), rel=2.5e-4)


@given(st.floats(20, 85), st.floats(1500, 50_000))
@settings(max_examples=60, deadline=None)
def test_race_time_is_the_inverse_of_vdot(value: float, distance: float) -> None:
    assert vdot(distance, race_time(value, distance)) == pytest.approx(value, rel=1e-6)


def test_training_speeds_lie_in_order_below_what_vdot_allows() -> None:
    speeds = training_speeds(50)
    slow = [low for low, _ in speeds.values()]
    assert slow == sorted(slow)
    assert speeds["interval"][1] == speed_at(50)
    assert 1000 / speeds["threshold"][1] == pytest.approx(255, abs=1)


def test_a_walk_shows_no_vdot() -> None:
    assert math.isnan(vdot(100, 3600))


def test_riegel_from_ten_kilometres_to_the_marathon() -> None:
    assert round(riegel(40 * 60, 10_000, MARATHON)) == seconds("3:04:00")
    assert riegel(2400, 10_000, 10_000) == 2400
    assert riegel(2400, 10_000, MARATHON, 1.1) > riegel(2400, 10_000, MARATHON)


def test_a_personal_exponent_and_its_error_are_scipys() -> None:
    distances = np.array([1500.0, 3000.0, 5000.0, 10_000.0, 21_097.5])
    times = 220 * (distances / 1000) ** 1.09 * np.array([1.01, 0.99, 1.0, 1.02, 0.99])
    own, line = fit_riegel(distances, times), linregress(np.log(distances), np.log(times))
    assert (own.exponent, own.exponent_se) == pytest.approx((line.slope, line.stderr))
    low, high = own.interval
    assert low < 1.09 < high
    assert own.time_s(10_000) == pytest.approx(math.exp(line.intercept) * 10_000**line.slope)
    assert math.isnan(fit_riegel(distances[:2], times[:2]).exponent_se)


def test_one_race_predicts_by_riegel_and_doubt_grows_with_the_distance() -> None:
    near, far = (predict([10_000], [2400], d) for d in (12_000, MARATHON))
    assert far.time_s == pytest.approx(riegel(2400, 10_000, MARATHON))
    assert near.low_s < near.time_s < near.high_s
    assert far.high_s / far.low_s > near.high_s / near.low_s > 1


def test_races_of_many_lengths_move_the_prediction_to_the_runners_own_line() -> None:
    distances = np.array([1500.0, 3000.0, 5000.0, 10_000.0, 15_000.0, 21_097.5])
    times = 220 * (distances / 1000) ** 1.12
    own = 220 * (MARATHON / 1000) ** 1.12
    few, many = predict(distances[3:4], times[3:4], MARATHON), predict(distances, times, MARATHON)
    assert abs(many.time_s - own) < 0.2 * abs(few.time_s - own)
    assert many.high_s / many.low_s < few.high_s / few.low_s


def test_nineteen_of_twenty_races_fall_into_the_interval() -> None:
    random = np.random.default_rng(0)
    within = 0
    for _ in range(400):
        exponent = random.normal(1.06, 0.04)
        distances = random.choice([3000.0, 5000.0, 10_000.0, 15_000.0], random.integers(1, 4))
        noise = np.exp(random.normal(0, 0.025, len(distances) + 1))
        times = 240 * (distances / 1000) ** exponent * noise[:-1]
        truth = 240 * (21.0975**exponent) * noise[-1]
        guess = predict(distances, times, 21_097.5)
        within += guess.low_s <= truth <= guess.high_s
    assert 0.92 <= within / 400 <= 0.98


def test_critical_speed_predicts_with_an_interval_from_three_races() -> None:
    times = np.array([270.0, 570.0, 980.0])
    distances = 5.0 * times + 150
    guess = predict(distances, times, 4000, "critical_speed")
    assert guess.time_s == pytest.approx(770)
    assert guess.high_s - guess.low_s < 1e-3
    two = predict(distances[:2], times[:2], 4000, "critical_speed")
    assert two.time_s == pytest.approx(770)
    assert math.isnan(two.low_s)
    scattered = predict(distances, times + np.array([3, -5, 2]), 4000, "critical_speed")
    assert scattered.low_s < scattered.time_s < scattered.high_s


def test_wrong_arguments_are_named() -> None:
    with refused("time_s", "0"):
        vdot(5000, 0)
    with refused("vdot", "500"):
        race_time(500, 5000)
    with refused("target_m", "-1"):
        riegel(2400, 10_000, -1)
    with refused("distances_m", "1 different"):
        fit_riegel([5000, 5000], [1200, 1210])
    with refused("distances_m", "0 different"):
        predict([], [], 5000)
    with refused("times_s", "-5"):
        predict([5000, 3000], [1200, -5], 5000)
    with refused("model", "magic"):
        predict([5000], [1200], 10_000, "magic")
