"""Tensors of a match in; both orders of its sides as features, nothing missing, out."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from stadion.core.arrays import Array, FloatArray
from stadion.train.sides.filling import filling_weights

__all__ = ["Orders", "Widths", "widths_of"]

_FURTHEST = 8.0  # standard deviations
_CHUNK_ROWS = 20_000
_STEPS = 1e4  # to a standard deviation

Widths = tuple[int, int, int]


def widths_of(given: list[Array]) -> Widths:
    """Columns of a side, of the edge and of the match."""
    return given[0].shape[1], given[2].shape[1], given[3].shape[1]


class Orders(nn.Module):
    """Scales, fills what is missing from what is there, and puts the sides in both orders.

    Missing values are the best linear guess from the others. Scales and guesses treat both sides
    alike, so that turning a match turns its features. Everything is computed in float64 and
    rounded to a ten-thousandth of a standard deviation once: two runtimes, and both orders, then
    give the same features to the trees.

    The answer is that of the first order with the weight `share` and of the second with the
    rest: 1 where the first side is at home, 0 where the second is, 0.5 where nobody is.

    Parameters
    ----------
    side, edge, match
        Columns of the tensors.
    classes
        Of the outcome, 2 or more, from a win of the first side to its loss.
    """

    centre: Tensor
    scale: Tensor
    guess: Tensor
    usual_home: Tensor
    weights: Tensor

    def __init__(self, side: int, edge: int, match: int, classes: int) -> None:
        super().__init__()
        self._sizes = [side, side, edge, match]
        self._classes = classes
        total = sum(self._sizes)
        self.features = 2 * side + edge + match
        self.edge_columns = slice(side, side + edge)
        self.register_buffer("centre", torch.zeros(total, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(total, dtype=torch.float64))
        self.register_buffer("guess", torch.zeros(total, total, dtype=torch.float64))
        self.register_buffer("usual_home", torch.zeros((), dtype=torch.float64))
        size = side + edge + match + 1
        self.register_buffer("weights", torch.zeros(size, classes, dtype=torch.float64))

    def fit(self, given: list[Array]) -> None:
        """Learn scales and guesses from the five tensors of the training rows, in both orders."""
        values = np.concatenate([part.astype(np.float64) for part in given[:4]], axis=1)
        side, _, edge, _ = self._sizes
        places = np.arange(values.shape[1])
        turned = np.concatenate([places[side : 2 * side], places[:side], places[2 * side :]])
        sign = np.ones(len(places))
        sign[2 * side : 2 * side + edge] = -1.0
        both = np.concatenate([values, values[:, turned] * sign])
        with np.errstate(invalid="ignore"):
            known = np.isfinite(both)
            count = np.maximum(known.sum(axis=0), 1)
            centre = np.where(known, both, 0.0).sum(axis=0) / count
            centre[2 * side : 2 * side + edge] = 0.0
            spread = np.where(known, (both - centre) ** 2, 0.0).sum(axis=0) / count
        scale = np.where(spread > 1e-12, np.sqrt(spread), 1.0)
        self.centre, self.scale = torch.from_numpy(centre), torch.from_numpy(scale)
        scaled = np.where(known, (both - centre) / scale, np.nan).clip(-_FURTHEST, _FURTHEST)
        self.guess = torch.from_numpy(filling_weights(scaled))
        home = given[4][np.isfinite(given[4])]
        usual = np.round(home.mean()) if len(home) else 0.0
        self.usual_home = torch.tensor(float(usual), dtype=torch.float64)

    def take_linear(self, weights: FloatArray) -> None:
        """Take the weights of the linear model, (linear inputs, classes)."""
        self.weights = torch.from_numpy(weights)

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (2n, d) of both orders, log-odds (n, classes) of the linear model, share."""
        player, opponent, edge, match, home = self._filled(*given)
        features = torch.cat(
            [self._compared(player, opponent, edge, match),
             self._compared(opponent, player, -edge, match)]
        )  # fmt: skip
        straight = self._linear(player, opponent, edge, match) @ self.weights
        turned = self._linear(opponent, player, -edge, match) @ self.weights
        share = ((home + 1.0) / 2.0).unsqueeze(1)
        linear = share * straight + (1.0 - share) * torch.flip(turned, [1])
        features = torch.round(features * _STEPS) / _STEPS
        return features.to(torch.float32), linear.to(torch.float32), share.to(torch.float32)

    def linear_inputs(self, given: list[Array]) -> FloatArray:
        """(2n, side + edge + match + 1) of both orders."""
        with torch.inference_mode():
            player, opponent, edge, match, _ = self._filled(*map(torch.tensor, given))
            both = [self._linear(player, opponent, edge, match),
                    self._linear(opponent, player, -edge, match)]  # fmt: skip
            found: FloatArray = torch.cat(both).numpy()
        return found

    def of_rows(self, given: list[Array]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """`forward` of any number of rows, in bounded memory."""
        rows = len(given[0])
        parts: list[tuple[FloatArray, ...]] = []
        with torch.inference_mode():
            for start in range(0, rows, _CHUNK_ROWS):
                part = self(*(torch.tensor(v[start : start + _CHUNK_ROWS]) for v in given))
                parts.append(tuple(tensor.numpy() for tensor in part))
        first = np.concatenate([part[0][: len(part[2])] for part in parts])
        second = np.concatenate([part[0][len(part[2]) :] for part in parts])
        linear, share = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
        return np.concatenate([first, second]), linear, share.astype(np.float64)

    def _filled(self, *given: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        values = torch.cat([part.to(torch.float64) for part in given[:4]], dim=1)
        scaled = ((values - self.centre) / self.scale).clip(-_FURTHEST, _FURTHEST)
        known = torch.isfinite(values)
        zeros = torch.zeros_like(scaled)
        held = torch.where(known, scaled, zeros)
        filled = torch.where(known, scaled, (held @ self.guess).clip(-_FURTHEST, _FURTHEST))
        player, opponent, edge, match = torch.split(filled, self._sizes, dim=1)
        home = given[4].to(torch.float64)
        home = torch.where(torch.isfinite(home), torch.sign(home), self.usual_home)
        return player, opponent, edge, match, home

    def _compared(self, one: Tensor, other: Tensor, edge: Tensor, match: Tensor) -> Tensor:
        return torch.cat([one - other, one + other, edge, match], dim=1)

    def _linear(self, one: Tensor, other: Tensor, edge: Tensor, match: Tensor) -> Tensor:
        return torch.cat([one - other, edge, match, torch.ones_like(edge[:, :1])], dim=1)
