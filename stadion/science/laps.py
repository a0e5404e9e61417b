"""Laps as a device cut them in, the same with what the streams tell of each out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stadion.core.activity import Activity, Lap
from stadion.core.arrays import FloatArray, IntArray
from stadion.science.climb import climbed
from stadion.science.quality.gaps import stops_of
from stadion.science.quality.limits import FOOT_SPORTS
from stadion.science.quality.runs import BoolArray
from stadion.science.seconds import Seconds, seconds_of

__all__ = ["laps_of"]

_MEANS = {"heart_rate": "bpm", "power": "w", "cadence": "rpm"}
_KINDS = ("lap", "session")
_MOST_CLIMBS = 1000


def laps_of(activity: Activity) -> tuple[Lap, ...]:
    """The activity's laps; what the device did not count is added from the streams.

    Added are `elapsed_s`, `timer_s`, `distance_m`, `speed_mps`, `ascent_m`, `descent_m` and the
    means and maxima of heart rate, power and cadence, to laps and sessions that lack them. What
    the device says stays.

    Examples
    --------
    >>> from stadion.core.activity import Source, Track
    >>> track = Track("", np.arange(10.0), {"heart_rate": np.arange(100.0, 110.0)})
    >>> laps = (Lap(0.0, 4.0, values={"distance_m": 12.0}), Lap(4.0, 9.0))
    >>> found = laps_of(Activity("", "", "", None, (track,), Source("", ""), laps=laps))
    >>> found[0].values["heart_rate_bpm"], found[0].values["speed_mps"]
    (101.5, 3.0)
    """
    rows = [k for k, lap in enumerate(activity.laps) if lap.kind in _KINDS]
    if not rows:
        return activity.laps
    laps = [activity.laps[k] for k in rows]
    start = np.nan_to_num([lap.start_s for lap in laps])
    end = np.nan_to_num([lap.end_s for lap in laps])
    stops = stops_of(activity)
    found: dict[str, FloatArray] = {"elapsed_s": end - start}
    found["timer_s"] = found["elapsed_s"] - (stops.stopped_by(end) - stops.stopped_by(start))
    seconds = seconds_of(activity)
    if seconds is not None:
        found |= _of_streams(seconds, start, end)
    filled = list(activity.laps)
    for place, k in enumerate(rows):
        filled[k] = _filled(laps[place], {name: float(v[place]) for name, v in found.items()})
    return tuple(filled)


def _of_streams(seconds: Seconds, start: FloatArray, end: FloatArray) -> dict[str, FloatArray]:
    first = np.rint(seconds.at(start)).astype(np.int64)
    last = np.rint(seconds.at(end)).astype(np.int64)
    found: dict[str, FloatArray] = {}
    for name, unit in _MEANS.items():
        values = seconds.get(name)
        if values is None:
            continue
        coasts = name == "cadence" and seconds.activity.sport not in FOOT_SPORTS
        counted = values > 0 if coasts else np.isfinite(values)
        found[f"{name}_{unit}"] = _means(values, counted, first, last)
        found[f"{name}_max_{unit}"] = _highest(values, first, last)
    speed = seconds.get("speed")
    if speed is not None:
        found["speed_max_mps"] = _highest(speed, first, last)
    altitude = seconds.get("altitude")
    if altitude is not None and len(first) <= _MOST_CLIMBS:
        ways = [climbed(altitude[max(a, 0) : max(b, 0)]) for a, b in zip(first, last, strict=True)]
        found["ascent_m"], found["descent_m"] = np.array(ways).T
    distance = seconds.track.channels.get("distance")
    if distance is not None and np.isfinite(distance).any():
        rows = np.isfinite(distance)
        time_s = seconds.track.time_s[rows]
        way = np.interp(np.stack([start, end]), time_s, distance[rows])
        found["distance_m"] = way[1] - way[0]
    return found


def _means(values: FloatArray, counted: BoolArray, first: IntArray, last: IntArray) -> FloatArray:
    sums = np.concatenate([[0.0], np.cumsum(np.where(counted, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(counted)])
    a, b = first.clip(0, len(values)), last.clip(0, len(values))
    number = (counts[b] - counts[a]).astype(np.float64)
    means: FloatArray = np.full(len(a), np.nan)
    np.divide(sums[b] - sums[a], number, out=means, where=number > 0)
    return means


def _highest(values: FloatArray, first: IntArray, last: IntArray) -> FloatArray:
    known = np.append(np.where(np.isfinite(values), values, -np.inf), -np.inf)
    a = first.clip(0, len(values))
    b = np.maximum(last.clip(0, len(values)), a)
    # Pairs of bounds: the stretches from the end of one lap to the start of the next are unused.
    highest: FloatArray = np.maximum.reduceat(known, np.stack([a, b], axis=1).reshape(-1))[::2]
    return np.where((b > a) & np.isfinite(highest), highest, np.nan)


def _filled(lap: Lap, found: dict[str, float]) -> Lap:
    values = {name: value for name, value in found.items() if np.isfinite(value)}
    values |= lap.values
    took = values.get("timer_s", 0.0)
    if "speed_mps" not in values and "distance_m" in values and took > 0:
        values["speed_mps"] = values["distance_m"] / took
    return replace(lap, values=values)
