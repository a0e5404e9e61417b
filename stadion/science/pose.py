"""Landmarks of a body in an image in; where they are on the body, and the joints' angles, out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stadion.core.arrays import FloatArray

__all__ = ["JOINTS", "joint_angles", "on_body"]

_TRUNK = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_LEAST_TRUNK = 1e-3

JOINTS: dict[str, tuple[str, str, str]] = {
    f"{side}_{joint}": (f"{side}_{before}", f"{side}_{joint}", f"{side}_{after}")
    for side in ("left", "right")
    for joint, before, after in (
        ("elbow", "shoulder", "wrist"),
        ("shoulder", "elbow", "hip"),
        ("hip", "shoulder", "knee"),
        ("knee", "hip", "ankle"),
        ("ankle", "knee", "foot_index"),
    )
}
"""Joint -> the landmarks before, at and after it."""


def on_body(points: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """The same landmarks as seen from the hips, in lengths of the trunk.

    The middle of the hips becomes the origin in each frame; the median distance from it to the
    middle of the shoulders becomes 1. Where the camera stood and how large the person is in the
    image is then gone; which way the person faces is not.

    Parameters
    ----------
    points
        Landmark -> (n, 2) x and y in one unit; NaN = not seen. Both shoulders and hips must be
        among them.
    """
    left, right, left_hip, right_hip = (points[name] for name in _TRUNK)
    hips, shoulders = (left_hip + right_hip) / 2, (left + right) / 2
    lengths = np.linalg.norm(shoulders - hips, axis=1)
    known = lengths[np.isfinite(lengths)]
    trunk = max(float(np.median(known)), _LEAST_TRUNK) if len(known) else 1.0
    return {name: (place - hips) / trunk for name, place in points.items()}


def joint_angles(points: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """(n,) degrees from 0 (folded) to 180 (straight) of each joint whose landmarks are there.

    Examples
    --------
    >>> corner = {"left_hip": [[0.0, 1.0]], "left_knee": [[0.0, 0.0]], "left_ankle": [[1.0, 0.0]]}
    >>> joint_angles({name: np.array(place) for name, place in corner.items()})
    {'left_knee': array([90.])}
    """
    return {
        joint: _angle(*(points[name] for name in landmarks))
        for joint, landmarks in JOINTS.items()
        if all(name in points for name in landmarks)
    }


def _angle(before: FloatArray, at: FloatArray, after: FloatArray) -> FloatArray:
    one, other = before - at, after - at
    product = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.clip((one * other).sum(axis=1) / product, -1.0, 1.0)
    degrees: FloatArray = np.degrees(np.arccos(cosine))
    return degrees
