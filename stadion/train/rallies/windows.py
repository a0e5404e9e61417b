"""Rallies of a training set in; any four strokes of them with what followed, as tensors, out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stadion.core.dataset import Dataset
from stadion.train.rallies.reading import NAMES

__all__ = ["Batch", "Windows"]

_STROKES = 4
_SINGLE = ("first_stroke", "rally_length")
_BEFORE = ("past_player", "past_opponent", "past_backhand", "past_around_head",
           "past_landing_high", "past_gap")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs in the signature's order; types (n, T) with -1 and landings (n, T, 2) with NaN."""

    inputs: list[Tensor]
    types: Tensor
    landing: Tensor


class Windows:
    """Four strokes in a row from anywhere in a rally, each with the rest of the rally.

    What was measured of the first four strokes only (where the players stood, how they hit) is
    missing in the windows that begin later, as far as they go beyond those four.
    """

    def __init__(self, data: Dataset) -> None:
        self._order = [tensor.name for tensor in data.signature.inputs]
        inputs = {name: np.asarray(data.inputs[name], np.float32) for name in NAMES}
        types, landing = data.targets["type"], data.targets["landing"].astype(np.float32)
        kinds = inputs["past_type"].shape[2]
        steps = types.shape[1]
        hot = np.where((types >= 0)[..., None], np.eye(kinds, dtype=np.float32)[types], np.nan)
        nothing = {name: np.full((len(types), steps, *inputs[name].shape[2:]), np.nan, np.float32)
                   for name in _BEFORE}  # fmt: skip
        self._runs = {
            "past_type": torch.tensor(np.concatenate([inputs["past_type"], hot], 1)),
            "past_landing": torch.tensor(np.concatenate([inputs["past_landing"], landing], 1)),
        } | {
            name: torch.tensor(np.concatenate([inputs[name], nothing[name]], 1)) for name in _BEFORE
        }
        whole = {"points", "first_player", "second_player", *_SINGLE}
        self._whole = {name: torch.tensor(inputs[name]) for name in whole}
        last = np.where(types >= 0, np.arange(steps), -1).max(axis=1)
        self.later = torch.tensor(last)
        """(n,) windows of each rally beside its first one."""
        unknown = torch.full((len(types), steps), -1)
        self._types = torch.cat([torch.tensor(types), unknown], 1)
        self._landing = torch.cat([torch.tensor(landing), torch.full((len(types), steps, 2),
                                                                     float("nan"))], 1)  # fmt: skip

    def __len__(self) -> int:
        return len(self._types)

    def to(self, device: torch.device) -> Windows:
        """The same on that device; changes this one."""
        for held in (self._runs, self._whole):
            held.update({name: values.to(device) for name, values in held.items()})
        self.later = self.later.to(device)
        self._types, self._landing = self._types.to(device), self._landing.to(device)
        return self

    def take(self, rows: Tensor, begin: Tensor) -> Batch:
        """The windows of these rallies that begin so many strokes later, both (k,)."""
        swap = (begin % 2).bool()
        given: dict[str, Tensor] = {}
        for name, values in self._runs.items():
            given[name] = _slices(values, rows, begin, _STROKES)
        points = self._whole["points"][rows]
        given["points"] = torch.where(swap[:, None], points.flip(1), points)
        first, second = self._whole["first_player"][rows], self._whole["second_player"][rows]
        given["first_player"] = torch.where(swap[:, None], second, first)
        given["second_player"] = torch.where(swap[:, None], first, second)
        given["first_stroke"] = self._whole["first_stroke"][rows] + begin
        given["rally_length"] = self._whole["rally_length"][rows]
        steps = int((self.later[rows] - begin).max()) + 1
        return Batch(
            [given[name] for name in self._order],
            _slices(self._types, rows, begin, steps),
            _slices(self._landing, rows, begin, steps),
        )


def _slices(values: Tensor, rows: Tensor, begin: Tensor, steps: int) -> Tensor:
    """(k, steps, ...) of (n, T, ...): from `begin` on, row by row."""
    place = begin[:, None] + torch.arange(steps, device=values.device)[None]
    return values[rows[:, None], place]
