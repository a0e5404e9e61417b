"""An activity and what is known of its athlete in, its measures by name out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Activity
from stadion.core.arrays import FloatArray, IntArray
from stadion.core.profile import Profile
from stadion.science.climb import climbed
from stadion.science.curve import duration_curve
from stadion.science.effects import load_measures
from stadion.science.heart_beats import beat_measures
from stadion.science.laps import laps_of
from stadion.science.load import swim_load
from stadion.science.parts import parts_of
from stadion.science.quality import valid
from stadion.science.quality.limits import FOOT_SPORTS, pace_of
from stadion.science.seconds import Seconds, seconds_of
from stadion.science.times import Times, times_of
from stadion.science.told import length_measures, told_by_device, way_of
from stadion.science.zones import (
    Zones,
    heart_rate_zones,
    power_zones,
    speed_zones,
    zone_seconds,
)

__all__ = ["CURVES", "ZoneTimes", "curves_of", "laps_of", "summarise", "zones_of"]

CURVES = ("power", "speed", "heart_rate")
"""The streams that have a curve of best means."""
_LOADS = ("power_load", "run_load", "swim_load", "heart_rate_load")

# Channel -> unit of its mean, whether zeros count, and which extremes are told.
_MEANS: dict[str, tuple[str, bool, tuple[str, ...]]] = {
    "heart_rate": ("bpm", True, ("min", "max")),
    "power": ("w", True, ("max",)),
    "cadence": ("rpm", False, ("max",)),
    "temperature": ("degc", True, ("min", "max")),
    "core_temperature": ("degc", True, ("max",)),
    "respiration_rate": ("per_min", True, ("max",)),
    "vertical_oscillation": ("mm", False, ()),
    "stance_time": ("ms", False, ()),
    "step_length": ("mm", False, ()),
}


@dataclass(frozen=True, slots=True, eq=False)
class ZoneTimes:
    """Zones of one quantity, and the (k + 1,) seconds spent in each."""

    zones: Zones
    seconds: IntArray


@np.errstate(over="ignore", invalid="ignore")
def summarise(activity: Activity, profile: Profile | None = None) -> dict[str, float]:
    """What can be told of one activity, and nothing else: an unknown measure is not there.

    Streams count where they are not flagged as wrong (`activity.flags`), second by second while
    the timer ran. Names end in their unit; a maximum, minimum or mean of parts says so before it.

    - `elapsed_s`, `timer_s`, `moving_s`: `science.times`.
    - `distance_m`, `ascent_m`, `descent_m`, `energy_kcal`: the device's own where it tells them;
      `ascent_stream_m` and `descent_stream_m` are those of the heights (`science.climb`).
    - `speed_mps` over the timer's time, `speed_moving_mps` on the move; means of heart rate,
      power, cadence and others by time. Zeros count for power; for cadence on foot only.
    - `work_kj`, `weighted_power_w`, `variability`, `intensity`, `trimp`, `edwards`,
      `decoupling_percent`, `efficiency_w_per_bpm` or `efficiency_mps_per_bpm`, `graded_speed_mps`.
    - `power_load`, `run_load`, `swim_load`, `heart_rate_load`: as far as the profile allows;
      `load` is the first of them that is there; of several sports the sum of theirs.
    - `rmssd_ms`, `sdnn_ms`, `alpha1`, `beats_mended_percent` of heart beats.
    - `lengths`, `strokes`, `swolf`, `stroke_rate_per_min`, `pool_length_m` in a pool.

    Parameters
    ----------
    profile
        What is known of the athlete; it goes before what the file itself says.

    Examples
    --------
    >>> from stadion.core.activity import Source, Track
    >>> channels = {"power": np.full(3601, 200.0), "heart_rate": np.full(3601, 140.0)}
    >>> track = Track("", np.arange(3601.0), channels)
    >>> ride = Activity("", "", "cycling", None, (track,), Source("", ""))
    >>> found = summarise(ride, Profile(ftp_w=250))
    >>> round(found["load"]), found["heart_rate_max_bpm"], "distance_m" in found
    (64, 140.0, False)
    """
    known = activity.profile if profile is None else activity.profile.updated(profile)
    times = times_of(activity)
    told = told_by_device(activity)
    seconds = seconds_of(activity)
    found = {"elapsed_s": times.elapsed_s, "timer_s": times.timer_s, "moving_s": times.moving_s}
    found |= {name: told[name] for name in ("energy_kcal",) if name in told}
    found |= _way(activity, times, told)
    found |= length_measures(activity, found)
    if seconds is not None:
        found |= _means(seconds) | _heights(seconds, told)
        found |= load_measures(seconds, known)
    found |= beat_measures(activity)
    found |= {name: value for name, value in told.items() if name not in found}
    found |= _swim(activity, known, found)
    found["load"] = _load(found)
    _put_loads_of_parts(activity, known, found)
    return {name: float(value) for name, value in found.items() if math.isfinite(value)}


def curves_of(activity: Activity) -> dict[str, FloatArray]:
    """Best mean over each of `science.curve.DURATIONS_S` of power, speed and heart rate.

    Returns
    -------
    Name -> (k,) float64 in W, m/s or bpm, NaN where no stretch of that length is whole. Only
    streams that are there.
    """
    seconds = seconds_of(activity)
    series = {} if seconds is None else {name: seconds.get(name) for name in CURVES}
    return {name: duration_curve(values) for name, values in series.items() if values is not None}


def zones_of(activity: Activity, profile: Profile | None = None) -> dict[str, ZoneTimes]:
    """Time in the zones of heart rate, power and running speed that the profile tells.

    Power zones rest on the FTP of a cyclist, those of speed on a runner's threshold pace: other
    sports have none.
    """
    known = activity.profile if profile is None else activity.profile.updated(profile)
    seconds = seconds_of(activity)
    on_foot = activity.sport in FOOT_SPORTS
    asked = {
        "heart_rate": heart_rate_zones(known),
        "power": None if on_foot else power_zones(known),
        "speed": speed_zones(known) if on_foot else None,
    }
    found = {}
    for name, zones in asked.items():
        values = None if seconds is None else seconds.get(name)
        if zones is not None and values is not None:
            found[name] = ZoneTimes(zones, zone_seconds(values, zones))
    return found


def _way(activity: Activity, times: Times, told: dict[str, float]) -> dict[str, float]:
    """Distance and speeds."""
    distance = told.get("distance_m", math.nan)
    track = activity.tracks[0] if activity.tracks else None
    if math.isnan(distance) and track is not None:
        distance = way_of(activity, track)
    found = {"distance_m": distance}
    if times.timer_s > 0:
        found["speed_mps"] = distance / times.timer_s
    if times.moving_s > 0:
        found["speed_moving_mps"] = distance / times.moving_s
    if track is not None:
        fast = valid(activity, track, "speed")
        if fast.any():
            found["speed_max_mps"] = float(track.channels["speed"][fast].max())
    return found


def _means(seconds: Seconds) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, (unit, zeros_count, extremes) in _MEANS.items():
        values = seconds.get(name)
        if values is None:
            continue
        # Devices leave coasting out of a cadence, and take a runner's stops in.
        on_foot = name == "cadence" and seconds.activity.sport in FOOT_SPORTS
        counted = values[np.isfinite(values) if zeros_count or on_foot else values > 0]
        if not len(counted):
            continue
        found[f"{name}_{unit}"] = float(counted.mean())
        raw = seconds.track.channels[name][valid(seconds.activity, seconds.track, name)]
        for extreme in extremes:
            found[f"{name}_{extreme}_{unit}"] = float(raw.max() if extreme == "max" else raw.min())
    return found


def _heights(seconds: Seconds, told: dict[str, float]) -> dict[str, float]:
    altitude = seconds.get("altitude")
    if altitude is None:
        return {}
    up, down = climbed(altitude)
    return {
        "altitude_min_m": float(np.nanmin(altitude)) if np.isfinite(altitude).any() else math.nan,
        "altitude_max_m": float(np.nanmax(altitude)) if np.isfinite(altitude).any() else math.nan,
        "ascent_stream_m": up,
        "descent_stream_m": down,
        "ascent_m": told.get("ascent_m", up),
        "descent_m": told.get("descent_m", down),
    }


def _swim(activity: Activity, profile: Profile, found: dict[str, float]) -> dict[str, float]:
    speed = found.get("speed_moving_mps", math.nan)
    threshold = profile.swim_threshold_speed_mps
    possible = 0 < speed <= pace_of("swimming").top_mps
    if activity.sport != "swimming" or threshold is None or not possible:
        return {}
    return {"swim_load": swim_load(found["moving_s"], speed, threshold)}


def _put_loads_of_parts(activity: Activity, profile: Profile, found: dict[str, float]) -> None:
    """Of several sports each has its own load, and the whole has their sum."""
    parts = [summarise(part, profile) for part in parts_of(activity)]
    if not parts:
        return
    for name in ("intensity", *_LOADS[:3]):  # watts of a run among them, and other mixtures
        found.pop(name, None)
    for name in _LOADS[:3]:
        values = [part[name] for part in parts if name in part]
        if values:
            found[name] = sum(values)
    if all("load" in part for part in parts):
        found["load"] = sum(part["load"] for part in parts)
    else:
        found.pop("load")


def _load(found: dict[str, float]) -> float:
    for name in _LOADS:
        if math.isfinite(found.get(name, math.nan)):
            return found[name]
    return math.nan
