"""Tensors of four strokes, NaN = missing, in; rows of numbers without a side of the court out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from stadion.core.signature import Signature
from stadion.science.badminton import LANDING_SPREAD_M

__all__ = ["NAMES", "Read", "Reading"]

NAMES = (
    "past_type", "past_landing", "past_player", "past_opponent", "past_backhand",
    "past_around_head", "past_landing_high", "past_gap", "points", "first_player",
    "second_player", "first_stroke", "rally_length",
)  # fmt: skip
"""The inputs it takes, in this order."""
_PLACES = ("past_landing", "past_player", "past_opponent")
_FLAGS = ("past_backhand", "past_around_head", "past_landing_high", "past_gap")
_LONGEST = 30.0  # strokes: longer rallies are told apart no more


class Read(NamedTuple):
    """What the network works on.

    `row` (n, features); `side` (n,) 1 where the first player stands at positive y, else -1;
    `first`, `second` (n, players) who they are; `left` (n,) strokes to come, `is_known` (n,) 1
    where that is known, else 0.
    """

    row: Tensor
    side: Tensor
    first: Tensor
    second: Tensor
    left: Tensor
    is_known: Tensor


class Reading(nn.Module):
    """First layer of the graph: turns the court, scales, and puts a mask beside what is missing.

    Attributes
    ----------
    order
        Names of the inputs as `forward` takes them.
    features, players
        Columns of `Read.row` and of `Read.first`.
    """

    unit: Tensor
    turn: Tensor

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        self.order = [tensor.name for tensor in signature.inputs]
        _, strokes, kinds = signature.input("past_type").shape
        self.strokes, self.players = int(strokes or 0), int(signature.input(NAMES[9]).shape[1] or 0)
        flags = len(_FLAGS)
        self.features = self.strokes * (int(kinds or 0) + 1 + 2 * 6 + 2 * flags) + 4 + 4
        self.register_buffer("unit", torch.tensor(LANDING_SPREAD_M))
        self.register_buffer("turn", 1.0 - 2.0 * (torch.arange(self.strokes) % 2))

    def forward(self, *inputs: Tensor) -> Read:
        """Prepare the input tensors, given in the signature's order, rows first."""
        given = dict(zip(self.order, inputs, strict=True))
        side = self._side(given)
        kinds, kind_known = _filled(given["past_type"])
        parts = [kinds.flatten(1), kind_known.mean(dim=2)]
        for name in _PLACES:
            place, known = _filled(given[name])
            parts += [(place * side[:, None, None] / self.unit).clamp(-9.0, 9.0).flatten(1),
                      known.flatten(1)]  # fmt: skip
        for name in _FLAGS:
            value, known = _filled(given[name])
            parts += [value.clamp(-1.0, 4.0), known]
        points, points_known = _filled(given["points"])
        parts += [points / 10.0, points_known]
        begin, begin_known = _filled(given["first_stroke"])
        length, length_known = _filled(given["rally_length"])
        begin = torch.where(begin_known > 0, begin, torch.ones_like(begin))
        left = (length - begin + 1.0 - self.strokes).clamp(min=0.0)
        parts += [
            torch.stack(
                [
                    (begin < 1.5).float(),
                    begin.clamp(max=_LONGEST) / 10.0,
                    left.clamp(max=_LONGEST) / 10.0 * length_known,
                    length_known,
                ],
                dim=1,
            )
        ]
        return Read(
            torch.cat(parts, dim=1), side, _filled(given["first_player"])[0],
            _filled(given["second_player"])[0], left, length_known,
        )  # fmt: skip

    def _side(self, given: Mapping[str, Tensor]) -> Tensor:
        """As `science.badminton.side_of_first`."""
        landing, player, opponent = (_filled(given[name])[0][..., 1] for name in _PLACES)
        both = torch.isfinite(given["past_player"][..., 1] + given["past_opponent"][..., 1])
        apart = torch.where(both, player - opponent, torch.zeros_like(player))
        votes = ((apart - landing) * self.turn).sum(dim=1)
        return torch.where(votes >= 0, 1.0, -1.0)


def _filled(values: Tensor) -> tuple[Tensor, Tensor]:
    """0 where missing, and 1 where not."""
    known = torch.isfinite(values)
    return torch.where(known, values, torch.zeros_like(values)), known.to(torch.float32)
