"""Series in; how much of each kernel's response lies above a threshold, and where, out."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from stadion.train.kernels.drawing import (
    KERNEL_LENGTH,
    THREE_OF_NINE,
    as_buffer,
    spread_over_channels,
)

__all__ = ["PositiveShare"]

_SOFTNESS = 0.5  # standard deviations of the response over which 'above' rises from 0 to 1


class PositiveShare(nn.Module):
    """The 84 kernels of three 2s at one dilation, each over `draws` random sets of channels.

    For every threshold two features: the share of time above it, and that share weighted by
    the place in time (-1 start, 1 end). 'Above' is a ramp, not a step: two runtimes that differ
    in the last bit of a convolution then differ as little in the feature, and on short series
    the features are less coarse.

    Parameters
    ----------
    channels, dilation, draws, thresholds
        Size of the kernels' input, distance of their taps, channel sets and thresholds each.

    References
    ----------
    A. Dempster, D. Schmidt, G. Webb, MiniRocket, KDD 2021 (kernels, dilations, thresholds at
    quantiles of training responses). C. W. Tan et al., MultiRocket, Data Mining and Knowledge
    Discovery 36 (2022) (place of positive values; first differences).
    """

    weight: Tensor
    threshold: Tensor
    places: Tensor

    def __init__(self, channels: int, dilation: int, draws: int, thresholds: int) -> None:
        super().__init__()
        kernels = draws * len(THREE_OF_NINE)
        self.dilation, self.draws = dilation, draws
        self.register_buffer("weight", torch.zeros(kernels, channels, KERNEL_LENGTH))
        self.register_buffer("threshold", torch.zeros(kernels, thresholds, 1))
        self.register_buffer("places", torch.zeros(0, 2))

    def fit(self, series: Tensor, chance: np.random.Generator) -> None:
        """Draw the channels; take thresholds at even quantiles of the responses to `series`."""
        kernels, channels, _ = self.weight.shape
        drawn = spread_over_channels(np.tile(THREE_OF_NINE, (self.draws, 1)), channels, chance)
        self.weight = as_buffer(drawn)
        responses = self._responses(series).transpose(0, 1).flatten(1).numpy()
        spread = responses.std(axis=1)
        spread[spread < 1e-6] = 1.0  # a channel that never changes
        count = self.threshold.shape[1]
        levels = (chance.permutation(kernels * count).reshape(kernels, count) + 0.5) / (
            kernels * count
        )
        at = np.round(levels * (responses.shape[1] - 1)).astype(np.int64)
        cuts = np.take_along_axis(np.sort(responses, axis=1), at, axis=1)
        ramp = (spread * _SOFTNESS)[:, None]
        self.weight = as_buffer(drawn / ramp[:, :, None])
        self.threshold = as_buffer((cuts / ramp - 0.5)[:, :, None])
        steps = series.shape[2]
        places = np.stack([np.ones(steps), np.linspace(-1.0, 1.0, steps)], axis=1)
        self.places = as_buffer(places / steps)

    def forward(self, series: Tensor) -> Tensor:
        """(n, C, T) -> (n, kernels * thresholds * 2)."""
        above = torch.clamp(self._responses(series).unsqueeze(2) - self.threshold, 0.0, 1.0)
        return torch.matmul(above, self.places).flatten(1)

    def _responses(self, series: Tensor) -> Tensor:
        padding = self.dilation * (KERNEL_LENGTH // 2)
        return nn.functional.conv1d(series, self.weight, padding=padding, dilation=self.dilation)
