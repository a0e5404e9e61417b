"""One person's values day by day in; what was known of them before each day out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import Array, FloatArray

__all__ = [
    "CENTERS",
    "FAST_WEIGHT",
    "LEVELS",
    "RECENT_WEIGHT",
    "on_calendar",
    "past_levels",
    "past_windows",
]

CENTERS = ("last", "fast", "recent", "week", "month", "mean", "median")
"""Levels in the unit of the value, from the newest to those that reach back to the first day."""
LEVELS = (*CENTERS, "spread", "count")
FAST_WEIGHT, RECENT_WEIGHT = 0.6, 0.3
"""Of the newest value in the exponentially weighted means: the others' weights shrink by 1 less
this with every value."""
_WEEK, _MONTH = 7, 28


def on_calendar(days: Array, values: FloatArray) -> tuple[Array, FloatArray]:
    """Rows of single days on an unbroken calendar, NaN on the days without a row.

    Parameters
    ----------
    days
        (n,) datetime64[D], each day once, in any order.
    values
        (n, columns).

    Returns
    -------
    tuple
        (T,) datetime64[D] from the first day to the last, and (T, columns).
    """
    numbers = days.astype("datetime64[D]").astype(np.int64)
    first = int(numbers.min())
    filled = np.full((int(numbers.max()) - first + 1, values.shape[1]), np.nan)
    filled[numbers - first] = values
    calendar = np.arange(first, first + len(filled)).astype("datetime64[D]")
    return calendar, filled


def past_windows(values: FloatArray, length: int) -> FloatArray:
    """The `length` days before each day, oldest first; NaN where the record had not begun.

    Parameters
    ----------
    values
        (T, columns).

    Returns
    -------
    (T + 1, length, columns); row t holds nothing of day t or later, row T is for the day after
    the last.

    Examples
    --------
    >>> past_windows(np.array([[1.0], [2.0]]), 2)[:, :, 0].tolist()
    [[nan, nan], [nan, 1.0], [1.0, 2.0]]
    """
    columns = values.shape[1]
    padded = np.concatenate([np.full((length, columns), np.nan), values])
    windows = np.lib.stride_tricks.sliding_window_view(padded, length, axis=0)
    return np.ascontiguousarray(windows.transpose(0, 2, 1))


def past_levels(values: FloatArray) -> FloatArray:
    """What a person's known values before each day say of their level.

    Parameters
    ----------
    values
        (T,) one value a day, NaN = unknown.

    Returns
    -------
    (T + 1, 9): the columns of `LEVELS`. The last known value; exponentially weighted means of the
    known ones, the newest counting `FAST_WEIGHT` and `RECENT_WEIGHT`; means of the last 7 and 28
    known ones; mean, median and standard deviation of all; their number. Row t knows nothing of
    day t or later. All but the number are NaN where nothing is known (the deviation, where one
    is).

    Examples
    --------
    >>> past_levels(np.array([4.0, np.nan, 6.0]))[:, [0, 5, 8]].tolist()
    [[nan, nan, 0.0], [4.0, 4.0, 1.0], [4.0, 4.0, 1.0], [6.0, 5.0, 2.0]]
    """
    levels = np.full((len(values) + 1, len(LEVELS)), np.nan)
    levels[:, -1] = 0.0
    known: list[float] = []
    weights = np.array([FAST_WEIGHT, RECENT_WEIGHT])
    smooth = np.zeros(2)
    for day, value in enumerate(values):
        if not np.isfinite(value):
            levels[day + 1] = levels[day]
            continue
        smooth = smooth + weights * (value - smooth) if known else np.full(2, value)
        known.append(float(value))
        levels[day + 1] = _levels(known, smooth)
    return levels


def _levels(known: list[float], smooth: FloatArray) -> list[float]:
    every = np.array(known)
    spread = float(every.std()) if len(known) > 1 else np.nan
    return [
        known[-1], *smooth.tolist(), float(every[-_WEEK:].mean()), float(every[-_MONTH:].mean()),
        float(every.mean()), float(np.median(every)), spread, float(len(known)),
    ]  # fmt: skip
