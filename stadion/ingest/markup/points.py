"""Points as texts in, a track out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stadion.core.activity import Repair
from stadion.core.arrays import FloatArray, IntArray
from stadion.core.channels import canonical, dtype_of
from stadion.ingest._clock import Timeline, build_timeline
from stadion.ingest._numbers import number_or_nan
from stadion.ingest.markup.moments import moments_in
from stadion.ingest.markup.runs import Run

__all__ = ["Points", "numbers_in"]

_MOST_COLUMNS = 128
_FLUSH = 4096
_FEW = 64
_NAMES = {
    "latitudedegrees": "position_lat",
    "longitudedegrees": "position_long",
    "altitudemeters": "altitude",
    "distancemeters": "distance",
    "heartratebpm": "heart_rate",
    "runcadence": "cadence",
    "powerinwatts": "power",
}


@dataclass(slots=True, eq=False)
class _Column:
    """What stands under one name: numbers of points, and a number each.

    Texts become numbers a few thousand at a time: they take many times the room.
    """

    is_time: bool
    rows: list[int] = field(default_factory=list)
    texts: list[str | bytes] = field(default_factory=list)
    parts: list[tuple[IntArray, FloatArray, FloatArray]] = field(default_factory=list)

    def add(self, row: int, text: str) -> None:
        self.rows.append(row)
        self.texts.append(text)
        if len(self.rows) >= _FLUSH:
            self.flush()

    def extend(self, rows: range, texts: Sequence[bytes]) -> None:
        if len(rows) < _FEW or b"" in texts:
            for row, text in zip(rows, texts, strict=True):
                if text:
                    self.rows.append(row)
                    self.texts.append(text)
            if len(self.rows) >= _FLUSH:
                self.flush()
        else:
            self.flush()
            self.add_part(np.arange(rows.start, rows.stop, dtype=np.int32), texts)

    def flush(self) -> None:
        if self.rows:
            rows, self.rows = np.array(self.rows, np.int32), []
            texts, self.texts = self.texts, []
            self.add_part(rows, texts)

    def add_part(self, rows: IntArray, texts: Sequence[str | bytes]) -> None:
        if self.is_time:
            self.parts.append((rows, *moments_in([_stripped(text) for text in texts])))
        else:
            self.parts.append((rows, numbers_in(texts), np.zeros(0)))

    def filled(self, values: FloatArray, which: int = 1) -> FloatArray:
        """`values` with the numbers in their rows; of two in one row the first counts."""
        self.flush()
        for part in reversed(self.parts):
            with np.errstate(over="ignore"):
                values[part[0][::-1]] = part[which][::-1]
        return values


@dataclass(slots=True, eq=False)
class Points:
    """Points of one track, each with texts under the names of its elements."""

    count: int = 0
    columns: dict[str, _Column] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.count

    def add(self, point: Mapping[str, str]) -> None:
        """One more point."""
        for name, text in point.items():
            column = self._column(name) if text else None
            if column is not None:
                column.add(self.count, text)
        self.count += 1

    def add_run(self, run: Run) -> None:
        """Many points of one shape."""
        count, columns = run.columns()
        rows = range(self.count, self.count + count)
        for name, texts in columns:
            column = self._column(name) if any(texts) else None
            if column is not None:
                column.extend(rows, texts)
        self.count += count

    def clock(self) -> tuple[FloatArray, tuple[Repair, ...]]:
        """(n,) seconds since 1970, NaN = no time; and what had to be assumed."""
        column = self.columns.get("time", _Column(is_time=True))
        clock = column.filled(np.full(self.count, np.nan))
        offset = column.filled(np.full(self.count, np.nan), 2)
        bare = int((np.isfinite(clock) & np.isnan(offset)).sum())
        return clock, (Repair("times without a zone taken as UTC", bare),) if bare else ()

    def timeline(self) -> Timeline | None:
        """The track; None when no point has a time."""
        clock, repairs = self.clock()
        line = build_timeline(clock, self.channels())
        return line and Timeline(line.track, line.zero_s, (*repairs, *line.repairs))

    def channels(self) -> dict[str, FloatArray]:
        """Channel -> (n,) values, NaN = missing; of two names for one channel the first counts."""
        channels: dict[str, FloatArray] = {}
        for name, column in self.columns.items():
            if name == "time":
                continue
            channel = canonical(_NAMES.get(name, name))
            values = column.filled(np.full(self.count, np.nan, dtype_of(channel)))
            known = channels.get(channel)
            if known is not None:
                values = np.where(np.isnan(known), values, known)
            channels[channel] = values
        return channels

    def _column(self, name: str) -> _Column | None:
        column = self.columns.get(name)
        if column is None and len(self.columns) < _MOST_COLUMNS:
            column = self.columns[name] = _Column(is_time=name == "time")
        return column


def numbers_in(texts: Sequence[str | bytes]) -> FloatArray:
    """(n,) numbers that texts hold; NaN for anything else."""
    try:
        return np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        return np.array(list(_numbers(texts)), np.float64)


def _numbers(texts: Iterable[str | bytes]) -> Iterable[float]:
    for text in texts:
        yield number_or_nan(text)


def _stripped(text: str | bytes) -> bytes:
    return (text.encode("utf-8", "replace") if isinstance(text, str) else text).strip()
