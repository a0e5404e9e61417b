"""Logs of sleep in, the night and the naps of each day out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from stadion.ingest._days import DayRows, day_in, moment_in, number_in

__all__ = ["add_nights"]

_NUMBERS = {
    "minutesAsleep": "sleep",
    "timeInBed": "in_bed",
    "minutesAwake": "awake",
    "efficiency": "sleep_efficiency",
}
_STAGES = {"deep": "deep_sleep", "light": "light_sleep", "rem": "rem_sleep"}


def add_nights(rows: DayRows, person: str, entries: Iterable[Mapping[str, Any]]) -> None:
    """Fitbit's sleep.json: the longest sleep that ended on a day is its night, others are naps."""
    days: dict[date, dict[str, Mapping[str, Any]]] = {}
    for number, entry in enumerate(entries):
        day = day_in(entry.get("dateOfSleep"))
        if day is None or not number_in(entry.get("minutesAsleep")) > 0:
            rows.mended["logs of sleep without a date or a duration left out"] += 1
            continue
        days.setdefault(day, {})[str(entry.get("logId", number))] = entry
    for day, logs in days.items():
        longest = max(logs.values(), key=lambda entry: number_in(entry["minutesAsleep"]))
        for name, column in _NUMBERS.items():
            rows.put(person, day, column, number_in(longest.get(name)))
        for stage, column in _STAGES.items():
            rows.put(person, day, column, _stage(longest, stage))
        rows.put(person, day, "bedtime", _bedtime(longest, day))
        naps = sum(number_in(entry["minutesAsleep"]) for entry in logs.values())
        rows.put(person, day, "naps", naps - number_in(longest["minutesAsleep"]))


def _stage(entry: Mapping[str, Any], stage: str) -> float:
    levels = entry.get("levels")
    summary = levels.get("summary") if isinstance(levels, dict) else None
    told = summary.get(stage) if isinstance(summary, dict) else None
    return number_in(told.get("minutes")) if isinstance(told, dict) else float("nan")


def _bedtime(entry: Mapping[str, Any], day: date) -> float:
    """Hours from the midnight before the day the sleep ended on."""
    start = moment_in(entry.get("startTime"))
    if start is None:
        return float("nan")
    return (start.date() - day).days * 24.0 + start.hour + start.minute / 60.0
