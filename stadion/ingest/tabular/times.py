"""Texts or numbers of a time column in, seconds out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.core.units import convert
from stadion.ingest.tabular.numbers import is_blank
from stadion.ingest.tabular.words import unit_named

__all__ = [
    "Moments", "days_since_1900", "duration_in", "is_dated", "is_serial", "localised",
    "moments_in", "seconds_in",
]  # fmt: skip

_SINCE_1980_S = 315_964_800
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:[.,]\d+)?)")
_HALF_DAY = re.compile(
    r"(?P<half>上午|下午)?\s?(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2}))?\s?"
    r"(?P<half2>[AaPp]\.?\s?[Mm]\.?)?"
)
_DATE = (
    r"(?:(?P<a>\d{1,4})(?P<sep>[./\-年])\s?(?P<b>\d{1,2})[./\-月]\s?(?P<c>\d{1,4})日?"
    r"|(?P<day>\d{1,2})\.?[ \-](?P<mon>[A-Za-zä]{3,9})\.?,?[ \-](?P<year>\d{4})"
    r"|(?P<mon2>[A-Za-zä]{3,9})\.? (?P<day2>\d{1,2}),? (?P<year2>\d{4}))"
)
_TIME = (
    r"(?P<half>上午|下午|[AaPp][Mm])?\s?(?P<h>\d{1,2})[:\uff1a](?P<m>\d{2})(?:[:\uff1a](?P<s>\d{2})"
    r"(?:[.,](?P<f>\d{1,9}))?)?\s?(?P<half2>[AaPp]\.?\s?[Mm]\.?)?"
    r"\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_MOMENT = re.compile(rf"\s*(?:[A-Za-z]{{2,9}},\s)?{_DATE}(?:(?:T|,?\s+){_TIME})?\s*")
_MONTHS = {
    name: k + 1
    for k, names in enumerate((
        ("jan",), ("feb", "fev"), ("mar", "mär", "mrz"), ("apr", "avr", "abr"),
        ("may", "mai", "mei"), ("jun",), ("jul",), ("aug", "aou", "ago"), ("sep", "set"),
        ("oct", "okt", "out"), ("nov",), ("dec", "dez", "dic"),
    ))
    for name in names
}  # fmt: skip
_NONE = (math.nan, math.nan, "")


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Times as texts tell them.

    Parameters
    ----------
    day_first, month_first
        (n,) seconds, since 1970 or some start, NaN = none: they differ where a date such as
        3/4/2024 can be read in two ways or in only one.
    strange
        Fields that hold something else.
    kinds
        Counts of `clock` (h:mm:ss), `date` (no time of day), `local` and `zoned` moments.
    """

    day_first: FloatArray
    month_first: FloatArray
    strange: int
    kinds: dict[str, int]


def moments_in(texts: Sequence[str]) -> Moments:
    """Seconds since 1970 of dates with a time in most of the ways of the world, or of h:mm:ss.

    A time that names no zone is taken as UTC; `localised` moves it.

    Examples
    --------
    >>> moments_in(["1:02:03.5", "2:03", "noon"]).day_first.tolist()
    [3723.5, 123.0, nan]
    >>> moments = moments_in(["31.12.2023 23:59:59", "5/1/2024 7:00 AM", "2024年5月1日 07:00"])
    >>> [datetime.fromtimestamp(s, UTC).strftime("%d %b %H:%M") for s in moments.month_first[1:]]
    ['01 May 07:00', '01 May 07:00']
    """
    day_first = np.empty(len(texts))
    month_first = np.empty(len(texts))
    kinds: dict[str, int] = {}
    strange = 0
    for k, text in enumerate(texts):
        day_first[k], month_first[k], kind = _moment(text)
        kinds[kind] = kinds.get(kind, 0) + 1
        strange += not kind and not is_blank(text)
    kinds.pop("", None)
    return Moments(day_first, month_first, strange, kinds)


def seconds_in(values: FloatArray, unit: str) -> FloatArray:
    """Seconds of a numeric time column; without a unit its size tells ms, us and ns from s."""
    symbol = unit_named(unit)
    if symbol in ("us", "ns"):
        return values * {"us": 1e-6, "ns": 1e-9}[symbol]
    if symbol in ("ms", "min", "h"):
        return np.asarray(convert(values, symbol, "s"), np.float64)
    known = values[np.isfinite(values)]
    typical = float(np.median(np.abs(known))) if len(known) and symbol != "s" else 0.0
    for above, scale in ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3)):
        if typical > above:
            return values * scale
    return values


def is_serial(values: FloatArray) -> bool:
    """True for dates as spreadsheets count them: days since 1900, with their fractions.

    Examples
    --------
    >>> is_serial(np.array([45413.291667, 45413.291678])), is_serial(np.array([45413.0, 45414.0]))
    (True, False)
    """
    known = values[np.isfinite(values)]
    if len(known) < 2 or not (known.min() > 36_000 and known.max() < 60_000):
        return False
    return float(np.ptp(known)) < 2 and float(np.median(np.abs(np.diff(known)))) < 0.01


def days_since_1900(values: FloatArray) -> FloatArray:
    """Seconds since 1970 of a spreadsheet's dates, to the millisecond they can tell."""
    return np.round((values - 25_569.0) * 86_400.0, 3)


def duration_in(text: str) -> float:
    """Seconds of h:mm:ss or mm:ss, also written 5'30"; NaN for anything else."""
    text = text.strip().rstrip('"″').replace("'", ":").replace("′", ":").replace("’", ":")
    found = _CLOCK.fullmatch(text.replace("”", ""))
    if found is None or len(text) > 20:
        return math.nan
    hours, minutes, seconds = found[1] or "0", found[2], found[3].replace(",", ".")
    return int(hours) * 3600.0 + int(minutes) * 60.0 + float(seconds)


def is_dated(clock_s: FloatArray) -> bool:
    """True for seconds since 1970, False for seconds since some start."""
    known = clock_s[np.isfinite(clock_s)]
    return bool(len(known)) and float(np.median(known)) > _SINCE_1980_S


def localised(clock_s: FloatArray, zone: str) -> FloatArray:
    """Wall-clock times that were taken as UTC, moved to what UTC was in that zone."""
    known = np.isfinite(clock_s)
    quarters, places = np.unique(np.floor(clock_s[known] / 900.0), return_inverse=True)
    place = ZoneInfo(zone)
    shifts = [_offset(float(quarter) * 900.0, place) for quarter in quarters]
    moved = clock_s.copy()
    moved[known] -= np.array(shifts, np.float64)[places]
    return moved


def _offset(wall_s: float, zone: ZoneInfo) -> float:
    try:
        wall = datetime.fromtimestamp(wall_s, UTC).replace(tzinfo=zone)
        shift = wall.utcoffset()
    except (ValueError, OverflowError, OSError):
        return 0.0
    return shift.total_seconds() if shift else 0.0


def _moment(text: str) -> tuple[float, float, str]:
    if (
        not text
        or len(text) > 60
        or not (
            ":" in text
            or "\uff1a" in text
            or "/" in text
            or "-" in text
            or "." in text
            or "年" in text
        )
    ):
        return _NONE
    if text[4:5] == "-" and ":" in text:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            pass
        else:
            return _stamp(moment)
    seconds = duration_in(text)
    if not math.isnan(seconds):
        return seconds, seconds, "clock"
    if (half := _HALF_DAY.fullmatch(text.strip())) is not None:
        seconds = _hour(half) * 3600.0 + int(half["m"]) * 60.0 + int(half["s"] or 0)
        return seconds, seconds, "clock"
    found = _MOMENT.fullmatch(text)
    return _NONE if found is None else _written(found)


def _stamp(moment: datetime) -> tuple[float, float, str]:
    is_zoned = moment.tzinfo is not None
    try:
        seconds = (moment if is_zoned else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return _NONE
    return seconds, seconds, "zoned" if is_zoned else "local"


def _written(found: re.Match[str]) -> tuple[float, float, str]:
    dates = _dates(found["a"], found["b"], found["c"], found["day"] or found["day2"],
                   found["mon"] or found["mon2"], found["year"] or found["year2"])  # fmt: skip
    if found["h"] is None:
        return *dates, "date" if dates != (math.nan, math.nan) else ""
    hour, minute = _hour(found), int(found["m"])
    seconds = int(found["s"] or 0) + float(f"0.{found['f'] or 0}")
    if hour > 24 or minute > 59 or seconds >= 61:
        return _NONE
    zone = found["zone"] or ""
    shift = _shift(zone) if zone[:1] in ("+", "-") else 0.0
    of_day = hour * 3600.0 + minute * 60.0 + seconds - shift
    return dates[0] + of_day, dates[1] + of_day, "zoned" if zone else "local"


def _hour(found: re.Match[str]) -> int:
    """The hour of a day of twenty-four."""
    hour, half = int(found["h"]), (found["half"] or found["half2"] or "").lower()
    return hour % 12 + 12 * (half.startswith("p") or half == "下午") if half else hour


def _shift(zone: str) -> float:
    digits = zone[1:].replace(":", "")
    return (int(digits[:2]) * 3600.0 + int(digits[2:]) * 60.0) * (-1 if zone[0] == "-" else 1)


@lru_cache(maxsize=4096)
def _dates(
    a: str | None, b: str | None, c: str | None, day: str | None, mon: str | None, year: str | None
) -> tuple[float, float]:
    """Seconds since 1970 of a date's midnight, read day first and month first."""
    if a is None or b is None or c is None:
        month = _MONTHS.get((mon or "")[:3].lower(), 0)
        named = _midnight(int(year or 0), month, int(day or 0))
        return named, named
    if len(a) == 4:
        written = _midnight(int(a), int(b), int(c))
        return written, written
    if len(c) not in (2, 4):
        return math.nan, math.nan
    full = int(c) + (2000 if len(c) == 2 else 0)
    return _midnight(full, int(b), int(a)), _midnight(full, int(a), int(b))


def _midnight(year: int, month: int, day: int) -> float:
    try:
        moment = datetime(year, month, day, tzinfo=UTC)
    except (ValueError, OverflowError):
        return math.nan
    return moment.timestamp() if 1980 <= year <= 2100 else math.nan
