"""What a FIT file says beside its records comes in too: beats, device, athlete, apps, days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np
import pytest

from stadion.core.activity import Activity, Table
from stadion.core.errors import StadionError
from stadion.ingest.base import Member
from tests.ingest.fit_writer import (
    BYTE,
    ENUM,
    FLOAT32,
    SINT8,
    SINT32,
    T0,
    TEXT,
    UINT8,
    UINT16,
    UINT32,
    FitWriter,
    activity,
)
from tests.ingest.real_files import index, only, raw, read_bytes, reader

TIME = (253, UINT32)
START = datetime(1989, 12, 31, tzinfo=UTC) + timedelta(seconds=T0)


def described(writer: FitWriter, number: int, base: int, name: bytes, unit: bytes) -> None:
    fields = [(0, UINT8), (1, UINT8), (2, UINT8), (3, TEXT, 16), (8, TEXT, 8)]
    writer.define(2, 206, fields).record(2, 0, number, base, name, unit)


def beats(recording: Activity) -> tuple[list[float], list[float]]:
    track = only([track for track in recording.tracks if track.subject == "beats"])
    return track.time_s.tolist(), track.channels["rr"].tolist()


def test_beats_are_a_track_of_their_own_on_the_clock_of_the_records() -> None:
    writer = activity(1).define(3, 78, [(0, UINT16, 4)])
    for k in range(1, 11):
        writer.record(3, np.array([500, 500], "<u2").tobytes()).record(0, T0 + k, 120)
    times, rr = beats(only(read_bytes("fit", writer.file())))
    assert rr == [500] * 20
    np.testing.assert_allclose(np.diff(times), 0.5)
    assert 0 <= times[-1] <= 10 + 3


def test_beats_keep_to_the_records_when_some_are_lost() -> None:
    writer = activity(1).define(3, 78, [(0, UINT16, 2)])
    for k in [*range(1, 100), *range(300, 400)]:  # the strap fell off for 200 s
        writer.record(3, np.array([1000], "<u2").tobytes()).record(0, T0 + k, 60)
    times, _ = beats(only(read_bytes("fit", writer.file())))
    assert abs(times[98] - 99) <= 3
    assert abs(times[-1] - 399) <= 3


def test_missing_places_in_a_list_of_beats_are_left_out() -> None:
    writer = activity(2).define(3, 78, [(0, UINT16, 6)])
    writer.record(3, np.array([800, 65535, 65535], "<u2").tobytes())
    assert beats(only(read_bytes("fit", writer.file())))[1] == [800]


def test_beats_a_strap_has_stored_are_told_with_their_own_times() -> None:
    writer = activity(60)
    writer.define(3, 132, [TIME, (0, UINT16), (9, UINT32), (6, UINT8)])
    writer.define(4, 132, [(10, BYTE, 3), (6, UINT8, 2)])
    writer.record(3, T0, 0, 4000, 70)
    first, second = (4000 + 1024) % 4096, (4000 + 1536) % 4096  # 1 s and 1.5 s after the anchor
    packed = (first | second << 12).to_bytes(3, "little")
    writer.record(4, packed, bytes((71, 72)))
    recording = only(read_bytes("fit", writer.file()))
    assert beats(recording) == ([1.0, 1.5], [1000, 500])


def test_the_device_is_told_in_words_and_never_by_its_serial_number() -> None:
    writer = FitWriter().define(1, 0, [(0, ENUM), (1, UINT16), (2, UINT16), (3, UINT32)])
    writer.record(1, 4, 1, 3121, 3_999_111_222)
    writer.define(0, 20, [TIME, (3, UINT8)]).record(0, T0, 100)
    assert only(read_bytes("fit", writer.file())).device == "garmin edge_530"


def test_devices_of_the_corpus_are_those_that_fitdecode_names() -> None:
    for name in ("fit/gc__GarminSwimExample.fit", "fit/sportslib__6021532030.fit"):
        row = index()[name]
        assert (
            only(read_bytes("fit", raw(name))).device == f"{row['manufacturer']} {row['product']}"
        )
    suunto = only(read_bytes("fit", raw("fit/sportslib__6914538454.fit")))
    assert suunto.device == "Suunto 9"


def test_the_kind_of_sport_and_the_title_are_told() -> None:
    writer = activity(3).define(2, 18, [TIME, (2, UINT32), (5, ENUM), (6, ENUM), (110, TEXT, 12)])
    writer.record(2, T0 + 2, T0, 1, 3, b"Fell race")
    recording = only(read_bytes("fit", writer.file()))
    assert (recording.sport, recording.sub_sport, recording.title) == (
        "running", "trail", "Fell race",
    )  # fmt: skip


def test_what_the_watch_knows_of_its_owner_is_told_where_it_can_be_true() -> None:
    writer = activity(2).define(2, 3, [(1, ENUM), (2, UINT8), (3, UINT8), (4, UINT16), (8, UINT8)])
    writer.record(2, 0, 40, 172, 584, 0)  # nobody rests at 0 bpm
    writer.define(3, 7, [(1, UINT8), (2, UINT8), (3, UINT16)]).record(3, 188, 171, 65535)
    writer.define(4, 18, [TIME, (2, UINT32), (45, UINT16)]).record(4, T0, T0, 231)
    recording = only(read_bytes("fit", writer.file()))
    assert recording.profile.known == {
        "birth_year": 1981, "sex": "female", "height_m": 1.72, "mass_kg": 58.4,
        "hr_max_bpm": 188, "hr_threshold_bpm": 171, "ftp_w": 231,
    }  # fmt: skip
    age = recording.profile.age_on(START.date())
    assert age is not None
    assert 40 <= age < 41


@pytest.mark.parametrize(
    ("seconds", "zone"),
    [(7200, "Etc/GMT-2"), (-5 * 3600, "Etc/GMT+5"), (0, "Etc/GMT"), (90_000, ""), (1234, "")],
)
def test_local_time_gives_a_zone_where_there_is_no_position(seconds: int, zone: str) -> None:
    writer = activity(2).define(2, 34, [TIME, (5, UINT32)]).record(2, T0 + 9, T0 + 9 + seconds)
    assert only(read_bytes("fit", writer.file())).zone == zone
    writer.define(0, 20, [TIME, (0, SINT32)]).record(0, T0 + 5, 2**29)
    assert only(read_bytes("fit", writer.file())).zone == ""


def test_a_developer_index_that_is_described_anew_gives_two_streams() -> None:
    writer = FitWriter()
    described(writer, 0, UINT16, b"Form Power", b"Watts")
    writer.define(0, 20, [TIME], developer=[(0, UINT16, 0, 2)]).record(0, T0, 70)
    described(writer, 0, UINT16, b"Air Power", b"Watts")
    writer.record(0, T0 + 1, 8)
    channels = only(read_bytes("fit", writer.file())).tracks[0].channels
    np.testing.assert_equal(channels["form_power"], [70, np.nan])
    np.testing.assert_equal(channels["air_power"], [np.nan, 8])


def test_what_apps_add_to_a_session_is_told_with_its_unit() -> None:
    writer = activity(2)
    described(writer, 3, FLOAT32, b"Total Carbs", b"g")
    writer.define(3, 18, [TIME, (2, UINT32), (5, ENUM)], developer=[(3, FLOAT32, 0, 4)])
    writer.record(3, T0 + 1, T0, 2, 37.5)
    session = only(only(read_bytes("fit", writer.file())).laps)
    assert session.values["total_carbs_g"] == 37.5


def test_fields_of_laps_keep_fits_own_name_and_unknown_ones_their_number() -> None:
    fields = [
        TIME,
        (2, UINT32),
        (79, UINT16),
        (57, UINT32, 8),
        (201, SINT8),
        (17, UINT8),
        (80, UINT8),
    ]
    writer = activity(2).define(3, 19, [*fields, (34, UINT16), (13, UINT16), (110, UINT32)])
    zones = np.array([61_000, 2_500], "<u4").tobytes()
    writer.record(3, T0 + 1, T0, 2504, zones, -7, 88, 64, 0x8000 | 4950, 3000, 3001)
    assert dict(only(only(read_bytes("fit", writer.file())).laps).values) == {
        "speed_mps": 3.001, "avg_stance_time_ms": 250.4, "time_in_hr_zone_s_1": 61.0,
        "time_in_hr_zone_s_2": 2.5, "unknown_201": -7, "cadence_rpm": 88.5,
        "left_right_balance_percent": 49.5,
    }  # fmt: skip


def test_counts_of_which_only_low_bits_are_stored_roll_over() -> None:
    writer = FitWriter().define(0, 20, [TIME, (18, UINT8), (28, UINT16)])
    for k, (cycles, power) in enumerate([(250, 65_000), (4, 65_500), (14, 964), (255, 65_535)]):
        writer.record(0, T0 + k, cycles, power)
    channels = only(read_bytes("fit", writer.file())).tracks[0].channels
    np.testing.assert_equal(channels["total_cycles"], [250, 260, 270, np.nan])
    np.testing.assert_equal(channels["accumulated_power"], [65_000, 65_500, 66_500, np.nan])


def test_events_say_what_made_them_and_what_they_are_about() -> None:
    writer = activity(2).define(3, 21, [TIME, (3, UINT32), (0, ENUM), (1, ENUM)])
    gears = 7 | 15 << 8 | 2 << 16 | 50 << 24
    writer.record(3, T0, 1, 0, 4).record(3, T0 + 1, gears, 43, 3).record(3, T0 + 1, 172, 13, 3)
    recording = only(read_bytes("fit", writer.file()))
    assert [(event.kind, event.label) for event in recording.events] == [
        ("timer", "stop_all"),
        ("timer_trigger", "auto"),
        ("rear_gear", "marker rear_gear_num=7 rear_gear=15 front_gear_num=2 front_gear=50"),
        ("heart_rate_high", "marker limit_bpm=172"),
    ]


def monitored() -> bytes:
    writer = FitWriter().define(0, 0, [(0, ENUM)]).record(0, 32)
    writer.define(1, 55, [TIME, (5, ENUM), (3, UINT32), (2, UINT32)])
    writer.define(2, 55, [(26, UINT16), (27, UINT8)]).define(3, 55, [(26, UINT16), (24, BYTE)])
    writer.record(1, T0, 6, 1200, 90_000)
    for later, rate in ((60, 61), (120, 255), (70_000, 63)):  # the low 16 bits roll over
        writer.record(2, (T0 + later) % 65536, rate)
    return writer.record(3, (T0 + 70_060) % 65536, 1 | 3 << 5).file()


def test_a_watch_worn_all_day_gives_a_table_of_moments() -> None:
    (table,) = reader("fit").read([Member.of("day.fit", monitored())])
    table = cast(Table, table)
    assert table.kind == "monitoring"
    zero = np.datetime64(START.replace(tzinfo=None), "s")
    seconds = (table.columns["time"] - zero).astype(int).tolist()
    # 16 bits cannot tell 70,000 s from 4,464 s: a watch writes more often than that.
    assert seconds == [0, 60, 120, 70_000 % 65536, 70_060 % 65536]
    assert table.columns["activity_type"].tolist() == ["walking", "", "", "", "running"]
    np.testing.assert_equal(table.columns["heart_rate"], [np.nan, 61, np.nan, 63, np.nan])
    np.testing.assert_equal(table.columns["steps"], [1200, np.nan, np.nan, np.nan, np.nan])
    np.testing.assert_equal(table.columns["distance"], [900, np.nan, np.nan, np.nan, np.nan])
    np.testing.assert_equal(table.columns["intensity"], [np.nan, np.nan, np.nan, np.nan, 3])
    assert table.units["heart_rate"] == "bpm"
    assert table.units.keys() == table.columns.keys()


def test_courses_and_workouts_are_refused_by_what_they_are() -> None:
    course = FitWriter().define(0, 0, [(0, ENUM)]).record(0, 6)
    course.define(1, 31, [(5, TEXT, 10)]).record(1, b"Lake loop")
    course.define(2, 20, [TIME, (5, UINT32)]).record(2, T0, 0).record(2, T0 + 9, 1_230_000)
    workout = FitWriter().define(0, 0, [(0, ENUM)]).record(0, 5)
    workout.define(1, 26, [(8, TEXT, 10), (6, UINT16)]).record(1, b"4 x 4 min", 9)
    with pytest.raises(StadionError, match=r"a FIT course 'Lake loop' of 2 points \(12\.3 km\);"):
        read_bytes("fit", course.file())
    with pytest.raises(StadionError, match="a FIT workout plan '4 x 4 min' of 9 steps;"):
        read_bytes("fit", workout.file())


def test_a_field_defined_twice_keeps_the_first_that_says_something() -> None:
    writer = FitWriter().define(0, 20, [TIME, (7, UINT16), (7, UINT16)])
    writer.record(0, T0, 200, 0).record(0, T0 + 1, 65535, 180)
    assert only(read_bytes("fit", writer.file())).tracks[0].channels["power"].tolist() == [200, 180]
