"""Windows with holes in; statistics of how each channel moves and how channels go together out."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from stadion.core.arrays import FloatArray
from stadion.train.windows.moments import Window, snapped

__all__ = ["course_names", "course_statistics", "pair_statistics", "pairs_of"]

_LAGS = (1, 2, 3, 5, 8, 13, 21, 34)
_BANDS = 6
_PARTS = 4
_CROSSING = 1e-12  # of the power: a step across the mean smaller than this is rounding
_ALL_PAIRS = 12
_NEIGHBOURS = 2


def course_statistics(window: Window) -> Tensor:
    """(n, S, ...): parts, changes, trend, crossings, autocorrelation and spectrum."""
    return torch.cat(
        [
            _part_means(window),
            _changes(window),
            _trend(window),
            _crossings(window),
            _autocorrelation(window),
            _spectrum(window),
        ],
        dim=2,
    )


def course_names(steps: int) -> list[str]:
    """What `course_statistics` gives of each channel of so many steps, in its order."""
    return [
        *(f"mean of part {part + 1} of {_PARTS}" for part in range(_PARTS)),
        "mean change",
        "root mean square change",
        "trend",
        "crossings of the mean",
        *(f"autocorrelation {lag}" for lag in _lags(steps)),
        *(f"power in band {band + 1} of {_BANDS}" for band in range(_BANDS)),
        "mean frequency",
    ]


def pair_statistics(window: Window, pairs: list[tuple[int, int]]) -> Tensor:
    """(n, P): correlation of each pair of channels over the window, 0 where one is constant."""
    unit = window.deviations / torch.sqrt(window.power)
    together = torch.matmul(unit, unit.transpose(1, 2))
    first, second = (list(side) for side in zip(*pairs, strict=True))
    return snapped(together[:, first, second])


def pairs_of(channels: int) -> list[tuple[int, int]]:
    """All pairs of few channels; of many, each one's next two (the axes of one sensor)."""
    reach = channels if channels <= _ALL_PAIRS else _NEIGHBOURS + 1
    return [(i, j) for i in range(channels) for j in range(i + 1, min(i + reach, channels))]


def _part_means(window: Window) -> Tensor:
    """Mean of each quarter of the window; NaN for one without any value."""
    part = np.arange(window.steps) * _PARTS // window.steps
    belongs = torch.from_numpy(np.eye(_PARTS)[part])
    count = torch.matmul(window.known.to(torch.float64), belongs)
    total = torch.matmul(window.values, belongs)
    return torch.where(count > 0.0, total / torch.clamp(count, min=1.0), torch.nan)


def _changes(window: Window) -> Tensor:
    """Mean size and root mean square of the step from one value to the next."""
    both = window.known[:, :, 1:] & window.known[:, :, :-1]
    step = torch.where(both, window.values[:, :, 1:] - window.values[:, :, :-1], 0.0)
    count = both.to(torch.float64).sum(dim=2, keepdim=True)
    safe = torch.clamp(count, min=1.0)
    mean = step.abs().sum(dim=2, keepdim=True) / safe
    root = torch.sqrt((step * step).sum(dim=2, keepdim=True) / safe)
    return torch.where(count > 0.0, torch.cat([mean, root], dim=2), torch.nan)


def _trend(window: Window) -> Tensor:
    """Correlation with time, -1 to 1."""
    clock = torch.linspace(-1.0, 1.0, window.steps, dtype=torch.float64)
    known = window.known.to(torch.float64)
    middle = (known * clock).sum(dim=2, keepdim=True) / torch.clamp(window.known_count, min=1.0)
    away = (clock - middle) * known
    length = torch.sqrt(torch.clamp((away * away).sum(dim=2, keepdim=True), min=1e-9))
    together = (away * window.deviations).sum(dim=2, keepdim=True)
    return snapped(together / (length * torch.sqrt(window.power)))


def _crossings(window: Window) -> Tensor:
    """Share of the steps that cross the mean."""
    product = window.deviations[:, :, 1:] * window.deviations[:, :, :-1]
    crosses = product < -_CROSSING * window.power
    return crosses.to(torch.float64).mean(dim=2, keepdim=True)


def _autocorrelation(window: Window) -> Tensor:
    """At lags up to half the window."""
    values, steps = window.deviations, window.steps
    sums = [
        (values[:, :, lag:] * values[:, :, :-lag]).sum(dim=2, keepdim=True) for lag in _lags(steps)
    ]
    return snapped(torch.cat(sums, dim=2) / window.power)


def _lags(steps: int) -> list[int]:
    return [lag for lag in _LAGS if lag == 1 or lag <= steps // 2]


def _spectrum(window: Window) -> Tensor:
    """Share of the power in bands of equal ratio, and its mean frequency from 0 to 1 (Nyquist)."""
    waves, bands, frequency = _fourier(window.steps)
    parts = torch.matmul(window.deviations, torch.from_numpy(waves))
    squares = parts * parts
    power = squares[:, :, : len(frequency)] + squares[:, :, len(frequency) :]
    # what is left of a constant channel is exactly 0: its shares are 0 too
    total = torch.clamp(power.sum(dim=2, keepdim=True), min=1e-30)
    share = torch.matmul(power / total, torch.from_numpy(np.column_stack([bands, frequency])))
    return snapped(share)


def _fourier(steps: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(T, 2 F) cosines beside sines, (F, bands) membership, (F,) frequency over Nyquist's."""
    number = np.arange(1, steps // 2 + 1)
    angle = 2 * np.pi * np.outer(np.arange(steps), number) / steps
    edges = np.geomspace(1.0, steps // 2 + 1.0, _BANDS + 1)
    band = np.clip(np.searchsorted(edges, number, side="right") - 1, 0, _BANDS - 1)
    return np.hstack([np.cos(angle), np.sin(angle)]), np.eye(_BANDS)[band], number / (steps / 2)
