"""Series in; how often and how strongly each kernel of a group fits best out."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from stadion.train.kernels.drawing import KERNEL_LENGTH, as_buffer, spread_over_channels

__all__ = ["Competing"]

_SHARPNESS = 5.0  # how clearly the best one wins, per standard deviation of the response


class Competing(nn.Module):
    """Groups of eight random kernels at one dilation that compete at every moment.

    For each kernel two features: the response it collects where it fits best, and the share of
    time in which it fits worst. The competition is soft, so that two runtimes that differ in the
    last bit agree.

    References
    ----------
    A. Dempster, D. Schmidt, G. Webb, Hydra: competing convolutional kernels for fast and
    accurate time series classification, Data Mining and Knowledge Discovery 37 (2023).
    """

    GROUP = 8
    """Kernels that compete with each other."""

    weight: Tensor

    def __init__(self, channels: int, dilation: int, groups: int) -> None:
        super().__init__()
        self.dilation, self.groups = dilation, groups
        self.register_buffer("weight", torch.zeros(groups * self.GROUP, channels, KERNEL_LENGTH))

    def fit(self, series: Tensor, chance: np.random.Generator) -> None:
        """Draw kernels and channels; scale them to the spread of the responses to `series`."""
        drawn = chance.standard_normal((self.groups, self.GROUP, KERNEL_LENGTH))
        drawn -= drawn.mean(axis=2, keepdims=True)
        drawn /= np.abs(drawn).sum(axis=2, keepdims=True)
        spread = spread_over_channels(drawn, self.weight.shape[1], chance)
        self.weight = as_buffer(spread.reshape(self.weight.shape))
        scale = float(self._responses(series).std())
        self.weight = self.weight / (scale if scale > 1e-6 else 1.0)

    def forward(self, series: Tensor) -> Tensor:
        """(n, C, T) -> (n, groups * 8 * 2)."""
        shape = (-1, self.groups, self.GROUP, int(series.shape[2]))
        responses = self._responses(series).reshape(shape)
        won = _shares(responses - responses.amax(dim=2, keepdim=True)) * responses
        lost = _shares(responses.amin(dim=2, keepdim=True) - responses)
        # 0.01 keeps the root's slope finite where a kernel never wins or loses
        features = torch.cat([torch.relu(won.mean(dim=3)), lost.mean(dim=3)], dim=2)
        return torch.sqrt(features + 0.01).flatten(1)

    def _responses(self, series: Tensor) -> Tensor:
        padding = self.dilation * (KERNEL_LENGTH // 2)
        return nn.functional.conv1d(series, self.weight, padding=padding, dilation=self.dilation)


def _shares(behind: Tensor) -> Tensor:
    """Softmax over axis 2 of values that are 0 for the first and negative for all others.

    Written out: the operator of that name turns the axes around first, which costs twice as much.
    """
    weight = torch.exp(behind * _SHARPNESS)
    return weight / weight.sum(dim=2, keepdim=True)
