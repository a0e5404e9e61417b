"""Rowing against the figures that the maker of the ergometer publishes."""

from __future__ import annotations

import pytest

from stadion.core.errors import StadionError
from stadion.science.rowing import (
    calories_per_hour,
    distance_per_stroke,
    mass_adjusted_time,
    power_of_split,
    rowing_critical_power,
    speed_of_split,
    split_of_power,
    split_of_speed,
    stroke_rate,
)


@pytest.mark.parametrize(
    ("split_s", "watts"),
    [(120.0, 202.5), (100.0, 350.0), (90.0, 480.1), (105.0, 302.3), (135.0, 142.3), (150.0, 103.7)],
)
def test_splits_and_watts_of_the_published_table(split_s: float, watts: float) -> None:
    assert power_of_split(split_s) == pytest.approx(watts, abs=0.06)
    assert split_of_power(power_of_split(split_s)) == pytest.approx(split_s)
    assert split_of_speed(speed_of_split(split_s)) == pytest.approx(split_s)


def test_calories_follow_the_watts() -> None:
    assert calories_per_hour(202.5) == pytest.approx(996.9, abs=0.1)
    assert calories_per_hour(100.0) == pytest.approx(4 * 0.8604 * 100 + 300)
    assert calories_per_hour(100.0, mass_kg=79.4) == pytest.approx(calories_per_hour(100.0), abs=1)


def test_a_lighter_body_is_forgiven_time() -> None:
    assert mass_adjusted_time(400.0, 270 * 0.45359237) == pytest.approx(400.0)
    assert mass_adjusted_time(480.0, 165 * 0.45359237) == pytest.approx(430.3, abs=0.1)


def test_strokes_at_28_a_minute() -> None:
    assert stroke_rate(14, 30.0) == 28.0
    assert distance_per_stroke(250.0, 25) == 10.0


def test_critical_power_from_splits() -> None:
    durations = [150.0, 300.0, 600.0, 1200.0]
    splits = [split_of_power(260.0 + 18_000.0 / seconds) for seconds in durations]
    fitted = rowing_critical_power(durations, splits)
    assert fitted.cp_w == pytest.approx(260.0)
    assert fitted.w_prime_j == pytest.approx(18_000.0)


def test_a_wrong_argument_is_named() -> None:
    with pytest.raises(StadionError, match="split_s is 0"):
        power_of_split(0.0)
    with pytest.raises(StadionError, match="power_w is -1"):
        split_of_power(-1.0)
    with pytest.raises(StadionError, match="mass_kg is nan"):
        calories_per_hour(200.0, float("nan"))
