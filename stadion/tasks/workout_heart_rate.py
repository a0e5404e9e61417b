"""A workout's streams and its first five minutes of heart rate in, the rest of the curve out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from stadion.core.activity import Activity, Recording, Source, Track
from stadion.core.arrays import Array, FloatArray
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.science.motion import climb_rate, haversine_m, speed_from_distance
from stadion.science.resample import bin_means
from stadion.tasks._groups import recording_groups
from stadion.tasks.base import Task, activities_of, one_activity

__all__ = ["PLUGIN", "CurveSettings", "WorkoutHeartRate"]

STEP_S = 10.0
OPENING = 30
"""Steps of heart rate that the model is given: five minutes."""
HISTORY = 60
"""Steps of the other streams behind each answer: ten minutes."""
_STREAMS = {
    "speed": ("m/s", "speed over ground", 0.0, 40.0),
    "climb_rate": ("m/s", "height gained per second", -10.0, 10.0),
    "cadence": ("rpm", "revolutions or strides of one leg per minute", 0.0, 250.0),
    "power": ("W", "mechanical power", 0.0, 2_500.0),
}
_SPORTS = ("running", "cycling", "other")
_LOWEST_BPM, _HIGHEST_BPM = 30.0, 230.0
_LONGEST_S = 86_400.0


@dataclass(frozen=True, slots=True)
class CurveSettings:
    """`every_s` is the distance between two rows of a workout; answers are means of 10 s."""

    every_s: float = field(default=30.0, metadata={"low": STEP_S, "high": 600.0})


class WorkoutHeartRate(Task):
    """The heart-rate curve that goes with a workout's speed, climb, cadence and power."""

    name = "workout_heart_rate"
    question = "Which heart rate goes with this workout, minute by minute?"
    channels = ("heart_rate", "speed", "distance", "altitude", "cadence", "power")
    metric = "mae"
    reference = "J. Ni, L. Muhlstein, J. McAuley, Modeling heart rate and activity, WWW 2019"
    Settings = CurveSettings

    def dataset(self, recordings: Sequence[Recording], settings: CurveSettings) -> Dataset:
        """One row every `every_s` seconds after minute 5 of each workout that has heart rate."""
        activities = activities_of(recordings)
        groups = recording_groups(activities)
        stride = max(1, round(settings.every_s / STEP_S))
        parts: list[tuple[dict[str, Array], FloatArray, str]] = []
        for activity, group in zip(activities, groups, strict=True):
            curve = _heart_rate(activity)
            if np.isfinite(curve[:OPENING]).sum() < OPENING / 2 or len(curve) <= OPENING:
                continue
            at = np.arange(OPENING, len(curve), stride)
            at = at[np.isfinite(curve[at])]
            if len(at):
                parts.append((_inputs(activity, curve, at), curve[at], group))
        if not parts:
            raise StadionError(
                Code.INVALID,
                f"none of {len(activities)} recordings holds heart_rate in its first five minutes "
                "and after them",
            )
        inputs = {name: np.concatenate([p[0][name] for p in parts]) for name in parts[0][0]}
        return Dataset(
            self.name,
            _SIGNATURE,
            inputs,
            {"heart_rate": np.concatenate([p[1] for p in parts]).astype(np.float32)},
            np.concatenate([np.full(len(p[1]), p[2]) for p in parts]),
            {"every_s": settings.every_s},
        )

    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """A row for every `every_s` seconds from minute 5 to the end of the recording."""
        activity = one_activity(recording)
        curve = _heart_rate(activity)
        stride = max(1, round(float(settings.get("every_s") or STEP_S) / STEP_S))
        at = np.arange(OPENING, len(curve), stride)
        if not len(at):
            raise StadionError(
                Code.INVALID,
                f"the recording lasts {activity.duration_s:.0f} s; expected more than "
                f"{OPENING * STEP_S:.0f} s",
            )
        return _inputs(activity, curve, at)

    def baselines(self, train: Dataset, test: Dataset) -> dict[str, dict[str, Array]]:
        """Two trivial curves: the last value of the first five minutes, and everybody's mean."""
        mean = np.float32(train.targets["heart_rate"].mean())
        opening = test.inputs["opening_heart_rate"]
        last = OPENING - 1 - np.isfinite(opening[:, ::-1]).argmax(axis=1)
        held = opening[np.arange(len(opening)), last]
        return {
            "hold minute 5": {"heart_rate": np.where(np.isfinite(held), held, mean)},
            "global mean": {"heart_rate": np.full(len(test), mean)},
        }

    def examples(self, seed: int) -> list[Activity]:
        """Four runners whose heart follows their speed with a delay of a minute: 20 min each."""
        rng = np.random.default_rng(seed)
        return [_example(rng, f"runner-{index}") for index in range(4)]


def _example(rng: np.random.Generator, athlete: str) -> Activity:
    time_s = np.arange(0.0, 1_200.0, 2.0)
    speed = 2.5 + np.repeat(rng.uniform(0, 2, 10), 60)
    rest_bpm, bpm_per_mps = rng.uniform(50, 70), rng.uniform(20, 30)
    beat = np.empty_like(time_s)
    beat[0] = rest_bpm + 30
    for i in range(1, len(time_s)):
        goal = rest_bpm + bpm_per_mps * speed[i]
        beat[i] = beat[i - 1] + (goal - beat[i - 1]) * 2.0 / 60.0
    track = Track("", time_s, {"speed": speed, "heart_rate": np.round(beat)})
    digest = sha256(speed.tobytes()).hexdigest()
    return Activity(digest, athlete, "running", None, (track,), Source("example", digest))


def _steps(activity: Activity) -> int:
    """Steps of 10 s; what lies more than a day after the start is a clock gone wrong."""
    return int(min(activity.duration_s, _LONGEST_S) // STEP_S) + 1


def _binned(track: Track, values: FloatArray, steps: int) -> FloatArray:
    return bin_means(track.time_s, values, STEP_S, steps)


def _heart_rate(activity: Activity) -> FloatArray:
    """(steps,) mean heart rate of each 10 s; impossible values count as missing."""
    steps = _steps(activity)
    for track in activity.tracks:
        if "heart_rate" in track.channels:
            raw = track.channels["heart_rate"]
            with np.errstate(invalid="ignore"):
                sound = np.where((raw >= _LOWEST_BPM) & (raw <= _HIGHEST_BPM), raw, np.nan)
            return _binned(track, sound, steps)
    return np.full(steps, np.nan)


def _inputs(activity: Activity, curve: FloatArray, at: Array) -> dict[str, Array]:
    """Rows for the steps `at` (k,): histories (k, 60), opening (k, 30), elapsed (k,)."""
    steps = len(curve)
    window = at[:, None] + np.arange(1 - HISTORY, 1)[None, :]
    inputs: dict[str, Array] = {}
    for name, values in _streams(activity, steps).items():
        padded = np.where(window >= 0, values[window.clip(0)], np.nan)
        inputs[name] = padded.astype(np.float32)
    opening = np.full(OPENING, np.nan)
    opening[: min(OPENING, steps)] = curve[:OPENING]
    inputs["opening_heart_rate"] = np.tile(opening.astype(np.float32), (len(at), 1))
    inputs["elapsed_s"] = (at * STEP_S).astype(np.float32)
    sport = activity.sport if activity.sport in _SPORTS else "other"
    known = [float(sport == name) if activity.sport else np.nan for name in _SPORTS]
    inputs["sport"] = np.tile(np.array(known, np.float32), (len(at), 1))
    return inputs


def _streams(activity: Activity, steps: int) -> dict[str, FloatArray]:
    streams = {name: np.full(steps, np.nan) for name in _STREAMS}
    for track in activity.tracks:
        if not len(track):
            continue
        found = {
            "speed": _speed(track),
            "cadence": track.channels.get("cadence"),
            "power": track.channels.get("power"),
        }
        for name, values in found.items():
            if values is not None and np.isnan(streams[name]).all():
                streams[name] = _clipped(_binned(track, values, steps), name)
        altitude = track.channels.get("altitude")
        if altitude is not None and np.isnan(streams["climb_rate"]).all():
            rate = climb_rate(_binned(track, altitude, steps), STEP_S)
            streams["climb_rate"] = _clipped(rate, "climb_rate")
    return streams


def _clipped(values: FloatArray, name: str) -> FloatArray:
    """Values outside what the stream can be count as missing."""
    _, _, low, high = _STREAMS[name]
    with np.errstate(invalid="ignore"):
        return np.where((values >= low) & (values <= high), values, np.nan)


def _speed(track: Track) -> FloatArray | None:
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


_SIGNATURE = Signature(
    inputs=(
        *(
            Tensor(name, "FP32", (None, HISTORY), unit, f"{meaning}, the ten minutes up to now",
                   step_s=STEP_S, low=low, high=high)
            for name, (unit, meaning, low, high) in _STREAMS.items()
        ),
        Tensor("opening_heart_rate", "FP32", (None, OPENING), "bpm",
               "heart rate of the first five minutes in steps of 10 s",
               low=_LOWEST_BPM, high=_HIGHEST_BPM),
        Tensor("elapsed_s", "FP32", (None,), "s", "time since the start of the workout", low=0.0),
        Tensor("sport", "FP32", (None, len(_SPORTS)), "1", "1 for the sport done, else 0",
               _SPORTS, low=0.0, high=1.0),
    ),
    outputs=(
        Tensor("heart_rate", "FP32", (None,), "bpm", "mean heart rate of these 10 s",
               low=_LOWEST_BPM, high=_HIGHEST_BPM, missing=False),
    ),
)  # fmt: skip

PLUGIN = WorkoutHeartRate()
