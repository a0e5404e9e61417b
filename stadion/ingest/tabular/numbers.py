"""Texts of one column in, numbers or moments out, NaN where there is none."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.core.units import convert
from stadion.ingest._units import known_unit

__all__ = ["Numbers", "is_dated", "moments_in", "numbers_in", "seconds_in"]

_BLANKS = {"", "na", "n/a", "nan", "null", "none", "-", "--", "?", "#div/0!"}
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:[.,]\d+)?)")
_SINCE_1980_S = 315_964_800


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """(n,) values, and how many fields held something else."""

    values: FloatArray
    strange: int


def numbers_in(texts: Sequence[str], is_comma_free: bool) -> Numbers:
    """Numbers in the notation of any locale.

    Parameters
    ----------
    is_comma_free
        True when the comma parts no columns, so that one in a number is its decimal sign.

    Examples
    --------
    >>> found = numbers_in(["1.234,5", "", "x"], is_comma_free=True)
    >>> found.values.tolist(), found.strange
    ([1234.5, nan, nan], 1)
    """
    try:
        return Numbers(np.array([text or "nan" for text in texts], np.float64), 0)
    except ValueError:
        values = [_number(text.strip(), is_comma_free) for text in texts]
    return _counted(values, texts)


def seconds_in(values: FloatArray, unit: str) -> FloatArray:
    """Seconds of a numeric time column; without a unit its size tells ms, us and ns from s."""
    symbol = known_unit(unit)
    if symbol in ("s", "ms", "min", "h"):
        return np.asarray(convert(values, symbol, "s"), np.float64)
    known = values[np.isfinite(values)]
    typical = float(np.median(np.abs(known))) if len(known) else 0.0
    for above, scale in ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3)):
        if typical > above:
            return values * scale
    return values


def moments_in(texts: Sequence[str]) -> Numbers:
    """Seconds since 1970 of ISO 8601 dates with a time, or seconds of h:mm:ss.

    Examples
    --------
    >>> moments_in(["1:02:03.5", "2:03", "noon"]).values.tolist()
    [3723.5, 123.0, nan]
    """
    values = [_moment(text.strip()) for text in texts]
    return _counted(values, texts)


def is_dated(clock_s: FloatArray) -> bool:
    """True for seconds since 1970, False for seconds since some start."""
    known = clock_s[np.isfinite(clock_s)]
    return bool(len(known)) and float(np.median(known)) > _SINCE_1980_S


def _counted(values: Sequence[float], texts: Sequence[str]) -> Numbers:
    strange = sum(
        math.isnan(value) and text.strip().lower() not in _BLANKS
        for value, text in zip(values, texts, strict=True)
    )
    return Numbers(np.array(values, np.float64), strange)


def _number(text: str, is_comma_free: bool) -> float:
    if "," in text:
        if text.rfind(",") < text.rfind(".") or (not is_comma_free and _THOUSANDS.fullmatch(text)):
            text = text.replace(",", "")
        else:
            text = text.replace(".", "").replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return math.nan


def _moment(text: str) -> float:
    if found := _CLOCK.fullmatch(text):
        hours, minutes, seconds = found[1] or "0", found[2], found[3].replace(",", ".")
        return int(hours) * 3600.0 + int(minutes) * 60.0 + float(seconds)
    if ":" not in text:
        return math.nan
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan
