"""Every GPX and TCX of the corpus says the same to Stadion as to gpxpy and tcxreader.

Of long files some runs of points are compared here, and all points by
`python -m tests.ingest.compare_markup`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from stadion.core.arrays import FloatArray
from stadion.core.errors import StadionError
from stadion.ingest.markup.gpx_tracks import GpxTracks, read_tracks
from stadion.ingest.markup.moments import moment_in, moments_in
from stadion.ingest.markup.scan import scan
from stadion.ingest.markup.tcx_activities import TcxActivities, read_activities
from tests.ingest.compare_markup import (
    EXCEPTIONS,
    names,
    rows_as_by_gpxpy,
    rows_as_by_tcxreader,
    thinned,
)
from tests.ingest.real_files import index, only, raw, read_bytes
from tests.places import shared_data

POINT = '<trkpt lat="52.1" lon="4.3"><time>2024-05-01T07:00:{:02d}Z</time>{}</trkpt>'


def gpx(points: str, before: str = '<?xml version="1.0"?>') -> bytes:
    return f"{before}<gpx><trk><trkseg>{points}</trkseg></trk></gpx>".encode()


def tcx(laps: str) -> bytes:
    return (
        '<TrainingCenterDatabase><Activities><Activity Sport="Running">'
        f"{laps}</Activity></Activities></TrainingCenterDatabase>"
    ).encode()


def test_every_gpx_agrees_with_gpxpy_in_every_field() -> None:
    assert sum(rows_as_by_gpxpy(name, thinned(raw(name))) for name in names("gpx")) > 11_000


def test_every_tcx_agrees_with_tcxreader_in_every_field() -> None:
    assert sum(rows_as_by_tcxreader(name, thinned(raw(name))) for name in names("tcx")) > 20_000


def test_the_sessions_of_a_triathlon_come_in_one_by_one() -> None:
    name = "tcx/gc__activity_165850259_multi-session.tcx"
    row, found = index()[name], read_bytes("tcx", raw(name))
    words = {"Running": "running", "Biking": "cycling", "Other": ""}
    assert [each.sport for each in found] == [words[word] for word in row["sports"].split()]
    assert sum(len(each.tracks[0]) for each in found) == int(row["n_records"])


def same_columns(fast: Mapping[str, FloatArray], slow: Mapping[str, FloatArray]) -> None:
    assert fast.keys() == slow.keys()
    for channel, values in slow.items():
        np.testing.assert_array_equal(fast[channel], values, channel)


@pytest.mark.parametrize("kind", ["gpx", "tcx"])
def test_runs_of_points_are_read_as_element_by_element(kind: str) -> None:
    for name in (name for name in index() if name.startswith(kind)):
        # The longer ones are cut off in the middle of a point.
        data = raw(name)[:200_000]
        compare_ways(kind, data)
        # A thing in a point that only the plain way understands.
        compare_ways(kind, data[:50_000].replace(b"</", b"<!-- <trkpt> --></", 40))


def compare_ways(kind: str, data: bytes) -> None:
    fast, repairs = read_tracks(data) if kind == "gpx" else read_activities(data)
    slow = GpxTracks() if kind == "gpx" else TcxActivities()
    assert scan(data, slow) == repairs
    pairs = zip(parts_of(fast), parts_of(slow), strict=True)
    for one, other in pairs:
        assert (one.starts, one.sport, one.title) == (other.starts, other.sport, other.title)
        np.testing.assert_array_equal(one.points.clock()[0], other.points.clock()[0])
        same_columns(one.points.channels(), other.points.channels())
        for lap, twin in zip(getattr(one, "laps", ()), getattr(other, "laps", ()), strict=True):
            assert (lap.values, lap.intensity) == (twin.values, twin.intensity)


def parts_of(found: GpxTracks | TcxActivities) -> list[Any]:
    return list(found.tracks if isinstance(found, GpxTracks) else found.activities)


@pytest.mark.parametrize(
    "hiding",
    [
        "<!--{}-->",
        "<![CDATA[{}]]>",
        "<note>{}</note>",
        "<trkpt lat='1' lon='2'>{}</trkpt>",
        "{}&{}",
    ],
)
def test_points_where_none_can_stand_are_not_taken_for_points(hiding: str) -> None:
    run = "".join(POINT.format(k, "<hr>99</hr>") for k in range(40))
    data = gpx(
        "".join(POINT.format(k, "<ele>1</ele>") for k in range(40)) + hiding.replace("{}", run)
    )
    compare_ways("gpx", data)
    compare_ways("gpx", hiding.replace("{}", run).encode())


def test_times_in_bulk_agree_with_times_one_by_one() -> None:
    texts = [
        "2024-05-01T07:00:00Z", "2024-05-01T07:00:00.123Z", "2024-05-01T07:00:00.1234567Z",
        "2024-05-01T07:00:00+02:00", "2024-05-01T07:00:00-0530", "2024-05-01 07:00:00 +0200",
        "2024-05-01T07:00:00", "2024-02-30T07:00:00Z", "2024-13-01T07:00:00Z",
        "2024-05-01T25:00:00Z", "2024-05-01T07:00:61Z", "1901-05-01T07:00:00Z", "noon", "",
        "2024-05-01T07:00Z", "2024-05-01T07:00:00+02", "2024-05-01T07:00:00.Z",
        "0000-01-01T00:00:00Z",
    ]  # fmt: skip
    for text in texts:
        one = moment_in(text)
        for many in ([text], [text] * 3, [text, "2024-05-01T07:00:00Z"]):
            seconds, offsets = moments_in([each.encode() for each in many])
            np.testing.assert_array_equal([seconds[0], offsets[0]], one, text)


def test_extensions_are_found_under_any_prefix_or_none() -> None:
    points = "".join(
        POINT.format(k, f"<extensions><{tag}>{value}</{tag}></extensions>")
        for k, (tag, value) in enumerate(
            [("g:hr", 121), ("heartrate", 122), ("ns3:HR", 123), ("pwr:PowerInWatts", 250)]
        )
    )
    track = only(read_bytes("gpx", gpx(points))).tracks[0]
    np.testing.assert_array_equal(track.channels["heart_rate"], [121, 122, 123, np.nan])
    np.testing.assert_array_equal(track.channels["power"], [np.nan, np.nan, np.nan, 250])


def test_the_time_of_the_export_is_not_the_start_and_a_missing_zone_is_said() -> None:
    points = POINT.format(1, "<speed>2.5</speed><course>90</course>").replace("Z<", "<")
    before = "<metadata><name>Round the lake</name><time>2025-01-01T00:00:00Z</time></metadata>"
    data = gpx(points).replace(b"<gpx>", b'<gpx creator="Cricket 5">' + before.encode())
    recording = only(read_bytes("gpx", data))
    assert recording.start == datetime(2024, 5, 1, 7, 0, 1, tzinfo=UTC)
    assert (recording.title, recording.device) == ("Round the lake", "Cricket 5")
    assert recording.tracks[0].channels["speed"] == recording.tracks[0].channels["course"] / 36
    assert [r.what for r in recording.source.repairs] == ["times without a zone taken as UTC"]


def test_laps_keep_their_extensions_intensity_and_trigger() -> None:
    point = "<Trackpoint><Time>2024-05-01T07:00:{:02d}Z</Time></Trackpoint>"
    lap = (
        '<Lap StartTime="2024-05-01T07:00:00Z"><TotalTimeSeconds>5</TotalTimeSeconds>'
        "<Intensity>Resting</Intensity><TriggerMethod>Distance</TriggerMethod>"
        f"<Track>{point.format(0)}</Track><Track>{point.format(9)}</Track><Track/>"
        "<Extensions><x:LX><x:AvgWatts>210</x:AvgWatts><x:Steps>14</x:Steps></x:LX></Extensions></Lap>"
        "<Creator><Name>Cricket 5</Name><UnitId>123456</UnitId></Creator>"
    )
    recording = only(read_bytes("tcx", tcx(lap)))
    assert only(recording.laps).values == {"timer_s": 5.0, "power_w": 210.0, "steps": 14.0}
    assert only(recording.laps).label == "resting"
    assert [(e.time_s, e.kind, e.label) for e in recording.events] == [
        (5.0, "lap", "distance"), (9.0, "segment", "start"),
    ]  # fmt: skip
    assert recording.device == "Cricket 5"


@pytest.mark.parametrize(
    ("name", "said"),
    [("sportslib__amazfit_2", {"bytes of junk skipped": 2}), ("sportslib__6037744996", {})],
)
def test_real_files_that_are_no_well_formed_xml_come_in(name: str, said: dict[str, int]) -> None:
    recording = only(read_bytes("gpx", raw(f"gpx/{name}.gpx")))
    assert len(recording.tracks[0]) > 1000
    assert {r.what: r.count for r in recording.source.repairs} == said


def test_every_track_of_a_file_comes_in_and_a_second_segment_is_an_event() -> None:
    points = POINT.format(1, "") + "</trkseg><trkseg>" + POINT.format(9, "")
    again = f"{points}</trkseg></trk><trk/><trk><trkseg>{points}"
    found = read_bytes("gpx", gpx(again))
    assert len({recording.id for recording in found}) == 2
    for recording in found:
        assert [(e.time_s, e.kind) for e in recording.events] == [(8.0, "segment")]


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        ("gpx", "gc__MetadataOnly", "without any track point"),
        ("gpx", "gpxpy__route", "route or way points"),
        ("gpx", "gc__A_ride_mapped_on_11_22_2011", "9722 points without times"),
        ("gpx", "gpxpy__Mojstrovka", "without times"),
    ],
)
def test_files_without_a_recording_are_refused_with_a_reason(
    kind: str, name: str, reason: str
) -> None:
    with pytest.raises(StadionError, match=reason):
        read_bytes(kind, raw(f"{kind}/{name}.{kind}"))


def test_planned_courses_and_workouts_are_no_recordings() -> None:
    course = "<Courses><Course><Name>x</Name></Course></Courses>"
    workout = "<Workouts><Workout Sport='Running'/></Workouts>"
    for inside, reason in ((course, "1 courses"), (workout, "1 planned workouts")):
        data = f"<TrainingCenterDatabase>{inside}</TrainingCenterDatabase>".encode()
        with pytest.raises(StadionError, match=reason):
            read_bytes("tcx", data)


def test_the_corpus_is_the_one_that_the_exceptions_are_about() -> None:
    assert shared_data("B_activity_files").is_dir()
    assert index().keys() >= EXCEPTIONS
    assert not math.isnan(moment_in("2024-05-01T07:00:00Z")[0])
