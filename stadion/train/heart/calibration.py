"""What a population's heart would do and what this one did in the opening in; its course out."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Calibration", "Seen", "solved"]

_START = (0.7, 0.7, 60.0, 0.3, 0.3, 0.2, 3.0)
"""Constant offset, passing offset and its steps, ways to answer, noise, slow noise, its steps."""

_LEAST_NOISE = 1e-2
"""Keeps the elimination away from dividing by what is nearly nothing."""


class Seen(NamedTuple):
    """What is known of one heart: residuals (..., m) where `there` is 1, their steps and ways.

    `ways` (..., m, q) are how the demand of each moment can be answered differently.
    """

    residual: Tensor
    there: Tensor
    step: Tensor
    ways: Tensor


class Calibration(nn.Module):
    """Adapts a population's curve to one heart, in closed form.

    The heart differs from the population's by a Gaussian process: an offset that stays, one that
    passes, and weights of its own for `ways`. The prior of all three is learned over the training
    workouts; the opening gives the posterior mean, a ridge regression.

    Parameters
    ----------
    sets
        Independent sets of parameters: the leading axis of all that is asked.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006), eq. 2.23
    and section 2.7.
    """

    def __init__(self, sets: int) -> None:
        super().__init__()
        start = torch.tensor([math.log(value) for value in _START])
        self.prior = nn.Parameter(start.repeat(sets, 1))

    def forward(self, seen: Seen, step: Tensor, ways: Tensor) -> Tensor:
        """(sets, n, k) what to add at k moments of n hearts, given m moments of each opening.

        `step` is (n, k) or (sets, n, k), `ways` (sets, n, k, q); those of `seen` have m for k.
        """
        # one axis per parameter, each (sets, 1, 1, 1)
        prior = torch.exp(self.prior).unsqueeze(-1).unsqueeze(-1).unsqueeze(-1).unbind(1)
        between = self._alike(prior, seen.step, seen.step, seen.ways, seen.ways)
        noise = prior[5] ** 2 * torch.exp(-_apart(seen.step, seen.step) / prior[6])
        itself = torch.eye(seen.residual.shape[-1], device=step.device, dtype=step.dtype)
        both = seen.there.unsqueeze(-1) * seen.there.unsqueeze(-2)
        matrix = (between + noise + (prior[4] ** 2 + _LEAST_NOISE) * itself) * both
        matrix = matrix + itself * (1.0 - seen.there).unsqueeze(-1)
        weights = solved(matrix, (seen.residual * seen.there).unsqueeze(-1))
        weights = weights * seen.there.unsqueeze(-1)
        return (self._alike(prior, step, seen.step, ways, seen.ways) @ weights).squeeze(-1)

    def _alike(
        self, prior: tuple[Tensor, ...], a: Tensor, b: Tensor, ways_a: Tensor, ways_b: Tensor
    ) -> Tensor:
        """Covariance of what moments `a` and `b` add."""
        passing = prior[1] ** 2 * torch.exp(-_apart(a, b) / prior[2])
        return prior[0] ** 2 + passing + prior[3] ** 2 * (ways_a @ ways_b.transpose(-1, -2))


def solved(matrix: Tensor, right: Tensor) -> Tensor:
    """The x with `matrix` x = `right`, by operators that every graph has; (..., m, m) matrices.

    Gauss and Jordan's elimination, which needs no pivots for positive definite matrices.
    """
    size = matrix.shape[-1]
    system = torch.cat([matrix, right.expand(*matrix.shape[:-1], right.shape[-1])], dim=-1)
    for index in range(size):
        pivot = system[..., index : index + 1, :]
        pivot = pivot / pivot[..., index : index + 1]
        column = system[..., :, index : index + 1]
        keep = torch.ones(size, 1, device=matrix.device, dtype=matrix.dtype)
        keep[index] = 0.0
        # the pivot's own row becomes the pivot: 0 * row + 1 * pivot
        system = system - (column * keep) * pivot
        system = system * keep + pivot * (1.0 - keep)
    return system[..., size:]


def _apart(a: Tensor, b: Tensor) -> Tensor:
    return (a.unsqueeze(-1) - b.unsqueeze(-2)).abs()
