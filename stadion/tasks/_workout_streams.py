"""A workout in; its heart rate, streams and what is known of the athlete on a grid of 10 s out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stadion.core.activity import Activity, Track
from stadion.core.arrays import FloatArray
from stadion.science.effort import cycling_power, exponential_means, running_power, slope
from stadion.science.motion import climb_rate, haversine_m, speed_from_distance
from stadion.science.resample import bin_means

__all__ = ["HIGHEST_BPM", "LOWEST_BPM", "PROFILE", "STEP_S", "STREAMS", "Kind", "Workout",
           "workout_of"]  # fmt: skip

STEP_S = 10.0
LOWEST_BPM, HIGHEST_BPM = 30.0, 230.0
_LONGEST_S = 86_400.0
_CLIMB_STEPS = 3.0
"""Steps over which a barometer's noise is smoothed."""


class Kind(NamedTuple):
    """Unit, meaning and the values that make sense."""

    unit: str
    meaning: str
    low: float
    high: float


STREAMS = {
    "speed": Kind("m/s", "speed over ground", 0.0, 40.0),
    "climb_rate": Kind("m/s", "height gained per second", -10.0, 10.0),
    "cadence": Kind("rpm", "revolutions or strides of one leg per minute", 0.0, 250.0),
    "power": Kind("W", "mechanical power", 0.0, 2_500.0),
    "running_cost": Kind("W/kg", "power that running at this speed and slope takes", 0.0, 120.0),
    "cycling_cost": Kind("W/kg", "power that cycling at this speed and slope takes", 0.0, 30.0),
}
"""What a workout asks of the heart, as it changes."""
PROFILE = {
    "age": Kind("a", "age of the athlete", 5.0, 110.0),
    "female": Kind("1", "1 for women, 0 for men", 0.0, 1.0),
    "body_mass": Kind("kg", "body mass of the athlete", 20.0, 250.0),
    "resting_heart_rate": Kind("bpm", "resting heart rate of the athlete", 25.0, 120.0),
    "maximal_heart_rate": Kind("bpm", "highest heart rate the athlete reaches", 100.0, 230.0),
}
"""What is known of the athlete: a channel of that name, or nothing."""


class Workout(NamedTuple):
    """All of one workout on steps of 10 s.

    `heart_rate`, `temperature` (degC), `altitude` (m) and each of `streams` are (steps,), NaN =
    missing; `profile` holds one number each.
    """

    heart_rate: FloatArray
    streams: dict[str, FloatArray]
    temperature: FloatArray
    altitude: FloatArray
    profile: dict[str, float]


def workout_of(activity: Activity) -> Workout:
    """What lies more than a day after the start is a clock gone wrong, and left out."""
    steps = int(min(activity.duration_s, _LONGEST_S) // STEP_S) + 1
    altitude = _first(activity, "altitude", steps, Kind("m", "", -500.0, 20_000.0))
    return Workout(
        _first(activity, "heart_rate", steps, Kind("bpm", "", LOWEST_BPM, HIGHEST_BPM)),
        _streams(activity, steps, altitude),
        _first(activity, "temperature", steps, Kind("degC", "", -60.0, 90.0)),
        altitude,
        {name: _constant(activity, name, kind) for name, kind in PROFILE.items()},
    )


def _streams(activity: Activity, steps: int, altitude: FloatArray) -> dict[str, FloatArray]:
    speed = _speed(activity, steps)
    climb = exponential_means(climb_rate(altitude, STEP_S), _CLIMB_STEPS)
    ratio = slope(np.nan_to_num(climb), np.nan_to_num(speed))
    measured = _first(activity, "grade", steps, Kind("%", "", -45.0, 45.0)) / 100.0
    steep = np.where(np.isfinite(altitude) | np.isnan(measured), ratio, measured)
    found = {
        "speed": speed,
        "climb_rate": climb,
        "cadence": _first(activity, "cadence", steps, STREAMS["cadence"]),
        "power": _first(activity, "power", steps, STREAMS["power"]),
        "running_cost": running_power(speed, steep),
        "cycling_cost": cycling_power(speed, steep),
    }
    return {name: _sound(values, STREAMS[name]) for name, values in found.items()}


def _sound(values: FloatArray, kind: Kind) -> FloatArray:
    """Values outside what the quantity can be count as missing."""
    with np.errstate(invalid="ignore"):
        return np.where((values >= kind.low) & (values <= kind.high), values, np.nan)


def _first(activity: Activity, channel: str, steps: int, kind: Kind) -> FloatArray:
    """(steps,) means of the first track that holds sound values of the channel."""
    for track in activity.tracks:
        if channel in track.channels:
            binned = bin_means(track.time_s, _sound(track.channels[channel], kind), STEP_S, steps)
            if np.isfinite(binned).any():
                return binned
    return np.full(steps, np.nan)


def _constant(activity: Activity, name: str, kind: Kind) -> float:
    for track in activity.tracks:
        if name in track.channels:
            sound = _sound(track.channels[name], kind)
            if np.isfinite(sound).any():
                return float(np.nanmedian(sound))
    return float("nan")


def _speed(activity: Activity, steps: int) -> FloatArray:
    for track in activity.tracks:
        found = _speed_of(track) if len(track) else None
        if found is not None:
            binned = _sound(bin_means(track.time_s, found, STEP_S, steps), STREAMS["speed"])
            if np.isfinite(binned).any():
                return binned
    return np.full(steps, np.nan)


def _speed_of(track: Track) -> FloatArray | None:
    """The device's speed, else that of the distance, else that of the positions."""
    channels = track.channels
    if "speed" in channels and np.isfinite(channels["speed"]).any():
        return channels["speed"]
    if "distance" in channels and np.isfinite(channels["distance"]).any():
        return speed_from_distance(track.time_s, channels["distance"])
    if "position_lat" not in channels or "position_long" not in channels:
        return None
    known = np.isfinite(channels["position_lat"]) & np.isfinite(channels["position_long"])
    if known.sum() < 2:
        return None
    steps_m = haversine_m(channels["position_lat"][known], channels["position_long"][known])
    distance = np.full(len(track), np.nan)
    distance[known] = np.concatenate([[0.0], np.cumsum(steps_m)])
    return speed_from_distance(track.time_s, distance)
