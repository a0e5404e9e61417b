"""A player's own steps in, what they tell of him out: by layers that see all steps, or a few."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["PASTS", "past_named"]


class Whole(nn.Module):
    """Two layers over all steps at once."""

    def __init__(self, steps: int, channels: int, features: int) -> None:
        super().__init__()
        self._layers = nn.Sequential(
            nn.Linear(steps * channels, 2 * features), nn.GELU(), nn.Linear(2 * features, features)
        )

    def forward(self, track: Tensor) -> Tensor:
        """(n, features) of (n, T, C)."""
        return self._layers(track.flatten(1))  # type: ignore[no-any-return]


class Convolution(nn.Module):
    """Two convolutions of three steps, then one layer over what they found."""

    def __init__(self, steps: int, channels: int, features: int) -> None:
        super().__init__()
        self._layers = nn.Sequential(
            nn.Conv1d(channels, features, 3, padding=1), nn.GELU(),
            nn.Conv1d(features, features, 3, stride=2, padding=1), nn.GELU(),
            nn.Flatten(), nn.Linear(features * ((steps + 1) // 2), features),
        )  # fmt: skip

    def forward(self, track: Tensor) -> Tensor:
        """(n, features) of (n, T, C)."""
        return self._layers(track.transpose(1, 2))  # type: ignore[no-any-return]


class Recurrent(nn.Module):
    """The last state of a memory that reads step by step."""

    def __init__(self, memory: type[nn.GRU] | type[nn.LSTM], channels: int, features: int) -> None:
        super().__init__()
        self._memory = memory(channels, features, batch_first=True)

    def forward(self, track: Tensor) -> Tensor:
        """(n, features) of (n, T, C)."""
        states, _ = self._memory(track)
        return states[:, -1]  # type: ignore[no-any-return]


class Attention(nn.Module):
    """The last step attends to all steps, whose places are learned (a transformer's layer).

    References
    ----------
    A. Vaswani et al., Attention is all you need, NeurIPS 2017; written out, because the layer of
    torch takes a way of its own in inference that no graph can hold.
    """

    def __init__(self, steps: int, channels: int, features: int) -> None:
        super().__init__()
        self._enter = nn.Linear(channels, features)
        self._place = nn.Parameter(torch.zeros(steps, features))
        self._ask, self._tell = nn.Linear(features, features), nn.Linear(features, 2 * features)
        self._norm = nn.LayerNorm(features)
        self._layers = nn.Sequential(
            nn.LayerNorm(features), nn.Linear(features, 2 * features), nn.GELU(),
            nn.Linear(2 * features, features),
        )  # fmt: skip

    def forward(self, track: Tensor) -> Tensor:
        """(n, features) of (n, T, C)."""
        steps = self._enter(track) + self._place
        normal, last = self._norm(steps), steps[:, -1]
        key, value = self._tell(normal).chunk(2, dim=2)
        fit = torch.matmul(key, self._ask(normal[:, -1]).unsqueeze(2)) / math.sqrt(key.shape[2])
        last = last + (fit.softmax(dim=1) * value).sum(dim=1)
        return last + self._layers(last)  # type: ignore[no-any-return]


PASTS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "mlp": Whole,
    "cnn": Convolution,
    "gru": lambda steps, channels, features: Recurrent(nn.GRU, channels, features),
    "lstm": lambda steps, channels, features: Recurrent(nn.LSTM, channels, features),
    "transformer": Attention,
}
"""Name -> (steps, channels, features) -> a module from (n, steps, channels) to (n, features)."""


def past_named(name: str, steps: int, channels: int, features: int) -> nn.Module:
    """The reader of the past of that name."""
    return PASTS[name](steps, channels, features)
