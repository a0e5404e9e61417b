"""A row of yes and no in, the stretches of yes as flags out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from stadion.core.activity import Flag
from stadion.core.arrays import FloatArray, IntArray

__all__ = ["MOST_STRETCHES", "BoolArray", "flags_of_runs", "runs_of", "sliding", "typical_step"]

BoolArray = npt.NDArray[np.bool_]

MOST_STRETCHES = 500
"""Flags of one kind on one channel; where there are more, the nearest ones become one."""


def runs_of(mask: BoolArray) -> tuple[IntArray, IntArray]:
    """First rows of the stretches that are true, and the rows after their last.

    Examples
    --------
    >>> starts, stops = runs_of(np.array([True, False, True, True]))
    >>> starts.tolist(), stops.tolist()
    ([0, 2], [1, 4])
    """
    padded = np.zeros(len(mask) + 2, np.bool_)
    padded[1:-1] = mask
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return edges[::2], edges[1::2]


def flags_of_runs(
    kind: str,
    runs: tuple[IntArray, IntArray],
    time_s: FloatArray,
    channel: str,
    subject: str,
    detail: Callable[[int, int], str],
) -> list[Flag]:
    """One flag per stretch of rows; `detail` words the stretch of rows [start, stop)."""
    starts, stops = _joined(*runs, time_s)
    return [
        Flag(kind, float(time_s[a]), float(time_s[b - 1]), channel, subject, detail(a, b))
        for a, b in zip(starts.tolist(), stops.tolist(), strict=True)
    ]


def sliding(
    extreme: Callable[[FloatArray, FloatArray], FloatArray], values: FloatArray, width: int
) -> FloatArray:
    """(n - width + 1,) least or greatest of every `width` neighbours, by doubling.

    Parameters
    ----------
    extreme
        `np.minimum` or `np.maximum`.

    Examples
    --------
    >>> sliding(np.maximum, np.array([1.0, 3.0, 2.0, 0.0]), 3)
    array([3., 3.])
    """
    result, size = values, 1
    while 2 * size <= width:
        result = extreme(result[:-size], result[size:])
        size *= 2
    rest = width - size
    return extreme(result[:-rest], result[rest:]) if rest else result


def typical_step(time_s: FloatArray) -> float:
    """Median seconds between neighbours; NaN when there is only one."""
    if len(time_s) < 2:
        return float("nan")
    steps = np.diff(time_s)
    middle = len(steps) // 2
    return float(np.partition(steps, middle)[middle])


def _joined(starts: IntArray, stops: IntArray, time_s: FloatArray) -> tuple[IntArray, IntArray]:
    """At most `MOST_STRETCHES` of them: those with the shortest time between become one."""
    surplus = len(starts) - MOST_STRETCHES
    if surplus <= 0:
        return starts, stops
    between = time_s[starts[1:]] - time_s[stops[:-1] - 1]
    kept = np.ones(len(between), np.bool_)
    kept[np.argpartition(between, surplus)[:surplus]] = False
    return starts[np.append(True, kept)], stops[np.append(kept, True)]
