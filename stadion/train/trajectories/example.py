"""A seed in, a small made-up data set of players who run in arcs out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.core.dataset import Dataset
from stadion.core.signature import Signature, Tensor
from stadion.science.paths import motion_of

__all__ = ["arcs"]

_PAST, _AHEAD, _OTHERS, _STEP_S = 8, 12, 9, 0.12
_ROWS, _MATCHES = 96, 6
_XY = ("x", "y")


def arcs(seed: int) -> Dataset:
    """96 rows of six matches, shaped as the question of where players go is."""
    rng = np.random.default_rng(seed)
    paths = _arcs(rng, (_ROWS, 1))[:, 0]
    others = _arcs(rng, (_ROWS, _OTHERS + 1)) + rng.uniform(-8, 8, (_ROWS, _OTHERS + 1, 1, 2))
    position = paths[:, _PAST:]
    motion = motion_of(paths[:, _PAST - 2 :], _STEP_S, 0.9144)
    inputs = {
        "path": paths[:, :_PAST],
        "others": others[:, 1:, :_PAST].transpose(0, 2, 1, 3),
        "ball": others[:, 0, :_PAST],
        "teammate": np.tile(np.arange(_OTHERS) < 4, (_ROWS, 1)),
        "basket": rng.uniform(-12, 12, (_ROWS, 2)),
        "place": rng.uniform(-7, 7, (_ROWS, 2)),
    }
    targets = {
        "position": position,
        "speed": motion.speed[:, 1:],
        "acceleration": motion.acceleration,
        "turn_rate": motion.turn_rate,
    }
    return Dataset(
        "player_motion",
        _SIGNATURE,
        {name: values.astype(np.float32) for name, values in inputs.items()},
        {name: values.astype(np.float32) for name, values in targets.items()},
        np.array([f"match-{row % _MATCHES}" for row in range(_ROWS)]),
    )


def _arcs(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """(*shape, 20, 2) metres; the last step seen is the origin."""
    time_s = np.arange(_PAST + _AHEAD) * _STEP_S
    angle = rng.uniform(0, 2 * np.pi, (*shape, 1)) + rng.uniform(-1, 1, (*shape, 1)) * time_s
    pace = rng.uniform(1, 5, (*shape, 1, 1)) + rng.uniform(-1, 1, (*shape, 1, 1)) * time_s[:, None]
    pace = pace * _STEP_S
    path = np.cumsum(pace * np.stack([np.cos(angle), np.sin(angle)], axis=-1), axis=-2)
    moved: FloatArray = path - path[..., _PAST - 1 : _PAST, :]
    return moved


_SIGNATURE = Signature(
    inputs=(
        Tensor("path", "FP32", (None, _PAST, 2), "m", "", _XY, _STEP_S),
        Tensor("others", "FP32", (None, _PAST, _OTHERS, 2), "m", "", _XY, _STEP_S),
        Tensor("ball", "FP32", (None, _PAST, 2), "m", "", _XY, _STEP_S),
        Tensor("teammate", "FP32", (None, _OTHERS)),
        Tensor("basket", "FP32", (None, 2), "m", "", _XY),
        Tensor("place", "FP32", (None, 2), "m", "", _XY),
    ),
    outputs=(
        Tensor("position", "FP32", (None, _AHEAD, 2), "m", "", _XY, _STEP_S, missing=False),
        Tensor("speed", "FP32", (None, _AHEAD), "m/s", "", step_s=_STEP_S, missing=False),
        Tensor("acceleration", "FP32", (None, _AHEAD), "m/s^2", "", step_s=_STEP_S, missing=False),
        Tensor("turn_rate", "FP32", (None, _AHEAD), "rad/s", "", step_s=_STEP_S, missing=False),
    ),
)
