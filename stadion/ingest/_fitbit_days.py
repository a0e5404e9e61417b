"""Fitbit's files of days and minutes in, the columns of a table of days out."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from stadion.core.errors import Code, StadionError
from stadion.ingest._days import DayRows, day_in, moment_in, number_in, records_in
from stadion.ingest._export_json import entries_in
from stadion.ingest._nights import add_nights

__all__ = ["DAILY_VALUES", "FitbitDays", "value_of", "written_moment", "zones_of"]

_US = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})(?:[ T](\d{1,2}):(\d{2}):(\d{2}))?")
_POUND_KG = 0.453_592_37
_HEIGHTS_M = (1.3, 2.2)
DAILY_VALUES = {
    "resting_heart_rate": "resting_heart_rate",
    "lightly_active_minutes": "lightly_active",
    "moderately_active_minutes": "moderately_active",
    "very_active_minutes": "very_active",
    "sedentary_minutes": "sedentary",
}
"""Files with a value a day -> its word in a table of days."""
# Minutes that are summed: the column, and its unit per unit of the file.
_SUMMED = {"steps": ("steps", 1.0), "distance": ("distance", 0.01), "calories": ("energy", 1.0)}
_ZONES = {
    "BELOW_DEFAULT_ZONE_1": "below_zone_1",
    "IN_DEFAULT_ZONE_1": "zone_1",
    "IN_DEFAULT_ZONE_2": "zone_2",
    "IN_DEFAULT_ZONE_3": "zone_3",
}
# Tables of one row a day: name of the file -> column of the file -> word, and its unit.
_DAILY: dict[str, dict[str, tuple[str, float]]] = {
    "daily_resting_heart_rate": {"beats per minute": ("resting_heart_rate", 1.0)},
    "daily_heart_rate_variability": {
        "average heart rate variability milliseconds": ("rmssd", 1.0),
        "non rem heart rate beats per minute": ("sleep_heart_rate", 1.0),
    },
    "daily_oxygen_saturation": {"average percentage": ("oxygen_saturation", 1.0)},
    "daily_respiratory_rate": {"breaths per minute": ("respiration_rate", 1.0)},
    "daily_sleep_temperature_derivations": {
        "nightly temperature celsius": ("skin_temperature", 1.0)
    },
    "weight": {"weight grams": ("mass", 0.001)},
    "daily heart rate variability summary": {
        "rmssd": ("rmssd", 1.0),
        "nremhr": ("sleep_heart_rate", 1.0),
    },
    "daily spo2": {"average_value": ("oxygen_saturation", 1.0)},
    "daily respiratory rate summary": {"daily_respiratory_rate": ("respiration_rate", 1.0)},
    "computed temperature": {"nightly_temperature": ("skin_temperature", 1.0)},
    "sleep_score": {"overall_score": ("sleep_score", 1.0)},
    "stress score": {"stress_score": ("stress_score", 1.0)},
}
# Tables of minutes, whose recorders overlap: of a day the one that saw most counts.
_MINUTES = {
    "steps": {"steps": ("steps", 1.0)},
    "distance": {"distance": ("distance", 1.0)},
    "calories": {"calories": ("energy", 1.0)},
}
_TIMES = ("timestamp", "sleep_end", "date")
_NIGHT_ENDS = "sleep_end"


def written_moment(text: object) -> datetime | None:
    """The moment of month/day/year with a time, or of ISO 8601, as it is written.

    Examples
    --------
    >>> written_moment("07/04/26 08:00:00")
    datetime.datetime(2026, 7, 4, 8, 0)
    """
    found = _US.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return moment_in(text)
    month, day, year = int(found[1]), int(found[2]), int(found[3])
    hour, minute, second = (int(number or 0) for number in found.groups()[3:6])
    try:
        return datetime(year + 2000 if year < 100 else year, month, day, hour, minute, second)
    except ValueError:
        return None


def value_of(entry: Mapping[str, Any]) -> float:
    """The value of an entry, which may be in an object of its own; NaN without one."""
    value = entry.get("value")
    return number_in(value.get("value") if isinstance(value, dict) else value)


def zones_of(entry: Mapping[str, Any]) -> dict[str, float]:
    """Minutes in each zone of heart rate by the words of a table of days; NaN where untold."""
    value = entry.get("value")
    minutes = value.get("valuesInZones") if isinstance(value, dict) else None
    if not isinstance(minutes, dict):
        return {}
    return {column: number_in(minutes.get(zone)) for zone, column in _ZONES.items()}


class FitbitDays:
    """Collects days; what JSON and tables both tell is taken from the JSON."""

    KINDS: ClassVar[frozenset[str]] = frozenset(
        {*DAILY_VALUES, *_SUMMED, "time_in_heart_rate_zones", "sleep", "weight"}
    )

    def __init__(self) -> None:
        self.rows = DayRows()
        self.summed: set[tuple[date, str]] = set()
        self.seen: dict[tuple[date, str], dict[str, float]] = defaultdict(dict)
        self.told: dict[tuple[date, str], float] = {}
        self.late_nights: list[dict[str, Any]] = []

    @staticmethod
    def is_table(name: str, header: str) -> bool:
        """True when a table of that name has the columns that its name promises."""
        words = name.strip(" _-").lower()
        needed = _DAILY.get(words) or _MINUTES.get(words) or {}
        names = [part.strip().strip('"').lower() for part in header.split(",")]
        return any(column in names for column in needed) and any(t in names for t in _TIMES)

    def take(self, kind: str, table: str, data: bytes) -> None:
        """One file, by the kind in its name."""
        if table:
            self._table(table.strip(" _-").lower(), data)
        elif kind in DAILY_VALUES:
            self._once(data, DAILY_VALUES[kind])
        elif kind in _SUMMED:
            self._sum(data, *_SUMMED[kind])
        else:
            readers: Mapping[str, Callable[[bytes], None]] = {
                "time_in_heart_rate_zones": self._zones,
                "sleep": self._sleep,
                "weight": self._weight,
            }
            if kind not in readers:
                raise StadionError(Code.INVALID, f"{kind!r} is no file of days")
            readers[kind](data)

    def finish(self) -> None:
        """What the tables tell, where no JSON did."""
        slept = {day.isoformat() for (_, day), row in self.rows.values.items() if "sleep" in row}
        late = (entry for entry in self.late_nights if entry["dateOfSleep"] not in slept)
        add_nights(self.rows, "", list(late))
        for (day, column), by_recorder in self.seen.items():
            if (day, column) not in self.summed:
                self.rows.put("", day, column, max(by_recorder.values()))
        for (day, column), value in self.told.items():
            if column not in self.rows.values.get(("", day), {}):
                self.rows.put("", day, column, value)

    def _once(self, data: bytes, column: str) -> None:
        for entry in entries_in(data, dict[str, Any]):
            number = value_of(entry)
            is_told = number > 0 or column != "resting_heart_rate"
            self.rows.put("", _day(entry.get("dateTime")), column, number if is_told else math.nan)

    def _sum(self, data: bytes, column: str, unit: float) -> None:
        for entry in entries_in(data, dict[str, Any]):
            day, number = _day(entry.get("dateTime")), number_in(entry.get("value"))
            if day is not None and math.isfinite(number):
                self.rows.add("", day, column, number * unit)
                self.summed.add((day, column))

    def _zones(self, data: bytes) -> None:
        for entry in entries_in(data, dict[str, Any]):
            for column, minutes in zones_of(entry).items():
                self.rows.put("", _day(entry.get("dateTime")), column, minutes)

    def _sleep(self, data: bytes) -> None:
        add_nights(self.rows, "", entries_in(data, dict[str, Any]))

    def _weight(self, data: bytes) -> None:
        for entry in entries_in(data, dict[str, Any]):
            day = _day(entry.get("date"))
            weight, bmi = number_in(entry.get("weight")), number_in(entry.get("bmi"))
            mass = _mass(weight, bmi)
            for column, value in (("mass", mass), ("bmi", bmi)):
                if day is not None and value > 0:
                    self.rows.values.setdefault(("", day), {})[column] = value

    def _table(self, name: str, data: bytes) -> None:
        is_daily = name in _DAILY
        wanted = _DAILY.get(name) or _MINUTES.get(name, {})
        for record in records_in(data):
            known = {key.strip().lower(): value for key, value in record.items()}
            day = _day_of(known)
            if day is None:
                continue
            for column, (word, unit) in wanted.items():
                number = number_in(known.get(column)) * unit
                if not number > 0:
                    continue
                if is_daily:
                    highest = word == "sleep_score"
                    before = self.told.get((day, word), 0.0) if highest else 0.0
                    self.told[day, word] = max(number, before)
                else:
                    recorder = known.get("data source", "")
                    sums = self.seen[day, word]
                    sums[recorder] = sums.get(recorder, 0.0) + number


def _day_of(record: Mapping[str, str]) -> date | None:
    """The day of a row: that of its time as it is written, of a night the one it ended on."""
    for name in (_NIGHT_ENDS, *_TIMES):
        if record.get(name):
            return _day(record[name])
    return None


def _day(text: object) -> date | None:
    moment = written_moment(text)
    return day_in(str(moment.date())) if moment else day_in(text)


def _mass(weight: float, bmi: float) -> float:
    """Kilograms: the body mass index tells pounds from them, and without one they are pounds."""
    if not weight > 0:
        return math.nan
    if bmi > 0:
        height_m = math.sqrt(weight / bmi)
        if _HEIGHTS_M[0] <= height_m <= _HEIGHTS_M[1]:
            return weight
    return weight * _POUND_KG
