"""GPX and TCX say the same to Stadion as to gpxpy and ElementTree, and cannot do harm."""

from __future__ import annotations

import random
import time
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import gpxpy
import numpy as np
import pytest

from stadion.core.errors import StadionError
from tests.ingest.real_files import index, only, raw, read_bytes

GPX = (
    "gc__1292585194-20906",
    "gpxpy__around-visnjan-with-car",
    "gpxpy__cerknicko-jezero",
    "gpxpy__track-with-empty-segment",
    "gpxpy__track-with-less-sec-time",
    "gpxpy__track_with_speed",
    "sportslib__garmin",
    "sportslib__sports-tracker",
)
TCX = (
    "gc__2020-02-05_17-25-14_Training-with-Notes",
    "gc__activity_165850259_multi-session",
    "gc__OWswim",
    "sportslib__unknown_example",
    "tracker__2013-06-19-183041",
)
POINT = '<trkpt lat="52.1" lon="4.3"><time>2024-05-01T07:00:{:02d}Z</time>{}</trkpt>'


def gpx(points: str, before: str = '<?xml version="1.0"?>') -> bytes:
    return f"{before}<gpx><trk><trkseg>{points}</trkseg></trk></gpx>".encode()


@pytest.mark.parametrize("name", GPX)
def test_gpx_points_agree_with_gpxpy(name: str) -> None:
    data = raw(f"gpx/{name}.gpx")
    expected: list[dict[float, tuple[float, float, float | None]]] = []
    for track in gpxpy.parse(data.decode()).tracks:
        moments: dict[float, tuple[float, float, float | None]] = {}
        for segment in track.segments:
            for point in segment.points:
                if point.time is not None:
                    moment = point.time.astimezone(UTC).timestamp()
                    moments[moment] = (point.latitude, point.longitude, point.elevation)
        if moments:
            expected.append(moments)
    found = read_bytes("gpx", data)
    assert len(found) == len(expected)
    for recording, moments in zip(found, expected, strict=True):
        assert recording.start is not None
        track = recording.tracks[0]
        order = sorted(moments)
        np.testing.assert_allclose(recording.start.timestamp() + track.time_s, order, atol=1e-3)
        np.testing.assert_array_equal(
            track.channels["position_lat"], [moments[moment][0] for moment in order]
        )
        np.testing.assert_array_equal(
            track.channels["position_long"], [moments[moment][1] for moment in order]
        )
        heights = [moments[moment][2] for moment in order]
        if all(height is not None for height in heights):
            np.testing.assert_allclose(
                track.channels["altitude"], np.array(heights, float), rtol=1e-6
            )


@pytest.mark.parametrize("name", TCX)
def test_tcx_heart_rates_agree_with_elementtree(name: str) -> None:
    data = raw(f"tcx/{name}.tcx")
    expected: list[dict[float, float]] = []
    for activity in ET.fromstring(data).findall(".//{*}Activity"):  # noqa: S314  # a known file
        rates: dict[float, float] = {}
        for point in activity.findall(".//{*}Trackpoint"):
            when, rate = point.find("{*}Time"), point.find("{*}HeartRateBpm")
            value = None if rate is None else rate.find("{*}Value")
            if when is not None and when.text and value is not None and value.text:
                rates[datetime.fromisoformat(when.text).timestamp()] = float(value.text)
        expected.append(rates)
    found = read_bytes("tcx", data)
    assert len(found) == len(expected)
    for recording, rates in zip(found, expected, strict=True):
        assert recording.start is not None
        track = recording.tracks[0]
        moments = np.round(recording.start.timestamp() + track.time_s, 3)
        values = track.channels.get("heart_rate", np.full(len(track), np.nan))
        pairs = zip(moments.tolist(), values.tolist(), strict=True)
        ours = {moment: rate for moment, rate in pairs if np.isfinite(rate)}
        assert ours == {round(t, 3): rate for t, rate in rates.items()}


def test_tcx_laps_and_sport_agree_with_the_index() -> None:
    for name in TCX:
        found = read_bytes("tcx", raw(f"tcx/{name}.tcx"))
        row = index()[f"tcx/{name}.tcx"]
        assert len(found) == len(row["sports"].split())
        assert sum(len(each.laps) for each in found) == int(row["n_laps"] or 0) or not row["n_laps"]
        words = {"Running": "running", "Biking": "cycling", "Other": ""}
        assert [each.sport for each in found] == [words[word] for word in row["sports"].split()]


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


@pytest.mark.parametrize(
    ("name", "said"),
    [("sportslib__amazfit_2", {"bytes of junk skipped": 2}), ("sportslib__6037744996", {})],
)
def test_real_files_that_are_no_well_formed_xml_come_in(name: str, said: dict[str, int]) -> None:
    recording = only(read_bytes("gpx", raw(f"gpx/{name}.gpx")))
    assert len(recording.tracks[0]) > 1000
    assert {r.what: r.count for r in recording.source.repairs} == said


def test_a_document_that_breaks_off_keeps_its_points_and_says_so() -> None:
    data = raw("gpx/sportslib__garmin.gpx")
    recording = only(read_bytes("gpx", data[: len(data) // 2]))
    assert len(recording.tracks[0]) == pytest.approx(108, abs=3)
    assert "breaks off at line" in recording.source.repairs[0].what


def test_control_characters_and_broken_utf_8_do_not_end_the_file() -> None:
    points = POINT.format(1, "<name>\x0b</name>") + POINT.format(2, "")
    data = gpx(points).replace(b"<name>", b"<name>Stra\xdfe")
    recording = only(read_bytes("gpx", data))
    assert len(recording.tracks[0]) == 2
    assert {r.what for r in recording.source.repairs} == {
        "control characters blanked",
        "bytes that are no UTF-8 replaced",
    }


def test_a_second_segment_is_an_event() -> None:
    points = POINT.format(1, "") + "</trkseg><trkseg>" + POINT.format(9, "")
    recording = only(read_bytes("gpx", gpx(points)))
    assert [(event.time_s, event.kind) for event in recording.events] == [(8.0, "segment")]


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


ENTITIES = '<!DOCTYPE gpx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
ATTLIST = (
    "<!DOCTYPE gpx [<!ATTLIST trkpt " + "".join(f"a{k} CDATA 'x' " for k in range(500)) + ">]>"
)
OUTSIDE = '<!DOCTYPE gpx SYSTEM "file:///etc/passwd">'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gpx(POINT.format(1, "<name>&b;</name>"), ENTITIES), "a document type"),
        (gpx(POINT.format(1, ""), ATTLIST), "a document type"),
        (gpx(POINT.format(1, ""), OUTSIDE), "a document type"),
        (gpx("<a>" * 100_000), "nested over 64 deep"),
        (gpx("<a " + " ".join(f'x{k}="1"' for k in range(200)) + "/>"), "over 64 attributes"),
        (gpx('<a x="' + "y" * 8_000_000 + '"/>'), "a tag of over 1 MiB"),
        (gpx("<!--" + "y" * 8_000_000), "a tag of over 1 MiB"),
    ],
)
def test_xml_made_to_harm_is_refused_at_once(data: bytes, reason: str) -> None:
    began = time.process_time()
    with pytest.raises(StadionError, match=reason):
        read_bytes("gpx", data)
    assert time.process_time() - began < 1


def test_a_new_name_in_every_point_costs_no_more_than_one() -> None:
    points = "".join(POINT.format(k % 60, f"<n{k}>1</n{k}>") for k in range(20_000))
    recording = only(read_bytes("gpx", gpx(points)))
    assert len(recording.channels) <= 128


@pytest.mark.parametrize(
    ("kind", "name"),
    [("gpx", "gpxpy__track-with-empty-segment"), ("tcx", "tracker__2013-06-19-183041")],
)
def test_mutated_real_files_raise_nothing_foreign(kind: str, name: str) -> None:
    data = raw(f"{kind}/{name}.{kind}")[:40_000]
    chance = random.Random(5)
    saved = 0
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(chance.randrange(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            saved += bool(read_bytes(kind, bytes(broken)))
        except StadionError:
            continue
    assert saved > 50
