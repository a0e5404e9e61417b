"""Lengths of a pool swim as GoldenCheetah writes them in, activities out."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from stadion.core.activity import Activity, Lap, Repair, Table, Track
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest._days import number_in
from stadion.ingest.base import Member, activity_id, digest_of, source_of
from stadion.ingest.tabular.preface import start_of

__all__ = ["PLUGIN", "SwimLengthsReader"]

_MAGIC = b"XDATA: SWIM"
_STROKES = {1: "freestyle", 2: "backstroke", 3: "breaststroke", 4: "butterfly", 5: "drill",
            6: "mixed"}  # fmt: skip
_COLUMNS = ("SECS", "KM", "TYPE", "DURATION", "STROKES", "REST")
_MOST_LENGTHS = 20_000


class SwimLengthsReader:
    """A row per length: duration, strokes and kind of stroke, and the rest after it.

    References
    ----------
    GoldenCheetah, XDATA series SWIM: TYPE 0 is a rest, then 1 freestyle, 2 backstroke,
    3 breaststroke, 4 butterfly, 5 drill, 6 mixed, as FIT numbers its swim strokes from 0.
    """

    name = "swim_lengths"
    layout = "Text that begins with 'XDATA: SWIM' and has a row per length with its DURATION."
    guesses = False

    def example(self) -> list[Member]:
        """Two lengths and a rest."""
        rows = b"XDATA: SWIM\nSECS,KM,TYPE,DURATION:secs,STROKES\n0,0,1,26.5,11\n26,0.025,1,26,12\n"
        return [Member.of("swim.csv", rows + b"52,0.05,0,20,0\n")]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Files with the word for this series."""
        return [[m] for m in members if m.head.removeprefix(b"\xef\xbb\xbf").startswith(_MAGIC)]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity: a sample at the end of each length, and the lengths as laps."""
        (member,) = group
        data = member.data
        if not self.claim([Member.of("", data[:64])]):
            raise StadionError(Code.INVALID, "the text does not begin with 'XDATA: SWIM'")
        lengths, dropped = _lengths(data)
        swum = [length for length in lengths if length.kind != 0]
        if not swum:
            raise StadionError(Code.INVALID, "no length with a DURATION below 'XDATA: SWIM'")
        facts = start_of((), ",", member.path, "")
        repairs = [*facts.repairs]
        if dropped:
            repairs.append(Repair("rows without a duration dropped", dropped))
        zero = swum[0].start_s
        digest = digest_of([data])
        start = facts.start_s
        return [
            Activity(
                id=activity_id(digest),
                athlete="",
                sport="swimming",
                start=None if start is None else datetime.fromtimestamp(start + zero, UTC),
                tracks=(_track(swum),),
                source=source_of(self.name, member.path, digest, repairs),
                laps=tuple(_lap(length, zero) for length in swum),
                sub_sport="lap_swimming",
            )
        ]


@dataclass(frozen=True, slots=True)
class _Length:
    start_s: float
    duration_s: float
    kind: int
    strokes: float
    distance_m: float
    """NaN where the length of the pool is not told."""


def _lengths(data: bytes) -> tuple[list[_Length], int]:
    """Lengths and rests in their order, and how many rows were none."""
    text = io.TextIOWrapper(io.BytesIO(data.partition(b"\n")[2]), "utf-8", "replace", newline="")
    lines = csv.reader(text)
    rows: list[list[float]] = []
    dropped = 0
    try:
        names = [name.partition(":")[0].strip().upper() for name in next(lines, [])]
        places = [names.index(name) if name in names else len(names) for name in _COLUMNS]
        blanks = [""] * (len(names) + 1)
        for record in lines:
            if len(rows) + dropped >= _MOST_LENGTHS:
                raise StadionError(Code.INVALID, f"over {_MOST_LENGTHS} lengths in one swim")
            if record:
                fields = [*record[: len(names)], *blanks[min(len(record), len(names)) :]]
                values = [number_in(fields[place]) for place in places]
                if 0 < values[3] < 7_200:
                    rows.append(values)
                else:
                    dropped += 1
    except csv.Error as error:
        raise StadionError(Code.INVALID, f"a table that breaks off: {error}") from error
    if not rows:
        return [], dropped
    table = np.array(rows, np.float64)
    begins = _begins(table)
    pool = _pool_m(table[:, 1])
    found = [
        _Length(float(begin), row[3], int(np.nan_to_num(row[2])), row[4], pool)
        for begin, row in zip(begins, rows, strict=True)
    ]
    return found, dropped


def _begins(table: FloatArray) -> FloatArray:
    """(n,) seconds at which each row begins; where they only number the rows, by duration."""
    seconds, spent = table[:, 0], table[:, 3] + np.nan_to_num(table[:, 5])
    after = np.concatenate(([0.0], np.cumsum(spent)[:-1]))
    is_clock = np.isfinite(seconds).all() and (np.diff(seconds) > 0).all()
    if is_clock and (len(seconds) < 2 or seconds[-1] - seconds[0] > 0.5 * after[-1]):
        return seconds
    return after


def _pool_m(km: FloatArray) -> float:
    steps = np.diff(km) * 1e3
    steps = steps[steps > 1]
    return round(float(np.median(steps)), 2) if len(steps) else math.nan


def _track(lengths: Sequence[_Length]) -> Track:
    """A sample at the end of each length."""
    begins = np.array([length.start_s for length in lengths])
    spent = np.array([length.duration_s for length in lengths])
    metres = np.array([length.distance_m for length in lengths])
    strokes = np.array([length.strokes for length in lengths])
    # Starts are rounded to seconds: an end may not lie before the one before it.
    ends = np.maximum.accumulate(begins + spent - begins[0]) + 1e-6 * np.arange(len(lengths))
    with np.errstate(over="ignore"):  # lengths swum in no time have no speed: it is infinite
        channels = {
            "cadence": (strokes / spent * 60.0).astype(np.float32),
            "speed": (metres / spent).astype(np.float32),
            "distance": np.cumsum(metres),
        }
    known = {name: v for name, v in channels.items() if np.isfinite(v).any()}
    return Track("", ends, known)


def _lap(length: _Length, zero_s: float) -> Lap:
    values = {"elapsed_s": length.duration_s, "distance_m": length.distance_m,
              "strokes_1": length.strokes}  # fmt: skip
    known = {name: value for name, value in values.items() if math.isfinite(value)}
    start = length.start_s - zero_s
    return Lap(start, start + length.duration_s, "length", _STROKES.get(length.kind, ""), known)


PLUGIN = SwimLengthsReader()
