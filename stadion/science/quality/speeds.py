"""Streams in, the speed between each record and the next out, whatever tells it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stadion.core.activity import Track
from stadion.core.arrays import FloatArray
from stadion.core.channels import CHANNELS
from stadion.science.quality.gaps import SMART_S
from stadion.science.quality.ground import has_positions, known_fixes, metres_apart

__all__ = ["step_speeds"]

Rows = npt.NDArray[np.intp]
_RARE = 0.1
"""Where a distance changes in fewer records than that, a pool's lengths are counted."""


def step_speeds(track: Track) -> FloatArray | None:
    """(n - 1,) m/s between one record and the next; None where nothing tells it.

    By `speed`, unless it does not fit the distance: then it is in another unit or from a sensor
    that was off; else by `distance`, else by positions. NaN = missing.

    Examples
    --------
    >>> step_speeds(Track("", np.arange(3.0), {"speed": np.array([3.0, 4.0, np.nan])}))
    array([3.5, 4. ])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        found = _best_speeds(track, np.diff(track.time_s))
    possible = np.abs(found) <= CHANNELS["speed"].high  # which NaN is not
    return np.where(possible, found, np.nan) if possible.any() else None


def _best_speeds(track: Track, steps: FloatArray) -> FloatArray:
    by_distance = _speeds_of_distance(track)
    speed = track.channels.get("speed")
    found: FloatArray = np.full(len(steps), np.nan)
    if speed is not None and np.isfinite(speed).mean() > 0.5:
        first, last = speed[:-1].astype(np.float64), speed[1:].astype(np.float64)
        ends = np.where(np.isnan(first), last, np.where(np.isnan(last), first, (first + last) / 2))
        # Across a gap the speed at its ends says nothing.
        found = np.where(steps <= SMART_S, ends, np.nan)
        covered = float(np.nansum(np.where(np.isnan(by_distance), 0.0, found) * steps))
        told = float(np.nansum(np.where(np.isnan(found), 0.0, by_distance) * steps))
        if told > 0 and not 0.5 < covered / told < 2.0:
            found = by_distance  # a speed in another unit, or of a sensor that was off
    found = np.where(np.isnan(found), by_distance, found)
    return _speeds_of_fixes(track) if np.isnan(found).all() else found


def _speeds_of_distance(track: Track) -> FloatArray:
    """Speeds from one known distance to the next, or to the next change where those are rare."""
    speeds: FloatArray = np.full(max(len(track) - 1, 0), np.nan)
    distance = track.channels.get("distance")
    if distance is None:
        return speeds
    rows = np.flatnonzero(np.isfinite(distance))
    changes = np.flatnonzero(np.diff(distance[rows]) > 0)
    if not len(changes):
        return speeds
    if len(changes) < _RARE * len(rows):  # a pool counts by lengths
        rows = np.concatenate([rows[:1], rows[changes + 1]])
        before, after = _steps(len(rows))
    else:
        before, after = _window(track.time_s[rows])
    metres = distance[rows[after]] - distance[rows[before]]
    told = metres / (track.time_s[rows[after]] - track.time_s[rows[before]])
    speeds[rows[0] : rows[-1]] = np.repeat(told, np.diff(rows))
    return speeds


def _speeds_of_fixes(track: Track) -> FloatArray:
    """Speeds over four fixes each: from one to the next they are mostly noise when standing."""
    speeds: FloatArray = np.full(max(len(track) - 1, 0), np.nan)
    if not has_positions(track):
        return speeds
    rows = np.flatnonzero(known_fixes(track))
    if len(rows) < 2:
        return speeds
    lat, long = (track.channels[name][rows] for name in ("position_lat", "position_long"))
    time_s = track.time_s[rows]
    before, after = _window(time_s)
    metres = metres_apart(lat[before], long[before], lat[after], long[after])
    told = metres / (time_s[after] - time_s[before])
    speeds[rows[0] : rows[-1]] = np.repeat(told, np.diff(rows))
    return speeds


def _window(time_s: FloatArray) -> tuple[Rows, Rows]:
    """Rows around each step that is not beside a gap: steps of whole metres are coarse."""
    here = np.arange(len(time_s) - 1)
    before, after = (here - 1).clip(0), (here + 2).clip(max=len(time_s) - 1)
    near = time_s[after] - time_s[before] <= SMART_S
    return np.where(near, before, here), np.where(near, after, here + 1)


def _steps(count: int) -> tuple[Rows, Rows]:
    here = np.arange(count)
    return here[:-1], here[1:]
