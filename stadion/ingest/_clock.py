"""Rows as a file holds them in, a track whose time rises strictly out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Repair, Track
from stadion.core.arrays import Array, FloatArray, IntArray

__all__ = ["Timeline", "build_timeline"]

_MOST_CLOCK_S = 1e12  # thirty thousand years


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """A track, the time of its first row on the clock of the file, and what was mended."""

    track: Track
    zero_s: float
    repairs: tuple[Repair, ...]


def build_timeline(
    clock_s: FloatArray, columns: Mapping[str, FloatArray], subject: str = ""
) -> Timeline | None:
    """Sort rows by time and merge those of one moment.

    Rows that say the same twice, or say each a part, lose nothing and are no repair.

    Parameters
    ----------
    clock_s
        (n,) float64, any origin; NaN = the row has no time and is dropped.
    columns
        Name -> (n,) values. Of rows that share a moment the last value that is there counts.
        A column without any value is left out; an infinite value counts as missing.

    Returns
    -------
    None when no row has a time.
    """
    timed = np.abs(clock_s) < _MOST_CLOCK_S  # False for NaN
    order = np.flatnonzero(timed)
    if not len(order):
        return None
    zero = float(clock_s[order].min())
    # Seconds since 1970 carry some 0.2 us of rounding: a microsecond is all they can tell.
    moments = np.round(clock_s[order] - zero, 6)
    backwards = int((np.diff(moments) < 0).sum())
    if backwards:
        by_time = np.argsort(moments, kind="stable")
        order, moments = order[by_time], moments[by_time]
    first = np.flatnonzero(np.diff(moments, prepend=-np.inf) > 0)
    merged = len(moments) - len(first)
    is_as_it_was = not backwards and len(order) == len(clock_s)
    channels: dict[str, FloatArray] = {}
    outdone = np.zeros(len(moments), np.bool_)
    for name, column in columns.items():
        values = _known(column if is_as_it_was else column[order])
        if values is not None:
            channels[name] = _merged(values, first, outdone) if merged else values
    track = Track(
        subject,
        moments[first],
        channels,
    )
    counts = {
        "records without a time dropped": int((~timed).sum()),
        "records out of order sorted": backwards,
        "records outdone by others of the same moment": int(outdone.sum()),
    }
    repairs = tuple(Repair(what, count) for what, count in counts.items() if count)
    return Timeline(track, zero, repairs)


def _known(values: FloatArray) -> FloatArray | None:
    """The values, NaN for those that are not finite; None when none is."""
    finite = np.isfinite(values)
    count = int(np.count_nonzero(finite))
    if not count:
        return None
    return values if count == len(values) else np.where(finite, values, values.dtype.type(np.nan))


def _merged(values: FloatArray, first: IntArray, outdone: Array) -> FloatArray:
    """The last value that is not missing of each group of rows starting at `first`.

    `outdone` is set for rows that hold another value than the one that counts.
    """
    rows = np.where(np.isnan(values), 0, np.arange(len(values)))
    last = np.maximum.reduceat(rows, first)
    merged: FloatArray = values[np.maximum(last, first)]
    sizes = np.diff(first, append=len(values))
    outdone |= ~np.isnan(values) & (values != np.repeat(merged, sizes))
    return merged
