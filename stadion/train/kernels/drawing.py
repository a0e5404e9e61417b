"""A series' length, its channels and a seed in; dilations, kernel weights and sources out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from stadion.core.arrays import FloatArray, IntArray

__all__ = [
    "KERNEL_LENGTH",
    "THREE_OF_NINE",
    "as_buffer",
    "changes",
    "dilations",
    "spread_over_channels",
]

KERNEL_LENGTH = 9
_MOST_CHANNELS = 9  # a kernel over more channels averages them all to the same thing

THREE_OF_NINE: FloatArray = np.array(
    [
        [2.0 if place in chosen else -1.0 for place in range(KERNEL_LENGTH)]
        for chosen in combinations(range(KERNEL_LENGTH), 3)
    ]
)
"""(84, 9) all kernels of three 2s and six -1s: they sum to 0, so a constant goes unnoticed.

References
----------
A. Dempster, D. Schmidt, G. Webb, MiniRocket, KDD 2021, section 3.1.
"""


def dilations(steps: int, most: int = 8) -> list[int]:
    """Distances between a kernel's taps: from 1 to where it spans the series, in equal ratios.

    Examples
    --------
    >>> dilations(30), dilations(100, most=4)
    ([1, 2, 3], [1, 2, 5, 12])
    """
    longest = max((steps - 1) / (KERNEL_LENGTH - 1), 1.0)
    return sorted({int(d) for d in np.geomspace(1.0, longest + 1e-9, most)})


def spread_over_channels(
    kernels: FloatArray, channels: int, chance: np.random.Generator
) -> FloatArray:
    """Give each kernel a random set of channels to sum over; few channels are likelier.

    Parameters
    ----------
    kernels
        (k, 9), or (g, m, 9) for g sets of m kernels that share their channels.

    Returns
    -------
    FloatArray
        (k, channels, 9) or (g, m, channels, 9): 0 for channels that do not count, and scaled
        so that the sum of independent channels keeps its variance.
    """
    most = min(channels, _MOST_CHANNELS)
    spread = np.zeros((*kernels.shape[:-1], channels, KERNEL_LENGTH))
    for number, kernel in enumerate(kernels):
        size = int(2.0 ** chance.uniform(0.0, np.log2(most + 1.0)))
        chosen: IntArray = chance.choice(channels, size, replace=False)
        spread[number][..., chosen, :] = kernel[..., None, :] / np.sqrt(size)
    return spread


def changes(series: Tensor) -> Tensor:
    """First differences along time: (n, C, T) -> (n, C, T - 1)."""
    return series[:, :, 1:] - series[:, :, :-1]


def as_buffer(values: FloatArray) -> Tensor:
    """A float32 tensor of its own memory."""
    return torch.from_numpy(np.array(values, dtype=np.float32))
