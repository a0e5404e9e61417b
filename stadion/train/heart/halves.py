"""Moments of workouts in; the curve of the networks, and what the trees are told, out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stadion.train.heart.crew import BPM, USUAL_BPM, Crew
from stadion.train.heart.ode import OdeNetwork
from stadion.train.heart.reading import BEATS
from stadion.train.heart.responses import Asked, Responses

__all__ = ["Halves"]


class Halves(nn.Module):
    """Inputs in; the features of the trees, and the curve of crew and equation, out.

    `ode_share` is how much of the curve is the equation's. Everything is computed in float64 and
    rounded to float32 once, at the end: two runtimes that add in another order then send a row
    down the same branches of the trees.
    """

    def __init__(self, responses: Responses, crew: Crew, ode: OdeNetwork, ode_share: float) -> None:
        super().__init__()
        self.responses = responses
        self.crew = crew
        self.ode = ode
        self._ode_share = ode_share
        self.double()

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(n, features) with NaN = missing, and (n,) bpm."""
        wide = [values.to(torch.float64) for values in inputs]
        features, curve = self.told(self.responses(*wide), wide[self._beats_at])
        followed = self.ode(*wide)[0]
        both = (1.0 - self._ode_share) * curve + self._ode_share * followed
        return features, both.to(torch.float32)

    def told(
        self, asked: Asked, beats: Tensor, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What the trees are told, and the curve of the crew alone, of known features.

        `weights` are (networks, n): how much each network counts for each row, 1 in sum.
        """
        several = self.crew(asked, self.responses)
        if weights is None:
            population, heart, residual = (each.mean(dim=0) for each in several)
        else:
            population, heart = ((each * weights).sum(dim=0) for each in several[:2])
            residual = (several[2] * weights.unsqueeze(2)).sum(dim=0)
        curve = heart * BPM + USUAL_BPM
        parts = [
            asked.now,
            asked.now - asked.opening[:, -1],
            asked.opening[:, -1],
            asked.beats,
            _summary(beats),
            population.unsqueeze(1),
            heart.unsqueeze(1),
            residual,
            _known_mean(residual),
        ]
        return torch.cat(parts, dim=1).to(torch.float32), curve

    @property
    def _beats_at(self) -> int:
        return self.responses.names.index(BEATS)


def _summary(beats: Tensor) -> Tensor:
    """(n, 3) lowest, highest and mean heart rate of the opening; NaN where none is known."""
    missing = torch.isnan(beats)
    nothing = missing.all(dim=1, keepdim=True)
    low = torch.where(missing, torch.full_like(beats, 1e4), beats).amin(dim=1, keepdim=True)
    high = torch.where(missing, torch.full_like(beats, -1e4), beats).amax(dim=1, keepdim=True)
    found = torch.cat([low, high], dim=1)
    found = torch.where(nothing, torch.full_like(found, float("nan")), found)
    return torch.cat([found, _known_mean(beats)], dim=1)


def _known_mean(values: Tensor) -> Tensor:
    missing = torch.isnan(values)
    known = (1.0 - missing.to(values.dtype)).sum(dim=1, keepdim=True)
    total = torch.where(missing, torch.zeros_like(values), values).sum(dim=1, keepdim=True)
    mean = total / known.clamp(min=1.0)
    return torch.where(known < 0.5, torch.full_like(mean, float("nan")), mean)
