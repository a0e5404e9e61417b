"""Folders of the PMData set in, a table of days and a table of training sessions out."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from stadion.core.activity import Activity, Table
from stadion.core.days import age_group_of
from stadion.core.errors import Code, StadionError
from stadion.ingest._days import DayRows, day_in, moment_in, number_in, records_in
from stadion.ingest._exercises import Session, joined, sessions_table, tracker_session
from stadion.ingest._fitbit_days import DAILY_VALUES, value_of, zones_of
from stadion.ingest._nights import add_nights
from stadion.ingest.base import Member, digest_of, source_of
from stadion.ingest.tabular.workbook import sheet_of

__all__ = ["PLUGIN", "PmdataReader"]

_PATH = re.compile(
    r"(?P<root>(?:.*/)?)(?:(?P<person>p\d{1,3})/(?P<part>fitbit|pmsys|googledocs)/"
    r"(?P<file>\w+\.(?:csv|json))|participant-overview\.xlsx)"
)
_PER_MINUTE_JSON = {"steps": "steps", "calories": "energy"}
_WELLNESS = {
    "fatigue": "fatigue",
    "mood": "mood",
    "readiness": "readiness",
    "sleep_duration_h": "said_sleep",
    "sleep_quality": "sleep_quality",
    "soreness": "soreness",
    "stress": "stress",
}


class PmdataReader:
    """Fitbit, training load and daily wellness of sixteen people, five months long.

    All times are the person's own clock, though the questionnaires mark theirs with Z: reported
    ends of training coincide with those of the tracker. In wellness, 0 is an answer not given.

    References
    ----------
    V. Thambawita et al., PMData: a sports logging dataset, Proc. 11th ACM Multimedia Systems
    Conference (2020) 231-236.
    """

    name = "pmdata"
    layout = "Folders pNN with fitbit/, pmsys/ and googledocs/, and participant-overview.xlsx."
    guesses = False

    def example(self) -> list[Member]:
        """A report, a training and the resting heart rate of one person."""
        wellness = (
            b"effective_time_frame,fatigue,mood,readiness,sleep_duration_h,sleep_quality,"
            b"soreness,soreness_area,stress\n"
            b"2019-11-01T08:31:40.751Z,2,3,5,6,3,2,[12921003],3\n"
        )
        exercise = (
            b'[{"activityName": "Run", "averageHeartRate": 150, "duration": 1331000, '
            b'"startTime": "2019-11-01 14:56:32", "heartRateZones": '
            b'[{"name": "Cardio", "minutes": 20}]}]'
        )
        rest = b'[{"dateTime": "2019-11-01 00:00:00", "value": {"value": 53.7}}]'
        return [
            Member.of("pmdata/p01/pmsys/wellness.csv", wellness),
            Member.of("pmdata/p01/fitbit/exercise.json", exercise),
            Member.of("pmdata/p01/fitbit/resting_heart_rate.json", rest),
        ]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """All people of one folder, with the overview beside them."""
        roots: dict[str, list[Member]] = {}
        for member in members:
            place = _PATH.fullmatch(member.path)
            if place and (not place["file"] or place["file"] in _FILES):
                roots.setdefault(place["root"], []).append(member)
        return [group for group in roots.values() if any("/pmsys/" in m.path for m in group)]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One table of kind `days`, and one of kind `sessions` where there was training."""
        rows = DayRows()
        seen: list[Session] = []
        told: list[Session] = []
        datas = {member.path: member.data for member in group}
        for path, data in sorted(datas.items()):
            place = _PATH.fullmatch(path)
            try:
                if place is None:
                    continue
                if not place["file"]:
                    _meet(rows, data)
                elif place["file"] == "exercise.json":
                    seen += _exercises(rows, place["person"], data)
                elif place["file"] == "srpe.csv":
                    told += _reports(rows, place["person"], data)
                else:
                    _FILES[place["file"]](rows, place["person"], data)
            except StadionError as error:
                rows.mended[f"{path.rpartition('/')[2]} left out: {error.message}"] += 1
        source = source_of(self.name, group[0].path, digest_of(datas.values()))
        days = rows.table(source)
        sessions = joined(seen, told)
        _rest(rows, sessions)
        return [days, sessions_table(sessions, rows.people, source)] if sessions else [days]


def _rest(rows: DayRows, sessions: Sequence[Session]) -> None:
    """Lend each session the last resting heart rate of its person from before its day."""
    known: dict[str, list[tuple[date, float]]] = {}
    for (person, day), row in sorted(rows.values.items()):
        if row.get("resting_heart_rate", 0.0) > 0:
            known.setdefault(person, []).append((day, row["resting_heart_rate"]))
    for session in sessions:
        days = known.get(session.person, [])
        before = bisect_left(days, (session.start.date(), 0.0))
        if before:
            session.values["resting_heart_rate"] = days[before - 1][1]


def _meet(rows: DayRows, data: bytes) -> None:
    """Age, height, sex and highest heart rate from the overview."""
    sheet = sheet_of(data)
    start = next((k for k, row in enumerate(sheet) if "Participant ID" in row.values()), None)
    if start is None:
        raise StadionError(Code.INVALID, "no row of names with 'Participant ID'")
    names = {name.strip(): letters for letters, name in sheet[start].items()}
    for row in sheet[start + 1 :]:
        person = row.get(names["Participant ID"], "").strip()
        if not person:
            continue
        told = {name: row.get(letters, "").strip() for name, letters in names.items()}
        known = rows.people.setdefault(person, {})
        known["age"] = age = number_in(told.get("Age"))
        known["height"] = number_in(told.get("Height")) / 100.0
        known["max_heart_rate"] = number_in(told.get("Max heart rate"))
        known["age_group"] = age_group_of(age)
        sex = told.get("Gender", "").lower()
        known["sex"] = sex if sex in ("female", "male") else ""


def _entries(data: bytes) -> Iterator[dict[str, Any]]:
    try:
        entries = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StadionError(Code.INVALID, "JSON that is damaged or cut short") from error
    if not isinstance(entries, list):
        raise StadionError(Code.INVALID, "JSON without a list of entries")
    return (entry for entry in entries if isinstance(entry, dict))


def _exercises(rows: DayRows, person: str, data: bytes) -> list[Session]:
    found: dict[str, Session] = {}
    for number, entry in enumerate(_entries(data)):
        session = tracker_session(person, entry)
        if session is None:
            rows.mended["sessions without a start or a duration left out"] += 1
            continue
        found[str(entry.get("logId", number))] = session
    for session in found.values():
        minutes = session.values["duration"] / 60.0
        rows.add(person, session.start.date(), "exercise_time", minutes)
    return list(found.values())


def _reports(rows: DayRows, person: str, data: bytes) -> list[Session]:
    found = []
    for record in records_in(data):
        end = moment_in(record.get("end_date_time"))
        minutes = number_in(record.get("duration_min"))
        if end is None or not 0 < minutes <= 1_440:
            rows.mended["reports of training without an end or a duration left out"] += 1
            continue
        exertion = number_in(record.get("perceived_exertion"))
        rows.add(person, end.date(), "trainings", 1.0)
        rows.add(person, end.date(), "training_time", minutes)
        rows.add(person, end.date(), "load", exertion * minutes)
        words = re.findall(r"\w+", record.get("activity_names", ""))
        values = {"duration": minutes * 60.0} | ({"rpe": exertion} if exertion >= 0 else {})
        start = end - timedelta(minutes=minutes)
        found.append(Session(person, start, words[-1] if words else "", "report", values))
    return found


def _daily(name: str, column: str, is_sum: bool) -> Callable[[DayRows, str, bytes], None]:
    """Reads a file of {dateTime, value}, the value in an object of its own or not."""

    def read(rows: DayRows, person: str, data: bytes) -> None:
        put = rows.add if is_sum else rows.put
        for entry in _entries(data):
            put(person, day_in(entry.get("dateTime")), column, value_of(entry))

    read.__name__ = f"read_{name}"
    return read


def _zones(rows: DayRows, person: str, data: bytes) -> None:
    for entry in _entries(data):
        for column, minutes in zones_of(entry).items():
            rows.put(person, day_in(entry.get("dateTime")), column, minutes)


def _sleep(rows: DayRows, person: str, data: bytes) -> None:
    add_nights(rows, person, _entries(data))


def _sleep_score(rows: DayRows, person: str, data: bytes) -> None:
    """Of several sleeps of a day the longest has a score of its own, so the highest is kept."""
    for record in records_in(data):
        day, score = day_in(record.get("timestamp")), number_in(record.get("overall_score"))
        known = rows.values.get((person, day), {}) if day else {}
        rows.put(person, day, "sleep_score", max(score, known.pop("sleep_score", 0.0)))
        if "resting_heart_rate" not in known:
            rows.put(person, day, "resting_heart_rate", number_in(record.get("resting_heart_rate")))


def _wellness(rows: DayRows, person: str, data: bytes) -> None:
    for record in records_in(data):
        day = day_in(record.get("effective_time_frame"))
        for name, column in _WELLNESS.items():
            rows.put(person, day, column, number_in(record.get(name)))
        areas = re.findall(r"\d+", record.get("soreness_area", ""))
        rows.put(person, day, "sore_areas", float(len(areas)))


def _injuries(rows: DayRows, person: str, data: bytes) -> None:
    for record in records_in(data):
        count = float(record.get("injuries", "").count(":"))
        rows.put(person, day_in(record.get("effective_time_frame")), "injuries", count)


def _reporting(rows: DayRows, person: str, data: bytes) -> None:
    """Dates are day/month/year; the times of entry beside them are mixed up and not used."""
    drunk: Mapping[str, float] = {"yes": 1.0, "no": 0.0}
    for record in records_in(data):
        day = day_in(record.get("date"), is_day_first=True)
        rows.put(person, day, "mass", number_in(record.get("weight")))
        rows.put(person, day, "fluid", number_in(record.get("glasses_of_fluid")))
        meals = [meal for meal in record.get("meals", "").split(",") if meal.strip()]
        rows.put(person, day, "meals", float(len(meals)))
        word = record.get("alcohol_consumed", "").strip().lower()
        rows.put(person, day, "alcohol", drunk.get(word, float("nan")))


def _nothing(rows: DayRows, person: str, data: bytes) -> None:
    """Read elsewhere: exercise.json and srpe.csv give sessions too."""


_FILES: dict[str, Callable[[DayRows, str, bytes], None]] = {
    "exercise.json": _nothing,
    "srpe.csv": _nothing,
    **{f"{name}.json": _daily(name, column, False) for name, column in DAILY_VALUES.items()},
    **{f"{name}.json": _daily(name, column, True) for name, column in _PER_MINUTE_JSON.items()},
    "time_in_heart_rate_zones.json": _zones,
    "sleep.json": _sleep,
    "sleep_score.csv": _sleep_score,
    "wellness.csv": _wellness,
    "injury.csv": _injuries,
    "reporting.csv": _reporting,
}

PLUGIN = PmdataReader()
