"""Nights worked out by hand, a tracker's own sums, and how regular days of sleep are."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from stadion.core.errors import StadionError
from stadion.science.sleep import (
    ASLEEP,
    AWAKE,
    DEEP,
    LIGHT,
    REM,
    clock_h,
    epochs_of,
    mean_clock_h,
    night_of,
    regularity,
    social_jet_lag_h,
)
from tests.places import shared_data

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_night_worked_out_by_hand() -> None:
    """In bed 22:30 to 06:30: 20 min to fall asleep, awake twice, 15 min before getting up."""
    minutes = [
        (20, AWAKE), (100, LIGHT), (60, DEEP), (10, AWAKE), (120, LIGHT), (60, REM), (5, AWAKE),
        (90, LIGHT), (15, AWAKE),
    ]  # fmt: skip
    stages = np.repeat([code for _, code in minutes], [2 * count for count, _ in minutes])
    start = datetime(2024, 1, 9, 22, 30, tzinfo=BERLIN)
    night = night_of(stages, 30.0, start)
    assert night.in_bed_s == 8 * 3600
    assert night.latency_s == 20 * 60
    assert night.asleep_s == 430 * 60
    assert night.awake_s == 15 * 60
    assert night.awake_after_s == 15 * 60
    assert night.awakenings == 2
    assert night.efficiency == pytest.approx(100 * 430 / 480)
    assert night.asleep_at == datetime(2024, 1, 9, 22, 50, tzinfo=BERLIN)
    assert night.awake_at == datetime(2024, 1, 10, 6, 15, tzinfo=BERLIN)
    assert night.middle == datetime(2024, 1, 10, 2, 32, 30, tzinfo=BERLIN)
    assert night.shares == {
        "light": pytest.approx(100 * 310 / 430),
        "deep": pytest.approx(100 * 60 / 430),
        "rem": pytest.approx(100 * 60 / 430),
    }
    assert night_of(stages, 30.0, least_awake_s=600).awakenings == 1


@pytest.mark.parametrize(
    ("evening", "middle_utc_h"), [(datetime(2024, 3, 30, 23), 2.0), (datetime(2024, 10, 26, 23), 1)]
)
def test_the_clocks_may_change_at_night(evening: datetime, middle_utc_h: float) -> None:
    """Eight hours asleep from 23:00 are four to the middle, whatever the clocks did."""
    night = night_of(np.full(480, ASLEEP), 60.0, evening.replace(tzinfo=BERLIN))
    assert night.middle is not None
    assert clock_h(night.middle, "UTC") == middle_utc_h
    assert night.awake_at is not None
    assert night.awake_at.astimezone(UTC) - evening.replace(tzinfo=BERLIN).astimezone(
        UTC
    ) == timedelta(hours=8)
    assert night.awake_at.hour == (8 if evening.month == 3 else 6)


def test_no_sleep_and_no_stages() -> None:
    awake = night_of(np.zeros(60), 60.0)
    assert (awake.asleep_s, awake.efficiency, awake.awakenings) == (0.0, 0.0, 0)
    assert math.isnan(awake.latency_s)
    assert awake.middle is None
    unknown = night_of(np.full(60, np.nan))
    assert math.isnan(unknown.efficiency)
    assert unknown.unknown_s == unknown.in_bed_s == 1800
    assert night_of([0, 1, 1, 0, 1]).shares == {}
    with_hole = night_of([0, 1, np.nan, 1, 0])
    assert with_hole.unknown_s == 30.0
    assert with_hole.in_bed_s == (
        with_hole.latency_s + with_hole.asleep_s + with_hole.awake_s + with_hole.awake_after_s
        + with_hole.unknown_s
    )  # fmt: skip


def test_intervals_become_epochs_and_later_ones_lie_on_top() -> None:
    stages = epochs_of([0, 600, 300], [600, 900, 330], [LIGHT, DEEP, AWAKE], length_s=960)
    assert stages.tolist()[:20] == [2.0] * 10 + [0.0] + [2.0] * 9
    assert stages.tolist()[20:30] == [3.0] * 10
    assert np.isnan(stages[30:]).all()


@pytest.mark.data
@pytest.mark.parametrize("person", ["p01", "p06", "p14"])
def test_nights_of_a_tracker_add_up_to_its_own_sums(person: str) -> None:
    """To its rounding in 19 nights of 20; in the others it counts one awakening of 3 min more."""
    path = shared_data("C_daily_health", "pmdata", person, "fitbit", "sleep.json.gz")
    codes = {"wake": AWAKE, "light": LIGHT, "deep": DEEP, "rem": REM}
    off, deep = [], []
    for log in json.loads(gzip.decompress(path.read_bytes())):
        if log["type"] != "stages":
            continue
        start = datetime.fromisoformat(log["startTime"])
        parts = log["levels"]["data"] + log["levels"].get("shortData", [])
        at = [datetime.fromisoformat(part["dateTime"]) - start for part in parts]
        starts = np.array([moment.total_seconds() for moment in at])
        lengths = np.array([part["seconds"] for part in parts], float)
        night = night_of(
            epochs_of(starts, starts + lengths, [codes.get(p["level"], np.nan) for p in parts])
        )
        assert night.in_bed_s / 60 == pytest.approx(log["timeInBed"], abs=1.0)
        awake = night.latency_s + night.awake_s + night.awake_after_s
        off.append([night.asleep_s / 60 - log["minutesAsleep"], awake / 60 - log["minutesAwake"]])
        minutes = night.shares["deep"] / 100 * night.asleep_s / 60
        deep.append(minutes - log["levels"]["summary"]["deep"]["minutes"])
    assert len(off) > 50
    assert (np.abs(off).max(axis=1) <= 0.5).mean() > 0.9
    assert np.abs(off).max() <= 3.5
    assert (np.abs(deep) <= 0.5).mean() > 0.9


def test_regularity_worked_out_by_hand() -> None:
    """Three days of four epochs: 4 + 2 of 8 pairs are in one state: -100 + 200 * 6 / 8 = 50."""
    first = [1, 0, 0, 1]
    assert regularity(first + first + [0, 1, 0, 1], epoch_s=21_600) == 50.0
    assert regularity(first * 7, epoch_s=21_600) == 100.0
    opposite = [1 - one for one in first]
    assert regularity(first + opposite + first, epoch_s=21_600) == -100.0


def test_a_shift_of_an_hour_a_day_costs_what_it_should() -> None:
    """Eight hours of sleep moved by one hour differ in two of 24 hours: 100 - 200 * 2 / 24."""
    minute = np.arange(1440)
    days = [((minute - 60 * day) % 1440 < 480).astype(float) for day in range(7)]
    assert regularity(np.concatenate(days), epoch_s=60) == pytest.approx(100 - 200 * 2 / 24)


def test_unknown_epochs_are_left_out_and_chance_is_zero() -> None:
    day = np.array([1.0, 0.0, np.nan, 1.0])
    assert regularity(np.concatenate([day, day]), epoch_s=21_600) == 100.0
    assert math.isnan(regularity(day, epoch_s=21_600))
    coins = np.random.default_rng(0).integers(0, 2, 60 * 2880)
    assert abs(regularity(coins)) < 1.0
    # awake or asleep is what counts, not the stage
    assert regularity([LIGHT, AWAKE, DEEP, AWAKE], epoch_s=43_200) == 100.0


def test_clock_times_go_round_midnight() -> None:
    assert mean_clock_h([23.0, 1.0]) % 24 == pytest.approx(0.0, abs=1e-9)
    assert mean_clock_h([22.0, 23.0, np.nan]) == pytest.approx(22.5)
    assert math.isnan(mean_clock_h([]))
    assert social_jet_lag_h([0.5], [23.0]) == pytest.approx(1.5)
    assert social_jet_lag_h([3.0], [5.0]) == -2.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: night_of([0, 9]), r"stages\[1\] is 9; expected 0 awake"),
        (lambda: night_of([0], 30.0, datetime(2024, 1, 1)), "without a time zone"),
        (lambda: night_of([0], 0.0), "epoch_s is 0"),
        (lambda: epochs_of([5], [3], [1]), "interval 0 is from 5 s to 3 s"),
        (lambda: epochs_of([0], [1e12], [1]), "expected at most"),
        (lambda: regularity([1, 0], 7.0), "expected a divisor of 86400"),
        (lambda: clock_h(datetime(2024, 1, 1, tzinfo=UTC), "Nowhere/None"), "IANA"),
    ],
)
def test_a_wrong_argument_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(StadionError, match=words):
        call()
