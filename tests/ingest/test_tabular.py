"""Tables of the world: what is guessed, what is stated, and what is said about it."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from stadion.core.activity import Activity
from stadion.core.errors import StadionError
from stadion.ingest import open_bytes, open_path
from stadion.ingest.tabular.guess import guess
from stadion.ingest.tabular.mapping import ColumnMapping, mapping_of, stated, with_mapping
from tests.ingest.real_files import only, read_bytes


def read(text: str | bytes, path: str = "x.csv") -> Activity:
    return only(read_bytes("csv", text if isinstance(text, bytes) else text.encode(), path))


def first(activity: Activity) -> dict[str, float]:
    return {name: float(v[0]) for name, v in activity.tracks[0].channels.items()}


CHINESE = "时间,心率,速度(公里/小时),配速,功率(瓦),踏频,步频,海拔,距离(公里),经度,纬度\n" + (
    "2024-05-01 07:00:00,120,36,5:00,200,90,180,50,1.5,121.4,31.2\n"
    "2024-05-01 07:00:01,121,36,5:00,201,90,180,50,1.51,121.4,31.2\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_chinese_headers_are_understood_in_every_encoding(encoding: str) -> None:
    found = first(read(CHINESE.encode(encoding)))
    assert found == pytest.approx(
        {
            "heart_rate": 120, "speed": 10, "power": 200, "cadence": 90, "altitude": 50,
            "distance": 1500, "position_long": 121.4, "position_lat": 31.2,
        }
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "utf-16-le"])
def test_accents_do_not_matter(encoding: str) -> None:
    text = "Uhrzeit;Höhe (m);Größe;Fréquence cardiaque\n0:00;12,5;1;120\n0:01;12,6;1;121\n"
    found = first(read(text.encode(encoding)))
    assert found["altitude"] == pytest.approx(12.5)
    assert found["heart_rate"] == 120


@pytest.mark.parametrize(
    ("header", "value", "channel", "expected"),
    [
        ("speed_kmh", "36", "speed", 10),
        ("Speed km/h", "36", "speed", 10),
        ("Km/h", "36", "speed", 10),
        ("speed_ms", "10", "speed", 10),
        ("Power (watts)", "250", "power", 250),
        ("Watts", "250", "power", 250),
        ("alt_ft", "100", "altitude", 30.48),
        ("temp_f", "50", "temperature", 10),
        ("Temperature (°F)", "50", "temperature", 10),
        ("distance_mi", "1", "distance", 1609.344),
        ("HeartRate_bpm", "120", "heart_rate", 120),
        ("Pace (min/km)", "5:00", "speed", 1000 / 300),
        ("Pace (min/km)", "0:05:00", "speed", 1000 / 300),
        ("Pace (min/mi)", "8:00", "speed", 1609.344 / 480),
        ("pace_min_km", "5.5", "speed", 1000 / 330),
        ("Pace [/100m]", "1:40", "speed", 1),
        ("Pace (s/km)", "300", "speed", 1000 / 300),
        ("Pace (min/km)", "5'30\"", "speed", 1000 / 330),
        ("STEPS_PER_MINUTE", "180", "cadence", 90),
        ("acc_x (g)", "1", "acceleration_x", 9.80665),
    ],
)
def test_units_in_headers_and_paces_become_si(
    header: str, value: str, channel: str, expected: float
) -> None:
    shown = value.replace('"', '""')
    text = f'time,"{header}"\n0,"{shown}"\n1,"{shown}"\n'
    assert first(read(text))[channel] == pytest.approx(expected, rel=1e-5)


def test_a_line_of_units_below_the_header_is_used() -> None:
    found = first(read("ZEIT,STRECKE,SPEED,HÖHE\nL_SEC,KM,KM/H,METER\n 1, 0.5, 36, 100\n"))
    assert found == pytest.approx({"distance": 500, "speed": 10, "altitude": 100})


@pytest.mark.parametrize(
    ("times", "start", "repair"),
    [
        (["31.12.2023 23:59:59", "01.01.2024 00:00:00"], (2023, 12, 31, 23, 59, 59), "zone"),
        (["12/31/2023 11:59:59 PM", "01/01/2024 12:00:00 AM"], (2023, 12, 31, 23, 59, 59), "zone"),
        (["31/12/2023 07:00:00", "31/12/2023 07:00:01"], (2023, 12, 31, 7, 0, 0), "zone"),
        (["3/4/2024 07:00:00", "3/4/2024 07:00:01"], (2024, 3, 4, 7, 0, 0), "month/day"),
        (["3.4.2024 07:00:00", "3.4.2024 07:00:01"], (2024, 4, 3, 7, 0, 0), "day/month"),
        (["2024年5月1日 07:00:00", "2024年5月1日 07:00:01"], (2024, 5, 1, 7, 0, 0), "zone"),
        (["May 1, 2024, 7:00:00 AM", "May 1, 2024, 7:00:01 AM"], (2024, 5, 1, 7, 0, 0), "zone"),
        (["1714546800000000", "1714546801000000"], (2024, 5, 1, 7, 0, 0), ""),
        (["45413.29166667", "45413.29167824"], (2024, 5, 1, 7, 0, 0), "zone"),
        (["1714546800000000000", "1714546801000000000"], (2024, 5, 1, 7, 0, 0), ""),
    ],
)
def test_local_dates_are_told_apart_by_their_content(
    times: list[str], start: tuple[int, ...], repair: str
) -> None:
    activity = read("".join(["time\thr\n", *(f"{time}\t120\n" for time in times)]))
    assert activity.start == datetime(*start, tzinfo=UTC)  # type: ignore[misc,arg-type]
    assert activity.tracks[0].time_s.tolist() == [0, 1]
    assert repair in " ".join(r.what for r in activity.source.repairs)


def test_a_date_beside_a_time_of_day_is_one_clock() -> None:
    activity = read("Date,Time,hr\n2024-05-01,23:59:59,120\n2024-05-02,00:00:01,121\n")
    assert activity.start == datetime(2024, 5, 1, 23, 59, 59, tzinfo=UTC)
    assert activity.tracks[0].time_s.tolist() == [0, 2]


def test_a_time_of_day_may_be_written_in_halves_of_twelve_hours() -> None:
    activity = read("Date,Time,hr\n5/13/2024,11:59:59 PM,120\n5/14/2024,12:00:01 AM,121\n")
    assert activity.start == datetime(2024, 5, 13, 23, 59, 59, tzinfo=UTC)
    assert activity.tracks[0].time_s.tolist() == [0, 2]


def test_a_time_of_day_that_passes_midnight_goes_on() -> None:
    assert read("time,hr\n23:59:59,1\n0:00:01,2\n").tracks[0].time_s.tolist() == [0, 2]


def test_the_start_stands_above_the_header_or_in_the_name() -> None:
    above = "Version,Date/Time,Km\n6,2013-02-05 14:06:43,0\nMinutes,Watts\n0,200\n0.5,210\n1,2\n"
    assert read(above).start == datetime(2013, 2, 5, 14, 6, 43, tzinfo=UTC)
    comment = "# Start time: 2013-02-05T14:06:43Z\nsecs,watts\n0,200\n1,210\n"
    assert read(comment).start == datetime(2013, 2, 5, 14, 6, 43, tzinfo=UTC)
    named = read("secs,watts\n5,200\n6,210\n", "rides/2013_02_05_14_06_43.csv")
    assert named.start == datetime(2013, 2, 5, 14, 6, 48, tzinfo=UTC)
    assert named.source.repairs[0].what == "start taken from the name of the file"


def test_totals_headers_again_comments_and_long_rows_do_no_harm() -> None:
    text = "time,hr\n0,120\n# pause\ntime,hr\n1,121,x\n\nTotal,241\nAverage,120.5\n"
    activity = read(text)
    assert activity.tracks[0].channels["heart_rate"].tolist() == [120, 121]
    assert {r.what: r.count for r in activity.source.repairs} == {
        "repeated headers left out": 1,
        "rows longer than the header cut": 1,
        "rows of totals left out": 2,
    }


def test_a_writer_that_trims_blanks_at_the_end_loses_no_row() -> None:
    text = "time,hr,power\n0,120\n1,121\n2,122,200\n3,123\n4,124,210\n"
    track = read(text).tracks[0]
    assert len(track) == 5
    assert np.isfinite(track.channels["power"]).sum() == 2


def test_a_late_column_of_the_same_channel_fills_gaps_only() -> None:
    track = read("time,hr,power,Heart Rate\n0,120,1,99\n1,,2,121\n").tracks[0]
    assert track.channels["heart_rate"].tolist() == [120, 121]


def test_numbered_sensors_stay_apart() -> None:
    track = read("time,SmO2 Live,SmO2 Live(2)\n0,70,60\n1,71,61\n").tracks[0]
    assert [values.tolist() for values in track.channels.values()] == [[70, 71], [60, 61]]


def test_marks_of_nothing_measured_are_no_values() -> None:
    activity = read("time,hr,power\n0,-1,0\n1,255,65535\n2,120,1\n")
    track = activity.tracks[0]
    np.testing.assert_array_equal(track.channels["heart_rate"], [np.nan, np.nan, 120])
    np.testing.assert_array_equal(track.channels["power"], [0, np.nan, 1])
    assert sum(r.count for r in activity.source.repairs) == 3


def test_points_of_thousands_are_told_from_decimal_points() -> None:
    found = read("time;power;speed;lat\n0;1.300;3,5;48.137\n1;980;3,6;48.138\n").tracks[0].channels
    assert found["power"].tolist() == [1300, 980]
    assert found["position_lat"].tolist() == [48.137, 48.138]


def test_a_speed_without_a_unit_must_fit_its_distance() -> None:
    rows = "".join(f"{t},36,{t * 10}\n" for t in range(20))
    activity = read("time,speed,distance\n" + rows)
    assert first(activity)["speed"] == pytest.approx(10)
    assert "speed without a unit taken as km/h" in [r.what for r in activity.source.repairs]
    fits = read("time,speed,distance\n" + "".join(f"{t},10,{t * 10}\n" for t in range(20)))
    assert first(fits)["speed"] == 10
    assert not fits.source.repairs


def test_a_unit_behind_every_number_is_cut_off_and_used() -> None:
    text = "time;speed;hr;power\n0;36,5 km/h;120 bpm;200W\n1;;121 bpm;210W\n"
    activity = read(text)
    assert first(activity) == pytest.approx(
        {"speed": 36.5 / 3.6, "heart_rate": 120, "power": 200}, rel=1e-6
    )
    assert not activity.source.repairs


def test_a_list_of_activities_is_no_recording() -> None:
    rows = "".join(f"2024-05-{day:02} 07:00:00,{day}\n" for day in range(1, 9))
    with pytest.raises(StadionError, match="rows lie some 24 hours apart"):
        read("Date,Distance (km)\n" + rows)


def test_laps_follow_their_number_and_a_clock_that_begins_anew_goes_on() -> None:
    text = "interval,time,distance,power\n7,1,3,1\n7,2,6,2\n8,1,4,3\n8,3,9,4\n"
    activity = read(text)
    assert activity.tracks[0].time_s.tolist() == [0, 1, 2, 4]
    assert activity.tracks[0].channels["distance"].tolist() == [3, 6, 10, 15]
    assert [(lap.start_s, lap.end_s) for lap in activity.laps] == [(0, 2), (2, 4)]


def test_the_guess_is_shown_column_by_column() -> None:
    found = guess(b"id;Zeit;Puls;Speed (km/h);Notiz;hr\n1;0;120;36;los;\n2;1;121;36;;\n")
    told = {c.header: (c.channel, c.unit, c.sample, c.left_out) for c in found.columns}
    assert told == {
        "id": ("", "", "1", "numbers the rows"),
        "Zeit": ("time", "", "0", ""),
        "Puls": ("heart_rate", "", "120", ""),
        "Speed": ("speed", "km/h", "36", ""),
        "Notiz": ("", "", "los", "holds text such as 'los'"),
        "hr": ("heart_rate", "", "", "holds no value in the first rows"),
    }
    assert found.columns[3].value == pytest.approx(10)
    assert found.columns[3].becomes == "m/s"
    assert "heart_rate" in str(found)
    assert stated([]).columns == {}
    meaning = found.mapping().of("Speed")[1]
    assert meaning is not None
    assert meaning.unit == "km/h"


def test_a_stated_mapping_wins_over_the_guess() -> None:
    table = b"A,B,hr,C\n0,36,120,7\n2,72,121,8\n"
    mapping = stated(
        ["A=time[min]", "B=speed[km/h]", "hr=-", "C=my own"], "Europe/Berlin", "running"
    )
    for packed in (table, gzip.compress(table, mtime=0)):
        opened = open_bytes(with_mapping(packed, mapping, "a.csv"), "a.csv")
        activity = only(opened.activities)
        assert activity.tracks[0].time_s.tolist() == [0, 120]
        assert activity.tracks[0].channels["speed"].tolist() == pytest.approx([10, 20])
        assert activity.channels == ("speed", "my_own")
        assert (activity.sport, activity.zone) == ("running", "Europe/Berlin")


def test_a_zone_moves_local_times_also_across_the_change_of_the_clock() -> None:
    table = b"time,hr\n2024-03-31 01:59:59,1\n2024-03-31 03:00:00,2\n"
    packed = with_mapping(table, stated([], "Europe/Berlin"), "a.csv")
    activity = only(open_bytes(packed, "a.csv").activities)
    assert activity.start == datetime(2024, 3, 31, 0, 59, 59, tzinfo=UTC)
    assert activity.tracks[0].time_s.tolist() == [0, 1]


def test_a_sidecar_beside_the_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x,y\n0,1\n1,2\n")
    assert "no time column" in only(open_path(tmp_path).refused).reason
    (tmp_path / "mapping.json").write_bytes(b'{"columns": {"x": "time", "y": "power"}}')
    assert only(open_path(tmp_path).activities).channels == ("power",)
    (tmp_path / "a.csv.mapping.json").write_bytes(b'{"columns": {"x": "time", "y": "hr[bpm]"}}')
    opened = open_path(tmp_path)
    assert only(opened.activities).channels == ("heart_rate",)
    assert [refusal.name.rpartition("/")[2] for refusal in opened.refused] == ["mapping.json"]


@pytest.mark.parametrize(
    ("pairs", "zone", "reason"),
    [
        (["HR"], "", "mapping 'HR' has no '='"),
        (["HR=heart_rate[km/h]"], "", r"column 'HR' is mapped to heart_rate in 'km/h'.*bpm"),
        (["A=time[km]"], "", "column 'A' is mapped to time in 'km'; expected one of s, ms"),
        (["A=x[y"], "", r"expected CHANNEL\[UNIT\]"),
        ([], "Mars/Crater", "zone is 'Mars/Crater'; expected an IANA name"),
    ],
)
def test_a_wrong_statement_says_what_would_be_right(
    pairs: list[str], zone: str, reason: str
) -> None:
    with pytest.raises(StadionError, match=reason):
        stated(pairs, zone)


def test_a_mapping_that_does_not_fit_names_the_column_and_the_value() -> None:
    for pairs, reason in (
        (["Puls=heart_rate"], "names column 'Puls'; the table has 'time', 'hr'"),
        (["hr=power", "time=distance"], "no time column"),
        (["note=power", "time=time"], "'note' is mapped to power but holds 'los'"),
    ):
        table = b"time,hr,note\n0,1,los\n1,2,los\n"
        opened = open_bytes(with_mapping(table, stated(pairs), "a.csv"), "a.csv")
        assert reason in only(opened.refused).reason


def test_a_mapping_survives_its_file_and_junk_is_refused() -> None:
    mapping = stated(["HR=heart_rate[bpm]", "P=pace[min/mi]", "N=-"], "Asia/Shanghai", "running")
    assert mapping_of(mapping.to_json()) == mapping
    assert mapping_of(b'{"columns": {}}') == ColumnMapping()
    for junk in (b"", b"[]", b'{"columns": 3}', b'{"columns": {"a": 3}}', b"[" * 9_000):
        with pytest.raises(StadionError):
            mapping_of(junk)


def test_with_mapping_gives_the_same_bytes_for_the_same_content() -> None:
    one = with_mapping(b"a,b\n1,2\n", stated(["a=time"]), "a.csv.gz")
    assert one == with_mapping(b"a,b\n1,2\n", stated(["a=time"]), "a.csv.gz")
    assert zipfile.ZipFile(io.BytesIO(one)).namelist() == ["a.csv.gz", "a.csv.mapping.json"]
