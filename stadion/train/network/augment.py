"""Prepared rows of a training batch in; the same rows, moved as real ones might have been, out."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from stadion.core.signature import Signature
from stadion.core.signature import Tensor as TensorSpec
from stadion.train.network.front import Front, Prepared
from stadion.train.network.settings import LoopSettings

__all__ = ["Augment"]

_KNOTS = 5  # speeds of a warped clock between which it changes smoothly
_MOST_BLANKED = 0.9  # of one row


class Augment:
    """Rotation, time warp, scale, jitter and blanking, in this order, drawn from a generator.

    All of it works behind the front, where 1 is a channel's spread. See `LoopSettings`.
    """

    def __init__(self, signature: Signature, front: Front, settings: LoopSettings) -> None:
        self._front = front
        self._settings = settings
        sequences = [tensor for tensor in signature.inputs if tensor.step_s is not None]
        statics = [tensor for tensor in signature.inputs if tensor.step_s is None]
        self._axes = torch.tensor(_triplets(sequences), dtype=torch.int64).reshape(-1, 3)
        self._sequence_may_miss = _may_miss(sequences, 2)
        self._static_may_miss = _may_miss(statics, 1)

    def __call__(self, rows: Prepared, generator: torch.Generator) -> Prepared:
        """Move the rows; the generator must live on their device."""
        sequence, mask, static, static_mask = rows
        settings = self._settings
        if sequence is not None and mask is not None:
            if settings.rotation and len(self._axes):
                sequence = self._rotated(sequence, mask, generator)
            if settings.time_warp and sequence.shape[1] > 2:
                sequence, mask = _warped(sequence, mask, settings.time_warp, generator)
            if settings.scale:
                factor = torch.ones_like(sequence[:, :1]) + settings.scale * _normal(
                    sequence[:, :1].shape, generator
                )
                sequence = sequence * factor
            if settings.jitter:
                sequence = sequence + settings.jitter * _normal(sequence.shape, generator)
            share = _shares(len(mask), settings.missing_rate, generator)
            gaps = _gaps(mask, share, generator)
            mask = torch.maximum(mask, gaps * self._sequence_may_miss.to(mask))
            sequence = sequence * (1.0 - mask)
        if static is not None and static_mask is not None:
            if settings.jitter:
                static = static + settings.jitter * _normal(static.shape, generator)
            share = _shares(len(static), settings.missing_rate, generator)[:, 0]
            lost = (_uniform(static.shape, generator) < share).to(static)
            static_mask = torch.maximum(static_mask, lost * self._static_may_miss.to(static))
            static = static * (1.0 - static_mask)
        return Prepared(sequence, mask, static, static_mask)

    def _rotated(self, sequence: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """Turn all triplets of a row by one random rotation: they sit on one body."""
        axes = self._axes.to(sequence.device)
        center, scale = self._front.sequence_center[axes], self._front.sequence_scale[axes]
        vectors = sequence[:, :, axes] * scale + center  # (n, T, triplets, 3)
        matrix = _rotations(len(sequence), self._settings.rotation, generator)
        turned = (torch.einsum("nij,ntkj->ntki", matrix, vectors) - center) / scale
        whole = mask[:, :, axes].amax(dim=3, keepdim=True) == 0
        moved = sequence.clone()
        moved[:, :, axes.flatten()] = torch.where(whole, turned, sequence[:, :, axes]).flatten(2)
        return moved


def _rotations(rows: int, degrees: float, generator: torch.Generator) -> Tensor:
    """(rows, 3, 3) rotations about random axes by up to `degrees`, after Rodrigues' formula."""
    axis: Tensor = functional.normalize(_normal((rows, 3), generator), dim=1)
    angle = (2 * _uniform((rows, 1, 1), generator) - 1) * math.radians(degrees)
    x, y, z = axis.unbind(dim=1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(-1, 3, 3)
    return (
        torch.eye(3, device=axis.device)
        + torch.sin(angle) * cross
        + (1 - torch.cos(angle)) * (cross @ cross)
    )


def _warped(
    sequence: Tensor, mask: Tensor, strength: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Read each row by a clock that runs faster and slower but starts and ends on time."""
    rows, steps, channels = sequence.shape
    knots = torch.exp(strength * _normal((rows, 1, _KNOTS), generator))
    speed = functional.interpolate(knots, size=steps - 1, mode="linear", align_corners=True)
    clock = functional.pad(speed.squeeze(1).cumsum(dim=1), (1, 0))
    clock = clock / clock[:, -1:] * (steps - 1)
    before = clock.floor().clamp(max=steps - 2)
    part = (clock - before).unsqueeze(2)
    low = before.to(torch.int64).unsqueeze(2).expand(-1, -1, channels)
    values = torch.lerp(sequence.gather(1, low), sequence.gather(1, low + 1), part)
    gaps = torch.maximum(mask.gather(1, low), mask.gather(1, low + 1) * (part > 0))
    return values, gaps


def _shares(rows: int, rate: float, generator: torch.Generator) -> Tensor:
    """(rows, 1, 1) share of each row to blank: `rate` on average, little in most, much in some."""
    drawn: Tensor = -rate * torch.log(1.0 - _uniform((rows, 1, 1), generator))
    return drawn.clamp(max=_MOST_BLANKED)


def _gaps(mask: Tensor, share: Tensor, generator: torch.Generator) -> Tensor:
    """1 where blanked: whole channels, blocks of time, single values, a third of the share each.

    The mix of `stadion.science.missing.blanked`: a block takes one channel, or all of a row.
    """
    rows, steps, channels = mask.shape
    each = 1.0 - (1.0 - share) ** (1.0 / 3.0)
    whole, hit, start, more = _uniform((4, rows, 1, channels), generator)
    together = _uniform((rows, 1, 1), generator) < 0.5
    hit, start, more = (torch.where(together, v[:, :, :1], v) for v in (hit, start, more))
    place = torch.arange(steps, device=mask.device).reshape(1, -1, 1)
    length = torch.floor(each.sqrt() * steps + more)
    inside = torch.remainder(place - torch.floor(start * steps), steps) < length
    single = _uniform((rows, steps, channels), generator) < each
    blanked: Tensor = (whole < each) | (inside & (hit < each.sqrt())) | single
    return blanked.to(mask)


def _triplets(sequences: list[TensorSpec]) -> list[list[int]]:
    """Channel numbers of every three neighbours named alike but for x, y, z at the end."""
    names: list[str] = []
    for tensor in sequences:
        width = math.prod(size or 0 for size in tensor.shape[2:])
        named = tensor.columns if len(tensor.columns) == width else ("",) * width
        names += [f"{tensor.name}.{name.lower()}" if name else "" for name in named]
    return [
        [at, at + 1, at + 2]
        for at in range(len(names) - 2)
        if [name[-1:] for name in names[at : at + 3]] == ["x", "y", "z"]
        and len({name[:-1] for name in names[at : at + 3]}) == 1
    ]


def _may_miss(tensors: list[TensorSpec], lead: int) -> Tensor:
    """1 for channels whose tensor may hold NaN."""
    flags: list[float] = []
    for tensor in tensors:
        width = math.prod(size or 0 for size in tensor.shape[lead:])
        flags += [float(tensor.missing and tensor.datatype.startswith("FP"))] * width
    return torch.tensor(flags)


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device)
