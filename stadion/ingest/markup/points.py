"""Points as texts in, a track out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stadion.core.activity import Repair
from stadion.core.arrays import FloatArray
from stadion.core.channels import canonical
from stadion.ingest._clock import Timeline, build_timeline
from stadion.ingest.markup.moments import moments_in
from stadion.ingest.markup.runs import Run

__all__ = ["Points", "number_in", "numbers_in"]

_MOST_COLUMNS = 128
_WIDE = {"position_lat", "position_long", "distance"}
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
    """Texts of one name and the points they stand in; of two in one point the first counts."""

    rows: list[int] = field(default_factory=list)
    texts: list[str | bytes] = field(default_factory=list)


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
            column = self._column(name)
            if text and column is not None:
                column.rows.append(self.count)
                column.texts.append(text)
        self.count += 1

    def add_run(self, run: Run) -> None:
        """Many points of one shape."""
        rows = range(self.count, self.count + run.count)
        for name, texts in run.columns:
            column = self._column(name) if any(texts) else None
            if column is None:
                continue
            if b"" in texts:
                kept = [(row, text) for row, text in zip(rows, texts, strict=True) if text]
                column.rows.extend(row for row, _ in kept)
                column.texts.extend(text for _, text in kept)
            else:
                column.rows.extend(rows)
                column.texts.extend(texts)
        self.count += run.count

    def clock(self) -> tuple[FloatArray, tuple[Repair, ...]]:
        """(n,) seconds since 1970, NaN = no time; and what had to be assumed."""
        clock = np.full(self.count, np.nan)
        column = self.columns.get("time", _Column())
        seconds, offsets = moments_in([_stripped(text) for text in column.texts[::-1]])
        clock[column.rows[::-1]] = seconds
        bare = int((np.isfinite(seconds) & np.isnan(offsets)).sum())
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
            dtype: type[np.floating[Any]] = np.float64 if channel in _WIDE else np.float32
            values = np.full(self.count, np.nan, dtype)
            with np.errstate(over="ignore"):
                values[column.rows[::-1]] = numbers_in(column.texts[::-1])
            known = channels.get(channel)
            channels[channel] = (
                values if known is None else np.where(np.isnan(known), values, known)
            )
        return channels

    def _column(self, name: str) -> _Column | None:
        column = self.columns.get(name)
        if column is None and len(self.columns) < _MOST_COLUMNS:
            column = self.columns[name] = _Column()
        return column


def numbers_in(texts: Sequence[str | bytes]) -> FloatArray:
    """(n,) numbers that texts hold; NaN for anything else."""
    try:
        return np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        return np.array(list(_numbers(texts)), np.float64)


def _numbers(texts: Iterable[str | bytes]) -> Iterable[float]:
    for text in texts:
        yield number_in(text)


def number_in(text: str | bytes | None) -> float:
    """The number a text holds; NaN for none or anything else."""
    try:
        return float(text) if text else math.nan
    except ValueError:
        return math.nan


def _stripped(text: str | bytes) -> bytes:
    return (text.encode("utf-8", "replace") if isinstance(text, str) else text).strip()
