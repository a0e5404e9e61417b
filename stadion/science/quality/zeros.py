"""Streams in, zeros that stand for no measurement out."""

from __future__ import annotations

import numpy as np

from stadion.core.activity import Flag, Track
from stadion.science.quality.limits import FOOT_SPORTS
from stadion.science.quality.runs import BoolArray, flags_of_runs, runs_of

__all__ = ["zero_flags"]

_NEVER_ZERO = (
    "heart_rate", "respiration_rate", "core_temperature", "total_hemoglobin_conc",
    "saturated_hemoglobin_percent",
)  # fmt: skip
"""What no living body shows."""
_SOMETIMES = ("power", "cadence", "speed", "altitude", "distance")
"""What is zero at times, and a dead sensor where it is so throughout."""
_LEAPS = {"altitude": 30.0, "temperature": 6.0, "distance": 50.0}
"""Zeros next to a value that is further away were never reached from there."""
_SHORT_S = 120.0
_STEPLESS_S, _RUNS_MPS = 30.0, 2.0


def zero_flags(track: Track, sport: str) -> list[Flag]:
    """Zeros of dead sensors: of a body, of a whole ride, of a runner without steps, of no fix.

    0 W while coasting, 0 rpm while rolling and 0 m/s at a light are measurements.
    """
    flags: list[Flag] = []
    for name in _NEVER_ZERO:
        if name in track.channels:
            flags += _flags(track, name, track.channels[name] == 0, "a body never shows 0")
    for name in _SOMETIMES:
        if name in track.channels and _is_dead(track, name):
            whole = np.ones(len(track), np.bool_)
            flags += _flags(track, name, whole, "0 from the first record to the last")
    for name, step in _LEAPS.items():
        if name in track.channels and not any(flag.channel == name for flag in flags):
            flags += _leaps_to_zero(track, name, step)
    return flags + _without_steps(track, sport) + _without_fix(track)


def _is_dead(track: Track, name: str) -> bool:
    """True when a stream is zero throughout while somebody moves."""
    values = track.channels[name]
    if np.count_nonzero(np.nan_to_num(values)) or not (values == 0).any():
        return False
    if name == "altitude":
        return len(track) > 1
    if track.time_s[-1] - track.time_s[0] < _SHORT_S:
        return False
    return _moves(track, name)


def _moves(track: Track, without: str) -> bool:
    for name in ("speed", "power", "cadence"):
        values = track.channels.get(name)
        if name != without and values is not None and np.nanmax(np.append(values, 0)) > 0:
            return True
    distance = track.channels.get("distance")
    if distance is None or without == "distance":
        return False
    return bool(np.nanmax(np.append(distance, 0)) > 100)


def _leaps_to_zero(track: Track, name: str, step: float) -> list[Flag]:
    values = track.channels[name]
    known = np.flatnonzero(np.isfinite(values))
    row = values[known]
    starts, stops = runs_of(row == 0)
    if not len(starts):
        return []
    last = len(row) - 1
    before = np.abs(row[np.maximum(starts - 1, 0)]) > step
    after = np.abs(row[np.minimum(stops, last)]) > step
    if name == "distance":  # a distance does begin with 0, and may begin again
        leaps = before & after
    else:
        leaps = (before | (starts == 0)) & (after | (stops > last)) & (before | after)
    runs = starts[leaps], stops[leaps]
    return flags_of_runs(
        "zero_for_null", runs, track.time_s[known], name, track.subject,
        lambda a, b: f"{b - a} records: 0 next to what is far from it",
    )  # fmt: skip


def _without_steps(track: Track, sport: str) -> list[Flag]:
    """A runner at speed takes steps: a cadence of 0 for half a minute is a lost sensor."""
    cadence, speed = track.channels.get("cadence"), track.channels.get("speed")
    if sport not in FOOT_SPORTS or cadence is None or speed is None:
        return []
    mask = (cadence == 0) & (speed > _RUNS_MPS)
    starts, stops = runs_of(mask)
    if not len(starts):
        return []
    long = track.time_s[stops - 1] - track.time_s[starts] >= _STEPLESS_S
    runs = starts[long], stops[long]
    return flags_of_runs(
        "zero_for_null", runs, track.time_s, "cadence", track.subject, lambda a, b: "no steps"
    )


def _without_fix(track: Track) -> list[Flag]:
    lat, long = track.channels.get("position_lat"), track.channels.get("position_long")
    if lat is None or long is None:
        return []
    return _flags(track, "position_lat", (lat == 0) & (long == 0), "0, 0 is no place of a fix")


def _flags(track: Track, name: str, mask: BoolArray, why: str) -> list[Flag]:
    if not mask.any():
        return []
    return flags_of_runs(
        "zero_for_null", runs_of(mask), track.time_s, name, track.subject,
        lambda a, b: f"{b - a} records: {why}",
    )  # fmt: skip
