"""Tables of delimited values with a time column in, one activity out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from stadion.core.activity import Activity, Repair, Table
from stadion.core.arrays import FloatArray
from stadion.core.channels import canonical
from stadion.core.errors import Code, StadionError
from stadion.core.units import UNITS
from stadion.ingest._clock import build_timeline
from stadion.ingest._units import as_channel, known_unit
from stadion.ingest.base import Member, activity_id, digest_of, source_of
from stadion.ingest.tabular.layout import Heading, Layout, find_layout, rows_of
from stadion.ingest.tabular.numbers import is_dated, moments_in, numbers_in, seconds_in

__all__ = ["PLUGIN", "CsvReader"]

# Names of time columns; the first that holds dates is taken, else the first that is there.
_TIMES = (
    "timestamp", "datetime", "date_time", "utc", "utc_time", "epoch", "unix", "unix_time", "time",
    "local_time", "date", "elapsed", "elapsed_time", "elapsed_s", "time_s", "seconds", "secs",
    "sec", "t",
)  # fmt: skip
_WHO = ("athlete", "subject", "participant", "person", "player", "user", "user_name")
_MOSTLY = 0.9
_AXIS = re.compile(r"([xyz])(?:[-_ ]?axis)?")
_WIDE = {"position_lat", "position_long", "distance"}


class CsvReader:
    """One row a moment: seconds, ISO 8601 or epoch; units in the header are converted."""

    name = "csv"
    layout = "Delimited text with a header, one of whose columns is a time; any decimal sign."
    guesses = True

    def example(self) -> list[Member]:
        """Two seconds of a ride."""
        return [Member.of("ride.csv", b"time (s),speed (km/h),HR\n0,36.0,120\n1,,121\n")]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Texts that begin with a header and a row of as many fields."""
        return [[member] for member in members if find_layout(member.head) is not None]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity; columns of numbers are its channels."""
        (member,) = group
        data = member.data
        layout = find_layout(data)
        if layout is None:
            raise StadionError(Code.INVALID, "no header with a row of as many fields below it")
        table = _Table(layout, [_Column(heading) for heading in layout.columns])
        for chunk in rows_of(data, layout):
            table.add(chunk)
        clock = table.clock()
        timeline = build_timeline(clock, table.channels())
        if timeline is None or not timeline.track.channels:
            raise StadionError(Code.INVALID, "no column of numbers beside the time")
        repairs = (*table.repairs(), *timeline.repairs)
        source = source_of(self.name, member.path, digest_of([data]), repairs)
        return [
            Activity(
                id=activity_id(source.digest),
                athlete=table.athlete(),
                sport="",
                start=datetime.fromtimestamp(timeline.zero_s, UTC) if is_dated(clock) else None,
                tracks=(timeline.track,),
                source=source,
            )
        ]


@dataclass(slots=True, eq=False)
class _Column:
    """What the rows so far hold in one column, read as numbers and, for times, as moments."""

    heading: Heading
    numbers: list[FloatArray] = field(default_factory=list)
    moments: list[FloatArray] = field(default_factory=list)
    strange: int = 0
    strange_moments: int = 0
    words: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        return canonical(self.heading.name)

    @property
    def values(self) -> FloatArray:
        return np.concatenate(self.numbers) if self.numbers else np.empty(0)

    def is_numeric(self, rows: int) -> bool:
        return self.strange <= (1 - _MOSTLY) * rows

    def seconds(self, rows: int) -> FloatArray | None:
        """The column as a clock; None when it is none."""
        if self.is_numeric(rows):
            unit = self.heading.unit or ("ms" if self.key.endswith("_ms") else "")
            return seconds_in(self.values, unit)
        if self.strange_moments <= (1 - _MOSTLY) * rows:
            return np.concatenate(self.moments)
        return None


@dataclass(slots=True, eq=False)
class _Table:
    layout: Layout
    columns: list[_Column]
    rows: int = 0
    ragged: int = 0

    def add(self, chunk: Sequence[Sequence[str]]) -> None:
        whole = [row for row in chunk if len(row) == len(self.columns)]
        self.ragged += len(chunk) - len(whole)
        self.rows += len(whole)
        for column, texts in zip(self.columns, zip(*whole, strict=True), strict=False):
            found = numbers_in(texts, self.layout.delimiter != ",")
            column.numbers.append(found.values)
            column.strange += found.strange
            if column.key in _TIMES:
                moments = moments_in(texts)
                column.moments.append(moments.values)
                column.strange_moments += moments.strange
            if column.key in _WHO:
                column.words.update(texts[:1] if len(column.words) > 1 else texts)

    def clock(self) -> FloatArray:
        candidates = sorted(self._times(), key=lambda column: _TIMES.index(column.key))
        clocks = [clock for c in candidates if (clock := c.seconds(self.rows)) is not None]
        clocks = [clock for clock in clocks if np.isfinite(clock).any()]
        if not clocks:
            raise StadionError(Code.INVALID, self._no_clock(candidates))
        return next((clock for clock in clocks if is_dated(clock)), clocks[0])

    def channels(self) -> dict[str, FloatArray]:
        channels: dict[str, FloatArray] = {}
        for column in self._streams():
            name, values = _channel(column.heading, column.values)
            dtype = np.float64 if name in _WIDE else np.float32
            with np.errstate(over="ignore"):
                channels.setdefault(name, values.astype(dtype))
        return channels

    def athlete(self) -> str:
        for column in self.columns:
            if len(column.words) > 1:
                raise StadionError(
                    Code.INVALID,
                    f"column {column.heading.name!r} names several athletes; expected one a file",
                )
        return next((w.strip() for c in self.columns for w in c.words), "")

    def repairs(self) -> Iterable[Repair]:
        streams = self._streams()
        texts = len(self.columns) - len(streams) - len(self._times())
        counts = {
            "rows of another length dropped": self.ragged,
            "columns of text left out": texts,
            "fields that are no number left out": sum(column.strange for column in streams),
        }
        return [Repair(what, count) for what, count in counts.items() if count > 0]

    def _times(self) -> list[_Column]:
        return [column for column in self.columns if column.key in _TIMES]

    def _streams(self) -> list[_Column]:
        return [
            column
            for column in self.columns
            if column.key and column.key not in _TIMES and column.is_numeric(self.rows)
        ]

    def _no_clock(self, candidates: Sequence[_Column]) -> str:
        expected = "seconds, h:mm:ss, ISO 8601 with a time of day, or seconds since 1970"
        if candidates:
            name = candidates[0].heading.name
            return f"time column {name!r} cannot be read; expected {expected}"
        names = ", ".join(repr(column.heading.name[:40]) for column in self.columns[:12])
        return f"no time column among {names}; expected one named 'time' or 'timestamp'"


def _channel(heading: Heading, values: FloatArray) -> tuple[str, FloatArray]:
    """The channel of a column; the bare axes of a sensor are known by their unit."""
    axis = _AXIS.fullmatch(heading.name.strip().lower())
    unit = known_unit(heading.unit)
    quantity = UNITS[unit].dimension if unit else ""
    if axis and quantity in ("acceleration", "angular velocity"):
        return as_channel(f"{quantity.replace(' ', '_')}_{axis[1]}", heading.unit, values)
    return as_channel(heading.name, heading.unit, values)


PLUGIN = CsvReader()
