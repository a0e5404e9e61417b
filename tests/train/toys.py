"""Small training sets of which the answer is known, for what real recordings cannot show."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.core.dataset import Dataset
from stadion.core.signature import Signature, Tensor

__all__ = ["ask", "classes_by_group", "holed", "pace_to_heart_rate"]

STEPS = 24


def pace_to_heart_rate(rows: int = 240, groups: int = 12, seed: int = 0) -> Dataset:
    """Heart rate = 90 + 15 x mean speed + 10 x warm, with 2 bpm of noise.

    A sequence of two tensors, one static input, one target; rows come in groups.
    """
    chance = np.random.default_rng(seed)
    level = chance.uniform(1, 5, rows)
    speed = level[:, None] + chance.normal(0, 0.3, (rows, STEPS))
    grade = chance.normal(0, 2, (rows, STEPS, 1))
    warm = chance.integers(0, 2, rows).astype(np.float32)
    heart = 90 + 15 * level + 10 * warm + chance.normal(0, 2, rows)
    signature = Signature(
        (
            Tensor("speed", "FP32", (None, STEPS), "m/s", step_s=1.0),
            Tensor("grade", "FP32", (None, STEPS, 1), "%", step_s=1.0),
            Tensor("warm", "FP32", (None,)),
        ),
        (Tensor("heart_rate", "FP32", (None,), "bpm", missing=False),),
    )
    inputs: dict[str, FloatArray] = {"speed": speed, "grade": grade, "warm": warm}
    return Dataset(
        "pace",
        signature,
        {name: values.astype(np.float32) for name, values in inputs.items()},
        {"heart_rate": heart.astype(np.float32)},
        np.array([f"athlete-{row % groups}" for row in range(rows)]),
    )


def classes_by_group(
    sizes: list[int], labels: list[int], classes: int = 3, seed: int = 0
) -> Dataset:
    """One group per entry, with so many rows of one class; the input shows the class."""
    target = np.repeat(labels, sizes)
    chance = np.random.default_rng(seed)
    wave = target[:, None] + chance.normal(0, 0.2, (len(target), STEPS))
    signature = Signature(
        (Tensor("wave", "FP32", (None, STEPS), step_s=1.0),),
        (Tensor("kind", "FP32", (None, classes), missing=False),),
        {"kind": tuple("abcdefgh"[:classes])},
    )
    return Dataset(
        "toy",
        signature,
        {"wave": wave.astype(np.float32)},
        {"kind": target.astype(np.int64)},
        np.repeat([f"group-{number}" for number in range(len(sizes))], sizes),
    )


def holed(data: Dataset, share: float, seed: int = 0) -> Dataset:
    """The same rows with values missing here and there and whole channels in some rows."""
    chance = np.random.default_rng(seed)
    inputs = {}
    for name, values in data.inputs.items():
        copy = values.copy()
        copy[chance.random(copy.shape) < share] = np.nan
        if copy.ndim == 3:
            for row in range(0, len(copy), 3):
                copy[row, :, chance.integers(copy.shape[2])] = np.nan
        inputs[name] = copy
    return Dataset(data.task, data.signature, inputs, data.targets, data.groups, data.settings)


def ask(data: Dataset, value: float) -> dict[str, np.ndarray]:
    """Two rows with every input the same value."""
    return {
        name: np.full((2, *values.shape[1:]), value, np.float32)
        for name, values in data.inputs.items()
    }
