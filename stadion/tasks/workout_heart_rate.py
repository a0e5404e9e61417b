"""A workout's streams and its first five minutes of heart rate in, the rest of the curve out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from stadion.core.activity import Activity, Recording, Source, Track
from stadion.core.arrays import Array, FloatArray
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.tasks._groups import recording_groups
from stadion.tasks._workout_streams import (
    HIGHEST_BPM,
    LOWEST_BPM,
    PROFILE,
    STEP_S,
    STREAMS,
    Workout,
    workout_of,
)
from stadion.tasks.base import Task, activities_of, one_activity

__all__ = ["PLUGIN", "CurveSettings", "WorkoutHeartRate", "planned"]

OPENING = 30
"""Steps of heart rate that the model is given: five minutes."""
HISTORY = 60
"""Steps of the other streams behind each answer: ten minutes."""
_SPORTS = ("running", "cycling", "swimming", "other")


@dataclass(frozen=True, slots=True)
class CurveSettings:
    """`every_s` is the distance between two rows of a workout; answers are means of 10 s."""

    every_s: float = field(default=30.0, metadata={"low": STEP_S, "high": 600.0})


class WorkoutHeartRate(Task):
    """The heart-rate curve that goes with a workout's speed, climb, cadence and power.

    A row is one moment: the ten minutes of streams up to it, their means since the start, and
    the first five minutes of streams and heart rate, by which a model tells how this heart
    answers today. Nothing after the moment is read but how long the workout lasts, which may be
    missing as every input may: so a live recording is answered as well.
    """

    name = "workout_heart_rate"
    question = "Which heart rate goes with this workout, minute by minute?"
    channels = ("heart_rate", "speed", "distance", "altitude", "grade", "cadence", "power",
                "temperature", *PROFILE)  # fmt: skip
    metric = "mae"
    reference = "J. Ni, L. Muhlstein, J. McAuley, Modeling heart rate and activity, WWW 2019"
    interval = 0.9
    learners = ("heart_hybrid", "boosting")
    Settings = CurveSettings

    def dataset(self, recordings: Sequence[Recording], settings: CurveSettings) -> Dataset:
        """One row every `every_s` seconds after minute 5 of each workout that has heart rate."""
        activities = activities_of(recordings)
        parts: list[_Part] = []
        for activity, group in zip(activities, recording_groups(activities), strict=True):
            workout = workout_of(activity)
            curve = workout.heart_rate
            at = _moments(len(curve), settings.every_s)
            at = at[np.isfinite(curve[at])]
            if len(at) and np.isfinite(curve[:OPENING]).sum() >= OPENING / 2:
                parts.append(_Part(activity, workout, at, group))
        if not parts:
            raise StadionError(
                Code.INVALID,
                f"none of {len(activities)} recordings holds heart_rate in its first five minutes "
                "and after them",
            )
        rows = [_inputs(part.activity, part.workout, part.at) for part in parts]
        return Dataset(
            self.name,
            _SIGNATURE,
            {name: np.concatenate([row[name] for row in rows]) for name in rows[0]},
            {"heart_rate": _joined(parts, lambda p: p.workout.heart_rate[p.at], np.float32)},
            _joined(parts, lambda p: np.full(len(p.at), p.group)),
            {"every_s": settings.every_s},
            strata={
                "sport": _joined(parts, lambda p: np.full(len(p.at), p.activity.sport)),
                "sex": _joined(parts, lambda p: np.full(len(p.at), _sex(p.workout))),
            },
        )

    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """A row for every `every_s` seconds from minute 5 to the end of the recording.

        Heart rate after minute 5 is never read: a course with an opening (see `planned`) is
        asked in the same way.
        """
        activity = one_activity(recording)
        workout = workout_of(activity)
        at = _moments(len(workout.heart_rate), float(settings.get("every_s") or STEP_S))
        if not len(at):
            raise StadionError(
                Code.INVALID,
                f"the recording lasts {activity.duration_s:.0f} s; expected more than "
                f"{OPENING * STEP_S:.0f} s",
            )
        return _inputs(activity, workout, at)

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


def planned(course: Activity, opening: Activity) -> Activity:
    """What if: a course, with the first five minutes and the profile of an athlete's recording.

    The course brings the streams as they are planned (speed, altitude, power), also those of
    its first five minutes, in which the athlete is taken to do about what the recording shows.

    Raises
    ------
    StadionError
        INVALID when `opening` holds no heart rate in its first five minutes.
    """
    workout = workout_of(opening)
    beats = workout.heart_rate[:OPENING]
    if not np.isfinite(beats).any():
        raise StadionError(
            Code.INVALID, "the opening holds no heart_rate in its first five minutes"
        )
    time_s = (np.arange(len(beats)) + 0.5) * STEP_S
    known = {name: np.full(len(beats), value) for name, value in workout.profile.items()}
    track = Track("", time_s, {"heart_rate": beats, **known})
    silent = tuple(
        dataclasses.replace(
            one,
            channels={k: v for k, v in one.channels.items() if k not in {"heart_rate", *PROFILE}},
        )
        for one in course.tracks
    )
    return dataclasses.replace(
        course,
        athlete=opening.athlete,
        sport=course.sport or opening.sport,
        tracks=(*silent, track),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    activity: Activity
    workout: Workout
    at: Array
    group: str


def _joined(parts: Sequence[_Part], of: Callable[[_Part], Array], dtype: Any = None) -> Array:
    return np.concatenate([np.asarray(of(part), dtype) for part in parts])


def _sex(workout: Workout) -> str:
    return {0.0: "male", 1.0: "female"}.get(workout.profile["female"], "")


def _moments(steps: int, every_s: float) -> Array:
    """Steps after minute 5 that get a row."""
    return np.arange(OPENING, steps, max(1, round(every_s / STEP_S)))


def _inputs(activity: Activity, workout: Workout, at: Array) -> dict[str, Array]:
    """Rows for the steps `at` (k,): histories (k, 60), openings (k, 30), the rest (k,)."""
    window = at[:, None] + np.arange(1 - HISTORY, 1)[None, :]
    inputs: dict[str, Array] = {}
    for name, values in workout.streams.items():
        inputs[name] = np.where(window >= 0, values[window.clip(0)], np.nan)
    for name, values in {"heart_rate": workout.heart_rate, **workout.streams}.items():
        inputs[f"opening_{name}"] = np.tile(_opening(values), (len(at), 1))
    for name, values in workout.streams.items():
        inputs[f"{name}_so_far"] = _running_mean(values)[at]
    inputs["elapsed_s"] = at * STEP_S
    inputs["duration_s"] = np.full(len(at), len(workout.heart_rate) * STEP_S)
    sport = activity.sport if activity.sport in _SPORTS else "other"
    known = [float(sport == name) if activity.sport else np.nan for name in _SPORTS]
    inputs["sport"] = np.tile(np.array(known), (len(at), 1))
    inputs["temperature"] = _running_mean(workout.temperature)[at]
    inputs["altitude"] = _running_mean(workout.altitude)[at]
    inputs |= {name: np.full(len(at), value) for name, value in workout.profile.items()}
    return {name: np.asarray(values, np.float32) for name, values in inputs.items()}


def _opening(values: FloatArray) -> FloatArray:
    opening = np.full(OPENING, np.nan)
    opening[: min(OPENING, len(values))] = values[:OPENING]
    return opening


def _running_mean(values: FloatArray) -> FloatArray:
    """(n,) mean of the known values so far; NaN before the first."""
    known = np.isfinite(values)
    count = np.cumsum(known)
    mean: FloatArray = np.full(len(values), np.nan)
    np.divide(np.cumsum(np.where(known, values, 0.0)), count, out=mean, where=count > 0)
    return mean


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


_SIGNATURE = Signature(
    inputs=(
        *(
            Tensor(name, "FP32", (None, HISTORY), kind.unit,
                   f"{kind.meaning}, the ten minutes up to now",
                   step_s=STEP_S, low=kind.low, high=kind.high)
            for name, kind in STREAMS.items()
        ),
        Tensor("opening_heart_rate", "FP32", (None, OPENING), "bpm",
               "heart rate of the first five minutes in steps of 10 s",
               low=LOWEST_BPM, high=HIGHEST_BPM),
        *(
            Tensor(f"opening_{name}", "FP32", (None, OPENING), kind.unit,
                   f"{kind.meaning}, the first five minutes in steps of 10 s",
                   low=kind.low, high=kind.high)
            for name, kind in STREAMS.items()
        ),
        *(
            Tensor(f"{name}_so_far", "FP32", (None,), kind.unit,
                   f"{kind.meaning}, mean since the start", low=kind.low, high=kind.high)
            for name, kind in STREAMS.items()
        ),
        Tensor("elapsed_s", "FP32", (None,), "s", "time since the start of the workout", low=0.0),
        Tensor("duration_s", "FP32", (None,), "s",
               "how long the workout lasts, or is planned to", low=0.0),
        Tensor("sport", "FP32", (None, len(_SPORTS)), "1", "1 for the sport done, else 0",
               _SPORTS, low=0.0, high=1.0),
        Tensor("temperature", "FP32", (None,), "degC", "mean at the device since the start",
               low=-60.0, high=90.0),
        Tensor("altitude", "FP32", (None,), "m", "mean height since the start",
               low=-500.0, high=20_000.0),
        *(
            Tensor(name, "FP32", (None,), kind.unit, kind.meaning, low=kind.low, high=kind.high)
            for name, kind in PROFILE.items()
        ),
    ),
    outputs=(
        Tensor("heart_rate", "FP32", (None,), "bpm", "mean heart rate of these 10 s",
               low=LOWEST_BPM, high=HIGHEST_BPM, missing=False),
    ),
)  # fmt: skip

PLUGIN = WorkoutHeartRate()
