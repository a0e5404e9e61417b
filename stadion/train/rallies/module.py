"""Four strokes in, one expected course of the rally and several possible ones out: a network."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from stadion.core.signature import Signature
from stadion.train.rallies.reading import Reading

__all__ = ["Courses", "RallyNetwork", "Shape"]

_LEAST = 0.02  # of a landing point's unit: nothing is told more closely
_PLAYER = 8  # numbers that stand for a player
_PLACES, _ENDS = 12, 12  # strokes from the start and to the end that are told apart


class Shape(NamedTuple):
    """Sizes of the network: columns of its layers, futures, and the share dropped in training."""

    width: int
    futures: int
    dropout: float


class Courses(NamedTuple):
    """Courses that a rally may take.

    `types` (n, K + 1, T, C) logits and `landing` (n, K + 1, T, 2) in units of the spread, seen
    from the first player's side; the last of the courses is the expected one. `chance` (n, K)
    logits of each future being the nearest to what will happen; `spread` (n, T, 2) how far off
    the expected landing points are expected to be.
    """

    types: Tensor
    landing: Tensor
    chance: Tensor
    spread: Tensor


class RallyNetwork(nn.Module):
    """Every stroke to come is told from the context of the first four, all at once.

    A stroke knows its number, how many follow it, and who plays it; what the strokes of one
    future have in common is the future's own vector. So it needs no sampling and no loop.

    References
    ----------
    W.-Y. Wang et al., ShuttleNet: position-aware fusion of rally progress and player styles for
    stroke forecasting in badminton, AAAI 2022 (position and player of each stroke); A. Guzman-
    Rivera et al., Multiple choice learning, NIPS 2012 (several answers of which one counts).
    """

    def __init__(self, signature: Signature, shape: Shape) -> None:
        super().__init__()
        self.reading = Reading(signature)
        output = signature.output("type")
        self.horizon, self.kinds = int(output.shape[1] or 0), int(output.shape[2] or 0)
        self.futures = shape.futures
        width = shape.width
        self._player = nn.Linear(self.reading.players, _PLAYER, bias=False)
        nn.init.normal_(self._player.weight, 0.0, 0.1)
        self._context = nn.Sequential(
            nn.Linear(self.reading.features + 2 * _PLAYER, width), nn.GELU(),
            nn.Dropout(shape.dropout), nn.Linear(width, width), nn.GELU(),
        )  # fmt: skip
        self._number = nn.Embedding(_PLACES + 1, width)
        self._to_end = nn.Embedding(_ENDS + 2, width)
        self._turn = nn.Embedding(2, width)
        self._hitter = nn.Linear(2 * _PLAYER, width)
        self._course = nn.Parameter(torch.randn(shape.futures + 1, width) * 0.5)
        self._gate = nn.Linear(width, width)
        self._blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width), nn.Linear(width, inner), nn.GELU(),
                nn.Dropout(shape.dropout), nn.Linear(inner, width),
            )
            for inner in (width, 2 * width)
        )  # fmt: skip
        self._stroke = nn.Linear(width, self.kinds + 2)
        self._chance = nn.Linear(width, shape.futures)
        self._spread = nn.Linear(width, 2)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Types and landing points as expected, and those of each future with its chance."""
        courses, side = self.courses(self.horizon, *inputs)
        types = torch.softmax(courses.types, dim=3)
        landing = courses.landing * self.reading.unit * side[:, None, None, None]
        k = self.futures
        chance = torch.softmax(courses.chance, dim=1)
        spread = courses.spread * self.reading.unit
        return types[:, k], landing[:, k], types[:, :k], landing[:, :k], chance, spread

    def courses(self, steps: int, *inputs: Tensor) -> tuple[Courses, Tensor]:
        """All courses over the next `steps` strokes, and the side of the first player, (n,)."""
        read = self.reading(*inputs)
        first, second = self._player(read.first), self._player(read.second)
        context = self._context(torch.cat([read.row, first, second], dim=1))
        strokes = context[:, None] + self._strokes(steps, read.left, read.is_known)
        players = torch.stack(
            [self._hitter(torch.cat(pair, dim=1)) for pair in ((first, second), (second, first))],
            dim=1,
        )
        turn = torch.arange(steps, device=context.device) % 2
        strokes = strokes + players[:, turn]
        own = self._course[None] * (1.0 + self._gate(context)[:, None])
        hidden = strokes[:, None] + own[:, :, None]
        for block in self._blocks:
            hidden = hidden + block(hidden)
        told = self._stroke(hidden)
        # what it learns of its own errors shall not change the answers: hence detached
        spread = functional.softplus(self._spread(hidden[:, -1].detach())) + _LEAST
        courses = Courses(
            told[..., : self.kinds], told[..., self.kinds :], self._chance(context), spread
        )
        return courses, read.side

    def _strokes(self, steps: int, left: Tensor, is_known: Tensor) -> Tensor:
        """(n, steps, width): number, turn, and how many strokes follow."""
        number = torch.arange(steps, device=left.device)
        follow = (left[:, None] - 1.0 - number[None]).clamp(0.0, float(_ENDS))
        follow = torch.where(is_known[:, None] > 0, follow, float(_ENDS + 1))
        fixed = self._number(number.clamp(max=_PLACES)) + self._turn(number % 2)
        told: Tensor = fixed[None] + self._to_end(follow.to(torch.int64))
        return told
