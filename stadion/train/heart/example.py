"""A seed in; moments of a few made-up workouts, as the task workout_heart_rate gives them, out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.core.signature import Signature, Tensor

__all__ = ["made_up_workouts"]

_STEPS, _HISTORY, _OPENING, _STEP_S = 90, 60, 30, 10.0
_STREAMS = {"speed": "m/s", "power": "W"}


def made_up_workouts(seed: int, workouts: int = 8) -> Dataset:
    """15 minutes of each of some runners whose hearts follow their speed by a minute."""
    rng = np.random.default_rng(seed)
    parts = [_moments(rng) for _ in range(workouts)]
    rows = len(parts[0][1])
    return Dataset(
        "workout_heart_rate",
        _SIGNATURE,
        {name: np.concatenate([inputs[name] for inputs, _ in parts]) for name in parts[0][0]},
        {"heart_rate": np.concatenate([beats for _, beats in parts]).astype(np.float32)},
        np.repeat([f"runner-{index}" for index in range(workouts)], rows),
    )


def _moments(rng: np.random.Generator) -> tuple[dict[str, Array], Array]:
    speed = 2.5 + np.repeat(rng.uniform(0.0, 2.0, _STEPS // 15), 15)
    streams = {"speed": speed, "power": 70.0 * speed + rng.normal(0.0, 5.0, _STEPS)}
    rest, more = rng.uniform(50.0, 70.0), rng.uniform(20.0, 30.0)
    beats = np.empty(_STEPS)
    beats[0] = rest + 30.0
    for step in range(1, _STEPS):
        goal = rest + more * speed[step]
        beats[step] = beats[step - 1] + (goal - beats[step - 1]) / 6.0
    at = np.arange(_OPENING, _STEPS, 3)
    window = at[:, None] + np.arange(1 - _HISTORY, 1)[None, :]
    inputs: dict[str, Array] = {"opening_heart_rate": np.tile(beats[:_OPENING], (len(at), 1))}
    for name, values in streams.items():
        inputs[name] = np.where(window >= 0, values[window.clip(0)], np.nan)
        inputs[f"opening_{name}"] = np.tile(values[:_OPENING], (len(at), 1))
        inputs[f"{name}_so_far"] = (np.cumsum(values) / np.arange(1, _STEPS + 1))[at]
    inputs["elapsed_s"] = at * _STEP_S
    inputs["duration_s"] = np.full(len(at), _STEPS * _STEP_S)
    inputs["resting_heart_rate"] = np.full(len(at), rest)
    return {name: values.astype(np.float32) for name, values in inputs.items()}, beats[at]


_SIGNATURE = Signature(
    (
        *(Tensor(n, "FP32", (None, _HISTORY), u, step_s=_STEP_S) for n, u in _STREAMS.items()),
        Tensor("opening_heart_rate", "FP32", (None, _OPENING), "bpm"),
        *(Tensor(f"opening_{n}", "FP32", (None, _OPENING), u) for n, u in _STREAMS.items()),
        *(Tensor(f"{n}_so_far", "FP32", (None,), u) for n, u in _STREAMS.items()),
        Tensor("elapsed_s", "FP32", (None,), "s"),
        Tensor("duration_s", "FP32", (None,), "s"),
        Tensor("resting_heart_rate", "FP32", (None,), "bpm"),
    ),
    (Tensor("heart_rate", "FP32", (None,), "bpm", low=30.0, high=230.0, missing=False),),
)
