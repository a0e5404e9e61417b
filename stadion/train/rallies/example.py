"""A seed in; a small training set of rallies whose strokes depend on the last one given out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.core.signature import Signature, Tensor

__all__ = ["made_up_rallies"]

_STROKES, _STEPS, _KINDS, _PLAYERS = 4, 8, 10, 3


def made_up_rallies(seed: int, rows: int = 64) -> Dataset:
    """Rallies of five to twelve strokes in which a type follows the one before it in a circle.

    The shuttle lands beyond the net, the farther the higher the type's number. Here and there a
    value is missing.
    """
    chance = np.random.default_rng(seed)
    types = (chance.integers(0, _KINDS, (rows, 1)) + np.arange(_STROKES + _STEPS)) % _KINDS
    side = np.where(chance.random((rows, 1)) < 0.5, 1.0, -1.0)
    turn = side * (1.0 - 2.0 * (np.arange(_STROKES + _STEPS) % 2))
    landing = np.stack(
        [chance.normal(0, 1, types.shape), -turn * (1.0 + 0.5 * types)], axis=2
    )  # fmt: skip
    length = chance.integers(_STROKES + 1, _STROKES + _STEPS + 1, rows)
    there = np.arange(_STROKES, _STROKES + _STEPS)[None] < length[:, None]
    stood = np.stack([chance.normal(0, 1, types.shape), turn * 3.0], axis=2)[:, :_STROKES]
    players = chance.integers(0, _PLAYERS, rows)
    given: dict[str, Array] = {
        "past_type": np.eye(_KINDS)[types[:, :_STROKES]],
        "past_landing": landing[:, :_STROKES],
        "past_player": stood,
        "past_opponent": -stood,
        "past_backhand": chance.integers(0, 2, (rows, _STROKES)),
        "past_around_head": chance.integers(0, 2, (rows, _STROKES)),
        "past_landing_high": chance.integers(0, 2, (rows, _STROKES)),
        "past_gap": chance.uniform(0.5, 2.0, (rows, _STROKES)),
        "points": chance.integers(0, 21, (rows, 2)),
        "first_player": np.eye(_PLAYERS)[players],
        "second_player": np.eye(_PLAYERS)[(players + 1) % _PLAYERS],
        "first_stroke": np.ones(rows),
        "rally_length": length,
    }
    inputs = {name: values.astype(np.float32) for name, values in given.items()}
    inputs["past_gap"][chance.random((rows, _STROKES)) < 0.1] = np.nan
    targets = {
        "type": np.where(there, types[:, _STROKES:], -1),
        "landing": np.where(there[..., None], landing[:, _STROKES:], np.nan).astype(np.float32),
    }
    groups = np.array([f"match-{row % 6}" for row in range(rows)])
    return Dataset("stroke_forecast", _signature(inputs), inputs, targets, groups)


def _signature(inputs: dict[str, Array]) -> Signature:
    names = tuple(f"type-{number}" for number in range(_KINDS))
    return Signature(
        tuple(
            Tensor(name, "FP32", (None, *values.shape[1:]), "1") for name, values in inputs.items()
        ),
        (
            Tensor("type", "FP32", (None, _STEPS, _KINDS), "1", columns=names, missing=False),
            Tensor("landing", "FP32", (None, _STEPS, 2), "m", columns=("x", "y"), missing=False),
        ),
        {"type": names},
    )
