"""Delimited text of many habits comes in, or is refused by name."""

from __future__ import annotations

import tarfile
from datetime import UTC, datetime

import numpy as np
import pytest

from stadion.core.errors import StadionError
from stadion.ingest import open_bytes
from stadion.ingest.base import Member
from tests.ingest.real_files import only, read_bytes, reader
from tests.places import shared_data


def test_units_in_the_header_are_converted() -> None:
    data = (
        b"time (s),speed (km/h),Elevation [ft],HR (bpm),temperature (\xc2\xb0F)\n0,36,100,120,50\n"
    )
    recording = only(read_bytes("csv", data))
    found = {name: float(v[0]) for name, v in recording.tracks[0].channels.items()}
    assert found == pytest.approx(
        {"speed": 10.0, "altitude": 30.48, "heart_rate": 120, "temperature": 10.0}
    )


def test_a_unit_that_is_no_speed_stays_in_the_name() -> None:
    recording = only(read_bytes("csv", b"time,speed (knots),cadence (spm)\n0,10,170\n"))
    assert recording.channels == ("speed_knots", "cadence_spm")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("timestamp,hr\n2024-05-01T07:00:00Z,1\n2024-05-01T07:00:02Z,2\n", True),
        ("timestamp,hr\n2024-05-01T09:00:00+02:00,1\n2024-05-01T09:00:02+02:00,2\n", True),
        ("datetime;hr\n2024-05-01 07:00:00;1\n2024-05-01 07:00:02;2\n", True),
        ("epoch (ms),hr\n1714546800000,1\n1714546802000,2\n", True),
        ("time\thr\n1714546800\t1\n1714546802\t2\n", True),
        ("time,hr\n0:00:05,1\n0:00:07,2\n", False),
        ("elapsed (min),hr\n1,1\n1.0333333333333334,2\n", False),
        ("seconds|hr\n10|1\n12|2\n", False),
    ],
)
def test_times_are_read_in_any_of_their_ways(text: str, start: bool) -> None:
    recording = only(read_bytes("csv", text.encode()))
    assert recording.start == (datetime(2024, 5, 1, 7, tzinfo=UTC) if start else None)
    np.testing.assert_allclose(recording.tracks[0].time_s, [0, 2], atol=1e-6)


def test_a_decimal_comma_a_bom_and_thousands_are_understood() -> None:
    text = "\ufefftime;speed;power\r\n0,5;3,25;1.250,5\r\n1,5;;1.300\r\n"
    track = only(read_bytes("csv", text.encode())).tracks[0]
    assert track.time_s.tolist() == [0, 1]
    np.testing.assert_array_equal(track.channels["speed"], np.array([3.25, np.nan]))
    assert track.channels["power"][0] == np.float32(1250.5)


def test_other_encodings_are_read() -> None:
    text = "time;température (°C)\n0;21,5\n"
    for encoding in ("utf-16", "cp1252"):
        recording = only(read_bytes("csv", text.encode(encoding)))
        assert recording.channels == ("temperature",)


def test_blanks_are_missing_and_texts_are_left_out_and_counted() -> None:
    data = b"time,hr,note,power\n0,NA,easy,--\n1,121,hard,200\n2,,hard,0\n3,1\n"
    recording = only(read_bytes("csv", data))
    np.testing.assert_array_equal(recording.tracks[0].channels["heart_rate"], [np.nan, 121, np.nan])
    np.testing.assert_array_equal(recording.tracks[0].channels["power"], [np.nan, 200, 0])
    assert {r.what: r.count for r in recording.source.repairs} == {
        "rows of another length dropped": 1,
        "columns of text left out": 1,
    }


def test_the_athlete_is_taken_from_a_column_that_names_one() -> None:
    assert only(read_bytes("csv", b"time,hr,athlete\n0,1,anna\n1,2,anna\n")).athlete == "anna"
    with pytest.raises(StadionError, match="names several athletes"):
        read_bytes("csv", b"time,hr,athlete\n0,1,anna\n1,2,bert\n")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"date,home_score\n1872-11-30,0\n1873-03-08,4\n", "'date' cannot be read"),
        (b"name,score\nanna,3\n", "no time column among 'name', 'score'"),
        (b"time,note\n0,hello\n1,1\n2,a\n3,b\n", "no column of numbers"),
        (b'time,hr\n0,1\n"' + b"y" * 200_000, "breaks off"),
    ],
)
def test_tables_that_are_no_recording_are_refused_with_a_reason(data: bytes, reason: str) -> None:
    assert reason in only(open_bytes(data, "x.csv").refused).reason


def test_text_without_a_table_is_not_claimed() -> None:
    for text in (b"", b"a,b\n", b"Hello, world.\nThis, however, is text.\n", b"1,2\n3,4\n", b"{}"):
        assert not reader("csv").claim([Member.of("x.csv", text)])


def test_the_bare_axes_of_a_real_sensor_are_known_by_their_unit() -> None:
    archive = shared_data("A_activity_imu", "barbell_metawear", "bench_form_A.tar.xz")
    with tarfile.open(archive) as bundle:
        recordings = [
            only(read_bytes("csv", data.read(), entry.name))
            for entry in bundle
            if (data := bundle.extractfile(entry)) is not None
        ]
    kinds = {recording.channels for recording in recordings}
    assert kinds == {
        ("acceleration_x", "acceleration_y", "acceleration_z"),
        ("angular_velocity_x", "angular_velocity_y", "angular_velocity_z"),
    }
    for recording in recordings:
        track = recording.tracks[0]
        step = 0.04 if "angular_velocity_x" in track.channels else 0.08
        assert np.median(np.diff(track.time_s)) == pytest.approx(step, abs=0.001)
        if "acceleration_x" in track.channels:
            size = np.sqrt(sum(np.square(v) for v in track.channels.values()))
            assert np.median(size) == pytest.approx(9.8, abs=0.5)
