"""Streams of a workout in; how much they asked of the heart, now and in the opening, out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from stadion.core.arrays import FloatArray
from stadion.core.signature import Signature
from stadion.train.heart.reading import BEATS, ELAPSED, static_names, stream_names

__all__ = ["MOMENTS", "USUAL_STEP", "Asked", "Responses", "as_columns"]

MOMENTS = (4, 9, 14, 19, 24, 29)
"""Steps of the opening at which heart rate is compared with what was asked of it."""
_TIME_CONSTANTS = (2.0, 5.0, 10.0, 20.0, 40.0)
"""In steps of 10 s: heart rate follows demand within a minute, heats up within ten."""
_MOVING = (5.0, 20.0)
_STILL_MPS = 0.5
_BEATS_STEPS = 3
"""Heart rate at a moment is the mean of this many steps up to it."""
_FARTHEST = 4.0
USUAL_STEP = 180.0
"""Steps since the start where nobody says: half an hour."""


class Asked(NamedTuple):
    """What the moments of n rows asked, and what the heart of each answered in the opening.

    Parameters
    ----------
    now
        (n, d) raw features of the moment asked for; NaN = missing.
    opening
        (n, m, d) the same of the m moments of the opening.
    beats
        (n, m) heart rate at these moments in bpm; NaN = missing.
    now_step, opening_step
        (n,) and (n, m) steps of 10 s since the start.
    """

    now: Tensor
    opening: Tensor
    beats: Tensor
    now_step: Tensor
    opening_step: Tensor


class Responses(nn.Module):
    """Responses of linear systems with several time constants to the streams.

    A quantity h that follows a demand u as dh/dt = (u - h) / T answers with the mean of the past
    demands weighed by exp(-age / T). So each filtered stream is the closed solution of such an
    equation; missing steps are left out of the mean. Features of a moment: every stream filtered
    with every time constant, its value now and its mean since the start; the share of the time
    it was moving; the share of each stream that was measured; time; and what is known of sport,
    surroundings and athlete.
    """

    now_weights: Tensor
    opening_weights: Tensor
    beats_weights: Tensor
    steps: Tensor
    usual: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        self.names = [tensor.name for tensor in signature.inputs]
        self._streams = stream_names(signature)
        self._static = static_names(signature)
        self._times = {tensor.name for tensor in signature.inputs if tensor.unit == "s"}
        history = int(signature.input(self._streams[0]).shape[1] or 0)
        opening = int(signature.input(BEATS).shape[1] or 0)
        self._fixed("now_weights", _weights((history - 1,), history))
        self._fixed("opening_weights", _weights(MOMENTS, opening))
        self._fixed("beats_weights", _recent(MOMENTS, opening, _BEATS_STEPS))
        self._fixed("steps", np.array(MOMENTS, np.float32))
        self._fixed("usual", np.array(USUAL_STEP, np.float32))
        self._fixed("centre", np.zeros(0, np.float32))
        self._fixed("scale", np.ones(0, np.float32))

    def forward(self, *inputs: Tensor) -> Asked:
        """Features in physical units of (n, ...) inputs in the signature's order."""
        given = dict(zip(self.names, inputs, strict=True))
        history = torch.stack([given[name] for name in self._streams], dim=1)
        opening = torch.stack([given[f"opening_{name}"] for name in self._streams], dim=1)
        so_far = torch.stack([given[f"{name}_so_far"] for name in self._streams], dim=1)
        now = _filtered(history, self.now_weights)[:, 0]
        now = torch.cat([now[:, : -len(self._streams)], so_far], dim=1)
        then = _filtered(opening, self.opening_weights)
        known = [_clock(given[n] / 10.0) if n in self._times else given[n] for n in self._static]
        static = torch.cat([as_columns(values) for values in known], dim=1)
        elapsed = given[ELAPSED]
        beats, there = _sums(given[BEATS].unsqueeze(1), self.beats_weights)
        beats = _mean(beats, there).flatten(1)
        times = self.steps + 1.0 + torch.zeros_like(beats)
        return Asked(
            torch.cat([now, _clock(elapsed / 10.0).unsqueeze(1), static], dim=1),
            torch.cat(
                [
                    then,
                    _clock(times).unsqueeze(2),
                    static.unsqueeze(1).expand(-1, len(MOMENTS), -1),
                ],
                dim=2,
            ),
            beats,
            torch.where(torch.isnan(elapsed), self.usual, elapsed / 10.0),
            times - 1.0,
        )

    def fit(self, features: FloatArray) -> None:
        """Learn centre and scale from (n, d) raw features; one never known counts as absent."""
        known = np.isfinite(features).any(axis=0)
        columns = np.where(known, features, 0.0)
        low, high = np.nanpercentile(columns, [1.0, 99.0], axis=0)
        clipped = np.clip(columns, low, high)
        spread = np.nanstd(clipped, axis=0)
        scale = np.where(known & (spread > 1e-4), 1.0 / np.maximum(spread, 1e-4), 0.0)
        self._fixed("centre", np.nanmean(clipped, axis=0).astype(np.float32))
        self._fixed("scale", scale.astype(np.float32))

    def standard(self, features: Tensor) -> Tensor:
        """(..., 2 d) centred and scaled features, 0 where missing, and 1 where missing."""
        missing = torch.isnan(features)
        scaled = (torch.where(missing, self.centre, features) - self.centre) * self.scale
        held = scaled.clamp(-_FARTHEST, _FARTHEST)
        counts = (self.scale > 0).to(held.dtype)
        return torch.cat([held, missing.to(held.dtype) * counts], dim=-1)

    def _fixed(self, name: str, values: FloatArray) -> None:
        self.register_buffer(name, torch.from_numpy(np.array(values, np.float32)))


def as_columns(values: Tensor) -> Tensor:
    """(n, d) of (n,) or (n, ...)."""
    return values.unsqueeze(1) if values.dim() == 1 else values.flatten(1)


def _filtered(streams: Tensor, weights: Tensor) -> Tensor:
    """(n, moments, features) of (n, C, T) streams; the means since the start come last."""
    sums, there = _sums(streams, weights)
    means = _mean(sums, there)
    moving, measured = _sums(
        torch.where(torch.isnan(streams[:, :1]), streams[:, :1], _is_moving(streams[:, :1])),
        weights,
    )
    size = len(_TIME_CONSTANTS)
    which = [_TIME_CONSTANTS.index(tau) for tau in _MOVING]
    share = there[:, :, :, size - 2]
    parts = [
        means[:, :, :, : size + 1].transpose(1, 2).flatten(2),
        _mean(moving, measured)[:, 0][:, :, which],
        share.transpose(1, 2),
        means[:, :, :, size + 1].transpose(1, 2),
    ]
    return torch.cat(parts, dim=2)


def _is_moving(speed: Tensor) -> Tensor:
    return (speed > _STILL_MPS).to(speed.dtype)


def _sums(streams: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted sums of the known values and sums of their weights: two (n, C, moments, k)."""
    missing = torch.isnan(streams)
    known = torch.where(missing, torch.zeros_like(streams), streams)
    flat = weights.flatten(1)
    shape = (streams.shape[1], weights.shape[1], weights.shape[2])
    return (
        (known @ flat).reshape(-1, *shape),
        ((1.0 - missing.to(flat.dtype)) @ flat).reshape(-1, *shape),
    )


def _mean(sums: Tensor, there: Tensor) -> Tensor:
    nothing = there < 1e-4
    mean = sums / there.clamp(min=1e-4)
    return torch.where(nothing, torch.full_like(mean, float("nan")), mean)


def _clock(steps: Tensor) -> Tensor:
    return torch.log1p(steps / 30.0)


def _weights(moments: tuple[int, ...], steps: int) -> FloatArray:
    """(steps, moments, k + 2): exponential, of the last three steps, and of all so far.

    The exponential weights of a moment add up to 1 over an endless past.
    """
    age = np.array(moments, np.float64)[None, :] - np.arange(steps)[:, None]
    past = age >= 0
    columns = [
        np.where(past, (1.0 - np.exp(-1.0 / tau)) * np.exp(-age.clip(0) / tau), 0.0)
        for tau in _TIME_CONSTANTS
    ]
    columns += [np.where(past & (age < 3), 1.0, 0.0), np.where(past, 1.0, 0.0)]
    return np.stack(columns, axis=2)


def _recent(moments: tuple[int, ...], steps: int, width: int) -> FloatArray:
    """(steps, moments, 1) ones over the last `width` steps up to each moment."""
    age = np.array(moments)[None, :] - np.arange(steps)[:, None]
    recent: FloatArray = ((age >= 0) & (age < width)).astype(np.float64)
    return recent[:, :, None]
