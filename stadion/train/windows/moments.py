"""Windows with holes in; statistics of the values of each channel, wherever they stand, out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["LEVELS", "Window", "level_statistics", "look_at", "snapped"]

_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
LEVELS = (
    "mean", "spread", "root mean square", "lowest", "highest",
    *(f"quantile {share:g}" for share in _QUANTILES),
    "last", "skewness", "tails", "share missing",
)  # fmt: skip
"""What `level_statistics` gives of each channel, in its order."""

_BEYOND = 1e39  # larger than any float32: sorts what is missing to the end
_CONSTANT = 1e-12  # of the power: below it (a millionth of the level) a channel does not vary
_GRID = 2.0**20


class Window(NamedTuple):
    """What all statistics start from; (n, S channels, T steps) or (n, S, 1), float64.

    `values` and `deviations` from the mean are 0 where not `known` (bool); deviations are also 0
    in a channel that does not vary. `known_count` of values; `power` is the sum of squared
    deviations, and 1 where it would be 0.
    """

    known: Tensor
    values: Tensor
    deviations: Tensor
    known_count: Tensor
    mean: Tensor
    power: Tensor
    steps: int


def look_at(series: Tensor) -> Window:
    """Count, mean and deviations of (n, S, T) float64 with NaN = missing."""
    known = torch.isfinite(series)
    values = torch.where(known, series, 0.0)
    count = known.to(torch.float64).sum(dim=2, keepdim=True)
    mean = values.sum(dim=2, keepdim=True) / torch.clamp(count, min=1.0)
    deviations = torch.where(known, series - mean, 0.0)
    power = (deviations * deviations).sum(dim=2, keepdim=True)
    varies = power > _CONSTANT * (values * values).sum(dim=2, keepdim=True)
    return Window(
        known,
        values,
        torch.where(varies, deviations, 0.0),
        count,
        mean,
        torch.where(varies, power, 1.0),
        int(series.shape[2]),
    )


def level_statistics(window: Window) -> Tensor:
    """(n, S, 14): where the values lie and how they spread; NaN for a channel without any."""
    safe = torch.clamp(window.known_count, min=1.0)
    ordered, _ = torch.sort(torch.where(window.known, window.values, _BEYOND), dim=2)
    squares = window.deviations * window.deviations
    spread = torch.sqrt(squares.sum(dim=2, keepdim=True) / safe)
    skew = (squares * window.deviations).sum(dim=2, keepdim=True) / safe
    tails = (squares * squares).sum(dim=2, keepdim=True) * safe
    unit = torch.sqrt(window.power / safe)
    levels = [
        window.mean,
        spread,
        torch.sqrt((window.values * window.values).sum(dim=2, keepdim=True) / safe),
        ordered[:, :, :1],
        _at(ordered, window.known_count - 1.0),
        *(_quantile(ordered, window.known_count, share) for share in _QUANTILES),
        _last(window),
        snapped(skew / (unit * unit * unit)),
        snapped(tails / (window.power * window.power)),
    ]
    known = torch.where(window.known_count > 0.0, torch.cat(levels, dim=2), torch.nan)
    return torch.cat([known, 1.0 - window.known_count / window.steps], dim=2)


def snapped(ratio: Tensor) -> Tensor:
    """Rounded to 2^-20, so that what cancels to nothing is 0 in every runtime."""
    return torch.round(ratio * _GRID) / _GRID


def _quantile(ordered: Tensor, count: Tensor, share: float) -> Tensor:
    """Linear between the two nearest of the known values, which come first."""
    place = torch.clamp(count - 1.0, min=0.0) * share
    below = torch.floor(place)
    low, high = _at(ordered, below), _at(ordered, torch.minimum(below + 1.0, count - 1.0))
    return low + (high - low) * (place - below)


def _last(window: Window) -> Tensor:
    """The last known value."""
    clock = torch.arange(window.steps, dtype=torch.float64)
    latest = torch.where(window.known, clock, -1.0).amax(dim=2, keepdim=True)
    return _at(window.values, latest)


def _at(values: Tensor, place: Tensor) -> Tensor:
    """The value at (n, S, 1) places; the first one for a place below 0."""
    return torch.gather(values, 2, torch.clamp(place, min=0.0).to(torch.int64))
