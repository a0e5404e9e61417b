"""The same workout from two devices or files is one; two people's never are."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.archive import Archive
from stadion.core.activity import Activity, Flag, Lap, Track
from stadion.ingest import open_path
from tests.archive.outings import body, recorded, route
from tests.ingest.real_files import index
from tests.places import shared_data

SERIES = (
    "gc:test/aerolab/helmet testing",
    "gc:test/aerolab/open air helmet test",
    "gc:test/aerolab/velodrome test",
    "gc:test/aerolab/velodrome test 2017 front end options",
    "gc:navi2coach",
)
"""Groups of the index that are several rides of one test, not one ride several times."""
OF_ANOTHER = {
    # Three makers' files that only share a part of their name; the fourth is amazfit's.
    "sportslib:garmin": 4,
    # Two other days beside what Sports Tracker has of the first.
    "sportslib:movescount": 3,
}
"""Group -> workouts in it, where the index joins by name what is not one recording."""
PIECES = {
    # Seven pieces of a way in each of four copies. One is two points at one place, which tell
    # nothing: four times itself. A fifth copy has times at five points only: too few to tell.
    "gpxpy:cerknicko": 6 + 4 + 1,
}
"""Group -> workouts in it, where each file holds several pieces."""


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.open(tmp_path / "archive")


def workouts(archive: Archive, *activities: Activity) -> int:
    archive.add_all(activities)
    return len(archive)


# --- real files


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Archive, dict[str, list[Activity]]]:
    """An archive of all groups of more than one file, and the recordings of each group."""
    folder = shared_data("B_activity_files")
    files: dict[str, list[str]] = defaultdict(list)
    for file, row in index().items():
        files[row["activity_group"]].append(file)
    groups = {
        group: [
            a for name in names for a in open_path(folder / f"{name}.gz", finish=False).activities
        ]
        for group, names in files.items()
        if len(names) > 1
    }
    archive = Archive.open(tmp_path_factory.mktemp("twins"))
    archive.add_all(activity for group in groups.values() for activity in group)
    return archive, groups


@pytest.mark.data
def test_each_group_of_the_corpus_is_one_workout(
    corpus: tuple[Archive, dict[str, list[Activity]]],
) -> None:
    archive, groups = corpus
    found = {
        group: len({archive.recordings(activity.id)[0] for activity in members})
        for group, members in groups.items()
    }
    expected = dict.fromkeys(groups, 1) | OF_ANOTHER | PIECES
    expected |= {group: len(groups[group]) for group in SERIES}
    assert found == expected


@pytest.mark.data
def test_a_workout_has_the_union_of_its_recordings_channels(
    corpus: tuple[Archive, dict[str, list[Activity]]],
) -> None:
    archive, groups = corpus
    known = {activity.id: activity for group in groups.values() for activity in group}
    several = [found for found in archive.find() if len(found.recordings) > 1]
    assert len(several) >= 20
    for found in several:
        members = [known[each] for each in found.recordings if each in known]
        union = {name for activity in members for name in activity.channels}
        merged = archive.get(found.id)
        assert union == set(found.channels) == set(merged.channels), found.name
        lead = known[found.id].tracks[0]
        np.testing.assert_array_equal(merged.tracks[0].time_s, lead.time_s)
        for name in union & set(merged.tracks[0].channels):
            most = max(np.isfinite(a.tracks[0].channels[name]).sum() for a in members
                       if name in a.tracks[0].channels)  # fmt: skip
            assert np.isfinite(merged.tracks[0].channels[name]).sum() >= 0.4 * most, name


@pytest.mark.data
def test_a_clock_of_another_zone_is_seen(
    corpus: tuple[Archive, dict[str, list[Activity]]],
) -> None:
    archive, groups = corpus
    apart = {a.start for a in groups["gc:3386684871"] if a.start}
    assert max(apart) - min(apart) == timedelta(hours=2, seconds=-1)
    (twin,) = {a.id for a in groups["gc:3386684871"]} - {
        archive.recordings(groups["gc:3386684871"][0].id)[0]
    }
    (line,) = archive.history(twin)
    assert line.field == "join"
    assert "7199 s" in line.after["why"]


# --- two devices of one athlete


def test_a_watch_and_a_bike_computer_are_one_workout(archive: Archive) -> None:
    way, me = route(), body()
    watch = recorded(way | {"heart_rate": me["heart_rate"]}, "watch", noise=1.0)
    computer = recorded(way | me, "computer", late_s=40, noise=0.7, sport="cycling")
    watch = recorded(way | {"heart_rate": me["heart_rate"]}, "watch", noise=1.0, sport="cycling")
    assert workouts(archive, watch, computer) == 1
    merged = archive.get(computer.id)
    assert set(merged.channels) == {*way, *me}
    assert archive.get(watch.id).id == merged.id
    assert sorted(archive.recordings(watch.id)) == sorted((watch.id, computer.id))


def test_the_best_source_of_each_channel_is_taken(archive: Archive) -> None:
    way, me = route(), body()
    gpx = recorded(way | {"heart_rate": me["heart_rate"] + 1}, "phone", "gpx")
    poor = me["heart_rate"].copy()
    poor[::2], poor[400:1300] = np.nan, np.nan
    fit = recorded(way | {"heart_rate": poor}, "watch", "fit")
    tcx = recorded({"power": me["power"], "heart_rate": me["heart_rate"]}, "site", "tcx")
    assert workouts(archive, gpx, fit, tcx) == 1
    merged = archive.get(gpx.id)
    assert merged.id == fit.id
    main = merged.tracks[0].channels
    np.testing.assert_array_equal(main["position_lat"], way["position_lat"])
    np.testing.assert_array_equal(main["power"], me["power"])
    # The watch knows less than half of the heart rate; the TCX goes before the GPX.
    np.testing.assert_array_equal(main["heart_rate"], me["heart_rate"])


def test_a_doubted_channel_comes_from_elsewhere(archive: Archive) -> None:
    way, me = route(), body()
    locked = (Flag("cadence_lock", 0.0, 1500.0, "heart_rate"),)
    watch = recorded(way | {"heart_rate": me["heart_rate"] + 2}, "watch", "fit", flags=locked)
    strap = recorded(way | {"heart_rate": me["heart_rate"]}, "phone", "gpx")
    assert workouts(archive, watch, strap) == 1
    merged = archive.get(watch.id)
    np.testing.assert_array_equal(merged.tracks[0].channels["heart_rate"], me["heart_rate"])
    assert merged.flags == ()


@pytest.mark.parametrize("ahead_s", [3, -25, 137, 3600, -7199, 5 * 3600 + 2700])
def test_clocks_that_differ_are_set_right(archive: Archive, ahead_s: int) -> None:
    way, me = route(), body()
    one = recorded(way, "watch")
    other = recorded(way | me, "computer", "tcx", ahead_s=ahead_s, late_s=60)
    assert workouts(archive, one, other) == 1
    merged = archive.get(one.id).tracks[0]
    power = merged.channels["power"]
    assert np.isnan(power[:60]).all()
    np.testing.assert_array_equal(power[60:], me["power"][60:])


def test_other_samples_are_taken_only_where_they_are_near(archive: Archive) -> None:
    way, me = route(), body()
    gap = {name: np.delete(values, slice(500, 600)) for name, values in (way | me).items()}
    time_s = np.delete(np.arange(1800.0), slice(500, 600))
    other = recorded(gap, "computer", "tcx", tracks=(Track("", time_s, gap),))
    assert workouts(archive, recorded(way, "watch"), other) == 1
    power = archive.get(other.id).tracks[0].channels["power"]
    assert np.isnan(power[501:599]).all()
    assert np.isfinite(power[:500]).all()


def test_a_recording_inside_another_is_part_of_it(archive: Archive) -> None:
    way, me = route(), body()
    whole = recorded(way | me, "watch", "gpx", sport="multisport")
    run = recorded(way | me, "app", "fit", late_s=900, seconds=600)
    assert workouts(archive, run, whole) == 1
    assert archive.get(run.id).duration_s == whole.duration_s, "the whole leads, not its part"


def test_sessions_know_what_any_of_them_knew(archive: Archive) -> None:
    way = route()
    one = recorded(way, "watch", laps=(Lap(0, 1799, "session", "running", {"distance_m": 1.0}),))
    two = recorded(
        way, "site", "tcx",
        laps=(Lap(0, 1799, "session", "running", {"distance_m": 2.0, "energy_kcal": 300.0}),),
    )  # fmt: skip
    workouts(archive, one, two)
    (session,) = archive.get(one.id).laps
    assert session.values == {"distance_m": 1.0, "energy_kcal": 300.0}


def test_without_a_shared_channel_the_athlete_and_the_times_decide(archive: Archive) -> None:
    way, me = route(), body()
    watch = recorded(way, "watch", athlete="ada")
    strap = recorded({"heart_rate": me["heart_rate"]}, "strap", athlete="ada")
    assert workouts(archive, watch, strap) == 1
    later = recorded({"power": me["power"]}, "trainer", late_s=300, athlete="ada")
    assert workouts(archive, later) == 2, "another time: nobody knows"


def test_a_recording_joins_two_that_share_nothing(archive: Archive) -> None:
    way, me = route(), body()
    strap = recorded({"heart_rate": me["heart_rate"]}, "strap")
    meter = recorded({"power": me["power"]}, "meter", late_s=20)
    assert workouts(archive, strap, meter) == 2
    assert workouts(archive, recorded(way | me, "watch", noise=0.5)) == 1


# --- what is not one workout


def test_two_people_side_by_side_stay_two(archive: Archive) -> None:
    way = route()
    me, you = body(), body(number=1)
    mine = recorded(way | me, "mine", noise=0.5)
    yours = recorded(way | you, "yours", noise=0.5)
    assert workouts(archive, mine, yours) == 2


def test_two_people_with_the_very_same_positions_stay_two(archive: Archive) -> None:
    way = route()
    mine = recorded(way | {"heart_rate": body()["heart_rate"]}, "mine")
    yours = recorded(way | {"heart_rate": body(number=2)["heart_rate"]}, "yours")
    assert workouts(archive, mine, yours) == 2


def test_two_athletes_who_are_named_stay_two(archive: Archive) -> None:
    streams = route() | body()
    one = recorded(streams, "one", athlete="ada")
    other = recorded(streams, "other", "tcx", athlete="ben")
    assert workouts(archive, one, other) == 2


def test_one_without_heart_rate_beside_two_people_joins_them_not(archive: Archive) -> None:
    way = route()
    mine = recorded(way | {"heart_rate": body()["heart_rate"]}, "mine")
    yours = recorded(way | {"heart_rate": body(number=2)["heart_rate"]}, "yours")
    nobodys = recorded(way, "phone", "gpx")
    assert workouts(archive, mine, yours, nobodys) == 2


def test_the_halves_of_a_split_ride_stay_two(archive: Archive) -> None:
    streams = route() | body()
    first = recorded(streams, "part 1", seconds=900)
    second = recorded(streams, "part 2", late_s=900)
    assert workouts(archive, first, second) == 2
    whole = recorded(streams, "phone", "gpx")
    assert workouts(archive, whole) == 1, "with the whole they are one"
    assert archive.get(first.id).duration_s == whole.duration_s


def test_the_same_way_on_another_day_is_another_workout(archive: Archive) -> None:
    streams = route() | body()
    one = recorded(streams, "today")
    other = recorded(route() | body(number=1), "tomorrow", ahead_s=24 * 3600)
    assert workouts(archive, one, other) == 2


def test_what_is_undated_or_a_lab_s_is_no_twin(archive: Archive) -> None:
    streams = route() | body()
    undated: Any = {"start": None}
    labelled: Any = {"laps": (Lap(0, 100, "activity", "running"),)}
    assert workouts(
        archive,
        recorded(streams, "a", **undated), recorded(streams, "b", "tcx", **undated),
        recorded(streams, "c", **labelled), recorded(streams, "d", "tcx", **labelled),
    ) == 4  # fmt: skip


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    way, me = route(), body()
    files = [
        recorded(way | me, "watch", noise=0.3),
        recorded(way, "phone", "gpx", noise=1.0, late_s=30),
        recorded(way | {"heart_rate": me["heart_rate"]}, "site", "tcx"),
    ]
    found = []
    for k in range(3):
        archive = Archive.open(tmp_path / str(k))
        workouts(archive, *files[k:], *files[:k])
        (summary,) = archive.find()
        found.append((summary.id, sorted(summary.recordings), summary.channels))
    assert found[0][:2] == found[1][:2] == found[2][:2]
