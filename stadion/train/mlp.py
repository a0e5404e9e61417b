"""A training set in, a plain feed-forward network out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from stadion.core.errors import Code, StadionError
from stadion.train.network.front import Front, Prepared
from stadion.train.network.learner import NetworkLearner
from stadion.train.network.network import Body
from stadion.train.network.pooling import SUMMARY, summary
from stadion.train.network.settings import LoopSettings

__all__ = ["PLUGIN", "MlpSettings"]

_WIDEST = 65_536


@dataclass(frozen=True, slots=True)
class MlpSettings(LoopSettings):
    """Settings of the loop, and the layers.

    Parameters
    ----------
    hidden
        Sizes of the hidden layers, as text: `128,64`.
    dropout
        Share of a hidden layer's values that a training step leaves out.
    norm
        What follows a hidden layer.
    sequences
        What is read of a sequence: six numbers per channel that summarise it, every step, or
        both. These layers know a value by its place alone: to them a movement that begins a
        moment later is another one, unless it is summarised.
    """

    learning_rate: float = field(
        default=3e-3, metadata={"low": 1e-7, "high": 10.0, "search": (3e-4, 3e-2, "log")}
    )
    hidden: str = field(
        default="128,64", metadata={"search": ["64", "128,64", "256,128", "256,128,64"]}
    )
    dropout: float = field(default=0.2, metadata={"low": 0.0, "high": 0.95, "search": (0.0, 0.6)})
    norm: Literal["batch", "layer", "none"] = "batch"
    sequences: Literal["summary", "steps", "both"] = field(
        default="summary", metadata={"search": ["summary", "both"]}
    )


class MlpBody(Body):
    """What is known of a row side by side, with the masks, through the hidden layers."""

    def __init__(self, front: Front, settings: MlpSettings) -> None:
        sizes = _sizes(settings.hidden)
        super().__init__(sizes[-1])
        self._steps = settings.sequences != "summary"
        self._summary = settings.sequences != "steps"
        if front.channels and self._steps and front.steps is None:
            raise StadionError(
                Code.INVALID,
                f"learner mlp: sequences is {settings.sequences!r}, and this training set leaves "
                "their length free; expected 'summary'",
            )
        per_channel = SUMMARY * self._summary + 2 * (front.steps or 0) * self._steps
        width = front.channels * per_channel + 2 * front.columns
        layers: list[nn.Module] = []
        for before, size in zip([width, *sizes], sizes, strict=False):
            layers += [nn.Linear(before, size), *_norm(settings.norm, size), nn.ReLU()]
            layers.append(nn.Dropout(settings.dropout))
        self._layers = nn.Sequential(*layers)

    def forward(self, rows: Prepared) -> Tensor:
        """(n, features) of the last hidden layer."""
        sequence, mask, static, static_mask = rows
        parts = [part for part in (static, static_mask) if part is not None]
        if sequence is not None and mask is not None:
            parts += [summary(sequence, mask)] if self._summary else []
            parts += [sequence.flatten(1), mask.flatten(1)] if self._steps else []
        return self._layers(torch.cat(parts, dim=1))  # type: ignore[no-any-return]


def _norm(kind: str, size: int) -> list[nn.Module]:
    if kind == "none":
        return []
    return [nn.BatchNorm1d(size) if kind == "batch" else nn.LayerNorm(size)]


def _sizes(text: str) -> list[int]:
    """The sizes in '128,64'."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= _WIDEST for part in parts):
        raise StadionError(
            Code.INVALID,
            f"learner mlp: hidden is {text!r}; expected sizes from 1 to {_WIDEST}, as in 128,64",
        )
    return [int(part) for part in parts]


PLUGIN = NetworkLearner(
    "mlp",
    "plain layers over the values of a row and summaries of its sequences: quick, good on tables",
    MlpSettings,
    MlpBody,
)
