"""Exports of morning heart rate variability apps in, a table of days out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from stadion.core.activity import Activity, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest._days import DayRows, day_in, number_in, records_in
from stadion.ingest.base import Member, digest_of, source_of

__all__ = ["PLUGIN", "MorningHrvReader"]

_APPS = ({"rmssd", "sdnn", "avnn", "hr"}, {"rmssd", "sdnn", "lnrmssd", "datetime"})
_COLUMNS = {"rmssd": "rmssd", "hr": "resting_heart_rate"}
_DAYS = ("date", "timestamp_measurement", "datetime")
_YEAR_FIRST = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")


class MorningHrvReader:
    """HRV4Training and Elite HRV: one measurement at rest after waking, by day.

    `rmssd` and `resting_heart_rate` are those of the measurement, a few minutes long; trackers
    take theirs over the night. A day without one is written with zeros, which are no values.
    What the apps ask (fatigue, sleep quality, training) has scales of the user's choice and is
    left out.
    """

    name = "morning_hrv"
    layout = "CSV with a row per day and columns such as HR, rMSSD and SDNN of one measurement."
    guesses = False

    def example(self) -> list[Member]:
        """Two mornings."""
        rows = (
            b"timestamp_measurement,HR,AVNN,SDNN,rMSSD\n2024-05-01 07:00:00 +0000,52,1150,60,55\n"
        )
        return [Member.of("hrv.csv", rows + b"2024-05-02 07:01:00 +0000,53,1130,58,50\n")]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Files whose header is that of one of the apps."""
        return [[member] for member in members if _is_app(member.head)]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One table of kind `days`."""
        (member,) = group
        data = member.data
        if not _is_app(data[:4096]):
            raise StadionError(Code.INVALID, "no header with HR, rMSSD and SDNN")
        rows = DayRows()
        records = [
            {name.strip().lower(): value.strip() for name, value in record.items()}
            for record in records_in(_lined(data))
            if any(record.values())
        ]
        is_day_last = not _is_day_before_month(records)
        if not is_day_last:
            rows.mended["dates written year-day-month"] = len(records)
        for record in records:
            day = _day(record, is_day_last)
            values = {to: number_in(record.get(name, "")) for name, to in _COLUMNS.items()}
            if day is None:
                rows.mended["rows without a date left out"] += 1
            elif values["rmssd"] > 0:
                for name, value in values.items():
                    rows.put(record.get("member", ""), day, name, value)
            else:
                rows.mended["days without a measurement left out"] += 1
        source = source_of(self.name, member.path, digest_of([data]))
        return [rows.table(source)]


def _lined(data: bytes) -> bytes:
    """Old programs of the Mac end lines with a carriage return only."""
    return data if b"\n" in data[:8192] else data.replace(b"\r", b"\n")


def _is_app(head: bytes) -> bool:
    first = _lined(head).partition(b"\n")[0].decode("utf-8-sig", "ignore")
    names = {name.strip().strip('"').lower() for name in first.split(",")}
    return any(known <= names for known in _APPS) and bool(names & set(_DAYS))


def _dates(records: Sequence[Mapping[str, str]]) -> Iterator[tuple[int, int, int]]:
    for record in records:
        for name in _DAYS:
            found = _YEAR_FIRST.match(record.get(name, ""))
            if found:
                yield int(found[1]), int(found[2]), int(found[3])
                break


def _is_day_before_month(records: Sequence[Mapping[str, str]]) -> bool:
    """True for dates such as 2017-27-07, which one of the apps writes on some phones."""
    dates = list(_dates(records))
    return any(second > 12 for _, second, _ in dates) and all(third <= 12 for _, _, third in dates)


def _day(record: Mapping[str, str], is_day_last: bool) -> date | None:
    for year, second, third in _dates([record]):
        month, day = (second, third) if is_day_last else (third, second)
        return day_in(f"{year:04}-{month:02}-{day:02}")
    return None


PLUGIN = MorningHrvReader()
