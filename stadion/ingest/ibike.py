"""CSV files of iBike power meters in, activities out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stadion.core.activity import Activity, Lap, Source
from stadion.core.activity import Table as Sheet
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member, digest_of
from stadion.ingest.tabular.columns import Column
from stadion.ingest.tabular.guess import empty_table
from stadion.ingest.tabular.layout import find_layout, rows_of
from stadion.ingest.tabular.mapping import ColumnMapping
from stadion.ingest.tabular.preface import facts_of
from stadion.ingest.tabular.table import Facts
from stadion.ingest.tabular.words import Meaning

__all__ = ["PLUGIN", "IbikeReader"]

_MAGIC = b"iBike,"
_NOT_READ = ("timestamp", "internal", "annotation")


class IbikeReader:
    """A row per second below a line of settings; units stand in the header."""

    name = "ibike"
    layout = "Text that begins with 'iBike', then the date, settings, and a row per second."
    guesses = False

    def example(self) -> list[Member]:
        """Two seconds of a ride."""
        return [Member.of("ride.csv", _EXAMPLE)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Files that begin with the maker's word."""
        return [[member] for member in members if member.head.startswith(_MAGIC)]

    def read(self, group: Sequence[Member]) -> list[Activity | Sheet]:
        """One activity."""
        (member,) = group
        data = member.data
        layout = find_layout(data)
        if layout is None or not data.startswith(_MAGIC):
            raise StadionError(Code.INVALID, "an iBike file without its table of seconds")
        mapping = ColumnMapping(
            {h.name: None for h in layout.columns if h.name.strip().lower() in _NOT_READ}
        )
        table = empty_table(layout, mapping)
        for chunk in rows_of(data, layout):
            table.add(chunk)
        seconds = Column("second", Meaning("time", "seconds", "s"))
        seconds.add_numbers(np.arange(table.rows, dtype=np.float64))
        marks = _marks(table.columns, table.rows)
        table.columns.append(seconds)
        table.sport = "cycling"
        source = Source(self.name, digest_of([data]), member.path)
        activity = table.activity(source, _start(layout.preface))
        return [replace(activity, laps=_laps(marks, table.rows), device="iBike")]


def _start(preface: Sequence[str]) -> Facts:
    """The second line holds year, month, day, hour, minute and second."""
    for line in preface[:4]:
        parts = [part.strip() for part in line.split(",")]
        if len(parts) == 6 and all(part.isdecimal() and len(part) <= 4 for part in parts):
            year, month, day, hour, minute, second = (int(part) for part in parts)
            text = f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
            return facts_of(text, "") or Facts()
    return Facts()


def _marks(columns: Sequence[Column], rows: int) -> FloatArray:
    """(n,) seconds at which a lap was marked."""
    for column in columns:
        if column.header.strip().lower() == "lap marker" and column.is_numeric(rows):
            return np.flatnonzero(column.values > 0).astype(np.float64)
    return np.empty(0)


def _laps(marks: FloatArray, rows: int) -> tuple[Lap, ...]:
    ends = sorted({*marks[:1_000].tolist(), float(rows - 1)} - {0.0})
    if len(ends) < 2:
        return ()
    return tuple(Lap(start, end) for start, end in zip([0.0, *ends[:-1]], ends, strict=True))


_EXAMPLE = b"""iBike,11,english
2024,5,1,7,0,0

220.0,626.9,0.1674
Speed (mph),Wind Speed (mph),Power (W),Distance (miles),Cadence (RPM),Lap Marker,Timestamp
10.0,7.5,200,0.0028,90,,
10.1,7.5,0,0.0056,90,1,
"""

PLUGIN = IbikeReader()
