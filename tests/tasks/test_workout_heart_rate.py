"""A workout becomes moments that know nothing of the heart after minute 5."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest

from evaluation.workout_heart_rate import workouts
from stadion.core.activity import Activity, Source, Track
from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import StadionError
from stadion.science.effort import cycling_power, exponential_means, running_power, slope
from stadion.tasks.workout_heart_rate import HISTORY, OPENING, PLUGIN, planned
from tests.places import shared_data

SETTINGS = PLUGIN.Settings()


def _workout(minutes: float = 20.0, **channels: float | FloatArray) -> Activity:
    """A ride of one sample a second; a number stands for a channel that does not change."""
    time_s = np.arange(0.0, minutes * 60.0)
    values = {name: np.broadcast_to(v, time_s.shape).astype(float) for name, v in channels.items()}
    start = datetime(2026, 5, 1, 8, tzinfo=UTC)
    return Activity("ride", "ann", "cycling", start, (Track("", time_s, values),), Source("t", "t"))


def _rows(activity: Activity) -> dict[str, Array]:
    return PLUGIN.features(activity, PLUGIN.dataset(PLUGIN.examples(0), SETTINGS).signature, {})


def _without_heart_after(activity: Activity, second: float) -> Activity:
    track = activity.tracks[0]
    beats = np.where(track.time_s < second, track.channels["heart_rate"], np.nan)
    return dataclasses.replace(
        activity,
        tracks=(dataclasses.replace(track, channels={**track.channels, "heart_rate": beats}),),
    )


def test_a_row_is_ten_minutes_of_streams_and_the_opening() -> None:
    rows = _rows(_workout(speed=8.0, heart_rate=140.0, power=200.0))
    assert len(rows["speed"]) == 120 - OPENING
    assert np.isnan(rows["speed"][0, : HISTORY - OPENING - 1]).all(), "before the start"
    assert (rows["speed"][0, HISTORY - OPENING - 1 :] == 8.0).all()
    assert (rows["opening_power"] == 200.0).all()
    assert (rows["opening_heart_rate"] == 140.0).all()
    assert rows["elapsed_s"][0] == 300.0
    assert np.isnan(rows["age"]).all(), "nobody said how old the rider is"


def test_heart_rate_after_minute_five_is_never_read() -> None:
    whole = PLUGIN.examples(0)[0]
    course = _without_heart_after(whole, OPENING * 10.0)
    known, asked = _rows(whole), _rows(course)
    for name, values in known.items():
        np.testing.assert_array_equal(asked[name], values, err_msg=name)


def test_nothing_after_the_moment_is_read_but_the_duration() -> None:
    rng = np.random.default_rng(0)
    speed, altitude = rng.uniform(2, 5, 1200), np.cumsum(rng.normal(0, 0.2, 1200))
    whole = _workout(speed=speed, altitude=altitude, heart_rate=140.0)
    half = _workout(10.0, speed=speed[:600], altitude=altitude[:600], heart_rate=140.0)
    known, asked = _rows(whole), _rows(half)
    inner = len(asked["speed"]) - 2  # the last climb rates of a recording look one step ahead
    for name in known.keys() - {"duration_s"}:
        np.testing.assert_allclose(asked[name][:inner], known[name][:inner], err_msg=name)


def test_what_if_takes_the_course_of_one_and_the_heart_of_another() -> None:
    athlete = _workout(speed=3.0, heart_rate=120.0, age=44.0, maximal_heart_rate=178.0)
    course = _workout(30.0, speed=4.0, altitude=np.linspace(0.0, 180.0, 1800), heart_rate=99.0)
    rows = _rows(planned(course, athlete))
    assert len(rows["speed"]) == 180 - OPENING
    assert (rows["opening_heart_rate"] == 120.0).all()
    assert (rows["age"] == 44.0).all()
    assert (rows["maximal_heart_rate"] == 178.0).all()
    assert (rows["opening_speed"] == 4.0).all()
    assert rows["climb_rate"][-1, -1] == pytest.approx(0.1, rel=0.01)
    assert rows["running_cost"][-1, -1] > running_power(np.array([4.0]), np.array([0.0]))[0]


def test_an_opening_without_heart_rate_is_refused() -> None:
    with pytest.raises(StadionError, match="first five minutes"):
        planned(_workout(speed=4.0), _workout(speed=3.0))


def test_who_the_athlete_is_makes_groups_of_errors() -> None:
    woman = _workout(speed=3.0, heart_rate=120.0, female=1.0)
    data = PLUGIN.dataset([woman, *PLUGIN.examples(0)], SETTINGS)
    assert set(data.strata["sex"].tolist()) == {"female", ""}
    assert set(data.strata["sport"].tolist()) == {"cycling", "running"}


def test_a_heart_rate_no_heart_has_is_missing() -> None:
    beats = np.full(1200, 140.0)
    beats[:100], beats[700:720] = 254.0, 0.0
    data = PLUGIN.dataset([_workout(speed=3.0, heart_rate=beats)], SETTINGS)
    assert np.isnan(data.inputs["opening_heart_rate"][0, :10]).all()
    assert (data.targets["heart_rate"] == 140.0).all()


def test_effort_is_that_of_the_published_formulas() -> None:
    level, steep = np.array([0.0]), np.array([0.2])
    assert running_power(np.array([3.0]), level)[0] == pytest.approx(3.6 * 3.0)
    # Minetti et al. 2002, table 2: about 9 J/(kg m) uphill at 20 %
    assert running_power(np.array([1.0]), steep)[0] == pytest.approx(9.0, abs=0.7)
    assert 80 * cycling_power(np.array([10.0]), level)[0] == pytest.approx(257, abs=5)
    assert slope(np.array([1.0, 1.0]), np.array([10.0, 0.1])).tolist() == [0.1, 0.0]


def test_exponential_means_follow_with_their_time_constant() -> None:
    step = np.r_[np.zeros(200), np.ones(10)]
    assert exponential_means(step, 10.0)[-1] == pytest.approx(1 - np.exp(-1), abs=1e-6)
    assert np.isnan(exponential_means(np.array([np.nan, 2.0]), 10.0)[0])


@pytest.mark.data
@pytest.mark.slow
def test_a_workout_saved_under_two_names_is_evaluated_once() -> None:
    recordings = workouts(shared_data("B_activity_files"))
    assert len(recordings) > 120
    starts = [(a.start, round(a.duration_s)) for a in recordings if a.start is not None]
    assert len(set(starts)) == len(starts)
