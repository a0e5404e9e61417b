"""The UEA archive's .ts files and the physical-therapy folders come in with their labels."""

from __future__ import annotations

import tarfile
from collections import Counter

import numpy as np
import pytest

from stadion.core.errors import StadionError
from stadion.ingest import open_bytes, open_path
from stadion.ingest.base import Member
from tests.ingest.real_files import only, read_bytes, reader
from tests.places import shared_data

AXES = (
    "acceleration_x",
    "acceleration_y",
    "acceleration_z",
    "angular_velocity_x",
    "angular_velocity_y",
    "angular_velocity_z",
)


def ts(body: str, *headers: str) -> bytes:
    lines = ["@problemName x", "@classLabel true a b", *headers, "@data", body]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("folder", "file", "cases", "samples", "classes"),
    [
        ("uea_racketsports", "RacketSports_TRAIN.ts.gz", 151, 30, 4),
        ("uea_racketsports", "RacketSports_TEST.ts.gz", 152, 30, 4),
        ("uea_basicmotions", "BasicMotions_TRAIN.ts.gz", 40, 100, 4),
        ("uea_basicmotions", "BasicMotions_TEST.ts.gz", 40, 100, 4),
    ],
)
def test_smart_watch_sets_have_axes_rate_and_labels(
    folder: str, file: str, cases: int, samples: int, classes: int
) -> None:
    opened = open_path(shared_data("A_activity_imu", folder, file))
    assert len(opened.activities) == cases
    assert not opened.refused
    assert len({case.id for case in opened.activities}) == cases
    labels = Counter(only(case.laps).label for case in opened.activities)
    assert len(labels) == classes
    for case in opened.activities:
        assert case.channels == AXES
        assert case.source.name == file.removesuffix(".gz")
        np.testing.assert_allclose(case.tracks[0].time_s, np.arange(samples) / 10)
        lap = only(case.laps)
        assert (lap.kind, lap.start_s, lap.end_s) == ("activity", 0.0, case.duration_s)


def test_the_first_case_reads_as_it_is_written() -> None:
    path = shared_data("A_activity_imu", "uea_racketsports", "RacketSports_TRAIN.ts.gz")
    first = open_path(path).activities[0]
    values = first.tracks[0].channels
    assert values["acceleration_x"][:2].tolist() == pytest.approx([1.266676, -2.180751])
    assert values["acceleration_y"][0] == pytest.approx(0.268223)
    assert only(first.laps).label == "Badminton_Smash"


def test_other_sets_have_numbered_dimensions_and_a_second_a_sample() -> None:
    recording = only(read_bytes("ts", ts("1,?,3:4,5,6:b")))
    assert recording.channels == ("dimension_1", "dimension_2")
    assert recording.tracks[0].time_s.tolist() == [0, 1, 2]
    assert np.isnan(recording.tracks[0].channels["dimension_1"][1])


def test_cases_of_unequal_length_keep_their_own_and_broken_ones_are_counted() -> None:
    recordings = read_bytes("ts", ts("1,2,3:a\n1,2:b\n1,x:a\n"))
    assert [len(recording.tracks[0]) for recording in recordings] == [3, 2]
    assert recordings[0].source.repairs[0].count == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"@problemName x\n@targetlabel true\n@data\n1,2:0.5\n", "regression"),
        (b"@problemName x\n@timeStamps true\n@data\n(0,1):a\n", "@timeStamps"),
        (b"@problemName x\n", "without an @data line"),
        (ts(""), "cannot be read"),
    ],
)
def test_other_ts_files_are_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(StadionError, match=reason):
        read_bytes("ts", data)


def test_physical_therapy_sessions_have_five_units_and_executions() -> None:
    path = shared_data("A_activity_imu", "uci_physical_therapy", "s1.tar.xz")
    opened = open_path(path)
    assert not opened.refused
    assert len(opened.activities) == 16  # 8 exercises, a template and a test session each
    for session in opened.activities:
        assert session.athlete == "s1"
        assert [track.subject for track in session.tracks] == ["u1", "u2", "u3", "u4", "u5"]
        assert len(session.channels) == 9
        assert np.diff(session.tracks[0].time_s) == pytest.approx(0.04)
        whole, *executions = session.laps
        assert (whole.kind, whole.start_s, whole.end_s) == ("activity", 0.0, session.duration_s)
        count = 30 if "/test" in session.source.name else 3
        assert Counter(lap.label for lap in executions) == dict.fromkeys(
            ("correct", "fast", "low_amplitude"), count // 3
        )
        assert all(lap.kind == "execution" and lap.end_s <= whole.end_s for lap in executions)
    labels = Counter(session.laps[0].label for session in opened.activities)
    assert labels == {f"exercise_{k}": 2 for k in range(1, 9)}


def test_the_first_session_reads_as_it_is_written() -> None:
    path = shared_data("A_activity_imu", "uci_physical_therapy", "s1.tar.xz")
    wanted = ("s1/e1/u1/test.txt", "s1/e1/u2/test.txt", "s1/e1/test_times.csv")
    with tarfile.open(path) as archive:
        files = {name: archive.extractfile(name) for name in wanted}
        members = [Member.of(name, file.read()) for name, file in files.items() if file]
    plugin = reader("physical_therapy")
    session = only(plugin.read(only(plugin.claim(members))))
    first = members[0].data.splitlines()[1].decode().split(";")
    values = [float(v[0]) for v in session.tracks[0].channels.values()]  # type: ignore[union-attr]
    assert values == pytest.approx([float(number) for number in first[1:]])
    execution = session.laps[1]  # type: ignore[union-attr]
    marked = [float(number) for number in members[2].data.splitlines()[1].split(b",")]
    assert (execution.label, marked[1]) == ("correct", 1)
    # Indices count from 1 and 25 Hz: the first sample lies at 0 s.
    assert [execution.start_s, execution.end_s] == pytest.approx(
        [(marked[2] - 1) / 25, (marked[3] - 1) / 25]
    )


def test_a_session_with_a_file_that_holds_no_numbers_is_refused_by_its_name() -> None:
    good = reader("physical_therapy").example()[0].data
    bad = good.replace(b"9.8", b"nine", 1)
    assert (
        "s1/e1/u1/test.txt holds something else"
        in only(open_bytes(bad, "s1/e1/u1/test.txt").refused).reason
    )
