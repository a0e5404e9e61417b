"""Positions and distances in, speed and slope out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import FloatArray

__all__ = ["EARTH_RADIUS_M", "climb_rate", "haversine_m", "speed_from_distance"]

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the earth (IUGG 1980)."""


def haversine_m(lat_deg: FloatArray, long_deg: FloatArray) -> FloatArray:
    """Great-circle distance between consecutive positions.

    Parameters
    ----------
    lat_deg, long_deg
        (n,) WGS 84 degrees.

    Returns
    -------
    (n - 1,) metres.

    References
    ----------
    R. W. Sinnott, Virtues of the Haversine, Sky and Telescope 68 (1984) 159.
    """
    lat, long = np.radians(lat_deg), np.radians(long_deg)
    half = (
        np.sin(np.diff(lat) / 2) ** 2
        + np.cos(lat[:-1]) * np.cos(lat[1:]) * np.sin(np.diff(long) / 2) ** 2
    )
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


def speed_from_distance(time_s: FloatArray, distance_m: FloatArray) -> FloatArray:
    """(n,) m/s between each sample and the one before it; the first and any backward step is NaN.

    Samples without a distance are bridged: the speed over the bridge stands at its end.
    """
    speed = np.full(len(time_s), np.nan)
    known = np.flatnonzero(np.isfinite(distance_m))
    steps = np.diff(distance_m[known]) / np.diff(time_s[known])
    speed[known[1:]] = np.where(steps >= 0, steps, np.nan)
    return speed


def climb_rate(altitude_m: FloatArray, step_s: float) -> FloatArray:
    """(n,) metres climbed per second over a regular grid; NaN where altitude is missing."""
    if len(altitude_m) < 2:
        return np.full(len(altitude_m), np.nan)
    rate: FloatArray = np.gradient(altitude_m, step_s)
    return rate
