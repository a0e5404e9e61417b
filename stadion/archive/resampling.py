"""A track in, the same at a steady pace or with fewer points out; NaN stays NaN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Track
from stadion.core.arrays import FloatArray, IntArray
from stadion.core.errors import Code, StadionError
from stadion.science.resample import interpolate

__all__ = ["Sampling", "sampled"]

_MOST_ROWS = 5_000_000


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a track is wanted: as it is, or one of `every_s` and `points`.

    Parameters
    ----------
    every_s
        Seconds from one row to the next.
    points
        The most rows.
    max_gap_s
        `every_s` fills no gap longer than this.
    """

    every_s: float | None = None
    points: int | None = None
    max_gap_s: float = 30.0

    def __post_init__(self) -> None:
        if self.every_s is not None and self.points is not None:
            raise StadionError(
                Code.INVALID, "every_s and points are both given; expected one of them"
            )
        if self.every_s is not None and not 0.001 <= self.every_s <= 86_400:
            raise StadionError(
                Code.INVALID, f"every_s is {self.every_s}; expected 0.001 to 86400 seconds"
            )
        if self.points is not None and not 10 <= self.points <= 1_000_000:
            raise StadionError(
                Code.INVALID, f"points is {self.points}; expected 10 to 1000000 rows"
            )
        if not 0 <= self.max_gap_s <= 86_400:
            raise StadionError(
                Code.INVALID, f"max_gap_s is {self.max_gap_s}; expected 0 to 86400 seconds"
            )


def sampled(track: Track, how: Sampling) -> Track:
    """The track at a steady pace, with fewer rows, or as it is.

    Examples
    --------
    >>> power = np.array([100.0, 200.0, np.nan, 300.0])
    >>> track = Track("", np.array([0.0, 2.0, 3.0, 90.0]), {"power": power})
    >>> sampled(track, Sampling(every_s=1)).channels["power"][:4]
    array([100., 150., 200.,  nan])
    """
    if how.every_s is not None:
        return _at_steady_pace(track, how.every_s, how.max_gap_s)
    if how.points is not None and len(track) > how.points:
        rows = _telling_rows(track, how.points)
        held = {name: values[rows] for name, values in track.channels.items()}
        return Track(track.subject, track.time_s[rows], held)
    return track


def _at_steady_pace(track: Track, every_s: float, max_gap_s: float) -> Track:
    """Rows at whole multiples of the pace, from the first sample to the last."""
    if not len(track):
        return track
    first = np.ceil(track.time_s[0] / every_s - 1e-9)
    last = np.floor(track.time_s[-1] / every_s + 1e-9)
    if last - first > _MOST_ROWS:
        raise StadionError(
            Code.INVALID, f"every_s is {every_s}: over {_MOST_ROWS} rows; expected a larger one"
        )
    grid_s = np.arange(first, last + 1) * every_s
    held = {
        name: _filled(track.time_s, values, grid_s, max_gap_s)
        for name, values in track.channels.items()
    }
    return Track(track.subject, grid_s, held)


def _filled(
    time_s: FloatArray, values: FloatArray, grid_s: FloatArray, max_gap_s: float
) -> FloatArray:
    wide = interpolate(time_s, values.astype(np.float64), grid_s, max_gap_s)
    filled: FloatArray = wide.astype(values.dtype)
    return filled


def _telling_rows(track: Track, points: int) -> IntArray:
    """Rows that hold the lowest and highest values of equal stretches of time.

    Each channel in turn may keep its extremes, so that a peak of any of them is drawn; what is
    left of the allowance goes to the first rows of the stretches.
    """
    channels = list(track.channels.values())
    stretches = max(1, points // (2 * max(1, len(channels)) + 1))
    edges = np.linspace(track.time_s[0], track.time_s[-1], stretches + 1)[1:-1]
    begins = np.concatenate([[0], np.searchsorted(track.time_s, edges)])
    begins = np.unique(begins)
    chosen = [begins, np.array([len(track) - 1])]
    for values in channels:
        known = np.isfinite(values)
        for filler, best in ((np.inf, np.minimum), (-np.inf, np.maximum)):
            filled = np.where(known, values, filler)
            extremes = np.repeat(
                best.reduceat(filled, begins), np.diff(np.append(begins, len(track)))
            )
            hits = np.flatnonzero((filled == extremes) & known)
            # The first row of each stretch that reaches its extreme.
            _, at = np.unique(np.searchsorted(begins, hits, side="right"), return_index=True)
            chosen.append(hits[at])
    rows = np.unique(np.concatenate(chosen))
    some: IntArray = rows[
        np.unique(np.linspace(0, len(rows) - 1, min(points, len(rows))).astype(int))
    ]
    return some
