"""Layouts of daily health data: one vocabulary, traps repaired and told, real sets as they are."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from stadion.core.activity import Table
from stadion.core.days import DAYS, SESSIONS
from stadion.core.errors import StadionError
from stadion.ingest import open_bytes, open_path
from stadion.ingest._days import day_in, number_in
from stadion.ingest.base import Member
from stadion.ingest.fitbit_mturk import PLUGIN as FITBIT
from stadion.ingest.lifesnaps import PLUGIN as LIFESNAPS
from stadion.ingest.pmdata import PLUGIN as PMDATA
from stadion.ingest.tabular.workbook import sheet_of
from tests.places import shared_data


def days_of(path: str) -> Table:
    tables = open_path(shared_data("C_daily_health", path)).tables
    (table,) = (table for table in tables if table.kind == "days")
    return table


def repairs_of(table: Table) -> dict[str, int]:
    return {repair.what: repair.count for repair in table.source.repairs}


def known(table: Table, name: str) -> int:
    return int(np.isfinite(table.columns[name]).sum())


def fitbit(daily: str, **more: str) -> Table:
    files = {"dailyActivity": daily, **more}
    members = [Member.of(f"f/{name}_merged.csv", text.encode()) for name, text in files.items()]
    (table,) = FITBIT.read(members)
    assert isinstance(table, Table)
    return table


HEADER = (
    "Id,ActivityDate,TotalSteps,SedentaryMinutes,LightlyActiveMinutes,FairlyActiveMinutes,"
    "VeryActiveMinutes,Calories\n"
)


@pytest.mark.data
def test_fitbit_days_of_the_real_set() -> None:
    table = days_of("fitbit_mturk")
    assert known(table, "steps") == 653
    assert repairs_of(table)["days on which the tracker was not worn, their sums left out"] == 48
    assert repairs_of(table)["days only partly recorded, their sums left out"] == 24
    assert repairs_of(table)["rows told twice"] == 3
    assert np.nanmean(table.columns["sleep"]) == pytest.approx(420, abs=3)


@pytest.mark.data
def test_lifesnaps_days_of_the_real_set() -> None:
    table = days_of("lifesnaps")
    assert len(np.unique(table.columns["person"])) == 57
    assert known(table, "resting_heart_rate") == 3617
    assert repairs_of(table)["zeros of stress_score left out"] == 281
    assert set(np.unique(table.columns["age_group"])) == {"", "30 and over", "under 30"}
    assert np.nanmax(table.columns["in_bed"]) < 1440, "milliseconds became minutes"


@pytest.mark.data
def test_pmdata_days_and_sessions_of_the_real_set() -> None:
    days, sessions = open_path(shared_data("C_daily_health", "pmdata")).tables
    assert (days.kind, sessions.kind) == ("days", "sessions")
    assert repairs_of(days)["zeros of readiness left out"] == 65
    first = days.columns["person"] == "p01"
    assert set(days.columns["age"][first]) == {48.0}
    assert set(days.columns["height"][first]) == {1.95}
    assert set(days.columns["sex"][first]) == {"male"}
    assert set(days.columns["sex"][days.columns["person"] == "p06"]) == {"male"}, "'male\\xa0'"
    rated = np.isfinite(sessions.columns["rpe"]) & (sessions.columns["source"] == "tracker")
    assert rated.sum() > 300, "reports do not meet the tracker's sessions: another clock?"


@pytest.mark.data
@pytest.mark.parametrize("name", ["fitbit_mturk", "lifesnaps", "pmdata"])
def test_all_sets_speak_the_same_words(name: str) -> None:
    for table in open_path(shared_data("C_daily_health", name)).tables:
        words = DAYS if table.kind == "days" else SESSIONS
        keys = list(zip(*(table.columns[k].tolist() for k in ("person", "date")), strict=True)) \
            if table.kind == "days" else []  # fmt: skip
        assert len(set(keys)) == len(keys), "a day of a person stands there twice"
        for column, values in table.columns.items():
            if values.dtype.kind == "f":
                assert table.units[column] == words[column].unit
                assert np.nanmin(values) >= words[column].low
                assert np.nanmax(values) <= words[column].high


def test_a_day_without_steps_is_one_without_the_tracker() -> None:
    table = fitbit(
        HEADER
        + "7,4/12/2016,9000,900,400,80,60,2000\n"
        + "7,4/13/2016,0,1440,0,0,0,1500\n"
        + "7,4/14/2016,2000,300,100,0,0,600\n",
        sleepDay="Id,SleepDay,TotalMinutesAsleep,TotalTimeInBed\n"
        "7,4/13/2016 12:00:00 AM,300,320\n7,4/13/2016 12:00:00 AM,300,320\n"
        "7,4/13/2016 12:00:00 AM,60,70\n",
    )
    assert table.columns["date"].astype(str).tolist() == ["2016-04-12", "2016-04-13"]
    assert table.columns["steps"].tolist()[0] == 9000
    assert np.isnan(table.columns["steps"][1])
    assert table.columns["sleep"][1] == 360, "two sleeps of a night add up, a copied row does not"
    assert repairs_of(table)["days only partly recorded, their sums left out"] == 1


def test_impossible_values_and_zeros_that_stand_for_nothing_are_left_out() -> None:
    text = "id,date,resting_hr,minutesAsleep,rmssd,bmi,age\n"
    text += "a,2021-05-24,0,400,0,>=30,<30\na,2021-05-25,500,410,50,>=30,<30\n"
    (table,) = LIFESNAPS.read([Member.of("x.csv", text.encode())])
    assert isinstance(table, Table)
    assert "resting_heart_rate" not in table.columns
    assert table.columns["rmssd"].tolist()[1] == 50
    assert table.columns["bmi"].tolist() == [30.0, 30.0]
    assert table.columns["age_group"].tolist() == ["under 30", "under 30"]
    assert repairs_of(table)["impossible values of resting_heart_rate left out"] == 2
    assert repairs_of(table)["zeros of rmssd left out"] == 1


def test_of_several_sleeps_of_a_day_the_longest_is_the_night() -> None:
    def log(number: int, start: str, minutes: int) -> dict[str, object]:
        return {"logId": number, "dateOfSleep": "2019-11-02", "startTime": start,
                "minutesAsleep": minutes, "timeInBed": minutes + 20}  # fmt: skip

    logs = [log(1, "2019-11-02 14:00:00", 60), log(2, "2019-11-01 23:30:00", 400)]
    members = [
        Member.of("p01/pmsys/wellness.csv", b"effective_time_frame,mood\n2019-11-02T08:00:00Z,3\n"),
        Member.of("p01/fitbit/sleep.json", json.dumps([*logs, logs[1]]).encode()),
    ]
    (table,) = PMDATA.read(members)
    assert isinstance(table, Table)
    night = {name: table.columns[name][0] for name in ("sleep", "naps", "bedtime")}
    assert night == {"sleep": 400, "naps": 60, "bedtime": -0.5}


def test_a_file_that_is_damaged_is_told_and_the_others_are_read() -> None:
    example = list(PMDATA.example())
    broken = [Member.of(m.path, m.data[:40]) if m.path.endswith(".json") else m for m in example]
    (table,) = PMDATA.read(broken)
    assert table.source.is_partial
    assert any("exercise.json left out" in repair.what for repair in table.source.repairs)


def test_dates_of_both_orders_and_numbers_of_all_kinds() -> None:
    assert str(day_in("4/13/2016 12:00:00 AM")) == "2016-04-13"
    assert str(day_in("06/11/2019", is_day_first=True)) == "2019-11-06"
    assert day_in("32/13/2019") is None
    assert day_in("1899-12-31") is None
    assert number_in("<19") == 19
    strange: tuple[object, ...] = ("", None, "No", [], "1e400")
    assert all(np.isnan(number_in(odd)) for odd in strange)


def test_a_workbook_is_one_file_and_others_are_still_named() -> None:
    path = shared_data("C_daily_health", "pmdata", "participant-overview.xlsx")
    sheet = sheet_of(path.read_bytes())
    assert sheet[2] == {"A": "p01", "B": "48", "C": "195", "D": "male", "E": "A", "F": "182",
                        "G": "43795", "H": "29", "I": "33", "J": "80.9", "K": "102.9"}  # fmt: skip
    (refusal,) = open_bytes(path.read_bytes(), "overview.xlsx").refused
    assert "Office document" in refusal.reason


@pytest.mark.parametrize("part", [b"", b"<a", b"<!DOCTYPE a []><a/>"])
def test_a_workbook_that_is_none_is_refused(part: bytes) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("[Content_Types].xml", b"<x/>")
        archive.writestr("xl/sharedStrings.xml", part)
    with pytest.raises(StadionError):
        sheet_of(packed.getvalue())
    with pytest.raises(StadionError):
        sheet_of(packed.getvalue()[:60])
