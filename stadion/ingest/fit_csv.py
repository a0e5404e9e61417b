"""FIT messages that a converter wrote as CSV in, activities out."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from stadion.core.activity import Activity, Lap, Source
from stadion.core.activity import Table as Sheet
from stadion.core.errors import Code, StadionError
from stadion.ingest._numbers import number_or_nan
from stadion.ingest._sports import fit_sport
from stadion.ingest.base import Member, digest_of
from stadion.ingest.tabular.jsonrows import add_rows
from stadion.ingest.tabular.mapping import ColumnMapping
from stadion.ingest.tabular.table import Facts, Table

__all__ = ["PLUGIN", "FitCsvReader"]

_MAGIC = b"Type,Local Number,Message,Field 1,Value 1,Units 1"
_FIT_EPOCH = 631_065_600
_LATEST_FIT = 1_300_000_000
"""FIT counts seconds from 1989 on: a larger number is already one since 1970."""
_MOST_LAPS = 1_000


class FitCsvReader:
    """Rows of type Data, each a message whose fields stand as name, value and unit."""

    name = "fit_csv"
    layout = "CSV with the columns Type, Local Number, Message, and threes of Field, Value, Units."
    guesses = False

    def example(self) -> list[Member]:
        """Two records of a ride."""
        return [Member.of("ride.csv", _EXAMPLE)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Files with the header of the converter."""
        return [[m] for m in members if _header(m.head).startswith(_MAGIC)]

    def read(self, group: Sequence[Member]) -> list[Activity | Sheet]:
        """One activity of all records."""
        (member,) = group
        data = member.data
        if not _header(data[:200]).startswith(_MAGIC):
            raise StadionError(Code.INVALID, "no header Type,Local Number,Message,Field 1,...")
        table = Table([], ColumnMapping())
        seen = _Messages()
        try:
            add_rows(table, seen.records(data))
        except csv.Error as error:
            raise StadionError(Code.INVALID, f"a table that breaks off: {error}") from error
        if not table.columns:
            raise StadionError(Code.INVALID, "no message 'record' with fields among the rows")
        table.sport = seen.sport
        source = Source(self.name, digest_of([data]), member.path)
        activity = table.activity(source, Facts())
        return [replace(activity, laps=seen.laps_of(activity))]


@dataclass(slots=True, eq=False)
class _Messages:
    """What the messages beside the records tell."""

    sport: str = ""
    laps: list[tuple[float, float]] = field(default_factory=list)

    def records(self, data: bytes) -> Iterator[dict[str, str | float]]:
        """Fields of each record, the unit in brackets behind the name."""
        text = io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", "replace", newline="")
        for row in csv.reader(text):
            if len(row) < 6 or row[0] != "Data":
                continue
            message, fields = row[2], row[3:]
            threes = zip(fields[0::3], fields[1::3], [*fields[2::3], ""], strict=False)
            if message == "record":
                yield dict(_named(name, value, unit) for name, value, unit in threes if name)
            elif message in ("session", "sport", "lap"):
                self.add(message, {name: value for name, value, _ in threes})

    def add(self, message: str, fields: dict[str, str]) -> None:
        sport = _number(fields.get("sport", ""))
        if not self.sport and 0 <= sport < 255:
            self.sport = fit_sport(sport)
        if message == "lap" and len(self.laps) < _MOST_LAPS:
            start = _unix(_number(fields.get("start_time", "")))
            elapsed = _number(fields.get("total_elapsed_time", ""))
            if math.isfinite(start) and elapsed > 0:
                self.laps.append((start, elapsed))

    def laps_of(self, activity: Activity) -> tuple[Lap, ...]:
        """The laps on the clock of the activity."""
        if activity.start is None:
            return ()
        zero = activity.start.timestamp()
        placed = [(max(start - zero, 0.0), elapsed) for start, elapsed in self.laps]
        return tuple(Lap(s, s + e, values={"elapsed_s": e}) for s, e in placed)


def _header(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").replace(b'"', b"")


def _named(name: str, value: str, unit: str) -> tuple[str, str | float]:
    if name == "timestamp":
        return name, _unix(_number(value))
    return (f"{name} ({unit})" if unit else name), value


def _unix(seconds: float) -> float:
    return seconds + _FIT_EPOCH if seconds < _LATEST_FIT else seconds


def _number(text: str) -> float:
    return number_or_nan(text, most=1e11)


_EXAMPLE = b"""Type,Local Number,Message,Field 1,Value 1,Units 1,Field 2,Value 2,Units 2
Definition,0,record,timestamp,1,,heart_rate,1,
Data,0,record,timestamp,"1083481200",s,heart_rate,"120",bpm
Data,0,record,timestamp,"1083481201",s,heart_rate,"121",bpm
Data,1,session,timestamp,1083481201,s,sport,2,
"""

PLUGIN = FitCsvReader()
