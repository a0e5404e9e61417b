"""PWX, SRM, HRM and the CSV of bike computers agree with what their own summaries say."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import pytest

from stadion.core.activity import Activity, Lap, Table
from stadion.core.errors import StadionError
from stadion.ingest import Opened, open_path
from stadion.ingest.base import Member
from tests.ingest.real_files import only, read_bytes, reader
from tests.places import shared_data

REFUSED = {
    ".wko": "a WKO workspace of TrainingPeaks; export",
    ".raw": "raw packets of a PowerTap computer; export",
    ".erg": "a planned workout",
    ".mrc": "a planned workout",
    ".zwo": "a planned workout",
}


@pytest.fixture(scope="module")
def rides() -> Opened:
    return open_path(shared_data("H_power_load", "goldencheetah_other_formats"))


def named(rides: Opened, end: str) -> Activity:
    return only([a for a in rides.activities if a.source.name.endswith(end)])


def mean(activity: Activity, channel: str) -> float:
    return float(np.nanmean(activity.tracks[0].channels[channel]))


def session(activity: Activity) -> Lap:
    return only([lap for lap in activity.laps if lap.kind == "session"])


def test_every_recording_comes_in_and_the_rest_is_refused_for_its_reason(rides: Opened) -> None:
    assert len(rides.activities) + len(rides.tables) + len(rides.refused) == 92
    assert (len(rides.activities), len(rides.tables)) == (32, 6)
    for refusal in rides.refused:
        assert REFUSED[refusal.name[-4:]] in refusal.reason


@pytest.mark.parametrize(
    ("name", "seconds", "means"),
    [
        # The means are sums over the columns of the files, in the files' units, by awk.
        ("2009_07_10_17_55_06.csv", 5443.9, {"power": 204.03, "speed": 8.1488}),
        ("joule-ride.csv", 4566, {"power": 174.57, "heart_rate": 137.29}),
        ("motoActv_powertap.csv", 1641.6, {"power": 312.62, "heart_rate": 165.68}),
        ("2009_08_06_05_33_49.CSV", 5799, {"power": 156.31, "altitude": 1436.8}),
        ("2009_12_13_16_11_42.csv", 4861, {"power": 128.94, "temperature": 13.571}),
        ("Ramp test.csv", 2211, {"power": 193.47, "heart_rate": 140.8}),
        ("RP3_2016-03-27_09-23-29.csv", 609.5, {"power": 75.774}),
        ("peripedal_3min_1.csv", 3619, {"power": 214.0, "cadence": 91.825}),
        ("2009_12_21_05_42_14.srm", 9446, {"power": 225.78, "speed": 7.9566}),
        ("IpBike_902.pwx", 3069, {"power": 224.19, "speed": 6.968}),
    ],
)
def test_durations_and_means_are_those_of_the_files(
    rides: Opened, name: str, seconds: float, means: Mapping[str, float]
) -> None:
    ride = named(rides, name)
    assert ride.duration_s == pytest.approx(seconds, abs=0.6)
    for channel, expected in means.items():
        assert mean(ride, channel) == pytest.approx(expected, rel=2e-4), channel


def test_speed_summed_up_gives_the_distance_in_every_ride(rides: Opened) -> None:
    """So both are in SI units, whichever the file has: miles, km, tenths of km/h, mm/s."""
    checked = 0
    for ride in rides.activities:
        track = ride.tracks[0]
        if not {"speed", "distance"} <= track.channels.keys() or ride.sport == "rowing":
            continue
        steps = np.diff(track.time_s)
        way = (steps * np.nan_to_num(track.channels["speed"][1:]))[steps < 30].sum()
        length = np.nanmax(track.channels["distance"]) - np.nanmin(track.channels["distance"])
        # A swim's speed is that of a length, which is longer than the 30 s of a gap; a made-up
        # file of thirty minutes' pause counts it in its distance.
        if length and ride.sport != "swimming" and "13_00_00" not in ride.source.name:
            assert way == pytest.approx(length, rel=0.04), ride.source.name
            checked += 1
    assert checked >= 14


def test_pwx_samples_agree_with_the_summary_of_the_file(rides: Opened) -> None:
    for name, distance_m in (
        ("IpBike_902.pwx", 21390),
        ("lgulseth_Timex_Global_Trainer_2013_03_28_11_50_25.pwx", 8228),
        ("10kUNLP2014-Garmin15.pwx", 10010.82),
        ("Finis_Swimsense_2014_08_05_06_09_24.pwx", 3550),
        ("argmac_Garmin_FR910XT_2015_01_31_10_17_02.pwx", 2000),
    ):
        ride = named(rides, name)
        told = session(ride).values
        assert told["distance_m"] == distance_m
        reached = float(np.nanmax(ride.tracks[0].channels["distance"]))
        assert reached == pytest.approx(distance_m, rel=1e-3)
        # Some devices stop the clock of their samples with the timer.
        assert told["timer_s"] - 2 <= ride.duration_s <= told["elapsed_s"] + 2
    ride = named(rides, "IpBike_902.pwx")
    assert session(ride).values["power_w"] == pytest.approx(mean(ride, "power"), abs=0.5)
    assert (ride.sport, ride.device) == ("cycling", "iforpowell.com IpBike")
    assert [lap.label for lap in named(rides, "Garmin15.pwx").laps[:2]] == ["Lap 1", "Lap 2"]


def test_hrm_samples_agree_with_the_trip_of_the_file(rides: Opened) -> None:
    for name, distance_m, top_mps in (
        ("09052101.hrm", 30095, 16.18), ("10091901.hrm", 19500, 10.83),
        ("10092501.hrm", 24500, 10.75),
    ):  # fmt: skip
        ride = named(rides, name)
        told = session(ride).values
        assert told["distance_m"] == pytest.approx(distance_m, abs=1)
        assert told["speed_max_mps"] == pytest.approx(top_mps, abs=0.01)
        assert mean(ride, "speed") * ride.duration_s == pytest.approx(distance_m, rel=0.01)
        assert ride.duration_s == pytest.approx(told["timer_s"], abs=6)
        laps = [lap for lap in ride.laps if lap.kind == "lap"]
        if laps:
            total = sum(lap.values["distance_m"] for lap in laps)
            assert total == pytest.approx(distance_m, rel=0.01)
    assert named(rides, "10092501.hrm").profile.hr_max_bpm == 189


def test_the_days_of_the_morning_apps_are_read_whichever_way_they_write_dates(
    rides: Opened,
) -> None:
    tables = {t.source.name.rpartition("/")[2]: t for t in rides.tables}
    assert all(isinstance(table, Table) and table.kind == "days" for table in tables.values())
    android = tables["MyMeasurements_Android_1.csv"].columns
    assert str(android["date"][0]) == "2017-07-27"
    assert (np.diff(android["date"]).astype(int) <= 2).all()
    assert android["rmssd"][0] == pytest.approx(84.244, abs=1e-3)
    assert str(tables["2018_7_8_myMeasurements.csv"].columns["date"][-1]) == "2018-07-08"


def test_lengths_of_a_pool_have_strokes_and_rests_between(rides: Opened) -> None:
    swim = named(rides, "2019_09_23_18_30_00.csv")
    assert len(swim.laps) == 88
    assert swim.laps[0].values["distance_m"] == 25
    assert float(np.nanmax(swim.tracks[0].channels["distance"])) == 2200
    rests = sum(b.start_s - a.end_s for a, b in zip(swim.laps, swim.laps[1:], strict=False))
    assert rests > 700


# Made-up files of the layouts that no real one shows.


def hrm(params: bytes, rows: bytes) -> Activity:
    head = b"[Params]\nVersion=%s\nDate=20240501\nStartTime=07:00:00\nLength=0:00:10.0\n"
    version = b"105" if b"\nMode" in b"\n" + params else b"106"
    return only(read_bytes("hrm", head % version + params + b"\n\n[HRData]\n" + rows))


def test_hrm_beat_by_beat_gives_a_track_of_intervals() -> None:
    ride = hrm(b"Interval=238\nSMode=000000000", b"1000\n500\n0\n1500\n")
    rate, beats = ride.tracks
    assert beats.subject == "beats"
    assert beats.time_s.tolist() == [1.0, 1.5, 3.0]
    assert beats.channels["rr"].tolist() == [1000, 500, 1500]
    assert rate.channels["heart_rate"].tolist() == [60, 120, 40]
    assert "impossible interval" in " ".join(r.what for r in ride.source.repairs)


def test_hrm_columns_and_units_follow_the_bits() -> None:
    power = hrm(b"Interval=5\nSMode=111111110", b"120\t100\t90\t500\t250\t6964\n")
    found = {name: float(v[0]) for name, v in power.tracks[0].channels.items()}
    assert found == pytest.approx(
        {"heart_rate": 120, "speed": 4.4704, "cadence": 90, "altitude": 152.4, "power": 250}
    )
    old = hrm(b"Interval=15\nMode=110", b"0 100 12\n121 110 13\n")
    np.testing.assert_array_equal(old.tracks[0].channels["heart_rate"], [np.nan, 121])
    assert old.tracks[0].channels["altitude"].tolist() == [120, 130]
    assert old.tracks[0].time_s.tolist() == [0, 15]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[Params]\nVersion=106\nInterval=x\n", "Interval='x'; expected numbers"),
        (b"[Params]\nVersion=106\nInterval=5\nSMode=abc\n", "SMode is 'abc'; expected digits"),
        (b"[Params]\nVersion=106\nInterval=5\nSMode=000000000\n", "without heart rates"),
    ],
)
def test_an_hrm_that_does_not_say_its_columns_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(StadionError, match=reason):
        read_bytes("hrm", data)


def srm(version: int, rows: bytes, count: int, blocks: list[tuple[int, int]]) -> bytes:
    """An SRM file of one marker besides the one for all."""
    note = 3 if version < 6 else 255
    marker = struct.Struct(f"<{note}sB{'HH' if version < 9 else 'II'}5H")
    head = struct.pack(
        "<4sHHBBHHBB70s", b"SRM%d" % version, 52716, 2096, 1, 1, len(blocks), 1, 0, 4, b"Test"
    )
    body = marker.pack(b"", 1, 1, count, 0, 0, 0, 0, 0) + marker.pack(b"up", 1, 2, 1, 0, 0, 0, 0, 0)
    body += b"".join(struct.pack("<iH" if version < 9 else "<iI", *block) for block in blocks)
    return head + body + struct.pack("<HHHB" if version < 9 else "<HHIB", 1, 1, count, 0) + rows


def test_srm_versions_differ_in_their_records() -> None:
    # 3 packed bytes of speed and power, cadence, heart rate: 0x1A5 * 3 / 26 km/h, 0x123 W.
    packed = bytes([0x25, 0x33, 0x12, 90, 120])
    old = only(read_bytes("srm", srm(5, packed * 2, 2, [])))
    assert old.tracks[0].channels["power"].tolist() == [0x123] * 2
    assert float(old.tracks[0].channels["speed"][0]) == pytest.approx(0x1A5 * 3 / 26 / 3.6)
    row = struct.pack("<HBBiihii", 250, 90, 120, 10_000, 50, 200, 2**30, -(2**29))
    new = only(read_bytes("srm", srm(9, row * 3, 3, [(720_000, 1), (740_000, 2)])))
    found = {name: float(v[0]) for name, v in new.tracks[0].channels.items()}
    assert found == pytest.approx(
        {
            "power": 250, "cadence": 90, "heart_rate": 120, "speed": 10, "altitude": 50,
            "temperature": 20, "position_lat": 90, "position_long": -45,
        }
    )  # fmt: skip
    assert new.tracks[0].time_s.tolist() == [0, 200, 201]
    assert new.start == datetime(2024, 5, 1, 2, tzinfo=UTC)
    assert [(lap.start_s, lap.end_s, lap.label) for lap in new.laps] == [(0, 201, "up")]


def test_an_srm_that_ends_early_keeps_its_records_and_says_so() -> None:
    data = srm(7, struct.pack("<HBBiih", 250, 90, 120, 10_000, 50, 200) * 3, 60_000, [(0, 60_000)])
    ride = only(read_bytes("srm", data[:-5]))
    assert len(ride.tracks[0]) == 2
    assert ("records lost where the file ends early", 59_998) in [
        (repair.what, repair.count) for repair in ride.source.repairs
    ]
    with pytest.raises(StadionError, match="ends inside its header"):
        read_bytes("srm", data[:120])
    with pytest.raises(StadionError, match="version is b'8'"):
        read_bytes("srm", b"SRM8" + data[4:])


def test_a_pwx_of_several_workouts_gives_as_many_activities() -> None:
    workout = (
        b"<workout><sportType>%s</sportType><time>2024-05-01T07:00:00</time>"
        b"<sample><timeoffset>1</timeoffset><hr>120</hr></sample></workout>"
    )
    data = b"<pwx>" + workout % b"Run" + workout % b"Mountain Bike" + b"<workout></workout></pwx>"
    run, ride = read_bytes("pwx", data)
    assert (run.sport, ride.sport, ride.sub_sport) == ("running", "cycling", "mountain")
    assert run.start == datetime(2024, 5, 1, 7, 0, 1, tzinfo=UTC)
    assert run.id != ride.id
    cut = only(read_bytes("pwx", data[: len(data) // 2 + 20]))
    assert any("breaks off" in repair.what for repair in cut.source.repairs)


def test_each_layout_is_claimed_by_its_content_not_its_name() -> None:
    for name in ("pwx", "srm", "hrm", "ibike", "fit_csv", "swim_lengths", "morning_hrv"):
        example = only(list(reader(name).example()))
        assert reader(name).claim([Member.of("x", example.data)])
        assert not reader("csv").guesses or not reader(name).guesses
