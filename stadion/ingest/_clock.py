"""Rows as a file holds them in, a track whose time rises strictly out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Repair, Track
from stadion.core.arrays import FloatArray, IntArray

__all__ = ["Timeline", "build_timeline"]


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
    timed = np.isfinite(clock_s)
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
    channels = {
        name: _merged(values[order], first if merged else None) for name, values in columns.items()
    }
    track = Track(
        subject,
        moments[first],
        {name: values for name, values in channels.items() if not np.isnan(values).all()},
    )
    counts = {
        "records without a time dropped": int((~timed).sum()),
        "records out of order sorted": backwards,
        "records of the same moment merged": merged,
    }
    repairs = tuple(Repair(what, count) for what, count in counts.items() if count)
    return Timeline(track, zero, repairs)


def _merged(values: FloatArray, first: IntArray | None) -> FloatArray:
    """The last value that is not missing of each group of rows starting at `first`."""
    values = np.where(np.isfinite(values), values, np.asarray(np.nan, values.dtype))
    if first is None:
        return values
    rows = np.where(np.isnan(values), 0, np.arange(len(values)))
    last = np.maximum.reduceat(rows, first)
    merged: FloatArray = values[np.maximum(last, first)]
    return merged
