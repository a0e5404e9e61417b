"""A folder of a Fitbit community export in, one table of days out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from stadion.core.activity import Activity, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest._days import DayRows, day_in, number_in, records_in
from stadion.ingest.base import Member, digest_of, source_of

__all__ = ["PLUGIN", "FitbitMturkReader"]

_NAME = re.compile(
    r"(?:.*/)?(?P<what>daily|hourly|minute|sleepDay|weightLogInfo)(?P<rest>\w*)_merged\.csv",
    re.IGNORECASE,
)
_DAILY = {
    "TotalSteps": ("steps", 1.0),
    "StepTotal": ("steps", 1.0),
    "TotalDistance": ("distance", 1_000.0),
    "Calories": ("energy", 1.0),
    "SedentaryMinutes": ("sedentary", 1.0),
    "LightlyActiveMinutes": ("lightly_active", 1.0),
    "FairlyActiveMinutes": ("moderately_active", 1.0),
    "VeryActiveMinutes": ("very_active", 1.0),
}
_SLEEP = {"TotalMinutesAsleep": ("sleep", 1.0), "TotalTimeInBed": ("in_bed", 1.0)}
_WEIGHT = {"WeightKg": ("mass", 1.0), "BMI": ("bmi", 1.0)}
_DAY_COLUMNS = ("ActivityDate", "ActivityDay", "SleepDay", "Date")


class FitbitMturkReader:
    """Steps, energy, activity, sleep and weight of people who gave their Fitbit data.

    Days and nights are as the tracker dated them in the person's own time zone. Finer tables
    (hours, minutes) are taken along but add nothing to a day, so their bytes are not looked at.

    References
    ----------
    R. Furberg, J. Brinton, M. Keating, A. Ortiz, Crowd-sourced Fitbit datasets 03.12.2016 to
    05.12.2016, Zenodo 53894.
    """

    name = "fitbit_mturk"
    layout = "dailyActivity_merged.csv with sleepDay_merged.csv and weightLogInfo_merged.csv."
    guesses = False

    def example(self) -> list[Member]:
        """Two days and a night of one person."""
        daily = (
            b"Id,ActivityDate,TotalSteps,TotalDistance,VeryActiveMinutes,FairlyActiveMinutes,"
            b"LightlyActiveMinutes,SedentaryMinutes,Calories\n"
            b"1503960366,4/12/2016,13162,8.5,25,13,328,728,1985\n"
            b"1503960366,4/13/2016,10735,6.97,21,19,217,776,1797\n"
        )
        night = (
            b"Id,SleepDay,TotalSleepRecords,TotalMinutesAsleep,TotalTimeInBed\n"
            b"1503960366,4/12/2016 12:00:00 AM,1,327,346\n"
        )
        return [
            Member.of("fitbit/dailyActivity_merged.csv", daily),
            Member.of("fitbit/sleepDay_merged.csv", night),
        ]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """The tables of one folder, where one of them counts days."""
        folders: dict[str, list[Member]] = {}
        for member in members:
            if _NAME.fullmatch(member.path) and member.head.lstrip(b"\xef\xbb\xbf").startswith(
                b"Id,"
            ):
                folders.setdefault(member.path.rpartition("/")[0], []).append(member)
        return [group for group in folders.values() if any(map(_counts_days, group))]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One table of kind `days`."""
        rows = DayRows()
        datas = {member.path: member.data for member in group}
        for path, data in sorted(datas.items()):
            place = _NAME.fullmatch(path)
            columns = _columns(place["what"].lower()) if place else {}
            if columns:
                _take(rows, data, columns)
        if not rows.values:
            raise StadionError(
                Code.INVALID, "no day of anybody; expected columns Id and ActivityDate"
            )
        source = source_of(self.name, group[0].path, digest_of(datas.values()))
        return [rows.table(source)]


def _counts_days(member: Member) -> bool:
    return member.path.rpartition("/")[2].lower().startswith("daily")


def _columns(what: str) -> Mapping[str, tuple[str, float]]:
    known = {"daily": _DAILY, "sleepday": _SLEEP, "weightloginfo": _WEIGHT}
    return known.get(what, {})


def _take(rows: DayRows, data: bytes, columns: Mapping[str, tuple[str, float]]) -> None:
    """Rows once each; a second record of a night adds to it, one of a day replaces it."""
    put: Callable[..., None] = rows.add if columns is _SLEEP else rows.put
    seen: set[tuple[str, ...]] = set()
    for record in records_in(data):
        told = tuple(record.values())
        if told in seen:
            rows.mended["rows told twice"] += 1
            continue
        seen.add(told)
        person = record.get("Id", "").strip()
        day = next((day for name in _DAY_COLUMNS if (day := day_in(record.get(name)))), None)
        if not person or day is None:
            rows.mended["rows without a person or a date"] += 1
            continue
        for name, (column, scale) in columns.items():
            put(person, day, column, number_in(record.get(name)) * scale)


PLUGIN = FitbitMturkReader()
