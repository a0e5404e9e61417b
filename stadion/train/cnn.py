"""A training set with sequences in, a one-dimensional residual convolution network out."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from stadion.core.errors import Code, StadionError
from stadion.train.network.front import Front, Prepared
from stadion.train.network.intake import StaticLayer, needs_sequence, sequence_of
from stadion.train.network.learner import NetworkLearner
from stadion.train.network.network import Body
from stadion.train.network.pooling import masked_max, masked_mean
from stadion.train.network.settings import LoopSettings

__all__ = ["PLUGIN", "CnnSettings"]


@dataclass(frozen=True, slots=True)
class CnnSettings(LoopSettings):
    """Settings of the loop, and the convolutions.

    Parameters
    ----------
    channels
        Filters of every layer.
    kernel
        Steps a filter sees, an odd number; its reach doubles from block to block.
    depth
        Residual blocks of two convolutions each.
    dropout
        Share of the filters that a training step leaves out in each block and before the answer.
    """

    channels: int = field(
        default=64, metadata={"low": 1, "high": 4_096, "search": (16, 128, "log")}
    )
    kernel: int = field(default=5, metadata={"low": 1, "high": 255, "search": [3, 5, 7, 9]})
    depth: int = field(default=3, metadata={"low": 1, "high": 16, "search": (1, 4)})
    dropout: float = field(default=0.2, metadata={"low": 0.0, "high": 0.95, "search": (0.0, 0.6)})


class CnnBody(Body):
    """Residual blocks over time, then mean and maximum over the measured steps.

    References
    ----------
    Z. Wang, W. Yan, T. Oates, Time series classification from scratch with deep neural networks,
    IJCNN 2017 (the residual network); dilation as in S. Bai, J. Z. Kolter, V. Koltun,
    arXiv:1803.01271.
    """

    def __init__(self, front: Front, settings: CnnSettings) -> None:
        needs_sequence(front, "cnn")
        if settings.kernel % 2 == 0:
            raise StadionError(
                Code.INVALID, f"learner cnn: kernel is {settings.kernel}; expected an odd number"
            )
        static = StaticLayer(front, settings.channels)
        super().__init__(2 * settings.channels + static.features)
        self._static = static
        self._blocks = nn.Sequential(
            _Convolution(2 * front.channels, settings.channels, settings.kernel, 1),
            nn.ReLU(),
            *(_Block(settings, 2**level) for level in range(settings.depth)),
        )
        self._dropout = nn.Dropout(settings.dropout)

    def forward(self, rows: Prepared) -> Tensor:
        """(n, features) for (n, T, C) sequences and (n, d) static values."""
        values, there = sequence_of(rows)
        steps = self._blocks(values.transpose(1, 2)).transpose(1, 2)
        pooled = [masked_mean(steps, there), masked_max(steps, there), *self._static(rows)]
        return self._dropout(torch.cat(pooled, dim=1))  # type: ignore[no-any-return]


class _Convolution(nn.Sequential):
    """A convolution that keeps the number of steps, and its normalisation."""

    def __init__(self, before: int, after: int, kernel: int, dilation: int) -> None:
        padding = dilation * (kernel - 1) // 2
        super().__init__(
            nn.Conv1d(before, after, kernel, padding=padding, dilation=dilation, bias=False),
            nn.BatchNorm1d(after),
        )


class _Block(nn.Module):
    """Two convolutions and a way past them."""

    def __init__(self, settings: CnnSettings, dilation: int) -> None:
        super().__init__()
        size, kernel = settings.channels, settings.kernel
        self._inner = nn.Sequential(
            _Convolution(size, size, kernel, dilation),
            nn.ReLU(),
            nn.Dropout1d(settings.dropout),
            _Convolution(size, size, kernel, dilation),
        )

    def forward(self, steps: Tensor) -> Tensor:
        return torch.relu(steps + self._inner(steps))


PLUGIN = NetworkLearner(
    "cnn",
    "residual convolutions over time: strong on movement windows and other sequences",
    CnnSettings,
    CnnBody,
)
