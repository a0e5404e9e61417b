"""Fitbit's logs of exercises and sleeps, as JSON or as tables, in; sessions and nights out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from stadion.ingest._days import moment_in, number_in, records_in
from stadion.ingest._exercises import Session, tracker_session
from stadion.ingest._export_json import entries_in
from stadion.ingest._fitbit_days import written_moment

__all__ = ["exercises_in", "is_log", "nights_in", "tabled_exercises_in"]

_NEEDED = {
    "usersleeps": ("sleep_start", "sleep_end", "minutes_asleep"),
    "userexercises": ("exercise_start", "exercise_end", "activity_name"),
}
# Columns of exercises -> their words and what they are per unit of the table.
_VALUES = {
    "tracker_avg_heart_rate": ("heart_rate", 1.0),
    "tracker_total_calories": ("energy", 1.0),
    "tracker_total_steps": ("steps", 1.0),
    "tracker_total_distance_mm": ("distance", 0.001),
    "tracker_total_altitude_mm": ("climb", 0.001),
    "tracker_avg_speed_mm_per_second": ("speed", 0.001),
}


def is_log(name: str, header: str) -> bool:
    """True for a table of sleeps or exercises with the columns that its name promises."""
    needed = _NEEDED.get(name.lower(), ())
    names = [part.strip().strip('"') for part in header.split(",")]
    return bool(needed) and all(column in names for column in needed)


def exercises_in(data: bytes, mended: Counter[str]) -> dict[str, Session]:
    """Sessions of exercise-*.json by the log's id."""
    sessions: dict[str, Session] = {}
    for number, entry in enumerate(entries_in(data, dict[str, Any])):
        moment = written_moment(entry.get("startTime"))
        told = entry | {"startTime": moment.isoformat() if moment else None}
        session = tracker_session("", told)
        if session is None:
            mended["sessions without a start or a duration left out"] += 1
            continue
        sessions[str(entry.get("logId", f"row {number}"))] = session
    return sessions


def tabled_exercises_in(data: bytes, mended: Counter[str]) -> dict[str, Session]:
    """Sessions of UserExercises by the exercise's id, on the clock of where they were."""
    sessions: dict[str, Session] = {}
    for record in records_in(data):
        start = _local(record, "exercise_start", "utc_offset")
        end = _local(record, "exercise_end", "utc_offset")
        seconds = (end - start).total_seconds() if start and end else math.nan
        if start is None or not 0 < seconds <= 86_400:
            mended["sessions without a start or a duration left out"] += 1
            continue
        values = {
            word: number_in(record.get(name)) * unit for name, (word, unit) in _VALUES.items()
        }
        known = {"duration": seconds} | {name: v for name, v in values.items() if v > 0}
        activity = record.get("activity_name", "")
        sessions[record.get("exercise_id", "")] = Session("", start, activity, "tracker", known)
    return sessions


def nights_in(data: bytes) -> Iterator[dict[str, Any]]:
    """Sleeps of UserSleeps, with the names that sleep-*.json has for them."""
    for record in records_in(data):
        start = _local(record, "sleep_start", "start_utc_offset")
        end = _local(record, "sleep_end", "end_utc_offset")
        if start is None or end is None:
            continue
        asleep = number_in(record.get("minutes_asleep"))
        period = number_in(record.get("minutes_in_sleep_period"))
        yield {
            "logId": record.get("sleep_id", ""),
            "dateOfSleep": end.date().isoformat(),
            "startTime": start.isoformat(),
            "minutesAsleep": asleep,
            "minutesAwake": number_in(record.get("minutes_awake")),
            "timeInBed": period,
            "efficiency": 100.0 * asleep / period if 0 < asleep <= period else math.nan,
        }


def _local(record: Mapping[str, str], time: str, offset: str) -> datetime | None:
    """The wall-clock time of a moment in UTC and an offset such as +05:30."""
    moment = moment_in(record.get(time))
    sign, _, rest = record.get(offset, "").strip().partition(":")
    if moment is None:
        return None
    hours, minutes = number_in(sign), number_in(rest)
    if not (abs(hours) <= 14 and 0 <= minutes < 60):
        return moment
    return moment + timedelta(hours=hours, minutes=math.copysign(minutes, hours))
