"""The FIT reader knows the format's corners, shown on files written for the purpose."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from stadion.core.activity import Activity, Lap
from stadion.core.errors import StadionError
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
from tests.ingest.real_files import only, read_bytes

TIME = (253, UINT32)


def channel(recording: Activity, name: str) -> list[float]:
    return [float(x) for x in recording.tracks[0].channels[name]]


def test_times_count_from_the_end_of_1989() -> None:
    recording = only(read_bytes("fit", activity(2).file()))
    assert recording.start == datetime(2021, 9, 8, 1, 46, 40, tzinfo=UTC)
    assert recording.tracks[0].time_s.tolist() == [0.0, 1.0]
    assert not recording.source.is_partial


def test_sentinels_are_missing_but_zero_watts_are_zero_watts() -> None:
    writer = FitWriter().define(0, 20, [TIME, (3, UINT8), (7, UINT16), (0, SINT32), (13, SINT8)])
    writer.record(0, T0, 255, 0, 0x7FFFFFFF, -3).record(0, T0 + 1, 120, 65535, 2**30, 0x7F)
    recording = only(read_bytes("fit", writer.file()))
    assert np.isnan(channel(recording, "heart_rate")[0])
    assert channel(recording, "power")[0] == 0
    assert np.isnan(channel(recording, "power")[1])
    assert channel(recording, "temperature")[0] == -3
    assert np.isnan(channel(recording, "temperature")[1])
    assert channel(recording, "position_lat")[1] == 90.0


def test_enhanced_fields_win_where_they_are_and_plain_ones_fill_the_gaps() -> None:
    writer = FitWriter().define(0, 20, [TIME, (6, UINT16), (73, UINT32), (2, UINT16)])
    writer.record(0, T0, 1000, 70_000, 3000).record(0, T0 + 1, 2000, 0xFFFFFFFF, 2500)
    recording = only(read_bytes("fit", writer.file()))
    assert channel(recording, "speed") == [70.0, 2.0]
    assert channel(recording, "altitude") == [100.0, 0.0]


def test_a_big_endian_definition_reads_like_a_little_one() -> None:
    def written(big_endian: bool) -> bytes:
        fields = [TIME, (7, UINT16), (0, SINT32)]
        writer = FitWriter().define(0, 20, fields, big_endian=big_endian)
        return writer.record(0, T0, 321, -(2**29)).file()

    big, little = (only(read_bytes("fit", written(order))) for order in (True, False))
    assert channel(big, "power") == channel(little, "power") == [321]
    assert channel(big, "position_lat") == channel(little, "position_lat") == [-45.0]


def test_a_local_type_may_be_defined_again() -> None:
    writer = FitWriter().define(0, 20, [TIME, (3, UINT8)]).record(0, T0, 100)
    writer.define(0, 20, [TIME, (7, UINT16)]).record(0, T0 + 1, 250)
    writer.define(0, 20, [TIME, (3, UINT8)]).record(0, T0 + 2, 102)
    recording = only(read_bytes("fit", writer.file()))
    assert recording.tracks[0].time_s.tolist() == [0, 1, 2]
    np.testing.assert_equal(channel(recording, "heart_rate"), [100, np.nan, 102])
    np.testing.assert_equal(channel(recording, "power"), [np.nan, 250, np.nan])


def test_compressed_times_roll_over_every_32_seconds() -> None:
    start = T0 - T0 % 32 + 30
    writer = FitWriter().define(0, 20, [TIME, (3, UINT8)]).define(1, 20, [(3, UINT8)])
    writer.record(0, start, 100).compressed(1, 31, 101).compressed(1, 0, 102).compressed(1, 5, 103)
    writer.compressed(1, 4, 104)
    recording = only(read_bytes("fit", writer.file()))
    assert recording.tracks[0].time_s.tolist() == [0, 1, 2, 7, 38]
    assert channel(recording, "heart_rate") == [100, 101, 102, 103, 104]


def test_compressed_speed_and_distance_unpack_and_roll_over() -> None:
    def packed(speed: float, distance: float) -> bytes:
        bits = round(speed * 100) | (round(distance * 16) % 4096) << 12
        return bits.to_bytes(3, "little")

    writer = FitWriter().define(0, 20, [TIME, (8, BYTE, 3)])
    for k, distance in enumerate((100.0, 200.0, 300.0, 620.0 - 256.0)):
        writer.record(0, T0 + k, packed(3.5, distance))
    recording = only(read_bytes("fit", writer.file()))
    assert channel(recording, "speed") == [3.5] * 4
    assert channel(recording, "distance") == [100.0, 200.0, 300.0, 364.0]


def developer_file(late: bool = False, unit: bytes = b"km/h") -> bytes:
    writer = FitWriter()
    described = [(0, UINT8), (1, UINT8), (2, UINT8), (3, TEXT, 16), (8, TEXT, 8)]

    def describe() -> None:
        writer.define(2, 206, described)
        writer.record(2, 0, 0, FLOAT32, b"Speed", unit)
        writer.record(2, 0, 1, UINT16, b"Leg Spring", b"kN/m")

    if not late:
        describe()
    writer.define(0, 20, [TIME], developer=[(0, FLOAT32, 0, 4), (1, UINT16, 0, 2)])
    writer.record(0, T0, 36.0, 11).record(0, T0 + 1, float("nan"), 65535)
    if late:
        describe()
    return writer.file()


@pytest.mark.parametrize("late", [False, True])
def test_developer_fields_carry_their_names_and_units(late: bool) -> None:
    recording = only(read_bytes("fit", developer_file(late)))
    np.testing.assert_allclose(channel(recording, "speed"), [10.0, np.nan], rtol=1e-6)
    np.testing.assert_equal(channel(recording, "leg_spring"), [11, np.nan])


def test_a_unit_that_cannot_be_converted_stays_in_the_name() -> None:
    recording = only(read_bytes("fit", developer_file(unit=b"knots")))
    assert "speed_knots" in recording.channels
    assert "speed" not in recording.channels


def test_developer_fields_nobody_described_are_dropped_and_counted() -> None:
    writer = FitWriter().define(0, 20, [TIME, (3, UINT8)], developer=[(0, UINT16, 0, 2)])
    recording = only(read_bytes("fit", writer.record(0, T0, 90, 1).file()))
    assert recording.channels == ("heart_rate",)
    assert [r.what for r in recording.source.repairs] == [
        "developer fields without a description dropped"
    ]


def test_lists_in_records_are_a_stream_for_each_place_and_text_does_not_disturb_them() -> None:
    fields = [TIME, (200, TEXT, 9), (69, UINT8, 2), (3, UINT8), (210, UINT8, 3)]
    writer = FitWriter().define(0, 20, fields)
    writer.record(0, T0, b"climbing", b"\x40\x80", 99, b"\x07\xff\x09")
    recording = only(read_bytes("fit", writer.file()))
    assert set(recording.channels) == {
        "heart_rate", "left_power_phase_1", "left_power_phase_2", "unknown_210", "unknown_210_3",
    }  # fmt: skip
    assert channel(recording, "left_power_phase_1") == [90.0]  # 64/256 of a turn
    assert channel(recording, "unknown_210_3") == [9.0]


def test_more_fields_than_a_byte_of_size_can_count_are_read() -> None:
    fields = [TIME, *((number, UINT8) for number in range(120, 250))]
    writer = FitWriter().define(0, 20, fields).record(0, T0, *range(1, 131))
    assert len(only(read_bytes("fit", writer.file())).channels) == 130


def test_rows_of_one_moment_are_joined_and_rows_out_of_order_sorted() -> None:
    writer = FitWriter().define(0, 20, [TIME, (3, UINT8)]).define(1, 20, [TIME, (7, UINT16)])
    writer.record(0, T0, 100).record(1, T0, 200).record(0, T0 + 2, 102).record(0, T0 + 1, 101)
    recording = only(read_bytes("fit", writer.file()))
    assert recording.tracks[0].time_s.tolist() == [0, 1, 2]
    assert channel(recording, "heart_rate") == [100, 101, 102]
    assert channel(recording, "power")[0] == 200
    assert {r.what: r.count for r in recording.source.repairs} == {"records out of order sorted": 1}


def test_a_row_whose_value_another_of_its_moment_replaces_is_counted() -> None:
    writer = FitWriter().define(0, 20, [TIME, (3, UINT8)])
    writer.record(0, T0, 100).record(0, T0, 100).record(0, T0 + 1, 101).record(0, T0 + 1, 103)
    recording = only(read_bytes("fit", writer.file()))
    assert channel(recording, "heart_rate") == [100, 103]
    assert {r.what: r.count for r in recording.source.repairs} == {
        "records outdone by others of the same moment": 1
    }


def test_times_of_a_device_that_does_not_know_the_date_give_no_start() -> None:
    writer = FitWriter().define(0, 20, [TIME, (3, UINT8)]).record(0, 1000, 90).record(0, 1005, 91)
    recording = only(read_bytes("fit", writer.file()))
    assert recording.start is None
    assert recording.tracks[0].time_s.tolist() == [0, 5]


def test_sessions_laps_lengths_and_events_are_told() -> None:
    writer = activity(4).define(2, 18, [TIME, (2, UINT32), (7, UINT32), (5, ENUM)])
    writer.record(2, T0 + 60, T0, 3_500, 5)  # written a minute late: the end is start + elapsed
    writer.define(3, 19, [TIME, (2, UINT32), (7, UINT32), (9, UINT32), (15, UINT8)])
    writer.record(3, T0 + 2, T0, 2_000, 5_000, 121)
    writer.define(4, 101, [TIME, (2, UINT32), (3, UINT32), (7, ENUM), (12, ENUM)])
    writer.record(4, T0 + 2, T0, 2_000, 1, 1).record(4, T0 + 3, T0 + 2, 1_000, 255, 0)
    writer.define(5, 21, [TIME, (0, ENUM), (1, ENUM)]).record(5, T0 + 3, 0, 4).record(5, T0, 99, 0)
    recording = only(read_bytes("fit", writer.file()))
    assert recording.sport == "swimming"
    session, lap, first, second = recording.laps
    assert (session.kind, session.label, session.start_s, session.end_s) == (
        "session",
        "swimming",
        0.0,
        3.5,
    )
    assert lap == Lap(
        0.0, 2.0, values={"elapsed_s": 2.0, "distance_m": 50.0, "heart_rate_bpm": 121}
    )
    assert (first.kind, first.label, second.label) == ("length", "backstroke", "idle")
    assert [(e.time_s, e.kind, e.label) for e in recording.events] == [
        (3.0, "timer", "stop_all"),
        (0.0, "event_99", "start"),
    ]


def test_several_sports_in_one_file_are_a_multisport_activity() -> None:
    writer = activity(2).define(2, 18, [TIME, (2, UINT32), (7, UINT32), (5, ENUM)])
    for k, sport in enumerate((5, 3, 2)):
        writer.record(2, T0 + k, T0 + k, 1000, sport)
    recording = only(read_bytes("fit", writer.file()))
    assert recording.sport == "multisport"
    assert [lap.label for lap in recording.laps] == ["swimming", "transition", "cycling"]


def test_chained_files_are_activities_of_their_own() -> None:
    first, second = read_bytes("fit", activity(2).file() + activity(5).file())
    assert (len(first.tracks[0]), len(second.tracks[0])) == (2, 5)
    assert first.id != second.id


def test_what_is_no_recording_is_refused_by_its_kind() -> None:
    settings = FitWriter().define(1, 0, [(0, ENUM)]).record(1, 2).file()
    course = FitWriter().define(1, 0, [(0, ENUM)]).record(1, 6)
    course.define(0, 20, [TIME, (3, UINT8)]).record(0, T0, 100)
    with pytest.raises(StadionError, match="type 'settings'"):
        read_bytes("fit", settings)
    with pytest.raises(StadionError, match="a FIT course of 1 points"):
        read_bytes("fit", course.file())


def test_summaries_are_kept_when_no_record_has_a_time() -> None:
    writer = FitWriter().define(0, 20, [(3, UINT8)]).record(0, 100)
    writer.define(3, 19, [TIME, (2, UINT32), (7, UINT32)]).record(3, T0 + 9, T0, 9_000)
    recording = only(read_bytes("fit", writer.file()))
    assert recording.tracks == ()
    assert recording.laps[0].end_s == 9.0
    assert {r.what for r in recording.source.repairs} == {
        "records without a time dropped",
        "no timed record: only summaries are left",
    }
