"""Features over time and which steps were measured in; one vector per row out."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["SUMMARY", "last", "masked_max", "masked_mean", "measured", "summary"]

SUMMARY = 6
"""Numbers per channel in a summary."""


def measured(mask: Tensor) -> Tensor:
    """(n, T, 1): 1 where any channel of the step has a value, from the (n, T, C) mask."""
    return 1.0 - mask.amin(dim=2, keepdim=True)


def masked_mean(steps: Tensor, there: Tensor) -> Tensor:
    """Mean of (n, T, F) over the steps that are there; 0 where none is."""
    return (steps * there).sum(dim=1) / there.sum(dim=1).clamp(min=1.0)


def masked_max(steps: Tensor, there: Tensor) -> Tensor:
    """Maximum of (n, T, F) over the steps that are there; 0 where none is."""
    highest = torch.where(there > 0, steps, torch.full_like(steps, -1e9)).amax(dim=1)
    return torch.where(there.amax(dim=1) > 0, highest, torch.zeros_like(highest))


def last(steps: Tensor, there: Tensor) -> Tensor:
    """The (n, F) features of the last step that is there; of the first step where none is."""
    count = torch.ones_like(there).cumsum(dim=1) - 1.0
    index = (count * there).amax(dim=1, keepdim=True).to(torch.int64)
    return steps.gather(1, index.expand(-1, -1, steps.shape[2]))[:, 0]


def summary(sequence: Tensor, mask: Tensor) -> Tensor:
    """(n, 6 C) of (n, T, C) values: what stays the same when the window begins a moment later.

    Per channel the mean, spread, lowest and highest value, mean change from step to step, and the
    share of the steps that are missing.
    """
    there = 1.0 - mask
    mean = masked_mean(sequence, there)
    squares = masked_mean((sequence - mean.unsqueeze(1)).square(), there)
    spread = squares.clamp(min=1e-12).sqrt()  # at 0 the root has no slope to learn from
    change = (sequence[:, 1:] - sequence[:, :-1]).abs()
    moves = masked_mean(change, there[:, 1:] * there[:, :-1])
    low, high = -masked_max(-sequence, there), masked_max(sequence, there)
    return torch.cat([mean, spread, low, high, moves, mask.mean(dim=1)], dim=1)
