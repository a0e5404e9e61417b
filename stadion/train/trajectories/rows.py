"""A data set in, its rows as tensors, a batch of them mirrored and with holes, out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stadion.core.dataset import Dataset
from stadion.train.trajectories.losses import Truth
from stadion.train.trajectories.scene import Scene, mirrored, scene_of

__all__ = ["INPUTS", "TARGETS", "Rows"]

INPUTS = ("path", "others", "ball", "teammate", "basket", "place")
TARGETS = ("position", "speed", "acceleration", "turn_rate")
_SERIES = 3  # the first inputs have a time axis
_MOST_BLANKED = 0.6  # of the values of one row


@dataclass(frozen=True, slots=True)
class Rows:
    """`inputs` and `targets` in the order of `INPUTS` and `TARGETS`, rows first."""

    inputs: Sequence[Tensor]
    targets: Sequence[Tensor]

    @classmethod
    def of(cls, data: Dataset, device: torch.device) -> Rows:
        """The data as tensors."""
        return cls(
            [torch.tensor(data.inputs[name], device=device) for name in INPUTS],
            [torch.tensor(data.targets[name], device=device) for name in TARGETS],
        )

    def __len__(self) -> int:
        return len(self.targets[0])

    def batch(self, rows: Tensor, missing_rate: float, chance: torch.Generator) -> Batch:
        """Some of the rows as a training step sees them."""
        inputs = [values[rows] for values in self.inputs]
        if missing_rate:
            inputs = _with_holes(inputs, missing_rate, chance)
        scene = scene_of(*inputs)
        flip = torch.where(_uniform((len(rows),), chance) < 0.5, -1.0, 1.0)
        truth = Truth(*(values[rows] for values in self.targets))
        return Batch(mirrored(scene, flip), _as_scene(truth, scene.side, flip))


@dataclass(frozen=True, slots=True)
class Batch:
    """What was seen, and what came of it, in one frame."""

    scene: Scene
    truth: Truth


def _as_scene(truth: Truth, side: Tensor, flip: Tensor) -> Truth:
    """The targets turned and mirrored as the scene is; a mirror makes left turns right ones."""
    across = torch.stack([side, side * flip], dim=1)
    return dataclasses.replace(
        truth,
        position=truth.position * across.unsqueeze(1),
        turn_rate=truth.turn_rate * flip.unsqueeze(1),
    )


def _with_holes(inputs: Sequence[Tensor], rate: float, chance: torch.Generator) -> list[Tensor]:
    """Whole channels, blocks of time and single values blanked in a share `rate` of the rows.

    The mix of `stadion.science.missing.blanked`, with a share of its own for each row.
    """
    rows = len(inputs[0])
    drawn, hit = _uniform((2, rows), chance)
    share = torch.where(hit < rate, _MOST_BLANKED * drawn, torch.zeros_like(drawn))
    holed = [_series(values, share, chance) for values in inputs[:_SERIES]]
    for values in inputs[_SERIES:]:
        lost = _uniform(tuple(values.shape), chance) < share.unsqueeze(1)
        holed.append(torch.where(lost, torch.nan, values))
    return holed


def _series(values: Tensor, share: Tensor, chance: torch.Generator) -> Tensor:
    rows, steps = values.shape[:2]
    channels = values[0, 0].numel()
    each = (1.0 - (1.0 - share) ** (1.0 / 3.0)).reshape(-1, 1, 1)
    whole, hit, start, more = _uniform((4, rows, 1, channels), chance)
    together = _uniform((rows, 1, 1), chance) < 0.5
    hit, start, more = (torch.where(together, v[..., :1], v) for v in (hit, start, more))
    step = torch.arange(steps, device=values.device).reshape(1, -1, 1)
    length = torch.floor(each.sqrt() * steps + more)
    block = torch.remainder(step - torch.floor(start * steps), steps) < length
    lost = (whole < each) | (block & (hit < each.sqrt()))
    lost = lost | (_uniform((rows, steps, channels), chance) < each)
    return torch.where(lost.reshape(values.shape), torch.nan, values)


def _uniform(shape: tuple[int, ...], chance: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=chance, device=chance.device)
