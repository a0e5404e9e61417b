"""Positions in degrees in, metres between them out."""

from __future__ import annotations

import numpy as np

from stadion.core.activity import Track
from stadion.core.arrays import FloatArray, IntArray
from stadion.science.quality.runs import BoolArray

__all__ = ["EARTH_M", "has_positions", "known_fixes", "metres_across", "metres_apart"]

EARTH_M = 6_371_008.8
"""Mean radius of the earth (IUGG); a metre of it is within 0.6 % of any ellipsoid's."""


def has_positions(track: Track) -> bool:
    """True when the track carries latitudes and longitudes."""
    return "position_lat" in track.channels and "position_long" in track.channels


def known_fixes(track: Track) -> BoolArray:
    """(n,) true where a position is known; (0, 0), which receivers write for none, is not."""
    if not has_positions(track):
        return np.zeros(len(track), np.bool_)
    lat, long = track.channels["position_lat"], track.channels["position_long"]
    on_earth = (np.abs(lat) <= 90.0) & (np.abs(long) <= 180.0)  # which NaN is not
    known: BoolArray = on_earth & ((lat != 0) | (long != 0))
    return known


def metres_apart(
    lat: FloatArray, long: FloatArray, to_lat: FloatArray, to_long: FloatArray
) -> FloatArray:
    """Metres between two rows of positions in degrees; for legs of a few kilometres.

    On a sphere, the meridians taken as parallel: 0.1 % off for 100 km at 45 degrees.

    Examples
    --------
    >>> one = np.array([60.0]), np.array([179.999]), np.array([60.0]), np.array([-179.999])
    >>> metres_apart(*one).round(1)
    array([111.2])
    """
    north = np.radians(np.subtract(to_lat, lat, dtype=np.float64))
    east = np.subtract(to_long, long, dtype=np.float64)
    east -= 360.0 * np.rint(east / 360.0)
    east = np.radians(east) * np.cos(np.radians((lat + to_lat) / 2.0))
    apart: FloatArray = EARTH_M * np.hypot(north, east)
    return apart


def metres_across(track: Track, before: IntArray, after: IntArray) -> FloatArray:
    """(k,) metres covered from rows `before` to rows `after`; NaN = cannot be told.

    By the `distance` channel, else by positions, each at the nearest rows outside that know it.
    """
    result: FloatArray = np.full(len(before), np.nan)
    distance = track.channels.get("distance")
    if distance is not None:
        first, last, told = _around(np.isfinite(distance), before, after)
        result[told] = distance[last] - distance[first]
        result[result < 0] = np.nan  # a counter that was reset
    fixes = known_fixes(track)
    first, last, told = _around(fixes, before, after)
    told &= np.isnan(result)
    if told.any():
        first, last = _around(fixes, before[told], after[told])[:2]
        lat, long = track.channels["position_lat"], track.channels["position_long"]
        result[told] = metres_apart(lat[first], long[first], lat[last], long[last])
    return result


def _around(
    known: BoolArray, before: IntArray, after: IntArray
) -> tuple[IntArray, IntArray, BoolArray]:
    """Last known rows up to `before` and first ones from `after`, of those that have both."""
    rows = np.flatnonzero(known)
    last = np.searchsorted(rows, before, side="right") - 1
    first = np.searchsorted(rows, after, side="left")
    told = (last >= 0) & (first < len(rows))
    return rows[last[told]], rows[first[told]], told
