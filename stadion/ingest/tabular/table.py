"""Rows of a table in, one activity out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from stadion.core.activity import Activity, Lap, Repair, Source
from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest._clock import Timeline, build_timeline
from stadion.ingest._sports import sport_named
from stadion.ingest.base import activity_id
from stadion.ingest.tabular.clock import Clock, clock_of
from stadion.ingest.tabular.columns import Column, Notation, channel_of, refuse_stated
from stadion.ingest.tabular.mapping import ColumnMapping, unused
from stadion.ingest.tabular.plausible import told_units
from stadion.ingest.tabular.words import Meaning, meaning_of

__all__ = ["Facts", "Table"]

_TOTALS = {
    "total", "totals", "sum", "summe", "summary", "average", "averages", "avg", "mean", "gesamt",
    "mittelwert", "durchschnitt", "max", "min", "maximum", "minimum", "moyenne", "promedio",
    "合计", "总计", "平均", "平均值", "最大", "最大值", "最小",
}  # fmt: skip
_MOST_LAPS = 1_000
_LONGEST_STEP_S = 6 * 3_600.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a recording from outside of its rows."""

    start_s: float | None = None
    """Seconds since 1970 of its start, for a clock that only knows seconds since then."""
    repairs: tuple[Repair, ...] = ()


@dataclass(slots=True, eq=False)
class Table:
    """Collects the rows of one table by column."""

    columns: list[Column]
    mapping: ColumnMapping = field(default_factory=ColumnMapping)
    notation: Notation = field(default_factory=Notation)
    is_trimmed: bool = False
    is_day_first: bool = False
    sport: str = ""
    """FIT's word, where something beside the rows tells it."""
    rows: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, headers: Sequence[tuple[str, str]], mapping: ColumnMapping) -> Table:
        """An empty table of columns with these names and units.

        Raises
        ------
        StadionError
            INVALID when the mapping names a column that is not there.
        """
        names = [name for name, _ in headers]
        if missing := unused(mapping, names):
            there = ", ".join(repr(name[:40]) for name in names[:20])
            raise StadionError(
                Code.INVALID, f"the mapping names column {missing[0]!r}; the table has {there}"
            )
        is_powertap = any(meaning_of(*header).name == "torque" for header in headers)
        columns = []
        for name, unit in headers:
            is_named, meaning = mapping.of(name)
            if not is_named:
                meaning = meaning_of(name, unit)
                if is_powertap and name.strip().lower() == "id":
                    meaning = Meaning("lap", "lap")
            elif meaning is not None and not meaning.unit and unit:
                meaning = Meaning(meaning.role, meaning.name, unit)
            columns.append(Column(name, meaning or Meaning("left out", ""), is_named))
        return cls(columns, mapping)

    def add(self, chunk: Sequence[Sequence[str]]) -> None:
        """Some more rows of texts."""
        width = len(self.columns)
        whole = [row if len(row) == width else self._fitted(row, width) for row in chunk]
        kept = [row for row in whole if row is not None and not self._is_no_data(row)]
        self.rows += len(kept)
        for column, texts in zip(self.columns, zip(*kept, strict=True), strict=False):
            if column.meaning.role != "left out":
                column.add(texts, self.notation)

    def clock(self) -> Clock:
        """When each row was."""
        stated = [c for c in self.columns if c.is_stated and c.meaning.role == "time"]
        asked = stated or self.columns
        return clock_of(asked, self.rows, self.mapping.zone, self.is_day_first)

    def streams(self) -> list[Column]:
        """The columns that become channels, as far as they hold numbers."""
        return [
            column
            for column in self.columns
            if column.meaning.role in ("channel", "pace", "")
            and column.meaning.name
            and column.header.strip()
            and column.is_numeric(self.rows)
        ]

    def activity(self, reader: Source, facts: Facts) -> Activity:
        """The recording; `reader` tells name, path, digest and repairs so far.

        Raises
        ------
        StadionError
            INVALID without a clock or a channel, naming the column and what would be right.
        """
        for column in self.columns:
            if column.meaning.role in ("channel", "pace"):
                refuse_stated(column, self.rows)
        clock = self.clock()
        athlete = self._athlete()
        laps = next(self._lap_numbers(), None)
        seconds, restarts, shifts = _one_after_another(clock, laps)
        unstated = {c.meaning.name for c in self.streams() if not c.meaning.unit}
        channels, repairs = self._channels(shifts)
        repairs += told_units(seconds, channels, unstated)
        timeline = build_timeline(seconds, channels)
        if timeline is None or not timeline.track.channels:
            raise StadionError(Code.INVALID, "no column of numbers beside the time")
        _refuse_days(timeline)
        start_s = _start(clock, timeline, facts)
        told = facts.repairs if start_s is not None and not clock.is_dated else ()
        mended = [*reader.repairs, *told, *clock.repairs, *self._repairs(), *repairs]
        mended += [*restarts, *timeline.repairs]
        return Activity(
            id=activity_id(reader.digest),
            athlete=athlete,
            sport=self._sport(),
            start=None if start_s is None else datetime.fromtimestamp(start_s, UTC),
            tracks=(timeline.track,),
            source=Source(reader.reader, reader.digest, reader.name, _added(mended)),
            zone=self.mapping.zone,
            laps=_laps(seconds - timeline.zero_s, laps),
        )

    def _channels(self, shifts: Array | None) -> tuple[dict[str, FloatArray], list[Repair]]:
        channels: dict[str, FloatArray] = {}
        repairs: list[Repair] = []
        for column in self.streams():
            name, values, mended = channel_of(column)
            if shifts is not None and name == "distance":
                values = _going_on(values, shifts)
            repairs += mended
            column.chunks = []
            known = channels.get(name)
            if known is None:
                channels[name] = values
            elif np.isnan(known).any():
                # A later column of the same name only fills what the earlier one lacks.
                channels[name] = np.where(np.isnan(known), values, known)
        return channels, [*repairs, *_without_null_island(channels)]

    def _athlete(self) -> str:
        for column in self.columns:
            if len(column.words - {""}) > 1:
                raise StadionError(
                    Code.INVALID,
                    f"column {column.header!r} names several athletes; expected one a file",
                )
        return next((word for c in self.columns for word in c.words if word), "")

    def _lap_numbers(self) -> Iterator[FloatArray]:
        for column in self.columns:
            if column.meaning.role == "lap" and column.is_numeric(self.rows):
                values = column.values.astype(np.float64)
                if 1 < 1 + int((np.diff(values) != 0).sum()) <= min(_MOST_LAPS, len(values) // 2):
                    yield values

    def _sport(self) -> str:
        if self.mapping.sport:
            return sport_named(self.mapping.sport)
        headers = {column.header.strip().lower() for column in self.columns}
        return self.sport or ("rowing" if {"stroke_rate", "estimated_500m_time"} <= headers else "")

    def _repairs(self) -> Iterator[Repair]:
        streams = self.streams()
        texts = sum(c.meaning.role in ("channel", "pace", "") for c in self.columns) - len(streams)
        yield from (Repair(what, count) for what, count in self.lost.items())
        yield Repair("columns of text left out", texts)
        yield Repair("fields that are no number left out", sum(c.strange for c in streams))

    def _fitted(self, row: Sequence[str], width: int) -> Sequence[str] | None:
        if len(row) > width:
            if any(text.strip() for text in row[width:]):
                self.lost["rows longer than the header cut"] += 1
            return row[:width]
        # A bound on what blanks a short text may become.
        if self.is_trimmed and len(row) >= max(2, width // 2):
            return [*row, *[""] * (width - len(row))]
        self.lost["rows of another length dropped"] += 1
        return None

    def _is_no_data(self, row: Sequence[str]) -> bool:
        first = row[0].strip()
        if first and not first[0].isdigit():
            if first.rstrip(":").lower() in _TOTALS:
                self.lost["rows of totals left out"] += 1
                return True
            if first == self.columns[0].header and row[1].startswith(self.columns[1].header):
                self.lost["repeated headers left out"] += 1
                return True
        return not any(row)


def _refuse_days(timeline: Timeline) -> None:
    step_s = float(np.median(np.diff(timeline.track.time_s))) if len(timeline.track) > 1 else 0.0
    if step_s > _LONGEST_STEP_S:
        raise StadionError(
            Code.INVALID,
            f"rows lie some {step_s / 3600:.0f} hours apart: a list of days or activities; "
            "expected the samples of one recording",
        )


def _without_null_island(channels: dict[str, FloatArray]) -> Iterator[Repair]:
    """Latitude and longitude 0 are what recorders write without a position."""
    lat, long = channels.get("position_lat"), channels.get("position_long")
    if lat is None or long is None:
        return
    nowhere = (lat == 0) & (long == 0)
    if nowhere.any():
        for name in ("position_lat", "position_long"):
            channels[name] = np.where(nowhere, np.nan, channels[name])
        yield Repair("positions of 0, 0 left out", int(nowhere.sum()))


def _start(clock: Clock, timeline: Timeline, facts: Facts) -> float | None:
    """Seconds since 1970 of the first row."""
    if clock.is_dated:
        return timeline.zero_s
    if facts.start_s is None:
        return None
    if clock.is_of_day and abs(facts.start_s % 86_400 - timeline.zero_s % 86_400) < 300:
        return facts.start_s // 86_400 * 86_400 + timeline.zero_s % 86_400
    return facts.start_s + timeline.zero_s


def _one_after_another(
    clock: Clock, laps: FloatArray | None
) -> tuple[FloatArray, list[Repair], Array | None]:
    """A clock that begins anew with each lap goes on instead; and the rows where it did."""
    seconds = clock.seconds
    if laps is None or clock.is_dated:
        return seconds, [], None
    falls = np.diff(seconds, prepend=seconds[0]) < 0
    new = np.diff(laps, prepend=laps[0]) != 0
    if not falls.any() or (falls & ~new).any():
        return seconds, [], None
    what = "laps whose time began again put one after another"
    return _going_on(seconds, falls), [Repair(what, int(falls.sum()))], falls


def _going_on(values: FloatArray, restarts: Array) -> FloatArray:
    """(n,) values that begin anew at the restarts, added to what had been reached before."""
    reached = np.where(restarts, np.concatenate(([0.0], values[:-1])), 0.0)
    return values + np.cumsum(np.nan_to_num(reached)).astype(values.dtype)


def _laps(time_s: FloatArray, numbers: FloatArray | None) -> tuple[Lap, ...]:
    if numbers is None:
        return ()
    known = np.isfinite(time_s) & np.isfinite(numbers)
    times, runs = time_s[known], numbers[known]
    if len(times) < 2 or (np.diff(times) < 0).any():
        return ()
    starts = np.flatnonzero(np.diff(runs, prepend=np.nan) != 0)
    ends = [*times[starts[1:]], times[-1]]
    pairs = zip(times[starts], ends, strict=True)
    return tuple(Lap(float(start), float(end)) for start, end in pairs)


def _added(repairs: Sequence[Repair]) -> tuple[Repair, ...]:
    counts: Counter[str] = Counter()
    for repair in repairs:
        counts[repair.what] += repair.count
    return tuple(Repair(what, count) for what, count in counts.items() if count > 0)
