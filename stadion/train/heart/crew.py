"""What moments asked of a heart in; the heart rates that several networks expect out."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from stadion.train.heart.calibration import Calibration, Seen
from stadion.train.heart.responses import Asked, Responses

__all__ = ["BPM", "USUAL_BPM", "Crew"]

USUAL_BPM, BPM = 142.0, 15.0
"""A usual heart rate in a workout and its spread: networks work in these units."""


class Crew(nn.Module):
    """Networks of one shape side by side, each with a calibration of its own.

    Parameters
    ----------
    columns
        Width of the standardised features.
    networks, hidden, layers
        How many, how wide and how deep.
    ways
        In how many ways hearts may answer demand differently.
    dropout
        Share of the cells left out by a training step.
    seen
        Share of the features that each network reads, drawn for each: they err differently.
    """

    eyes: Tensor

    def __init__(
        self,
        columns: int,
        networks: int,
        hidden: int,
        layers: int,
        ways: int,
        dropout: float,
        seen: float,
    ) -> None:
        super().__init__()
        read = (torch.rand(networks, 1, columns // 2) < seen).to(torch.float32)
        self.register_buffer("eyes", torch.cat([read, read], dim=2))
        sizes = [columns, *[hidden] * layers, 1 + ways]
        self._weights, self._biases = nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in pairwise(sizes):
            reach = 1.0 / math.sqrt(fan_in)
            self._weights.append(nn.Parameter(_uniform((networks, fan_in, fan_out), reach)))
            self._biases.append(nn.Parameter(_uniform((networks, 1, fan_out), reach)))
        self._dropout = dropout
        self.calibration = Calibration(networks)

    def expected(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(networks, n) heart rate of the population, and (networks, n, ways).

        `features` are (n, columns), or (networks, n, columns) where each sees rows of its own.
        """
        values = features if features.dim() == 3 else features.unsqueeze(0)
        values = values * self.eyes
        last = len(self._weights) - 1
        for index, (weight, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            values = values @ weight + bias
            if index < last:
                values = functional.dropout(torch.relu(values), self._dropout, self.training)
        return values[..., 0], values[..., 1:]

    def forward(self, asked: Asked, responses: Responses) -> tuple[Tensor, Tensor, Tensor]:
        """(networks, n) of the population and of this heart; (networks, n, m) residuals.

        All in units of `BPM` around `USUAL_BPM`; a residual without heart rate is NaN.
        """
        networks, moments = self.eyes.shape[0], asked.beats.shape[1]
        now, ways = self.expected(responses.standard(asked.now))
        flat = responses.standard(asked.opening).flatten(0, 1)
        then, then_ways = self.expected(flat)
        then = then.reshape(networks, -1, moments)
        residual = (asked.beats - USUAL_BPM) / BPM - then
        missing = torch.isnan(asked.beats)
        seen = Seen(
            torch.where(missing, torch.zeros_like(residual), residual),
            1.0 - missing.to(residual.dtype),
            asked.opening_step,
            then_ways.reshape(networks, -1, moments, ways.shape[-1]),
        )
        more = self.calibration(seen, asked.now_step.unsqueeze(1), ways.unsqueeze(2))
        return now, now + more.squeeze(-1), residual


def _uniform(shape: tuple[int, ...], reach: float) -> Tensor:
    return (torch.rand(shape) * 2.0 - 1.0) * reach
