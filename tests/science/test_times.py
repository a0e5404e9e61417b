"""Elapsed, timer and moving time against what devices say; the day where it was made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from stadion.core.activity import Activity, Event, Lap, Source
from stadion.science.times import Times, local_date, times_of, zone_named
from tests.science.recordings import activity, corpus, made_ride, real

OTHERWISE = {
    "gc__2016-05-23_18-14-30_4_25": "its session counts the rests that its timer events stop",
    "gc__GarminSwimExample": "its session counts the rests that its timer events stop",
    "tormoder__activity-large-fenxi2-multisport": "its first session starts 45 min too late",
    "sportslib__broken-dates": "four fifths of its records share a second: they are 656 s",
}
"""FIT files whose sessions say something else, and why."""


def test_sessions_of_the_corpus_say_the_same_to_two_seconds() -> None:
    compared = 0
    for path, each in corpus():
        times = times_of(each)
        assert times.elapsed_s >= times.timer_s >= times.moving_s >= 0, path
        sessions = [lap for lap in each.laps if lap.kind == "session"]
        if any(name in path for name in OTHERWISE) or not sessions:
            continue
        span = max(s.end_s for s in sessions) - min(s.start_s for s in sessions)
        assert times.elapsed_s == pytest.approx(span, abs=2.0), path
        timer = sum(s.values.get("timer_s", np.nan) for s in sessions)
        if np.isfinite(timer):
            assert times.timer_s == pytest.approx(min(timer, span), abs=2.0), path
            compared += 1
    print(f"{compared} recordings with the timer of their sessions")
    assert compared > 60


def test_two_listed_files_do_count_the_rests() -> None:
    for name in list(OTHERWISE)[:2]:
        each = real(f"fit/{name}.fit")
        told = sum(s.values.get("timer_s", np.nan) for s in each.laps if s.kind == "session")
        times = times_of(each)
        assert times.timer_s != pytest.approx(told, abs=2.0)


@pytest.mark.parametrize(
    ("name", "moving_s"),
    # What the watch's own session calls total_moving_time.
    [("2024-10-14-070422-Pool_Swim", 3507.451), ("2024-10-20-104352-Pool_Swim", 2704.644)],
)
def test_moving_time_in_a_pool_is_that_of_its_lengths(name: str, moving_s: float) -> None:
    times = times_of(real(f"fit/gc__{name}-BingiWatch.fit"))
    assert times.moving_s == pytest.approx(moving_s, abs=0.5)
    assert times.moving_s < times.timer_s < times.elapsed_s


def stopping(sport: str, events: tuple[Event, ...] = ()) -> Activity:
    """Five minutes at 3 m/s, four standing, one at 3 m/s again."""
    speed = np.repeat([3.0, 0.0, 3.0], [300, 240, 61])
    return activity({"speed": speed, "distance": np.cumsum(speed)}, sport=sport, events=events)


def test_standing_is_not_moving_and_a_stop_is_neither() -> None:
    times = times_of(stopping("cycling"))
    assert (times.elapsed_s, times.timer_s) == (600.0, 600.0)
    assert times.moving_s == pytest.approx(360.0, abs=2.0)
    stops = (Event(310.0, "timer", "stop_all"), Event(530.0, "timer", "start"))
    stopped = times_of(stopping("cycling", stops))
    assert (stopped.timer_s, stopped.moving_s) == (380.0, times.moving_s)
    moved_on = (Event(100.0, "timer", "stop"), Event(200.0, "timer", "start"))
    assert times_of(stopping("cycling", moved_on)).moving_s == pytest.approx(260.0, abs=2.0)


def test_one_speed_stands_in_one_sport_and_moves_in_another() -> None:
    slow = {"speed": np.full(301, 0.5)}
    assert times_of(activity(slow, sport="cycling")).moving_s == 0.0
    assert times_of(activity(slow, sport="swimming")).moving_s == 300.0
    both = replace(
        activity(slow, sport="multisport"),
        laps=(Lap(0.0, 100.0, "session", "swimming"), Lap(100.0, 300.0, "session", "cycling")),
    )
    assert times_of(both).moving_s == 100.0


def test_without_speed_distance_positions_or_pedals_tell() -> None:
    ride = made_ride(600)
    track = ride.tracks[0].channels
    for names in (("distance",), ("position_lat", "position_long"), ("power",)):
        told = activity({name: track[name] for name in names})
        assert times_of(told).moving_s == pytest.approx(599.0, abs=6.0), names
    assert times_of(activity({"heart_rate": np.full(11, 99.0)})) == Times(10.0, 10.0, 10.0)


def test_a_speed_in_kilometres_an_hour_yields_to_the_distance() -> None:
    walked = np.repeat([1.4, 0.0], 300)
    channels = {"speed": 3.6 * walked + 1.0, "distance": np.cumsum(walked)}
    found = times_of(activity(channels, sport="walking"))
    assert found.moving_s == pytest.approx(300.0, abs=4.0)


def test_a_pool_that_counts_lengths_is_moving_between_its_steps() -> None:
    distance = np.repeat(np.arange(0.0, 500.0, 25.0), 30)
    found = times_of(activity({"distance": distance}, sport="swimming"))
    assert found.moving_s == pytest.approx(19 * 30.0, abs=31.0)


@pytest.mark.parametrize(
    ("fit", "gpx"),
    [("7432332116", "7555261629"), ("3939576645", "3939576645"), ("2067489619", "2067489619")],
)
def test_without_events_and_summaries_gaps_stand_for_the_stops(fit: str, gpx: str) -> None:
    told = times_of(real(f"fit/sportslib__{fit}.fit"))
    found = times_of(real(f"gpx/sportslib__{gpx}.gpx"))
    assert found.timer_s == pytest.approx(told.timer_s, rel=0.015)
    assert found.moving_s == pytest.approx(told.moving_s, rel=0.04)


def test_a_summary_of_another_recording_does_not_count() -> None:
    ride = made_ride(600)
    for lap in (Lap(0.0, 90.0, "session"), Lap(5e6, 5e6 + 599, "session"), Lap(0, 1e9, "session")):
        assert times_of(replace(ride, laps=(lap,))).elapsed_s == 599.0
    only = Activity("", "", "", None, (), Source("", ""), laps=(Lap(0.0, 90.0, "session"),))
    assert times_of(only) == Times(90.0, 90.0, 90.0)
    assert times_of(replace(only, laps=())) == Times(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("start", "zone", "expected"),
    [
        ("2024-05-01T22:30:00", "Europe/Rome", date(2024, 5, 2)),
        ("2024-05-01T22:30:00", "", date(2024, 5, 1)),
        ("2024-05-01T03:30:00", "America/Los_Angeles", date(2024, 4, 30)),
        # Rome's clocks went to summer time on 31 March 2024 at 01:00 UTC, back on 27 October.
        ("2024-03-30T22:59:00", "Europe/Rome", date(2024, 3, 30)),
        ("2024-03-30T23:00:00", "Europe/Rome", date(2024, 3, 31)),
        ("2024-03-31T21:59:00", "Europe/Rome", date(2024, 3, 31)),
        ("2024-03-31T22:00:00", "Europe/Rome", date(2024, 4, 1)),
        ("2024-10-27T22:59:00", "Europe/Rome", date(2024, 10, 27)),
        ("2024-10-27T23:00:00", "Europe/Rome", date(2024, 10, 28)),
        # Samoa left out 30 December 2011 and went over the date line.
        ("2011-12-30T09:59:00", "Pacific/Apia", date(2011, 12, 29)),
        ("2011-12-30T10:00:00", "Pacific/Apia", date(2011, 12, 31)),
        ("2024-05-01T22:30:00", "Etc/GMT-3", date(2024, 5, 2)),
        ("2024-05-01T22:30:00", "Europe/Atlantis", date(2024, 5, 1)),
        ("9999-12-31T23:30:00", "Asia/Tokyo", date(9999, 12, 31)),
        ("0001-01-01T00:30:00", "America/Lima", date(1, 1, 1)),
    ],
)
def test_the_day_is_that_of_the_place(start: str, zone: str, expected: date) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert local_date(replace(made_ride(3), start=moment, zone=zone)) == expected


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "Europe", "a\0b", "x" * 5000, "ü/ü"])
def test_a_name_that_is_none_of_a_zone_gives_none(name: str) -> None:
    assert zone_named(name) is None


def test_without_a_date_there_is_no_day() -> None:
    assert local_date(replace(made_ride(3), zone="Europe/Rome")) is None
