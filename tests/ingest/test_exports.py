"""The exports of Strava, Garmin and Fitbit come in as their servers pack them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.core.activity import Table
from stadion.ingest import Opened, open_bytes, open_path, plan
from stadion.ingest._dates import moment_told
from stadion.ingest._strava_words import columns_of, sports_of
from stadion.ingest.base import Member
from tests.ingest.fit_writer import ENUM, T0, UINT8, UINT32, FitWriter
from tests.ingest.packing import zipped
from tests.ingest.real_files import only, raw, reader

FIT_EPOCH = datetime(1989, 12, 31, tzinfo=UTC)
START = FIT_EPOCH + timedelta(seconds=T0)


def run(number: int, kind: int = 4, seconds: int = 5) -> bytes:
    """A FIT file of its own for each number, an hour after the one before."""
    writer = FitWriter().define(1, 0, [(0, ENUM)]).record(1, kind)
    writer.define(0, 20, [(253, UINT32), (3, UINT8)])
    for k in range(seconds):
        writer.record(0, T0 + 3600 * number + k, 120 + k)
    return writer.file()


def table(opened: Opened, kind: str) -> Table:
    return only([t for t in opened.tables if t.kind == kind])


def column(found: Table, name: str) -> list[Any]:
    return list(found.columns[name].tolist())


# --- Strava


def words(text: str) -> list[str]:
    return text.split("|")


ENGLISH = words(
    "Activity ID|Activity Date|Activity Name|Activity Type|Activity Description|Elapsed Time|"
    "Distance|Max Heart Rate|Relative Effort|Commute|Activity Private Note|Activity Gear|"
    "Filename|Athlete Weight|Bike Weight|Elapsed Time|Moving Time|Distance|Max Speed|"
    "Average Speed|Elevation Gain|Elevation Loss|Elevation Low|Elevation High|Max Grade|"
    "Average Grade|Average Positive Grade|Average Negative Grade|Max Cadence|Average Cadence|"
    "Max Heart Rate|Average Heart Rate|Max Watts|Average Watts|Calories"
)
GERMAN = words(
    "Aktivitäts-ID|Aktivitätsdatum|Name der Aktivität|Aktivitätsart|Aktivitätsbeschreibung|"
    "Verstrichene Zeit|Distanz|Max. Herzfrequenz|Relative Leistung|Pendeln|Privatnotiz|"
    "Aktivitätsausrüstung|Dateiname|Sportlergewicht|Fahrradgewicht|Verstrichene Zeit|"
    "Bewegungszeit|Distanz|Höchstgeschw.|Durchschnittliche Geschwindigkeit|Höhenzunahme|"
    "Höhenunterschied|Min. Höhe|Max. Höhe|Max. Steigung|Durchschnittliche Steigung|a|b|c|d|"
    "Max. Herzfrequenz|Durchschnittliche Herzfrequenz|Max. Watt|Durchschnittliche Watt|"
    "Kalorien"
)
MADE_UP = [f"Ж{k}" for k in range(35)]  # a language nobody thought of
MADE_UP[15], MADE_UP[17], MADE_UP[30] = MADE_UP[5], MADE_UP[6], MADE_UP[7]


def strava_csv(header: list[str], date: str, later: str, sport: str, distance: str) -> bytes:
    """One run with a file and one without; 101 columns."""
    first = {0: "9", 1: date, 2: "Früh, am Fluß", 3: sport, 4: "mit\nAnna", 5: "3700",
             6: distance, 11: "Schuhe", 12: "activities/77.fit.gz", 15: "3700.0", 16: "3600.0",
             17: "10200.5", 20: "55.5", 31: "141.0", 34: "612.0"}  # fmt: skip
    second = {0: "10", 1: later, 2: "Typed", 3: sport, 5: "1200", 15: "1200.0", 17: "0.0"}
    text = io.StringIO()
    writer = csv.writer(text)
    extra = [f"More {k}" for k in range(101 - len(header))]
    writer.writerow([*header, *extra])
    for row in (first, second):
        writer.writerow([row.get(k, "") for k in range(101)])
    return text.getvalue().encode()


LANGUAGES = {
    "English": (ENGLISH, "Sep 8, 2021, 1:46:40 PM", "Sep 9, 2021, 12:00:00 AM", "Run", "10.20"),
    "German": (GERMAN, "08.09.2021, 13:46:40", "09.09.2021, 00:00:00", "Lauf", "10,20"),
    "Chinese": (MADE_UP, "2021年9月8日 13:46:40", "2021年9月9日 00:00:00", "跑步", "10.20"),
    "French": (MADE_UP, "8 sept. 2021, 13:46:40", "9 sept. 2021, 00:00:00", "Course à pied",
               "10,20"),
    "Spanish": (MADE_UP, "8 sept 2021, 13:46:40", "9 sept 2021, 0:00:00", "Carrera", "10,20"),
    "Portuguese": (MADE_UP, "8 de set. de 2021, 13:46:40", "9 de set. de 2021, 00:00:00",
                   "Corrida", "10,20"),
    "Italian": (MADE_UP, "8 set 2021, 13:46:40", "9 set 2021, 00:00:00", "Corsa", "10,20"),
    "Dutch": (MADE_UP, "8 sep. 2021 13:46:40", "9 sep. 2021 00:00:00", "Hardloopsessie", "10,20"),
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_stravas_table_is_read_in_every_language(language: str, tmp_path: Path) -> None:
    files = {
        "activities.csv": strava_csv(*LANGUAGES[language]),
        "activities/77.fit.gz": gzip.compress(run(12)),
        "activities/78.gpx.gz": gzip.compress(raw("gpx/gpxpy__around-visnjan-with-car.gpx")),
        "media/1.jpg": b"\xff\xd8\xff",
    }
    (tmp_path / "export_1.zip").write_bytes(zipped(files))
    opened = open_path(tmp_path / "export_1.zip")
    named, other = opened.activities
    assert (named.title, named.sport) == ("Früh, am Fluß", "running")
    assert named.start == START + timedelta(hours=12)
    assert other.title != "Früh, am Fluß"
    sessions = table(opened, "sessions")
    assert column(sessions, "title") == ["Früh, am Fluß", "Typed"]
    assert column(sessions, "activity") == ["running", "running"]
    assert column(sessions, "source") == ["tracker", "report"]
    assert column(sessions, "recording") == ["activities/77.fit.gz", ""]
    assert column(sessions, "gear") == ["Schuhe", ""]
    assert column(sessions, "duration") == [3700.0, 1200.0]
    assert column(sessions, "distance")[0] == 10200.5
    assert column(sessions, "heart_rate")[0] == 141.0
    assert column(sessions, "start") == [datetime(2021, 9, 8, 13, 46, 40), datetime(2021, 9, 9)]
    assert only(opened.refused).reason == "a picture, no recording"


def test_an_unpacked_strava_export_is_the_same_and_jobs_elsewhere_know_its_table(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "export_1"
    (folder / "activities").mkdir(parents=True)
    (folder / "activities.csv").write_bytes(strava_csv(*LANGUAGES["English"]))
    (folder / "activities" / "77.fit.gz").write_bytes(gzip.compress(run(12)))
    for k in range(40):
        (folder / "activities" / f"{k}.fit").write_bytes(run(100 + k))
    jobs = pickle.loads(pickle.dumps(plan(folder)))
    assert len(jobs) == 2
    came = [a for job in reversed(jobs) for part in job.run() for a in part.activities]
    assert len(came) == 41
    assert [a.source.name for a in came if a.title] == ["export_1/activities/77.fit"]


def test_old_and_small_tables_of_strava_are_found_by_their_names() -> None:
    data = (
        "Aktivitäts-ID;Aktivitätsdatum;Name der Aktivität;Aktivitätsart;Verstrichene Zeit;"
        "Distanz;Dateiname\n1;08.09.2021, 13:46:40;Lauf;Radfahrt;600;3,5;\n"
    ).encode()
    sessions = table(open_bytes(data, "activities.csv"), "sessions")
    assert column(sessions, "activity") == ["cycling"]
    assert column(sessions, "duration") == [600.0]
    assert "distance" not in sessions.columns  # kilometres or miles: nothing tells
    assert not columns_of(["time", "heart rate", "speed", "distance"])


def test_sports_have_fits_words_in_every_language() -> None:
    assert sports_of("Weight Training") == ("training", "strength_training")
    assert sports_of("Virtuelle Radfahrt") == sports_of("虚拟骑行") == sports_of("Virtual Ride")
    assert sports_of("Natación") == sports_of("Schwimmen") == ("swimming", "")
    assert sports_of("Quidditch") == ("", "")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sep 1, 2023, 12:12:05 AM", datetime(2023, 9, 1, 0, 12, 5)),
        ("1 Sep 2023, 06:12:05", datetime(2023, 9, 1, 6, 12, 5)),
        ("6 mrt. 2024 14:23:15", datetime(2024, 3, 6, 14, 23, 15)),
        ("1 août 2023 à 06:12:05", datetime(2023, 8, 1, 6, 12, 5)),
        ("14 juil. 2023, 06:12:05", datetime(2023, 7, 14, 6, 12, 5)),
        ("14 juin 2023, 06:12:05", datetime(2023, 6, 14, 6, 12, 5)),
        ("1 ott 2023, 06:12:05", datetime(2023, 10, 1, 6, 12, 5)),
        ("1 мая 2023 г., 06:12:05", datetime(2023, 5, 1, 6, 12, 5)),
        ("2023/09/01 6:12:05", datetime(2023, 9, 1, 6, 12, 5)),
        ("2023年9月1日 下午6:12:05", datetime(2023, 9, 1, 18, 12, 5)),
        ("2023-09-01 06:12:05", datetime(2023, 9, 1, 6, 12, 5)),
        ("1.9.2023 klo 6.12.05", datetime(2023, 9, 1, 6, 12, 5)),
        ("13/09/2023 06:12", datetime(2023, 9, 13, 6, 12)),
        ("09/13/2023 06:12", datetime(2023, 9, 13, 6, 12)),
        ("yesterday", None),
        ("32.13.2023, 06:12:05", None),
    ],
)
def test_dates_of_all_countries_are_read(text: str, moment: datetime | None) -> None:
    assert moment_told(text) == moment


# --- Garmin


def garmin_export() -> dict[str, bytes]:
    """A zip of zips: thirty runs, two kinds of other FIT files, days, nights and titles."""
    parts = []
    for part in range(2):
        files = {f"me_{k}.fit": run(k) for k in range(part * 15, part * 15 + 15)}
        files[f"me_settings{part}.fit"] = run(900 + part, kind=2, seconds=0)
        parts.append(zipped(files))
    ms = [1000 * int((START + timedelta(hours=k)).timestamp()) for k in range(3)]
    activities = [
        {"activityId": k, "name": f"Run {k}", "activityType": "trail_running",
         "beginTimestamp": ms[k], "startTimeLocal": ms[k] + 7_200_000, "duration": 1_800_000.0,
         "distance": 523_400.0, "avgSpeed": 0.29, "calories": 1674.0, "avgHr": 151.0}
        for k in range(2)
    ]  # fmt: skip
    # fmt: off
    day = {"calendarDate": "2021-09-08", "totalSteps": 9120, "totalDistanceMeters": 7300,
           "totalKilocalories": 2400.0, "restingHeartRate": 49,
           "wellnessStartTimeLocal": "2021-09-08T00:00:00.0",
           "wellnessStartTimeGmt": "2021-09-07T22:00:00.0",
           "allDayStress": {"aggregatorList": [{"type": "ASLEEP", "averageStressLevel": 5},
                                               {"type": "TOTAL", "averageStressLevel": 31}]}}
    night = {"calendarDate": "2021-09-08", "sleepStartTimestampGMT": "2021-09-07T21:10:00.0",
             "sleepEndTimestampGMT": "2021-09-08T04:50:00.0", "deepSleepSeconds": 5400,
             "lightSleepSeconds": 14400, "remSleepSeconds": 6000, "awakeSleepSeconds": 1800,
             "sleepScores": {"overallScore": 82}, "spo2SleepSummary": {"averageSPO2": 95.5}}
    health = {"calendarDate": "2021-09-08", "metrics": [
        {"type": "HRV", "value": 61.0, "status": "ONBOARDING"}, {"type": "SPO2"}]}
    # fmt: on
    root = "DI_CONNECT"
    return {
        f"{root}/DI-Connect-Uploaded-Files/UploadedFiles_0-_Part1.zip": parts[0],
        f"{root}/DI-Connect-Uploaded-Files/UploadedFiles_0-_Part2.zip": parts[1],
        f"{root}/DI-Connect-Aggregator/UDSFile_2021.json": json.dumps([day]).encode(),
        f"{root}/DI-Connect-Wellness/2021_1_sleepData.json": json.dumps([night]).encode(),
        f"{root}/DI-Connect-Wellness/2021_1_healthStatusData.json": json.dumps([health]).encode(),
        f"{root}/DI-Connect-Fitness/me_0_summarizedActivities.json": json.dumps(
            [{"summarizedActivitiesExport": activities}]
        ).encode(),
        "customer_data/customer.json": b"{}",
    }


def test_a_garmin_export_of_zips_in_a_zip_comes_in_with_titles_days_and_nights(
    tmp_path: Path,
) -> None:
    (tmp_path / "g.zip").write_bytes(zipped(garmin_export()))
    opened = open_path(tmp_path / "g.zip")
    titles = {a.source.name.rpartition("/")[2]: a.title for a in opened.activities}
    assert len(titles) == 30
    assert {name: title for name, title in titles.items() if title} == {
        "me_0.fit": "Run 0",
        "me_1.fit": "Run 1",
    }
    titled = next(a for a in opened.activities if a.title == "Run 1")
    assert (titled.sport, titled.sub_sport) == ("running", "trail")
    days = table(opened, "days")
    told = {name: values.tolist()[0] for name, values in days.columns.items()}
    assert told["steps"] == 9120
    assert told["resting_heart_rate"] == 49
    assert told["stress_score"] == 69
    assert told["rmssd"] == 61
    assert told["oxygen_saturation"] == 95.5
    assert (told["sleep"], told["deep_sleep"], told["awake"]) == (430, 90, 30)
    assert told["in_bed"] == 460
    assert told["bedtime"] == pytest.approx(-50 / 60)  # 21:10 UTC is 23:10 there
    sessions = table(opened, "sessions")
    assert column(sessions, "distance") == [5234.0, 5234.0]
    assert column(sessions, "duration") == [1800.0, 1800.0]
    assert column(sessions, "speed") == pytest.approx([2.9, 2.9])
    assert column(sessions, "energy") == pytest.approx([400.1, 400.1], abs=0.1)
    assert column(sessions, "start")[0] == datetime(2021, 9, 8, 3, 46, 40)
    reasons = {r.name.rpartition("/")[2]: r.reason for r in opened.refused}
    assert "type 'settings'" in reasons["me_settings0.fit"]
    assert len(reasons) == 2
    assert only(opened.doubled).name.endswith("me_settings1.fit")


def test_jobs_of_a_garmin_export_run_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "g.zip").write_bytes(zipped(garmin_export()))
    jobs = pickle.loads(pickle.dumps(plan(tmp_path / "g.zip")))
    assert len(jobs) > 1
    opened = Opened.joined(part for job in reversed(jobs) for part in job.run())
    assert sorted(a.title for a in opened.activities if a.title) == ["Run 0", "Run 1"]
    assert len(opened.activities) == 30


# --- Fitbit


def fitbit_takeout() -> dict[str, bytes]:
    old = "Takeout/Fitbit/Global Export Data"
    new = "Takeout/Fitbit/Physical Activity_GoogleData"

    def entries(*values: tuple[str, Any]) -> bytes:
        return json.dumps([{"dateTime": time, "value": value} for time, value in values]).encode()

    return {
        f"{old}/steps-2020-01-01.json": entries(
            ("01/01/20 08:00:00", "600"), ("01/01/20 23:00:00", "31"), ("01/02/20 08:00:00", "700")
        ),
        f"{old}/distance-2020-01-01.json": entries(("01/01/20 08:00:00", "45000")),
        f"{old}/resting_heart_rate-2020-01-01.json": entries(
            ("01/01/20 00:00:00", {"date": "01/01/20", "value": 57.4, "error": 6.8}),
            ("01/02/20 00:00:00", {"date": None, "value": 0.0, "error": 0.0}),
        ),
        f"{old}/time_in_heart_rate_zones-2020-01-01.json": entries(
            ("01/01/20 00:00:00", {"valuesInZones": {"IN_DEFAULT_ZONE_2": 31.0}})
        ),
        f"{old}/sleep-2020-01-01.json": json.dumps(
            [{"logId": 1, "dateOfSleep": "2020-01-01", "startTime": "2019-12-31T23:30:00.000",
              "minutesAsleep": 402, "timeInBed": 450, "efficiency": 93,
              "levels": {"summary": {"deep": {"minutes": 71}}}}]
        ).encode(),
        f"{old}/exercise-0.json": json.dumps(
            [{"logId": 7, "activityName": "Run", "averageHeartRate": 150, "duration": 1331000,
              "startTime": "01/02/20 14:56:32", "distance": 4.2, "distanceUnit": "Kilometer"}]
        ).encode(),
        f"{old}/weight-2020-01-01.json": json.dumps(
            [{"logId": 1, "weight": 154.3, "bmi": 22.6, "date": "01/02/20", "time": "07:00:00"}]
        ).encode(),
        f"{old}/heart_rate-2020-01-01.json": entries(
            ("01/01/20 08:00:10", {"bpm": 72, "confidence": 3}),
            ("01/01/20 08:00:05", {"bpm": 71, "confidence": 2}),
            ("01/01/20 08:00:15", {"bpm": 0, "confidence": 0}),
        ),
        f"{new}/steps_2020-01-01.csv": (
            b"timestamp,steps,data source\n2020-01-01T08:00:00Z,9999,Watch\n"
            b"2020-01-03T08:00:00Z,300,Watch\n2020-01-03T08:05:00Z,30,Watch\n"
            b"2020-01-03T08:00:00Z,310,Phone\n"
        ),
        f"{new}/daily_heart_rate_variability.csv": (
            b"timestamp,average heart rate variability milliseconds,"
            b"non rem heart rate beats per minute,entropy\n2020-01-01T00:00:00Z,41.5,58,2.9\n"
        ),
        "Takeout/Fitbit/Sleep Score/sleep_score.csv": (
            b"sleep_log_entry_id,timestamp,overall_score,deep_sleep_in_minutes\n"
            b"1,2020-01-01T08:00:00Z,84,70\n"
        ),
        "Takeout/Fitbit/Your Profile/Profile.csv": b"id,name\n1,A\n",
        "Takeout/archive_browser.html": b"<!DOCTYPE html><html></html>",
    }  # fmt: skip


def test_a_fitbit_takeout_gives_days_sessions_and_heart_rate() -> None:
    opened = open_bytes(zipped(fitbit_takeout()), "takeout.zip")
    days = table(opened, "days")
    assert column(days, "date") == [datetime(2020, 1, d).date() for d in (1, 2, 3)]
    told = {name: np.array(values) for name, values in days.columns.items()}
    assert told["steps"].tolist() == [631, 700, 330]
    assert told["distance"][0] == 450
    assert told["resting_heart_rate"][0] == 57.4
    assert np.isnan(told["resting_heart_rate"][1])
    assert told["zone_2"][0] == 31
    assert (told["sleep"][0], told["deep_sleep"][0], told["bedtime"][0]) == (402, 71, -0.5)
    assert (told["rmssd"][0], told["sleep_score"][0]) == (41.5, 84)
    assert told["mass"][1] == pytest.approx(69.99, abs=0.01)
    assert told["exercise_time"][1] == pytest.approx(1331 / 60)
    sessions = table(opened, "sessions")
    assert column(sessions, "start") == [datetime(2020, 1, 2, 14, 56, 32)]
    assert column(sessions, "distance") == [4200.0]
    beats = table(opened, "monitoring")
    assert column(beats, "heart_rate") == [71.0, 72.0]
    assert only(beats.source.repairs).count == 1
    assert {r.name.rpartition("/")[2] for r in opened.refused} == {
        "Profile.csv",
        "archive_browser.html",
    }


def test_newer_tables_of_sleeps_and_exercises_fill_in_what_json_lacks() -> None:
    folder = "Takeout/Fitbit/Health Fitness Data_GoogleData"
    files = {
        f"{folder}/UserSleeps_2020-01-01.csv": (
            b"sleep_id,sleep_type,minutes_in_sleep_period,minutes_asleep,minutes_awake,"
            b"start_utc_offset,sleep_start,end_utc_offset,sleep_end\n"
            b"1,STAGES,100,90,10,+05:30,2019-12-31T18:00:00Z,+05:30,2020-01-01T01:00:00Z\n"
            b"9,STAGES,450,410,40,+05:30,2020-01-01T17:30:00Z,+05:30,2020-01-02T01:00:00Z\n"
        ),
        f"{folder}/UserExercises_2020-01-01.csv": (
            b"exercise_id,exercise_start,exercise_end,utc_offset,activity_name,"
            b"tracker_total_distance_mm,tracker_avg_heart_rate\n"
            b"7,2020-01-02T13:56:32Z,2020-01-02T14:18:43Z,+01:00,Run,4200000,150\n"
            b"8,2020-01-03T23:30:00Z,2020-01-04T00:00:00Z,+01:00,Walk,2000000,0\n"
        ),
    }
    opened = open_bytes(zipped(fitbit_takeout() | files), "takeout.zip")
    sessions = table(opened, "sessions")
    assert column(sessions, "activity") == ["Run", "Walk"]
    assert column(sessions, "start")[1] == datetime(2020, 1, 4, 0, 30)
    assert column(sessions, "distance") == [4200.0, 2000.0]
    days = table(opened, "days")
    assert column(days, "sleep")[:2] == [402.0, 410.0]
    assert column(days, "bedtime")[1] == -1.0


def test_files_that_lack_or_break_leave_the_rest() -> None:
    files = fitbit_takeout()
    del files["Takeout/Fitbit/Global Export Data/sleep-2020-01-01.json"]
    name = "Takeout/Fitbit/Global Export Data/distance-2020-01-01.json"
    files[name] = files[name][:-20]
    days = table(open_bytes(zipped(files), "takeout.zip"), "days")
    assert column(days, "steps") == [631, 700, 330]
    assert "distance-2020-01-01.json left out" in only(days.source.repairs).what


def test_folders_of_pmdata_stay_those_of_their_own_reader() -> None:
    example = reader("pmdata").example()
    opened = open_bytes(zipped({m.path: m.data for m in example}), "pmdata.zip")
    assert {t.source.reader for t in opened.tables} == {"pmdata"}
    assert not reader("fitbit_export").claim(example)


@pytest.mark.parametrize("name", ["strava_export", "garmin_export", "fitbit_export"])
def test_large_tables_cost_little(name: str) -> None:
    """A hundred thousand equal entries: no more than a second a megabyte."""
    import time

    member = reader(name).example()[0]
    head, _, tail = member.data.partition(b"\n" if name == "strava_export" else b"[")
    body = tail if name == "strava_export" else tail[:-1] + b","
    many = max(1, (2 << 20) // len(body))
    data = head + (b"\n" if name == "strava_export" else b"[") + body * many
    data = data if name == "strava_export" else data[:-1] + b"]"
    began = time.process_time()
    assert reader(name).read([Member.of(member.path, data)])
    assert time.process_time() - began < 2 * len(data) / 1e6
