"""A training set with sequences in, a recurrent network with long short-term memory out."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from stadion.train.network.front import Front, Prepared
from stadion.train.network.intake import StaticLayer, needs_sequence, sequence_of
from stadion.train.network.learner import NetworkLearner
from stadion.train.network.network import Body
from stadion.train.network.pooling import last, masked_mean
from stadion.train.network.settings import LoopSettings

__all__ = ["PLUGIN", "LstmSettings"]


@dataclass(frozen=True, slots=True)
class LstmSettings(LoopSettings):
    """Settings of the loop, and the memory.

    Parameters
    ----------
    hidden
        Cells of a layer, in each direction.
    layers
        Layers upon each other.
    bidirectional
        Reads the sequence backwards as well.
    dropout
        Share of the values left out by a training step, between layers and before the answer.
    """

    learning_rate: float = field(
        default=3e-3, metadata={"low": 1e-7, "high": 10.0, "search": (3e-4, 3e-2, "log")}
    )
    hidden: int = field(default=64, metadata={"low": 1, "high": 4_096, "search": (16, 128, "log")})
    layers: int = field(default=2, metadata={"low": 1, "high": 8, "search": (1, 3)})
    bidirectional: bool = True
    dropout: float = field(default=0.2, metadata={"low": 0.0, "high": 0.95, "search": (0.0, 0.6)})


class LstmBody(Body):
    """The memory at the end of the measured steps, and its mean over them.

    References
    ----------
    S. Hochreiter, J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997) 1735.
    """

    def __init__(self, front: Front, settings: LstmSettings) -> None:
        needs_sequence(front, "lstm")
        size = settings.hidden * (2 if settings.bidirectional else 1)
        static = StaticLayer(front, settings.hidden)
        super().__init__(2 * size + static.features)
        self._static = static
        self._hidden = settings.hidden
        self._memory = nn.LSTM(
            2 * front.channels,
            settings.hidden,
            settings.layers,
            batch_first=True,
            dropout=settings.dropout if settings.layers > 1 else 0.0,
            bidirectional=settings.bidirectional,
        )
        self._dropout = nn.Dropout(settings.dropout)

    def forward(self, rows: Prepared) -> Tensor:
        """(n, features) for (n, T, C) sequences and (n, d) static values."""
        values, there = sequence_of(rows)
        steps, _ = self._memory(values)
        # the backward half has read everything when it arrives at the first step
        forward, backward = steps[:, :, : self._hidden], steps[:, 0, self._hidden :]
        ends = [last(forward, there), backward]
        pooled = [*ends, masked_mean(steps, there), *self._static(rows)]
        return self._dropout(torch.cat(pooled, dim=1))  # type: ignore[no-any-return]


PLUGIN = NetworkLearner(
    "lstm",
    "a memory that reads step by step: for streams in which the order matters",
    LstmSettings,
    LstmBody,
)
