"""Prepared rows in; what the sequence learners read of them, over time and beside it, out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stadion.core.errors import Code, StadionError
from stadion.train.network.front import Front, Prepared
from stadion.train.network.pooling import measured

__all__ = ["StaticLayer", "needs_sequence", "sequence_of"]


class StaticLayer(nn.Module):
    """One layer over the static values and their masks; nothing where there are none.

    Attributes
    ----------
    features
        Columns it adds: `size`, or 0 without static inputs.
    """

    def __init__(self, front: Front, size: int) -> None:
        super().__init__()
        self.features = size if front.columns else 0
        self._layer = nn.Linear(2 * front.columns, size) if front.columns else None

    def forward(self, rows: Prepared) -> list[Tensor]:
        """A list of one (n, features) tensor, or of none."""
        if self._layer is None or rows.static is None or rows.static_mask is None:
            return []
        both = torch.cat([rows.static, rows.static_mask], dim=1)
        return [torch.relu(self._layer(both))]


def sequence_of(rows: Prepared) -> tuple[Tensor, Tensor]:
    """Values and masks side by side, (n, T, 2 C), and where a step has any value, (n, T, 1)."""
    if rows.sequence is None or rows.sequence_mask is None:
        raise _without_sequence("network")
    return torch.cat([rows.sequence, rows.sequence_mask], dim=2), measured(rows.sequence_mask)


def needs_sequence(front: Front, learner: str) -> None:
    """Refuse inputs of which none has a time axis."""
    if not front.channels:
        raise _without_sequence(learner)


def _without_sequence(learner: str) -> StadionError:
    return StadionError(
        Code.INVALID,
        f"learner {learner} reads sequences, and no input of this training set has a time axis "
        "(step_s)",
        "use the learner mlp or boosting",
    )
