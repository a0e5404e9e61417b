"""Windows of inertial sensors in, what the athlete was doing out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from stadion.core.activity import Activity, Lap, Recording, Source, Track
from stadion.core.arrays import Array, FloatArray
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.science.resample import interpolate, window_starts
from stadion.tasks._groups import recording_groups
from stadion.tasks.base import Task, activities_of, one_activity

__all__ = ["PLUGIN", "ActivityRecognition", "WindowSettings"]

_FAMILIES = {
    "acceleration": ("m/s^2", "acceleration at the sensor", 200.0),
    "angular_velocity": ("rad/s", "angular velocity of the sensor", 50.0),
}
_AXES = ("x", "y", "z")
_DEFAULT_WINDOW_S = 4.0


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """How recordings are cut.

    `window_s` None takes each labelled stretch whole when all have the same number of samples,
    else windows of 4 s. `rate_hz` None takes the recordings' own rate.
    """

    window_s: float | None = field(default=None, metadata={"low": 0.1, "high": 600.0})
    overlap: float = field(default=0.5, metadata={"low": 0.0, "high": 0.95})
    rate_hz: float | None = field(default=None, metadata={"low": 0.1, "high": 2_000.0})


class ActivityRecognition(Task):
    """Which of the known activities a window of sensor data shows."""

    name = "activity_recognition"
    question = "What was the athlete doing in this stretch of sensor data?"
    channels = ("acceleration", "angular_velocity")
    metric = "accuracy"
    reference = "UEA archive official splits; A. Bagnall et al., arXiv:1811.00075 (2018)"
    Settings = WindowSettings

    def dataset(self, recordings: Sequence[Recording], settings: WindowSettings) -> Dataset:
        """One row per window inside a labelled stretch (a Lap of kind 'activity')."""
        activities = activities_of(recordings)
        labelled = [a for a in activities if _stretches(a) and _families(a)]
        if not labelled:
            raise StadionError(
                Code.INVALID,
                f"none of {len(activities)} recordings holds acceleration_x, _y, _z and a lap of "
                "kind 'activity' that names what was done",
            )
        rate_hz = settings.rate_hz or _rate_hz(labelled)
        layout = _layout(labelled)
        pieces = [
            (_sample(activity, layout, rate_hz, lap.start_s, lap.end_s), lap.label, group)
            for activity, group in zip(labelled, recording_groups(labelled), strict=True)
            for lap in _stretches(activity)
        ]
        steps = _steps(settings.window_s, rate_hz, [len(samples) for samples, _, _ in pieces])
        hop = max(1, round(steps * (1 - settings.overlap)))
        rows: list[FloatArray] = []
        names: list[str] = []
        groups: list[str] = []
        for samples, label, group in pieces:
            cut = _windows(samples, steps, hop)
            rows += cut
            names += [label] * len(cut)
            groups += [group] * len(cut)
        labels = tuple(sorted(set(names)))
        return Dataset(
            self.name,
            _signature(layout, steps, rate_hz, labels),
            _tensors(rows, layout),
            {"activity": np.array([labels.index(name) for name in names], np.int64)},
            np.array(groups),
            {"window_s": steps / rate_hz, "overlap": settings.overlap, "rate_hz": rate_hz},
        )

    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """Windows over the whole recording; one padded with NaN when it is shorter."""
        activity = one_activity(recording)
        layout = {t.name: _subjects_of(t) for t in signature.inputs}
        tensor = signature.inputs[0]
        steps, step_s = tensor.shape[1], tensor.step_s
        if steps is None or step_s is None:
            raise StadionError(Code.INVALID, "the model's input has no fixed window")
        if not _families(activity):
            raise StadionError(
                Code.INVALID,
                f"the recording holds {', '.join(activity.channels) or 'no channels'}; "
                "expected acceleration_x, acceleration_y, acceleration_z",
            )
        samples = _sample(activity, layout, 1 / step_s, 0.0, activity.duration_s)
        hop = max(1, round(steps * (1 - float(settings.get("overlap") or 0.0))))
        return _tensors(_windows(samples, steps, hop), layout)

    def baselines(self, train: Dataset, test: Dataset) -> dict[str, dict[str, Array]]:
        """The shares of the classes in the training part, whatever the window shows."""
        classes = len(train.signature.labels["activity"])
        shares = np.bincount(train.targets["activity"], minlength=classes) / max(len(train), 1)
        return {"most frequent class": {"activity": np.tile(shares, (len(test), 1))}}

    def examples(self, seed: int) -> list[Activity]:
        """Three athletes who swing an arm slowly, then fast: 10 s each at 20 Hz."""
        rng = np.random.default_rng(seed)
        return [
            _example(rng, athlete, label, hz)
            for athlete in ("ada", "ben", "cleo")
            for label, hz in (("slow", 0.7), ("fast", 2.0))
        ]


def _stretches(activity: Activity) -> list[Lap]:
    return [lap for lap in activity.laps if lap.kind == "activity" and lap.label]


def _families(activity: Activity) -> dict[str, tuple[str, ...]]:
    """Family -> subjects whose track holds its three axes."""
    found: dict[str, tuple[str, ...]] = {}
    for family in _FAMILIES:
        subjects = [t.subject for t in activity.tracks if _has(t, family)]
        if subjects:
            found[family] = tuple(subjects)
    return found if "acceleration" in found else {}


def _has(track: Track, family: str) -> bool:
    return all(f"{family}_{axis}" in track.channels for axis in _AXES)


def _layout(activities: list[Activity]) -> dict[str, tuple[str, ...]]:
    """Families and subjects that every recording has, in the first one's order."""
    layouts = [_families(activity) for activity in activities]
    common = {
        family: tuple(s for s in subjects if all(s in other.get(family, ()) for other in layouts))
        for family, subjects in layouts[0].items()
    }
    if not common["acceleration"]:
        raise StadionError(
            Code.INVALID, "the recordings share no sensor position that measures acceleration"
        )
    return {family: subjects for family, subjects in common.items() if subjects}


def _rate_hz(activities: list[Activity]) -> float:
    steps = np.concatenate([np.diff(t.time_s) for a in activities for t in a.tracks])
    if not len(steps):
        raise StadionError(Code.INVALID, "the recordings hold single samples, no streams")
    return round(1 / float(np.median(steps)), 3)


def _steps(window_s: float | None, rate_hz: float, lengths: list[int]) -> int:
    if window_s is None and len(set(lengths)) == 1:
        return lengths[0]
    return max(2, round((window_s or _DEFAULT_WINDOW_S) * rate_hz))


def _sample(
    activity: Activity,
    layout: Mapping[str, tuple[str, ...]],
    rate_hz: float,
    start_s: float,
    end_s: float,
) -> FloatArray:
    """(steps, columns) float32 over [start_s, end_s] at `rate_hz`; a missing axis is NaN."""
    # A tenth of a step forgives ends that fall a rounding error before the last sample.
    grid_s = start_s + np.arange(int((end_s - start_s) * rate_hz + 0.1) + 1) / rate_hz
    tracks = {track.subject: track for track in activity.tracks}
    columns: list[FloatArray] = []
    for family, subjects in layout.items():
        for subject in subjects:
            for axis in _AXES:
                columns.append(_column(tracks.get(subject), f"{family}_{axis}", grid_s, rate_hz))
    samples: FloatArray = np.stack(columns, axis=1).astype(np.float32)
    return samples


def _column(track: Track | None, channel: str, grid_s: FloatArray, rate_hz: float) -> FloatArray:
    if track is None or channel not in track.channels:
        return np.full(len(grid_s), np.nan)
    values = track.channels[channel]
    near = np.searchsorted(track.time_s, grid_s - 0.25 / rate_hz).clip(0, len(track) - 1)
    if np.abs(track.time_s[near] - grid_s).max(initial=0.0) < 0.05 / rate_hz:
        on_grid: FloatArray = values[near]  # NaN stays where it was
        return on_grid
    return interpolate(track.time_s, values, grid_s, max_gap_s=3 / rate_hz)


def _windows(samples: FloatArray, steps: int, hop: int) -> list[FloatArray]:
    if len(samples) < steps:
        padding = np.full((steps - len(samples), samples.shape[1]), np.nan, samples.dtype)
        return [np.concatenate([samples, padding])]
    return [samples[i : i + steps] for i in window_starts(len(samples), steps, hop)]


def _tensors(rows: list[FloatArray], layout: Mapping[str, tuple[str, ...]]) -> dict[str, Array]:
    stacked = np.stack(rows)
    tensors: dict[str, Any] = {}
    first = 0
    for family, subjects in layout.items():
        width = len(_AXES) * len(subjects)
        tensors[family] = np.ascontiguousarray(stacked[:, :, first : first + width])
        first += width
    return tensors


def _signature(
    layout: Mapping[str, tuple[str, ...]], steps: int, rate_hz: float, labels: tuple[str, ...]
) -> Signature:
    inputs = []
    for family, subjects in layout.items():
        unit, meaning, limit = _FAMILIES[family]
        columns = tuple(f"{s}_{axis}" if s else axis for s in subjects for axis in _AXES)
        inputs.append(
            Tensor(
                family,
                "FP32",
                (None, steps, len(columns)),
                unit,
                meaning,
                columns,
                1 / rate_hz,
                -limit,
                limit,
            )
        )
    output = Tensor(
        "activity", "FP32", (None, len(labels)), "1", "probability of each activity", labels,
        low=0.0, high=1.0, missing=False,
    )  # fmt: skip
    return Signature(tuple(inputs), (output,), {"activity": labels})


def _example(rng: np.random.Generator, athlete: str, label: str, hz: float) -> Activity:
    time_s = np.arange(200) / 20
    phase = rng.uniform(0, 2 * np.pi, len(_FAMILIES) * len(_AXES))
    wave = np.sin(2 * np.pi * hz * time_s[None, :] + phase[:, None])
    wave += rng.normal(0, 0.1, wave.shape)
    names = [f"{family}_{axis}" for family in _FAMILIES for axis in _AXES]
    track = Track("", time_s, dict(zip(names, wave, strict=True)))
    lap = Lap(0.0, float(time_s[-1]), "activity", label)
    digest = sha256(track.channels["acceleration_x"].tobytes()).hexdigest()
    return Activity(digest, athlete, "", None, (track,), Source("example", digest), laps=(lap,))


def _subjects_of(tensor: Tensor) -> tuple[str, ...]:
    """The subjects whose axes make up a tensor's columns: 'u1_x' -> 'u1', 'x' -> ''."""
    return tuple(column[:-1].removesuffix("_") for column in tensor.columns[:: len(_AXES)])


PLUGIN = ActivityRecognition()
