"""A seed in; small training sets like those of sport, of which the answer is known, out."""

from __future__ import annotations

import dataclasses

import numpy as np

from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.core.signature import Signature, Tensor

__all__ = ["day_table", "movements", "outputs_of", "pace_and_heart_rate", "with_gaps"]

STEPS, STEP_S = 24, 0.1
_KINDS = ("standing", "walking", "running")
_ATHLETES = 6


def movements(rows: int = 48, seed: int = 0) -> Dataset:
    """Which movement is it? Acceleration at 10 Hz that swings harder and faster by kind.

    Also has a body mass, which says nothing, and a gap here and there.
    """
    chance = np.random.default_rng(seed)
    kind = np.arange(rows) % len(_KINDS)
    time = np.arange(STEPS) * STEP_S
    phase = chance.uniform(0, 2 * np.pi, (rows, 1, 3))
    swing = np.sin(2 * np.pi * kind[:, None, None] * time[None, :, None] + phase)
    body = np.array([0.0, 0.0, 9.81]) + 3.0 * kind[:, None, None] * swing
    signature = Signature(
        (
            Tensor("acceleration", "FP32", (None, STEPS, 3), "m/s^2", columns=("x", "y", "z"),
                   step_s=STEP_S),
            Tensor("body_mass", "FP32", (None,), "kg"),
        ),
        (Tensor("movement", "FP32", (None, 3), columns=_KINDS, missing=False),),
        {"movement": _KINDS},
    )  # fmt: skip
    inputs = {
        "acceleration": body + chance.normal(0, 0.3, body.shape),
        "body_mass": chance.normal(70, 10, rows),
    }
    given = with_gaps(_float32(inputs), 0.02, seed)
    return Dataset("movements", signature, given, {"movement": kind}, _athletes(rows))


def pace_and_heart_rate(rows: int = 60, seed: int = 0) -> Dataset:
    """Heart rate is 100 + 15 per m/s of speed, breathing a fifth of it: (n,) and (n, 2) targets."""
    chance = np.random.default_rng(seed)
    level = chance.uniform(1, 5, rows)
    speed = level[:, None] + chance.normal(0, 0.3, (rows, STEPS))
    heart = 100 + 15 * level + chance.normal(0, 1, rows)
    breath = np.stack([heart / 5, heart / 6], axis=1)
    signature = Signature(
        (
            Tensor("speed", "FP32", (None, STEPS), "m/s", step_s=1.0),
            Tensor("age", "FP32", (None,), "years"),
        ),
        (
            Tensor("heart_rate", "FP32", (None,), "bpm", missing=False),
            Tensor("breaths", "FP32", (None, 2), "1/min", missing=False),
        ),
    )
    inputs = _float32({"speed": speed, "age": chance.uniform(18, 60, rows)})
    targets = _float32({"heart_rate": heart, "breaths": breath})
    return Dataset("pace", signature, inputs, targets, _athletes(rows))


def day_table(rows: int = 60, seed: int = 0) -> Dataset:
    """Is the athlete ready? Numbers of a day without any time axis, some of them not measured."""
    chance = np.random.default_rng(seed)
    sleep_h, load = chance.normal(7, 1, rows), chance.normal(400, 100, rows)
    ready = ((sleep_h - 7) - (load - 400) / 100 > 0).astype(np.int64)
    signature = Signature(
        (Tensor("day", "FP32", (None, 2), columns=("sleep_h", "load")),),
        (Tensor("ready", "FP32", (None, 2), columns=("no", "yes"), missing=False),),
        {"ready": ("no", "yes")},
    )
    given = with_gaps(_float32({"day": np.stack([sleep_h, load], axis=1)}), 0.05, seed)
    return Dataset("days", signature, given, {"ready": ready}, _athletes(rows))


def with_gaps(inputs: Arrays, share: float, seed: int = 0) -> dict[str, Array]:
    """Copies in which a share of the values is NaN."""
    chance = np.random.default_rng(seed)
    holes = {name: chance.random(values.shape) < share for name, values in inputs.items()}
    return {
        name: np.where(holes[name], np.float32(np.nan), values) for name, values in inputs.items()
    }


def outputs_of(data: Dataset, only: str) -> Dataset:
    """The same rows, asked for one of the outputs."""
    signature = dataclasses.replace(data.signature, outputs=(data.signature.output(only),))
    return dataclasses.replace(data, signature=signature, targets={only: data.targets[only]})


def _float32(arrays: Arrays) -> dict[str, Array]:
    return {name: values.astype(np.float32) for name, values in arrays.items()}


def _athletes(rows: int) -> Array:
    return np.array([f"athlete-{row // len(_KINDS) % _ATHLETES}" for row in range(rows)])
