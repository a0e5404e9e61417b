"""Garmin's summaries of days and nights in, the columns of a table of days out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from stadion.ingest._days import DayRows, day_in, moment_in, number_in
from stadion.ingest._export_json import entries_in

__all__ = ["GarminDays"]

_LEAST_STRESS = 100.0
_SUMMARY = {
    "totalSteps": "steps",
    "totalDistanceMeters": "distance",
    "totalKilocalories": "energy",
    "restingHeartRate": "resting_heart_rate",
    "moderateIntensityMinutes": "moderately_active",
    "vigorousIntensityMinutes": "very_active",
}
_STAGES = {
    "deepSleepSeconds": "deep_sleep",
    "lightSleepSeconds": "light_sleep",
    "remSleepSeconds": "rem_sleep",
    "awakeSleepSeconds": "awake",
}
_HEALTH = {
    "HRV": "rmssd",
    "SPO2": "oxygen_saturation",
    "RESPIRATION": "respiration_rate",
    "SKIN_TEMP_C": "skin_temperature",
}


class GarminDays:
    """Collects days; clock times of nights need the offset that the day's summary tells."""

    def __init__(self) -> None:
        self.rows = DayRows()
        self.offsets: dict[date, timedelta] = {}
        self.starts: dict[date, datetime] = {}

    def summaries(self, data: bytes) -> None:
        """UDSFile: sums and means of whole days."""
        for entry in entries_in(data, dict[str, Any]):
            day = day_in(entry.get("calendarDate"))
            for name, column in _SUMMARY.items():
                value = number_in(entry.get(name))
                self.rows.put("", day, column, value if value > 0 else math.nan)
            if "restingHeartRate" not in entry:
                rate = number_in(entry.get("currentDayRestingHeartRate"))
                self.rows.put("", day, "resting_heart_rate", rate if rate > 0 else math.nan)
            self.rows.put("", day, "stress_score", _least_stress(entry.get("allDayStress")))
            local = moment_in(entry.get("wellnessStartTimeLocal"))
            utc = moment_in(entry.get("wellnessStartTimeGmt"))
            if day and local and utc:
                self.offsets[day] = local - utc

    def nights(self, data: bytes) -> None:
        """sleepData: of several logs of a night the longest."""
        for entry in entries_in(data, dict[str, Any]):
            day = day_in(entry.get("calendarDate"))
            stages = {column: number_in(entry.get(name)) / 60.0 for name, column in _STAGES.items()}
            asleep = sum(value for name, value in stages.items() if name != "awake" and value >= 0)
            known = self.rows.values.get(("", day), {}) if day else {}
            if not asleep > 0 or asleep <= known.get("sleep", 0.0):
                continue
            for column in ("sleep", "in_bed", *_STAGES.values()):
                known.pop(column, None)
            for column, value in stages.items():
                self.rows.put("", day, column, value)
            self.rows.put("", day, "sleep", asleep)
            self._bed(entry, day, asleep)
            scores, oxygen = entry.get("sleepScores"), entry.get("spo2SleepSummary")
            self._last(day, "sleep_score", _inner(scores, "overallScore"))
            self._last(day, "oxygen_saturation", _inner(oxygen, "averageSPO2"))
            self._last(day, "respiration_rate", number_in(entry.get("averageRespiration")))

    def health(self, data: bytes) -> None:
        """healthStatusData: the night's heart rate variability and its like."""
        for entry in entries_in(data, dict[str, Any]):
            day = day_in(entry.get("calendarDate"))
            metrics = entry.get("metrics")
            for metric in metrics if isinstance(metrics, list) else []:
                column = _HEALTH.get(str(_get(metric, "type")))
                value = number_in(_get(metric, "value"))
                if column and value > 0:
                    self._last(day, column, value)

    def bodies(self, data: bytes) -> None:
        """userBioMetrics: body mass in grams."""
        for entry in entries_in(data, dict[str, Any]):
            day = day_in(_get(entry.get("metaData"), "calendarDate"))
            grams = _inner(entry.get("weight"), "weight")
            self._last(day, "mass", grams / 1_000.0 if grams > 0 else math.nan)

    def finish(self) -> None:
        """Clock times of going to bed, for the days whose offset from UTC is known."""
        for day, start in self.starts.items():
            offset = self.offsets.get(day)
            if offset is not None:
                local = start + offset
                midnight = datetime(day.year, day.month, day.day)
                self._last(day, "bedtime", (local - midnight).total_seconds() / 3_600.0)

    def _bed(self, entry: Mapping[str, Any], day: date | None, asleep: float) -> None:
        start = moment_in(entry.get("sleepStartTimestampGMT"))
        end = moment_in(entry.get("sleepEndTimestampGMT"))
        if day is None or start is None or end is None:
            return
        minutes = (end - start).total_seconds() / 60.0
        self._last(day, "in_bed", minutes)
        if minutes >= asleep:
            self._last(day, "sleep_efficiency", 100.0 * asleep / minutes)
        self.starts[day] = start

    def _last(self, day: date | None, column: str, value: float) -> None:
        """A value that another file may tell too: no matter of repair."""
        if day is not None and math.isfinite(value):
            self.rows.values.setdefault(("", day), {})[column] = value


def _get(entry: object, name: str) -> object:
    return entry.get(name) if isinstance(entry, dict) else None


def _inner(entry: object, name: str) -> float:
    return number_in(_get(entry, name))


def _least_stress(stress: object) -> float:
    """The mean of the day, turned; Garmin writes -1 and -2 for what was not measured."""
    parts = _get(stress, "aggregatorList")
    for part in parts if isinstance(parts, list) else []:
        level = _inner(part, "averageStressLevel")
        if _get(part, "type") == "TOTAL" and level > 0:
            return _LEAST_STRESS - level
    return math.nan
