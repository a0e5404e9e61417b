"""Recordings of exercises in; which exercise each part shows, and how well it was done, out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

import numpy as np

from stadion.core.activity import Activity, Lap, Recording, Source, Track
from stadion.core.arrays import Array, FloatArray
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.science.repetitions import RepetitionSettings, count_repetitions
from stadion.tasks._groups import recording_groups
from stadion.tasks._technique_labels import OUTPUTS, UNKNOWN, Part, labelled_laps, targets_of
from stadion.tasks._technique_rows import (
    Executions,
    Windows,
    execution_tensors,
    found_executions,
    window_tensors,
)
from stadion.tasks._technique_streams import (
    Layout,
    common_layout,
    is_pose,
    layout_of,
    rate_of,
    sampled,
)
from stadion.tasks.base import Task, activities_of, one_activity

__all__ = [
    "PLUGIN",
    "ExerciseTechnique",
    "TechniqueSettings",
    "acceleration_of",
    "repetitions_of",
]

_MEANINGS = {
    "exercise": "probability of each exercise",
    "execution": "probability of each way to do it: correct, too fast, too small, a known fault",
}
_WINDOW_S, _POSE_WINDOW_S = 4.0, 0.3


@dataclass(frozen=True, slots=True)
class TechniqueSettings:
    """What a row is.

    `rows`: single executions (repetitions), windows, or, with 'auto', executions where the
    recordings mark them. `window_s` None takes each labelled stretch whole where all are equally
    long, else 4 s, and 0.3 s of a pose; `hop_s` None is half a window, and each frame of a pose.
    `rate_hz` None is the recordings' own. `level` 'remove' takes each channel's median over the
    recording away: what is left does not depend on how a sensor was mounted. `cutoff_hz` and
    `prominence` say what a repetition is (`science.repetitions`).
    """

    rows: Literal["auto", "executions", "windows"] = "auto"
    window_s: float | None = field(default=None, metadata={"low": 0.05, "high": 600.0})
    hop_s: float | None = field(default=None, metadata={"low": 0.005, "high": 600.0})
    rate_hz: float | None = field(default=None, metadata={"low": 0.1, "high": 2_000.0})
    level: Literal["keep", "remove"] = "keep"
    magnetism: bool = False
    cutoff_hz: float = field(default=0.5, metadata={"low": 0.05, "high": 20.0})
    prominence: float = field(default=0.25, metadata={"low": 0.05, "high": 0.9})


class ExerciseTechnique(Task):
    """Which exercise was done, and whether well; outputs are what the recordings label.

    Inertial sensors and body landmarks of a video are two kinds of recordings; a training set
    is of one kind. A row of executions knows how long and large its execution was beside the
    others of its recording, as people differ in what fast and small mean.
    """

    name = "exercise_technique"
    question = "Which exercise is this, and is it done well?"
    channels = ("acceleration", "angular_velocity", "magnetic_field", "left_hip", "right_hip")
    metric = "accuracy"
    reference = "A. Yurtman, B. Barshan, Comput. Methods Programs Biomed. 117 (2014) 189-207"
    interval = 0.9
    Settings = TechniqueSettings

    def dataset(self, recordings: Sequence[Recording], settings: TechniqueSettings) -> Dataset:
        """Rows of all recordings that name an exercise or an execution; others are left out.

        Labels are laps of kind `activity` and `execution`. A row's label is that of the lap its
        middle lies in, and unknown where there is none.
        """
        labelled = _of_one_kind(_labelled(activities_of(recordings)), len(recordings))
        pose = is_pose(labelled[0])
        layout = common_layout(labelled, pose, settings.magnetism)
        rate_hz = settings.rate_hz or rate_of(labelled)
        executions = _takes_executions(settings, labelled, pose)
        resolved = _resolved(settings, labelled, rate_hz, pose, executions)
        parts = [
            Part(activity, group, *_rows(activity, layout, resolved, executions))
            for activity, group in zip(labelled, recording_groups(labelled), strict=True)
        ]
        parts = [part for part in parts if len(part.middles_s)]
        targets, labels = targets_of(parts)
        signature = _signature(layout, resolved, executions, labels)
        inputs = {
            tensor.name: np.concatenate([part.inputs[tensor.name] for part in parts])
            for tensor in signature.inputs
        }
        people = np.concatenate([part.named(part.activity.athlete) for part in parts])
        groups = np.concatenate([part.named(part.group) for part in parts])
        data = Dataset(
            self.name, signature, inputs, targets, groups, resolved, strata={"person": people}
        )
        known = np.any([values != UNKNOWN for values in targets.values()], axis=0)
        return data if known.all() else data.take(known)

    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """A row per execution (as marked by laps, else as found), or per window."""
        activity = one_activity(recording)
        layout = layout_of(signature)
        executions = any(tensor.name == "duration_s" for tensor in signature.inputs)
        if not _measures(activity, layout):
            raise StadionError(
                Code.INVALID,
                f"the recording holds {', '.join(activity.channels) or 'no channels'}; expected "
                + ("both shoulders and hips of a pose" if "landmarks" in layout else
                   "acceleration_x, acceleration_y, acceleration_z"),
            )  # fmt: skip
        inputs, middles = _rows(activity, layout, settings, executions)
        if not len(middles):
            raise StadionError(Code.INVALID, "no repetition was found in the recording")
        return {tensor.name: inputs[tensor.name] for tensor in signature.inputs}

    def baselines(self, train: Dataset, test: Dataset) -> dict[str, dict[str, Array]]:
        """The shares of the classes in the training part, whatever the row shows."""
        shares = {}
        for output, labels in train.signature.labels.items():
            known = train.targets[output][train.targets[output] != UNKNOWN]
            share = np.bincount(known, minlength=len(labels)) / max(len(known), 1)
            shares[output] = np.tile(share, (len(test), 1))
        return {"most frequent class": shares}

    def examples(self, seed: int) -> list[Activity]:
        """Three people who lift an arm or bend a knee, three times well and three times fast."""
        rng = np.random.default_rng(seed)
        return [
            _example(rng, athlete, exercise, axis)
            for athlete in ("ada", "ben", "cleo")
            for exercise, axis in (("arm_raise", 0), ("knee_bend", 2))
        ]


def acceleration_of(activity: Activity) -> tuple[FloatArray, float]:
    """(n, axes) accelerations of all sensors at their own rate, and that rate in Hz.

    Raises
    ------
    StadionError
        INVALID when the recording holds no acceleration.
    """
    only = {"acceleration": common_layout([activity], False, False)["acceleration"]}
    rate_hz = rate_of([activity])
    return sampled(activity, only, rate_hz), rate_hz


def repetitions_of(activity: Activity, settings: RepetitionSettings | None = None) -> int:
    """How many repetitions a recording of one exercise holds, holes in it counted through."""
    return count_repetitions(*acceleration_of(activity), settings)


def _labelled(activities: list[Activity]) -> list[Activity]:
    kinds = set(OUTPUTS.values())
    return [
        activity
        for activity in activities
        if any(lap.kind in kinds and lap.label for lap in activity.laps)
        and ("acceleration_x" in activity.channels or is_pose(activity))
    ]


def _of_one_kind(labelled: list[Activity], given: int) -> list[Activity]:
    """Those of sensors or those of a pose, whichever are more."""
    if not labelled:
        raise StadionError(
            Code.INVALID,
            f"none of {given} recordings holds acceleration or the landmarks of a body, and a lap "
            "of kind 'activity' or 'execution' that names what was done",
        )
    kinds = Counter(is_pose(activity) for activity in labelled)
    kept = kinds.most_common(1)[0][0]
    return [activity for activity in labelled if is_pose(activity) is kept]


def _takes_executions(settings: TechniqueSettings, labelled: list[Activity], pose: bool) -> bool:
    """True for rows of executions: as asked, or where a recording marks several by its laps."""
    if pose and settings.rows == "executions":
        raise StadionError(
            Code.INVALID, "executions are found in accelerations; take rows 'windows' of a pose"
        )
    if settings.rows == "auto":
        return not pose and any(len(labelled_laps(a, "execution")) > 1 for a in labelled)
    return settings.rows == "executions"


def _resolved(
    settings: TechniqueSettings,
    labelled: list[Activity],
    rate_hz: float,
    pose: bool,
    executions: bool,
) -> dict[str, Scalar]:
    """The settings as numbers, as a request needs them."""
    lengths = {
        round((lap.end_s - lap.start_s) * rate_hz)
        for activity in labelled
        for lap in labelled_laps(activity, "activity") or labelled_laps(activity, "execution")
    }
    usual = _POSE_WINDOW_S if pose else _WINDOW_S
    window_s = settings.window_s or usual
    if settings.window_s is None and len(lengths) == 1 and not pose and not executions:
        window_s = (lengths.pop() + 1) / rate_hz
    hop_s = settings.hop_s or (1 / rate_hz if pose else window_s / 2)
    return {
        "rate_hz": rate_hz,
        "window_s": window_s,
        "hop_s": hop_s,
        "level": settings.level,
        "cutoff_hz": settings.cutoff_hz,
        "prominence": settings.prominence,
    }


def _rows(
    activity: Activity, layout: Layout, settings: Mapping[str, Scalar], executions: bool
) -> tuple[dict[str, Array], FloatArray]:
    """Inputs of one recording and the middle of each row in seconds; none when nothing is found."""
    rate_hz = float(settings["rate_hz"] or 0)
    if executions:
        laps = labelled_laps(activity, "execution") or found_executions(
            activity, layout, rate_hz, _repetition(settings)
        )
        spans = [(lap.start_s, lap.end_s) for lap in laps]
        if not spans:
            return {}, np.zeros(0)
        return Executions(layout, rate_hz).rows(sampled(activity, layout, rate_hz), spans)
    steps = _steps(float(settings["window_s"] or 0), rate_hz)
    hop = max(1, round(float(settings["hop_s"] or 0) * rate_hz))
    windows = Windows(
        layout, rate_hz, steps, hop, "landmarks" in layout, settings.get("level") == "remove"
    )
    return windows.rows(sampled(activity, layout, rate_hz))


def _steps(window_s: float, rate_hz: float) -> int:
    return max(4, round(window_s * rate_hz))


def _repetition(settings: Mapping[str, Scalar]) -> RepetitionSettings:
    usual = RepetitionSettings()
    return RepetitionSettings(
        float(settings.get("cutoff_hz") or usual.cutoff_hz),
        float(settings.get("prominence") or usual.prominence),
    )


def _measures(activity: Activity, layout: Layout) -> bool:
    if "landmarks" in layout:
        return is_pose(activity)
    return "acceleration_x" in activity.channels


def _signature(
    layout: Layout,
    settings: Mapping[str, Scalar],
    executions: bool,
    labels: Mapping[str, tuple[str, ...]],
) -> Signature:
    rate_hz = float(settings["rate_hz"] or 0)
    steps = _steps(float(settings["window_s"] or 0), rate_hz)
    inputs = execution_tensors(layout) if executions else window_tensors(layout, steps, rate_hz)
    outputs = tuple(
        Tensor(output, "FP32", (None, len(known)), "1", _MEANINGS[output], known,
               low=0.0, high=1.0, missing=False)
        for output, known in labels.items()
    )  # fmt: skip
    return Signature(inputs, outputs, dict(labels))


def _example(rng: np.random.Generator, athlete: str, exercise: str, axis: int) -> Activity:
    """Repetitions of 3 s, then of 1.2 s, each with a second of rest before and after it."""
    rate_hz, rest = 20.0, np.zeros(20)
    pieces, laps, now = [rest], [], 1.0
    for label, seconds in (("correct", 3.0), ("fast", 1.2)):
        for _ in range(3):
            takes = seconds * rng.uniform(0.9, 1.1)
            count = int(takes * rate_hz)
            pieces += [np.sin(np.linspace(0.0, np.pi, count)) ** 2, rest]
            laps.append(Lap(now, now + count / rate_hz, "execution", label))
            now += count / rate_hz + 1.0
    lift = np.concatenate(pieces) * rng.uniform(0.9, 1.1)
    time_s = np.arange(len(lift)) / rate_hz
    channels = {}
    for place, name in enumerate("xyz"):
        gravity = 9.81 * (np.sin(1.2 * lift) if place == axis else np.cos(1.2 * lift))
        turn = np.gradient(1.2 * lift, time_s) if place == axis else np.zeros(len(lift))
        channels[f"acceleration_{name}"] = gravity + rng.normal(0, 0.05, len(lift))
        channels[f"angular_velocity_{name}"] = turn + rng.normal(0, 0.02, len(lift))
    digest = sha256(channels["acceleration_x"].tobytes()).hexdigest()
    whole = Lap(0.0, float(time_s[-1]), "activity", exercise)
    track = Track("wrist", time_s, channels)
    return Activity(
        digest, athlete, "training", None, (track,), Source("example", digest), laps=(whole, *laps)
    )


PLUGIN = ExerciseTechnique()
