"""Recordings of sensors or of a pose in; the same columns of all of them on one grid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from stadion.core.activity import Activity, Track
from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature
from stadion.science.pose import JOINTS, joint_angles, on_body
from stadion.science.resample import interpolate

__all__ = [
    "FAMILIES",
    "Family",
    "Layout",
    "common_layout",
    "is_pose",
    "layout_of",
    "rate_of",
    "sampled",
]


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of stream: its unit, what it is, and the largest value that makes sense."""

    unit: str
    meaning: str
    limit: float


FAMILIES = {
    "acceleration": Family("m/s^2", "acceleration at the sensor", 200.0),
    "angular_velocity": Family("rad/s", "angular velocity of the sensor", 50.0),
    "magnetic_field": Family("au", "magnetic field relative to the earth's", 100.0),
    "landmarks": Family("1", "place of a landmark seen from the hips, in trunk lengths", 20.0),
    "joint_angles": Family("deg", "angle of a joint in the image, 180 = straight", 180.0),
}
_SENSORS = ("acceleration", "angular_velocity", "magnetic_field")
_AXES = ("x", "y", "z")
_TRUNK = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_BRIDGED_S = 0.5  # a longer hole stays one

Layout = Mapping[str, tuple[str, ...]]
"""Family -> its columns, as the input tensor of that name has them."""


def is_pose(activity: Activity) -> bool:
    """True when a track follows both shoulders and hips of a body."""
    return _pose_track(activity) is not None


def layout_of(signature: Signature) -> Layout:
    """The layout that a model's inputs ask for."""
    return {t.name: t.columns for t in signature.inputs if t.name in FAMILIES}


def common_layout(activities: Sequence[Activity], pose: bool, magnetism: bool) -> Layout:
    """Families and columns that every one of the recordings has.

    Raises
    ------
    StadionError
        INVALID when the recordings share no sensor position that measures acceleration.
    """
    layouts = [_layout(activity, pose, magnetism) for activity in activities]
    common = {
        family: tuple(c for c in columns if all(c in other.get(family, ()) for other in layouts))
        for family, columns in layouts[0].items()
    }
    if not pose and not common.get("acceleration"):
        raise StadionError(
            Code.INVALID, "the recordings share no sensor position that measures acceleration"
        )
    return {family: columns for family, columns in common.items() if columns}


def rate_of(activities: Sequence[Activity]) -> float:
    """Median samples per second of what is measured: acceleration, or the frames of a pose."""
    steps = [
        np.diff(track.time_s[np.isfinite(track.channels[channel])])
        for activity in activities
        for track in activity.tracks
        for channel in ("acceleration_x", "left_hip_x")
        if channel in track.channels
    ]
    known = np.concatenate([np.zeros(0), *steps])
    if not len(known):
        raise StadionError(Code.INVALID, "the recordings hold single samples, no streams")
    return round(1 / float(np.median(known)), 3)


def sampled(activity: Activity, layout: Layout, rate_hz: float) -> FloatArray:
    """(n, columns) float32 from the recording's start at `rate_hz`; what it lacks is NaN."""
    grid_s = np.arange(int(activity.duration_s * rate_hz + 0.1) + 1) / rate_hz
    columns: list[FloatArray] = []
    if "landmarks" in layout:
        points = _points(activity, grid_s)
        placed = on_body(points) if set(_TRUNK) <= points.keys() else {}
        angles = joint_angles(points)
        empty = np.full(len(grid_s), np.nan)
        for name in layout["landmarks"]:
            place = placed.get(name[:-2])
            columns.append(empty if place is None else place[:, "xy".index(name[-1])])
        columns += [angles.get(joint, empty) for joint in layout.get("joint_angles", ())]
    else:
        for family, names in layout.items():
            columns += [_channel(activity, family, name, grid_s) for name in names]
    return np.stack(columns, axis=1).astype(np.float32)


def _layout(activity: Activity, pose: bool, magnetism: bool) -> dict[str, tuple[str, ...]]:
    if pose:
        track = _pose_track(activity)
        landmarks = _landmarks(track) if track else []
        joints = [joint for joint, three in JOINTS.items() if set(three) <= set(landmarks)]
        places = tuple(f"{name}_{axis}" for name in landmarks for axis in "xy")
        return {"landmarks": places, "joint_angles": tuple(joints)}
    families = _SENSORS if magnetism else _SENSORS[:2]
    return {
        family: tuple(
            f"{track.subject}_{axis}" if track.subject else axis
            for track in activity.tracks
            if all(f"{family}_{axis}" in track.channels for axis in _AXES)
            for axis in _AXES
        )
        for family in families
    }


def _pose_track(activity: Activity) -> Track | None:
    wanted = {f"{name}_{axis}" for name in _TRUNK for axis in "xy"}
    return next((t for t in activity.tracks if wanted <= t.channels.keys()), None)


def _landmarks(track: Track) -> list[str]:
    names = [name.removesuffix("_x") for name in track.channels if name.endswith("_x")]
    return [name for name in names if f"{name}_y" in track.channels]


def _points(activity: Activity, grid_s: FloatArray) -> dict[str, FloatArray]:
    """Landmark -> (n, 2)."""
    track = _pose_track(activity)
    if track is None:
        return {}
    return {
        name: np.stack([_on_grid(track, f"{name}_{axis}", grid_s) for axis in "xy"], axis=1)
        for name in _landmarks(track)
    }


def _channel(activity: Activity, family: str, column: str, grid_s: FloatArray) -> FloatArray:
    subject = column[:-1].removesuffix("_")
    channel = f"{family}_{column[-1]}"
    for track in activity.tracks:
        if track.subject == subject and channel in track.channels:
            return _on_grid(track, channel, grid_s)
    return np.full(len(grid_s), np.nan)


def _on_grid(track: Track, channel: str, grid_s: FloatArray) -> FloatArray:
    """The samples themselves where they lie on the grid, else a line between them."""
    values = track.channels[channel]
    if len(track) >= len(grid_s) and _close(track.time_s[: len(grid_s)], grid_s):
        return values[: len(grid_s)]
    return interpolate(track.time_s, values, grid_s, _BRIDGED_S)


def _close(times: Array, grid_s: FloatArray) -> bool:
    steps = [after - before for before, after in pairwise(grid_s[:2])]
    return bool(np.abs(times - grid_s).max(initial=0.0) < 0.05 * (steps[0] if steps else 1.0))
