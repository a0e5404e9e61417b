"""The time columns of a table in, one clock out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Repair
from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest.tabular.columns import Column
from stadion.ingest.tabular.times import days_since_1900, is_dated, is_serial, localised
from stadion.ingest.tabular.words import TIMES

__all__ = ["Clock", "clock_of"]

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """(n,) seconds since 1970 or since some start, the columns they come from, what was mended."""

    seconds: FloatArray
    is_dated: bool
    headers: tuple[str, ...]
    repairs: tuple[Repair, ...] = ()
    is_of_day: bool = False
    """True for h:mm:ss, which can be a time of day or one since the start."""


def clock_of(columns: Sequence[Column], rows: int, zone: str, is_day_first: bool) -> Clock:
    """The best clock of the columns that mean a time.

    A column of dates with times wins; then a date beside a time of day; then seconds since
    some start.

    Parameters
    ----------
    zone
        Where times that name no zone were read; empty = UTC.
    is_day_first
        How 3/4/2024 is read when nothing in its column tells.

    Raises
    ------
    StadionError
        INVALID when there is none, naming the columns and what would be right.
    """
    candidates = sorted((c for c in columns if c.meaning.role == "time"), key=_rank)
    found = [clock for c in candidates if (clock := _clock(c, rows, zone, is_day_first))]
    dated = next((clock for clock in found if clock.is_dated), None)
    if dated is not None:
        return dated
    if combined := _combined(candidates, rows, zone, is_day_first):
        return combined
    if found:
        return found[0]
    raise StadionError(Code.INVALID, _no_clock(columns, candidates))


def _rank(column: Column) -> tuple[bool, int]:
    name = column.meaning.name
    return not column.is_stated, TIMES.index(name) if name in TIMES else len(TIMES)


def _clock(column: Column, rows: int, zone: str, is_day_first: bool) -> Clock | None:
    header = column.header
    seconds = column.seconds(rows)
    if seconds is not None and not column.meaning.unit and is_serial(seconds):
        local = days_since_1900(seconds)
        repair = Repair("times without a zone taken as UTC", int(np.isfinite(local).sum()))
        return Clock(localised(local, zone) if zone else local, True, (header,),
                     () if zone else (repair,))  # fmt: skip
    if seconds is not None:
        return Clock(seconds, is_dated(seconds), (header,))
    both = column.moments(rows)
    if both is None or column.kinds["date"] > 0.5 * column.kinds.total():
        return None
    told, repairs = _told_apart(column, *both, is_day_first)
    if not np.isfinite(told).any():
        return None
    if is_dated(told):
        if zone and not column.kinds["zoned"]:
            told = localised(told, zone)
        return Clock(told, True, (header,), (*repairs, *_unzoned(column, zone)))
    return Clock(_unwrapped(told), False, (header,), repairs, is_of_day=True)


def _told_apart(
    column: Column, day_first: FloatArray, month_first: FloatArray, is_day_first: bool
) -> tuple[FloatArray, tuple[Repair, ...]]:
    """The reading of the dates that more rows allow; where both do, the one that is usual."""
    lost = int(np.isnan(day_first).sum()) - int(np.isnan(month_first).sum())
    if lost:
        return (day_first if lost < 0 else month_first), ()
    known = np.isfinite(day_first)
    if (day_first[known] == month_first[known]).all():
        return day_first, ()
    is_day_first = is_day_first or "." in column.sample.partition(":")[0]
    order = "day/month" if is_day_first else "month/day"
    what = f"dates of {column.header[:40]!r} such as {column.sample[:20]!r} taken as {order}"
    return (day_first if is_day_first else month_first), (Repair(what),)


def _unzoned(column: Column, zone: str) -> tuple[Repair, ...]:
    count = 0 if zone else column.kinds["local"] + column.kinds["clock"]
    return (Repair("times without a zone taken as UTC", count),) if count else ()


def _unwrapped(seconds: FloatArray) -> FloatArray:
    """Times of day that pass midnight go on rising."""
    known = np.flatnonzero(np.isfinite(seconds))
    falls = np.diff(seconds[known], prepend=seconds[known[0]]) < -0.75 * _DAY_S
    if not falls.any():
        return seconds
    lifted: FloatArray = seconds.copy()
    lifted[known] += _DAY_S * np.cumsum(falls)
    return lifted


def _combined(
    candidates: Sequence[Column], rows: int, zone: str, is_day_first: bool
) -> Clock | None:
    """A column of dates and one of times of day as one clock."""
    dates = [c for c in candidates if c.kinds["date"] > 0.5 * max(c.kinds.total(), 1)]
    times = [c for c in candidates if c.kinds["clock"] > 0.5 * max(c.kinds.total(), 1)]
    for date in dates:
        for time in times:
            days, moments = date.moments(rows), time.moments(rows)
            if days is None or moments is None:
                continue
            told, repairs = _told_apart(date, *days, is_day_first)
            seconds: FloatArray = told + moments[0]
            if np.isfinite(seconds).any():
                seconds = localised(seconds, zone) if zone else seconds
                mended = (*repairs, *_unzoned(time, zone))
                return Clock(seconds, True, (date.header, time.header), mended)
    return None


def _no_clock(columns: Sequence[Column], candidates: Sequence[Column]) -> str:
    expected = (
        "seconds, h:mm:ss, a date with a time of day, or seconds since 1970; "
        "or state another column as the time"
    )
    if candidates:
        column = candidates[0]
        return (
            f"time column {column.header[:40]!r} cannot be read: it holds "
            f"{(column.odd or column.sample)[:40]!r}; expected {expected}"
        )
    names = ", ".join(repr(column.header[:40]) for column in columns[:12])
    return (
        f"no time column among {names}; expected one named 'time' or 'timestamp', "
        "or state which it is"
    )
