"""A data set of moments of workouts in; what a heart learner may rely on, or a refusal, out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import FloatArray, IntArray
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature

__all__ = ["ANSWER", "BEATS", "ELAPSED", "episodes", "static_names", "stream_names",
           "suits_heart_learners"]  # fmt: skip

ANSWER, BEATS, ELAPSED = "heart_rate", "opening_heart_rate", "elapsed_s"
_OPENING, _SO_FAR = "opening_{}", "{}_so_far"


def stream_names(signature: Signature) -> tuple[str, ...]:
    """Inputs with a time axis; each has an `opening_` and a `_so_far` beside it."""
    return tuple(tensor.name for tensor in signature.inputs if tensor.step_s is not None)


def static_names(signature: Signature) -> tuple[str, ...]:
    """Inputs that are neither streams nor made of streams nor the opening's heart rate."""
    streams = stream_names(signature)
    made = {form.format(name) for name in streams for form in (_OPENING, _SO_FAR)}
    return tuple(
        tensor.name
        for tensor in signature.inputs
        if tensor.name not in {*streams, *made, BEATS, ELAPSED}
    )


def suits_heart_learners(data: Dataset, learner: str) -> None:
    """Refuse what is not a set of moments of workouts.

    Raises
    ------
    StadionError
        UNSUPPORTED for another question, INVALID for fewer than two workouts.
    """
    names = {tensor.name for tensor in data.signature.inputs}
    streams = stream_names(data.signature)
    needed = {BEATS, ELAPSED} | {f.format(s) for s in streams for f in (_OPENING, _SO_FAR)}
    if not streams or not needed <= names or set(data.targets) != {ANSWER}:
        raise StadionError(
            Code.UNSUPPORTED,
            f"learner {learner} is made for the task workout_heart_rate; the data set of "
            f"{data.task!r} has inputs {sorted(names)[:4]} and targets {sorted(data.targets)[:4]}",
        )
    known = np.isfinite(data.targets[ANSWER])
    if len(set(data.groups[known].tolist())) < 2:
        raise StadionError(
            Code.INVALID,
            f"the training set has {known.sum()} moments of fewer than two groups of workouts",
        )


def episodes(data: Dataset) -> list[IntArray]:
    """Row numbers of each workout in the order of time; rows of one share their opening."""
    opening = np.ascontiguousarray(data.inputs[BEATS]).view(np.uint8)
    keys: dict[tuple[str, bytes], list[int]] = {}
    for row, (group, beats) in enumerate(zip(data.groups.tolist(), opening, strict=True)):
        keys.setdefault((group, beats.tobytes()), []).append(row)
    elapsed: FloatArray = data.inputs[ELAPSED]
    return [np.array(rows)[np.argsort(elapsed[rows], kind="stable")] for rows in keys.values()]
