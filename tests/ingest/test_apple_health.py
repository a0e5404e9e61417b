"""Apple Health exports come in whole, once, in bounded memory, whatever is wrong with them."""

from __future__ import annotations

import io
import random
import time
import tracemalloc
import zipfile
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pytest

from stadion.core.activity import Activity, Table
from stadion.core.errors import StadionError
from stadion.ingest import open_bytes, open_path
from stadion.ingest.base import Member, digest_of
from tests.ingest.health_writer import (
    HEAD,
    PHONE,
    TAIL,
    WATCH,
    heart_rate,
    record,
    route,
    workout,
    write_export,
)
from tests.ingest.real_files import only, reader, repairs

NOON = datetime(2024, 5, 1, 10, tzinfo=UTC)  # 12:00 where the made-up person is
STEPS, DISTANCE = "QuantityTypeIdentifierStepCount", "QuantityTypeIdentifierDistanceWalkingRunning"
MASS, SDNN = "QuantityTypeIdentifierBodyMass", "QuantityTypeIdentifierHeartRateVariabilitySDNN"
SLEEP = "CategoryTypeIdentifierSleepAnalysis"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def export(*parts: str) -> bytes:
    return (HEAD + "".join(parts) + TAIL).encode()


def read(data: bytes, *routes: Member) -> tuple[list[Activity], Table | None]:
    values = reader("apple_health").read([Member.of("export.xml", data), *routes])
    tables = [value for value in values if isinstance(value, Table)]
    return [v for v in values if isinstance(v, Activity)], tables[0] if tables else None


def days(data: bytes) -> dict[str, list[Any]]:
    table = read(data)[1]
    assert table is not None
    return {name: column.tolist() for name, column in table.columns.items()}


def test_what_watch_and_phone_both_counted_counts_once_by_apples_rule() -> None:
    found = days(export(
        record(STEPS, "count", at(0), 600, 500),
        # Half of it lies in what the watch told: half of it counts.
        record(STEPS, "count", at(300), 600, 400, PHONE),
        record(STEPS, "count", at(100), 100, 90, PHONE),
        # Another app on top of both gives nothing.
        record(STEPS, "count", at(0), 900, 999, 'sourceName="Strides"'),
        record(STEPS, "count", at(5_000), 60, 70, PHONE),
    ))  # fmt: skip
    assert found["steps"] == [pytest.approx(500 + 200 + 70)]


def test_every_unit_gives_the_same_value() -> None:
    for unit, value in (("km", 1.609344), ("mi", 1.0), ("m", 1609.344), ("ft", 5280)):
        assert days(export(record(DISTANCE, unit, NOON, 60, value)))["distance"] == [
            pytest.approx(1609.344, rel=1e-6)
        ]
    for unit, value in (("kg", 70.0), ("lb", 154.3236), ("st", 11.02311)):
        assert days(export(record(MASS, unit, NOON, 0, value)))["mass"] == [
            pytest.approx(70.0, abs=1e-3)
        ]
    for unit, factor in (("kcal", 1.0), ("Cal", 1.0), ("kJ", 4.184)):
        energy = [
            record(f"QuantityTypeIdentifier{kind}EnergyBurned", unit, NOON, 60, 600 * factor)
            for kind in ("Active", "Basal")
        ]
        assert days(export(*energy))["energy"] == [pytest.approx(1200, rel=1e-6)]
    table = read(export(record(STEPS, "furlong", NOON, 9, 9), record(STEPS, "count", NOON, 9, 9)))[
        1
    ]
    assert table is not None
    assert repairs(table) == {"records of steps in an unknown unit left out": 1}


def test_the_variability_of_apple_is_sdnn_and_never_rmssd() -> None:
    table = read(export(record(SDNN, "ms", at(0), 60, 40), record(SDNN, "ms", at(99), 60, 60)))[1]
    assert table is not None
    assert table.columns["sdnn"].tolist() == [50.0]
    assert table.units["sdnn"] == "ms"
    assert "rmssd" not in table.columns


def test_a_day_is_the_one_that_the_clock_showed() -> None:
    late = datetime(2024, 5, 1, 22, 30, tzinfo=UTC)  # 00:30 of the second of May there
    found = days(export(record(STEPS, "count", late, 60, 100)))
    assert found["date"] == [date(2024, 5, 2)]
    assert (found["sex"], found["age_group"], found["person"]) == (
        ["female"],
        ["30 and over"],
        [""],
    )


def test_sleep_becomes_one_night_with_stages_and_naps() -> None:
    bed = datetime(2024, 5, 1, 20, 30, tzinfo=UTC)  # 22:30 there
    stages = [
        ("AsleepCore", 60),
        ("AsleepDeep", 90),
        ("Awake", 15),
        ("AsleepREM", 75),
        ("AsleepCore", 240),
    ]
    parts, start = [], bed + timedelta(minutes=20)
    for stage, minutes in stages:
        parts.append(record(SLEEP, "", start, minutes * 60, f"HKCategoryValueSleepAnalysis{stage}"))
        start += timedelta(minutes=minutes)
    parts += [
        record(SLEEP, "", bed, 510 * 60, "HKCategoryValueSleepAnalysisInBed", PHONE),
        record(SLEEP, "", bed + timedelta(hours=15), 1800, "HKCategoryValueSleepAnalysisAsleep"),
        record("QuantityTypeIdentifierOxygenSaturation", "%", bed + timedelta(hours=2), 0, 0.96),
        record("QuantityTypeIdentifierOxygenSaturation", "%", bed + timedelta(hours=14), 0, 0.99),
    ]
    random.Random(3).shuffle(parts)
    found = days(export(*parts))
    night = {name: found[name][0] for name in found}
    assert night["date"] == date(2024, 5, 2)
    assert (night["sleep"], night["awake"], night["in_bed"]) == (465, 15, 510)
    assert (night["light_sleep"], night["deep_sleep"], night["rem_sleep"]) == (300, 90, 75)
    assert (night["bedtime"], night["naps"]) == (-1.5, 30)
    assert night["sleep_efficiency"] == pytest.approx(100 * 465 / 510)
    assert night["oxygen_saturation"] == pytest.approx(96)


def test_a_workout_gets_its_records_laps_events_and_its_persons_profile() -> None:
    inside = (
        '<MetadataEntry key="HKIndoorWorkout" value="1"/>'
        '<MetadataEntry key="HKTimeZone" value="Europe/Berlin"/>'
        '<MetadataEntry key="HKElevationAscended" value="1230 cm"/>'
        '<WorkoutEvent type="HKWorkoutEventTypePause" date="2024-05-01 12:05:00 +0200"/>'
        '<WorkoutEvent type="HKWorkoutEventTypeResume" date="2024-05-01 12:06:00 +0200"/>'
        '<WorkoutEvent type="HKWorkoutEventTypeLap" date="2024-05-01 12:00:00 +0200" duration="2"'
        ' durationUnit="min"/>'
        '<WorkoutStatistics type="HKQuantityTypeIdentifierHeartRate" average="141" maximum="160"'
        ' minimum="100" unit="count/min"/>'
        '<WorkoutStatistics type="HKQuantityTypeIdentifierDistanceWalkingRunning" sum="1.5"'
        ' unit="mi"/>'
    )
    activity = only(read(export(
        record(MASS, "lb", at(-9_999), 0, 154.3236),
        record(STEPS, "count", at(0), 60, 170),
        *(heart_rate(at(k), 140 + k // 100) for k in range(-100, 900, 100)),
        record("QuantityTypeIdentifierHeartRate", "count/min", at(50), 0, 99, PHONE),
        record("QuantityTypeIdentifierRunningPower", "W", at(0), 5, 250),
        *(record(DISTANCE, "m", at(k), 60, 150) for k in (0, 60)),
        record(DISTANCE, "m", at(0), 120, 280, PHONE),
        workout(at(0), 600, "Running", inside),
    ))[0])  # fmt: skip
    assert (activity.sport, activity.sub_sport, activity.zone) == (
        "running",
        "treadmill",
        "Europe/Berlin",
    )
    assert activity.start == NOON
    assert activity.device == "Apple Watch Watch6,2"
    assert (activity.profile.birth_year, activity.profile.sex) == (1990, "female")
    assert activity.profile.mass_kg == pytest.approx(70, abs=1e-3)
    track = activity.tracks[0]
    rates = track.channels["heart_rate"]
    assert rates[np.isfinite(rates)].tolist() == [140, 141, 142, 143, 144, 145, 146]
    assert np.nanmax(track.channels["distance"]) == 300
    assert np.nanmax(track.channels["cadence"]) == 85
    assert np.nanmax(track.channels["power"]) == 250
    session, lap = activity.laps
    assert (session.kind, session.label, session.end_s) == ("session", "running", 600)
    assert session.values["distance_m"] == pytest.approx(1.5 * 1609.344)
    assert session.values["heart_rate_bpm"] == 141
    assert session.values["ascent_m"] == pytest.approx(12.3)
    assert (lap.kind, lap.start_s, lap.end_s) == ("lap", 0, 120)
    assert [(e.time_s, e.label) for e in activity.events] == [
        (0, "start"), (300, "stop"), (360, "start"), (600, "stop_all"),
    ]  # fmt: skip


def test_no_name_of_the_owner_leaves_the_file() -> None:
    activities, table = read(export(record(STEPS, "count", NOON, 60, 100), workout(at(0), 60)))
    for value in (*activities, table):
        assert "Ada" not in repr(value)
        assert "07-14" not in repr(value)


@pytest.mark.parametrize(
    "time", ["12:00:{:02d},50", "0:00:{:02d}.50 PM", "12:00:{:02d}.50\u202fnachm."]
)
def test_beats_inside_a_workout_become_intervals(time: str) -> None:
    beats = "".join(
        f'<InstantaneousBeatsPerMinute bpm="{60 + k}" time="{time.format(5 + k)}"/>'
        for k in range(3)
    )
    told = (
        f"><HeartRateVariabilityMetadataList>{beats}</HeartRateVariabilityMetadataList></Record>\n"
    )
    sdnn = record(SDNN, "ms", at(5), 60, 40).replace("/>\n", told)
    activity = only(read(export(sdnn, workout(at(0), 600)))[0])
    track = only([each for each in activity.tracks if each.subject == "beats"])
    assert track.time_s.tolist() == [5.5, 6.5, 7.5]
    np.testing.assert_allclose(track.channels["rr"], 60_000 / np.array([60, 61, 62]), rtol=1e-6)


def test_routes_are_joined_by_name_then_by_time_and_none_is_lost() -> None:
    named = '<WorkoutRoute><FileReference path="/workout-routes/route_b.gpx"/></WorkoutRoute>'
    data = export(workout(at(0), 600, "Hiking", named), workout(at(3600), 600, "Cycling"))
    routes = [
        Member.of(f"apple_health_export/workout-routes/{name}.gpx", route(at(start), 50))
        for name, start in (("route_a", 3590), ("route_b", 0), ("route_c", 90_000), ("broken", 7))
    ]
    routes[3] = Member.of(routes[3].path, b"<gpx><trk>")
    main = Member.of("apple_health_export/export.xml", data)
    stranger = Member.of("other/workout-routes/x.gpx", route(at(0), 5))
    group = only(reader("apple_health").claim([stranger, *routes, main]))
    assert {member.path for member in group} == {main.path, *(each.path for each in routes)}
    hike, ride, rest = cast(list[Activity], reader("apple_health").read(group))
    assert [each.sport for each in (hike, ride, rest)] == ["hiking", "cycling", ""]
    assert [len(each.tracks[0]) for each in (hike, ride, rest)] == [50, 50, 50]
    # The route began ten seconds before the workout.
    assert (ride.start, ride.laps[0].start_s) == (at(3590), 10)
    assert hike.tracks[0].channels["speed"][0] == 2.75
    assert repairs(hike)["routes without a timed point left out"] == 1
    assert hike.source.digest == digest_of(member.data for member in group)


def test_an_export_in_a_zip_comes_in_through_the_front_door(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        data = export(record(STEPS, "count", NOON, 60, 100), workout(at(0), 600))
        archive.writestr("apple_health_export/export.xml", data)
        archive.writestr("apple_health_export/workout-routes/r.gpx", route(at(0), 20))
        archive.writestr(
            "apple_health_export/export_cda.xml", '<?xml version="1.0"?><ClinicalDocument>'
        )
    opened = open_path(path)
    place = only(opened.activities).tracks[0].channels["position_lat"]
    assert np.isfinite(place).sum() == 20
    assert only(opened.tables).kind == "days"
    assert "expected export.xml" in only(opened.refused).reason


def test_plain_runs_are_read_as_element_by_element() -> None:
    stream = io.BytesIO()
    write_export(stream, 700_000)
    odd = (
        '<Record type="HKQuantityTypeIdentifierStepCount" sourceName="A &amp; B" unit="count"'
        ' startDate="2024-05-01 12:00:00 +0200" value="7"></Record>\n'
        "<!-- " + record(STEPS, "count", NOON, 60, 1e6) + " -->"
        "<![CDATA[" + record(STEPS, "count", NOON, 60, 1e6) + "]]>"
    )
    data = stream.getvalue().replace(TAIL.encode(), odd.encode() + TAIL.encode())
    fast, fast_days = read(data)
    slow, slow_days = read(data.replace(b"<Record ", b"<Record\n"))
    assert fast_days is not None
    assert slow_days is not None
    for name, column in slow_days.columns.items():
        np.testing.assert_array_equal(fast_days.columns[name], column, name)
    for one, other in zip(fast, slow, strict=True):
        assert (one.laps, one.events, one.start) == (other.laps, other.events, other.start)
        for channel, values in other.tracks[0].channels.items():
            np.testing.assert_array_equal(one.tracks[0].channels[channel], values)


def test_doubles_disorder_and_missing_ends_do_no_harm() -> None:
    parts = [record(STEPS, "count", at(k * 60), 60, 10) for k in range(20)]
    parts += parts[:5]
    random.Random(1).shuffle(parts)
    start = 'startDate="2024-05-01 12:00:00 +0200"'
    lone = f'<Record type="HK{MASS}" {WATCH} unit="kg" {start} value="70"/>'
    nothing = f'<Record type="HK{STEPS}" {WATCH} unit="count" startDate="noon" value="70"/>'
    table = read(export(*parts, lone, nothing))[1]
    assert table is not None
    assert (table.columns["steps"].tolist(), table.columns["mass"].tolist()) == ([200.0], [70.0])
    assert repairs(table) == {
        "records told twice, one kept": 5,
        "records without a time, with no value or of no length left out": 1,
    }


def test_what_is_broken_is_skipped_and_told() -> None:
    good = [record(STEPS, "count", at(k * 60), 60, 10) for k in range(40)]
    data = export(*good[:20], "<Broken <<>&", *good[20:])
    table = read(data.replace(b'value="10"', b'value="10\x07"', 3))[1]
    assert table is not None
    assert table.columns["steps"].tolist() == [400.0]
    assert repairs(table)["places where the XML is broken skipped"] == 1
    assert repairs(table)["control characters blanked"] == 3
    cut = export(*good)[: -len(good[0]) // 2]
    table = read(cut)[1]
    assert table is not None
    assert table.columns["steps"].tolist() == [390.0]
    assert repairs(table) == {"XML breaks off, the rest is lost": 1}


def test_what_stood_before_endless_damage_is_kept() -> None:
    good = record(STEPS, "count", NOON, 60, 10)
    table = read(export(good, "<Record <" * 3_000))[1]
    assert table is not None
    assert table.columns["steps"].tolist() == [10.0]
    assert repairs(table)["XML broken in over 1000 places, the rest is lost"] == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEAD.encode() + TAIL.encode(), "without workouts, steps, sleep"),
        (b'<?xml version="1.0"?><!DOCTYPE HealthData [' + b"<!-- x -->" * 200_000, "first MiB"),
        (b"<HealthData>" + b"<a>" * 100_000, "nested over 64 deep"),
        (b"<ClinicalDocument/>", "expected export.xml"),
    ],
)
def test_what_is_no_use_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(StadionError, match=reason):
        read(data)


HOSTILE = {
    "entities": HEAD.encode() + b"&a;&b;" * 20_000 + TAIL.encode(),
    "broken everywhere": HEAD.encode() + b"<Record <" * 20_000,
    "workouts over one another": export(*(workout(at(k), 90_000) for k in range(2_000)),
                                        *(heart_rate(at(k), 99) for k in range(3_000))),
    "a source for each record": export(*(
        record(STEPS, "count", at(k), 1, 1, f'sourceName="{k}"') for k in range(6_000))),
    "a unit for each record": export(*(record(STEPS, str(k), at(k), 1, 1) for k in range(6_000))),
    "a day for each record": export(*(
        record(STEPS, "count", at(k * 86_400.0), 1, 1) for k in range(6_000))),
    "a night for each record": export(*(
        record(SLEEP, "", at(k * 9_000), 5_000, "HKCategoryValueSleepAnalysisAsleepREM")
        for k in range(3_000))),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_exports_cost_little(kind: str) -> None:
    data = HOSTILE[kind]
    began = time.process_time()
    try:
        read(data)
    except StadionError as error:
        assert error.message  # noqa: PT017  # either way is fine: only the cost counts
    assert time.process_time() - began < max(1, len(data) / (1 << 20))


def test_memory_does_not_grow_with_the_size(tmp_path: Path) -> None:
    peaks = []
    for size in (8_000_000, 20_000_000):
        path = tmp_path / "export.xml"
        with path.open("wb") as file:
            count = write_export(file, size)
        head = path.read_bytes()[:4096]
        member = Member("export.xml", head, bytes, (), partial(_opened, path))
        tracemalloc.start()
        values = reader("apple_health").read([member])
        peaks.append(tracemalloc.get_traced_memory()[1] / (1 << 20))
        tracemalloc.stop()
        assert len(values) == count + 1
    assert peaks[1] < 20
    assert peaks[1] < peaks[0] + 0.2 * 12  # MiB: twelve more megabytes of export


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def test_mutated_exports_raise_nothing_foreign() -> None:
    example = reader("apple_health").example()[0].data
    chance = random.Random(11)
    for _ in range(60):
        broken = bytearray(example)
        for _ in range(chance.randrange(1, 9)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        opened = open_bytes(bytes(broken), "export.xml")
        assert all("failed" not in refusal.reason for refusal in opened.refused)
