"""Goals of a heart rate in; how the heart rate follows them by an equation out."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["Equation"]

_STEP_S = 10.0
_LOWEST, _HIGHEST = -6.5, 4.5
"""45 and 210 bpm in units of the networks: the heart comes near them but not beyond."""
_START = {"rise_s": 45.0, "fall_s": 60.0, "low": 0.2, "high": 0.2}


class Equation(nn.Module):
    """dh/dt = (g - h) / T (h - lowest)^a (highest - h)^b, one Euler step of 10 s after another.

    The goal g of each step is what the heart rate would come to if the step lasted. The time
    constant T differs between rising and falling, and the exponents let a heart near its lowest
    or highest rate change slowly. All four are learned. The powers are of the shares of the way
    between lowest and highest, scaled to 1 in the middle.

    References
    ----------
    J. R. Stirling, M. Zakynthinaki, I. Refoyo, J. Sampedro, A model of heart rate kinetics in
    response to exercise, J. Nonlinear Math. Phys. 15 (2008) 426. J. Ni, L. Muhlstein, J. McAuley,
    Modeling heart rate and activity data for personalized fitness recommendation, WWW 2019.
    """

    def __init__(self) -> None:
        super().__init__()
        self.logs = nn.Parameter(torch.tensor([math.log(value) for value in _START.values()]))

    def forward(self, goals: Tensor, start: Tensor) -> Tensor:
        """(n, T) heart rate at the end of each step, of (n, T) goals and (n,) heart rate before."""
        rise_s, fall_s, low, high = torch.exp(self.logs).unbind(0)
        rate, states = start.clamp(_LOWEST + 0.2, _HIGHEST - 0.2), []
        for goal in goals.unbind(1):
            gap = goal - rate
            seconds = torch.where(gap > 0, rise_s, fall_s).clamp(min=_STEP_S)
            share = (rate - _LOWEST) / (_HIGHEST - _LOWEST)
            brake = torch.exp(low * torch.log(2.0 * share) + high * torch.log(2.0 * (1.0 - share)))
            step = (_STEP_S / seconds * brake).clamp(max=1.0)
            rate = (rate + gap * step).clamp(_LOWEST + 0.2, _HIGHEST - 0.2)
            states.append(rate)
        return torch.stack(states, dim=1)
