"""One outing of one athlete, made up, and what different devices would record of it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from stadion.core.activity import Activity, Event, Lap, Source, Track
from stadion.core.arrays import FloatArray

__all__ = ["BEGIN", "body", "recorded", "route"]

BEGIN = datetime(2025, 6, 1, 6, 30, tzinfo=UTC)


def route(seconds: int = 1800, number: int = 0) -> dict[str, FloatArray]:
    """Where somebody is, second by second: a winding way with hills, never twice the same speed."""
    chance = np.random.default_rng(1000 + number)
    time = np.arange(float(seconds))
    speed = 3.0 + 0.8 * _waves(time, chance) + 0.1 * chance.standard_normal(seconds)
    distance = np.cumsum(speed)
    heading = np.cumsum(0.02 * _waves(time, chance))
    north, east = np.cumsum(speed * np.cos(heading)), np.cumsum(speed * np.sin(heading))
    return {
        "position_lat": 47.0 + north / 111_195,
        "position_long": 8.0 + east / 111_195 / np.cos(np.radians(47.0)),
        "altitude": 400 + 40 * _waves(distance / 3, chance),
        "speed": speed,
        "distance": distance,
    }


def body(seconds: int = 1800, number: int = 0) -> dict[str, FloatArray]:
    """Heart rate and power of somebody: like nobody else's."""
    chance = np.random.default_rng(2000 + number)
    time = np.arange(float(seconds))
    effort = _waves(time, chance)
    return {
        "heart_rate": np.round(145 + 6 * (number % 7) + 15 * effort),
        "power": np.round(np.maximum(220 + 70 * _waves(time, chance), 0)),
    }


def recorded(
    streams: dict[str, FloatArray],
    device: str,
    reader: str = "fit",
    *,
    late_s: float = 0.0,
    ahead_s: float = 0.0,
    seconds: int | None = None,
    noise: float = 0.0,
    **changed: Any,
) -> Activity:
    """What a device keeps of an outing.

    Parameters
    ----------
    device
        Also makes the id: another name, another recording.
    late_s, seconds
        When it was started, and how long it ran.
    ahead_s
        By how much its clock is ahead of the truth.
    noise
        0 = the very numbers; 1 = a usual sensor of its own.
    """
    chance = np.random.default_rng(len(device))
    total = len(next(iter(streams.values())))
    last = total if seconds is None else min(total, int(late_s) + seconds)
    rows = slice(int(late_s), last)
    digest = hashlib.sha256(f"{device} {reader}".encode()).hexdigest()
    scales = {"position_lat": 2e-5, "position_long": 3e-5, "heart_rate": 1.2, "power": 4.0,
              "altitude": 1.5, "speed": 0.05}  # fmt: skip
    channels = {
        name: values[rows]
        + noise * scales.get(name, 0.0) * chance.standard_normal(rows.stop - rows.start)
        for name, values in streams.items()
    }
    time_s = np.arange(rows.stop - rows.start, dtype=np.float64)
    given: dict[str, Any] = {
        "id": hashlib.sha256(f"{digest}:0".encode()).hexdigest(),
        "athlete": "",
        "sport": "running",
        "start": BEGIN + timedelta(seconds=late_s + ahead_s),
        "tracks": (Track("", time_s, channels),),
        "source": Source(reader, digest, f"{device}.{reader}"),
        "laps": (Lap(0.0, float(time_s[-1]), "session", "running"),),
        "events": (Event(0.0, "timer", "start"),),
        "device": device if reader == "fit" else "",
    }
    return Activity(**given | changed)


def _waves(time: FloatArray, chance: np.random.Generator) -> FloatArray:
    """(n,) about -1 to 1, of some periods that share no multiple."""
    total = np.zeros(len(time))
    for period in chance.uniform((31, 90, 250), (60, 200, 900)):
        total += np.sin(2 * np.pi * time / period + chance.uniform(0, 7)) / 2
    return total
