"""Texts of ISO 8601 times in, seconds since 1970 and their offsets from UTC out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray

__all__ = ["epoch_seconds", "moment_in", "moments_in"]

_GPS_BEGAN = 315_964_800  # 1980-01-06
_FIELDS = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19))
_SEPARATORS = ((4, b"-"), (7, b"-"), (10, b"T "), (13, b":"), (16, b":"))
_WIDTHS = range(19, 41)
_MOST_WIDTHS = 8
_POWERS = 10 ** np.arange(5, -1, -1)


def epoch_seconds(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 time; NaN for anything else. No zone means UTC.

    A time from before there was GPS comes from a clock that was not set: NaN too.

    Examples
    --------
    >>> epoch_seconds("2001-09-09T03:46:40.5+02:00"), epoch_seconds("noon")
    (1000000000.5, nan)
    """
    return moment_in(text)[0]


def moment_in(text: str) -> tuple[float, float]:
    """(seconds since 1970, minutes that the clock is ahead of UTC); NaN where not told.

    Examples
    --------
    >>> moment_in("2001-09-09 03:46:40 +0200")
    (1000000000.0, 120.0)
    """
    try:
        # Apple puts a space before the offset.
        moment = datetime.fromisoformat(text.strip().replace(" +", "+").replace(" -", "-"))
        ahead = moment.utcoffset()
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan, math.nan
    offset = math.nan if ahead is None else ahead.total_seconds() / 60
    return (seconds, offset) if seconds >= _GPS_BEGAN else (math.nan, math.nan)


def moments_in(texts: Sequence[bytes]) -> tuple[FloatArray, FloatArray]:
    """As `moment_in`, of many: (n,) seconds and (n,) minutes.

    Examples
    --------
    >>> moments_in([b"2001-09-09T03:46:40.5+02:00", b"noon"])[0].tolist()
    [1000000000.5, nan]
    """
    seconds, offsets = np.full((2, len(texts)), np.nan)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    widths, which = np.unique(lengths, return_inverse=True)
    for number, width in enumerate(widths.tolist()):
        rows = np.flatnonzero(which == number) if len(widths) > 1 else np.arange(len(texts))
        mine = [texts[row] for row in rows.tolist()] if len(widths) > 1 else texts
        read = _read(mine, width) if width in _WIDTHS and number < _MOST_WIDTHS else None
        seconds[rows], offsets[rows] = _one_by_one(mine) if read is None else read
    return seconds, offsets


def _one_by_one(texts: Sequence[bytes]) -> tuple[FloatArray, FloatArray]:
    moments = [moment_in(text.decode("utf-8", "replace")) for text in texts]
    pairs = np.array(moments, np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _read(texts: Sequence[bytes], width: int) -> tuple[FloatArray, FloatArray] | None:
    """Times that are all written in one way; None when they are not."""
    grid = np.frombuffer(b"".join(texts), np.uint8).reshape(len(texts), width)
    digits = grid.astype(np.int64) - ord("0")
    is_digit: Array = np.all((digits >= 0) & (digits <= 9), axis=0)
    if not all(is_digit[first:last].all() for first, last in _FIELDS):
        return None
    if not all(np.isin(grid[:, at], list(allowed)).all() for at, allowed in _SEPARATORS):
        return None
    whole = _whole_seconds([_number(digits, *each) for each in _FIELDS])
    tail = _tail(grid, digits, is_digit)
    if whole is None or tail is None:
        return None
    micros, offset = tail
    ahead = np.nan_to_num(offset).astype(np.int64) * 60_000_000
    seconds = (whole * 1_000_000 + micros - ahead) / 1e6
    is_set = seconds >= _GPS_BEGAN
    return np.where(is_set, seconds, np.nan), np.where(is_set, offset, np.nan)


def _number(digits: IntArray, first: int, last: int) -> IntArray:
    part: IntArray = digits[:, first:last] @ (10 ** np.arange(last - first - 1, -1, -1))
    return part


def _whole_seconds(fields: Sequence[IntArray]) -> IntArray | None:
    """Seconds since 1970 of year, month, day, hour, minute and second; None if one cannot be."""
    year, month, day, hour, minute, second = fields
    if not ((month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)).all():
        return None
    months = (year - 1970) * 12 + month - 1
    first = _day_of(months)
    if (first + day > _day_of(months + 1)).any() or max(
        hour.max() - 23, minute.max() - 59, second.max() - 59
    ) > 0:
        return None
    seconds: IntArray = (((first + day - 1) * 24 + hour) * 60 + minute) * 60 + second
    return seconds


def _day_of(months: IntArray) -> IntArray:
    days: Array = months.astype("datetime64[M]").astype("datetime64[D]")
    return days.astype(np.int64)


def _tail(grid: Array, digits: IntArray, is_digit: Array) -> tuple[IntArray, FloatArray] | None:
    """Microseconds and minutes ahead of UTC behind the whole seconds."""
    count, width = grid.shape
    micros, at = np.zeros(count, np.int64), 19
    if width > at and np.isin(grid[:, at], list(b".,")).all():
        end = at + 1
        while end < width and is_digit[end]:
            end += 1
        used = min(end - at - 1, 6)
        if not used:
            return None
        micros = digits[:, at + 1 : at + 1 + used] @ _POWERS[:used]
        at = end
    if at == width:
        return micros, np.full(count, np.nan)
    if width == at + 1 and (grid[:, at] == ord("Z")).all():
        return micros, np.zeros(count)
    if width > at and (grid[:, at] == ord(" ")).all():
        at += 1
    return _offset(micros, grid, digits, is_digit, at)


def _offset(
    micros: IntArray, grid: Array, digits: IntArray, is_digit: Array, at: int
) -> tuple[IntArray, FloatArray] | None:
    """The same with an offset such as +02:00, +0200 or +02 that begins at `at`."""
    width = grid.shape[1]
    if at >= width or not np.isin(grid[:, at], list(b"+-")).all():
        return None
    length = width - at
    if length == 6 and not (grid[:, at + 3] == ord(":")).all():
        return None
    minute = {3: width, 5: at + 3, 6: at + 4}.get(length)
    if minute is None or not is_digit[at + 1 : at + 3].all() or not is_digit[minute:].all():
        return None
    hours = _number(digits, at + 1, at + 3)
    minutes = _number(digits, minute, width)
    if hours.max(initial=0) > 23 or minutes.max(initial=0) > 59:
        return None
    ahead = (hours * 60 + minutes) * np.where(grid[:, at] == ord("-"), -1, 1)
    return micros, ahead.astype(np.float64)
