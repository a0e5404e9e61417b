"""The elements of a health export in; records, workouts and what is told of the person out."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.ingest._numbers import number_or_nan
from stadion.ingest.markup.health_names import scale_of
from stadion.ingest.markup.health_records import Records, Row
from stadion.ingest.markup.health_stream import RecordRow, read_stream
from stadion.ingest.markup.moments import epoch_seconds, moment_in

__all__ = ["Export", "Person", "Statistic", "Workout", "amount_in", "read_export"]

_MOST_WORKOUTS = 50_000
_MOST_PARTS = 5_000
_CLOCK = re.compile(r"(\d{1,2})\D(\d{2})\D(\d{2})(?:[.,](\d{1,6}))?")
_YEAR = re.compile(r"(\d{4})-\d{2}-\d{2}")
_SEXES = {"HKBiologicalSexFemale": "female", "HKBiologicalSexMale": "male"}


@dataclass(frozen=True, slots=True)
class Statistic:
    """What Apple sums up of one quantity in a workout, in its own unit."""

    kind: str
    unit: str
    values: Mapping[str, float]


@dataclass(slots=True, eq=False)
class Workout:
    """One workout as the file tells it: attributes, and what stands inside."""

    told: Mapping[str, str]
    start_s: float
    end_s: float
    ahead_min: float
    facts: dict[str, str] = field(default_factory=dict)
    statistics: list[Statistic] = field(default_factory=list)
    events: list[Mapping[str, str]] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Person:
    """What is told of the person: the year of birth, not the day."""

    birth_year: float = math.nan
    sex: str = ""


@dataclass(slots=True, eq=False)
class Export:
    """Everything of an export that means something to sport."""

    records: Records = field(default_factory=Records)
    workouts: list[Workout] = field(default_factory=list)
    person: Person = field(default_factory=Person)
    broken: Counter[str] = field(default_factory=Counter)
    digest: str = ""
    beat_times: array[float] = field(default_factory=lambda: array("d"))
    beat_rates: array[float] = field(default_factory=lambda: array("f"))

    def beats(self) -> tuple[FloatArray, FloatArray]:
        """(n,) seconds since 1970 and (n,) ms of the intervals that end there, in order.

        Apple writes a rate in whole beats a minute for each interval: an interval is known to
        half a percent or so.
        """
        times = np.frombuffer(self.beat_times, np.float64) if self.beat_times else np.zeros(0)
        rates = np.frombuffer(self.beat_rates, np.float32) if self.beat_rates else np.zeros(0)
        times, first = np.unique(times, return_index=True)
        return times, 60_000.0 / rates[first].astype(np.float64)


def read_export(stream: BinaryIO) -> Export:
    """All of an export; raises as `health_stream.read_stream` does."""
    export = Export()
    export.digest = read_stream(stream, _Elements(export), export.broken)
    return export


class _Elements:
    """Takes the elements of a health export."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self._path: list[str] = []
        self._workout: Workout | None = None
        self._record = (math.nan, math.nan)

    def reset(self) -> None:
        self._path.clear()
        self._keep()

    def records(self, rows: Sequence[RecordRow]) -> None:
        add = self.export.records.add
        for kind, name, device, unit, start, end, value in rows:
            add(kind, unit, (name, device, start, end, value))

    def open(self, name: str, attributes: dict[str, str]) -> None:
        around = self._path[-1] if self._path else ""
        self._path.append(name)
        if name == "record":
            self._take(attributes)
        elif name == "instantaneousbeatsperminute":
            self._beat(attributes)
        elif name == "workout":
            self._begin(attributes)
        elif name == "me":
            self._meet(attributes)
        elif self._workout is not None:
            self._part(name, around, attributes, self._workout)

    def close(self, name: str, text: str) -> None:
        if self._path:
            self._path.pop()
        if name == "workout":
            self._keep()

    def _take(self, told: Mapping[str, str]) -> None:
        self._record = moment_in(told.get("startDate", ""))
        row: Row = (
            # As they would stand in the file: the same source is then found the same.
            _encoded(told.get("sourceName", "").replace("&", "&amp;")),
            _encoded(told.get("device", "").replace("&", "&amp;")),
            _encoded(told.get("startDate", "")),
            _encoded(told.get("endDate", "")),
            _encoded(told.get("value", "")),
        )
        self.export.records.add(_encoded(told.get("type", "")), _encoded(told.get("unit", "")), row)

    def _beat(self, told: Mapping[str, str]) -> None:
        """One beat: only the clock of its time is told, in the words of the phone's language."""
        found, rate = _CLOCK.search(told.get("time", "")), number_or_nan(told.get("bpm"))
        start, ahead = self._record
        if not found or not math.isfinite(start) or not 20 <= rate <= 300:
            return
        # Hours are told in 12 or 24 of them: minutes are enough, for a record is short.
        within = int(found[2]) * 60 + int(found[3]) + float(f"0.{found[4] or 0}")
        clock = start + (ahead * 60 if math.isfinite(ahead) else 0)
        self.export.beat_times.append(start + (within - clock % 3600 + 60) % 3600 - 60)
        self.export.beat_rates.append(rate)

    def _begin(self, told: Mapping[str, str]) -> None:
        start, ahead = moment_in(told.get("startDate", ""))
        end = epoch_seconds(told.get("endDate", ""))
        if not math.isfinite(end):
            end = start + max(amount_in(told, "duration", "min", 0.0) * 60, 0.0)
        kept = {key: value[:300] for key, value in told.items()}
        self._workout = Workout(kept, start, max(start, end), ahead)

    def _part(self, name: str, around: str, told: dict[str, str], workout: Workout) -> None:
        parts = len(workout.events) + len(workout.statistics) + len(workout.routes)
        if parts + len(workout.facts) >= _MOST_PARTS:
            return
        if name == "metadataentry" and around == "workout":
            workout.facts.setdefault(told.get("key", "")[:100], told.get("value", "")[:300])
        elif name == "workoutevent" and around == "workout":
            workout.events.append({key: value[:100] for key, value in told.items()})
        elif name == "workoutstatistics" and around == "workout":
            values = {
                key: number_or_nan(told.get(key))
                for key in ("average", "minimum", "maximum", "sum")
            }
            known = {key: value for key, value in values.items() if math.isfinite(value)}
            kind, unit = told.get("type", "")[:100], told.get("unit", "")[:20]
            workout.statistics.append(Statistic(kind, unit, known))
        elif name == "filereference":
            workout.routes.append(told.get("path", "")[:300])

    def _keep(self) -> None:
        workout, self._workout = self._workout, None
        if workout is None:
            return
        if not math.isfinite(workout.start_s):
            self.export.broken["workouts without a start left out"] += 1
        elif len(self.export.workouts) >= _MOST_WORKOUTS:
            self.export.broken[f"workouts beyond {_MOST_WORKOUTS} left out"] += 1
        else:
            self.export.workouts.append(workout)

    def _meet(self, told: Mapping[str, str]) -> None:
        person = self.export.person
        born = _YEAR.match(told.get("HKCharacteristicTypeIdentifierDateOfBirth", ""))
        if born and 1900 <= int(born[1]) <= datetime.now(UTC).year:
            person.birth_year = float(born[1])
        person.sex = _SEXES.get(told.get("HKCharacteristicTypeIdentifierBiologicalSex", ""), "")


def amount_in(told: Mapping[str, str], key: str, unit: str, missing: float = math.nan) -> float:
    """The number under a key, from the unit that stands beside it into the one asked for."""
    scale = scale_of(unit, told.get(f"{key}Unit", unit))
    number = number_or_nan(told.get(key))
    if scale is None or not math.isfinite(number):
        return missing
    return number * scale[0]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
