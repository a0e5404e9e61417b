"""Input tensors of a signature in; one row of kernel features out."""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.train.kernels.competing import Competing
from stadion.train.kernels.drawing import THREE_OF_NINE, changes, dilations
from stadion.train.kernels.positive import PositiveShare
from stadion.train.network.front import Front, Prepared
from stadion.train.network.impute import bridged

__all__ = ["KernelFeatures", "Variant"]

Variant = Literal["positive", "competing", "both"]

_POOLS = 2  # features per threshold, and per competing kernel
_MOST_THRESHOLDS = 4
_FIT_VALUES = 20_000  # responses per kernel that the thresholds are taken from
_CHUNK_VALUES = 2e7  # responses held in memory at once


class KernelFeatures(nn.Module):
    """Features of all sequences together, and beside them everything else that is known.

    Kernels see the sequences and their first differences at several dilations. Appended are the
    share of missing values of each channel, the static inputs and their missing masks.

    Parameters
    ----------
    front
        Joins, imputes and scales; it must have sequences of one fixed length.
    features
        About how many kernel features to make.

    Raises
    ------
    StadionError
        INVALID when there is no sequence or its length is free.
    """

    def __init__(self, front: Front, variant: Variant, features: int) -> None:
        super().__init__()
        if not front.channels or front.steps is None or front.steps < 3:
            raise StadionError(
                Code.INVALID,
                "kernels need an input with a time axis of one fixed length, 3 steps or more",
                "take another learner for inputs without one",
            )
        self.front = front
        self.own = nn.ModuleList()
        self.changing = nn.ModuleList()
        variants = ("positive", "competing") if variant == "both" else (variant,)
        for series, steps in ((self.own, front.steps), (self.changing, front.steps - 1)):
            spacing = dilations(steps)
            share = features // (2 * len(spacing) * len(variants))
            for kind in variants:
                make = _positive if kind == "positive" else _competing
                series.extend(make(front.channels, distance, share) for distance in spacing)

    def fit(self, inputs: list[Array], chance: np.random.Generator) -> None:
        """Draw the kernels and set their scales from some of the (training) rows."""
        rows = len(inputs[0])
        wanted = max(8, _FIT_VALUES // cast(int, self.front.steps))
        some = np.sort(chance.permutation(rows)[:wanted])
        with torch.inference_mode():
            series = self._series(self._prepared([values[some] for values in inputs]))
            for transform in self.own:
                cast(PositiveShare | Competing, transform).fit(series, chance)
            for transform in self.changing:
                cast(PositiveShare | Competing, transform).fit(changes(series), chance)

    def forward(self, *inputs: Tensor) -> Tensor:
        """(n, d) float32."""
        prepared: Prepared = self.front(*inputs)
        series = self._series(prepared)
        steps = changes(series)
        parts = [transform(series) for transform in self.own]
        parts += [transform(steps) for transform in self.changing]
        parts.append(cast(Tensor, prepared.sequence_mask).mean(dim=1))
        if prepared.static is not None and prepared.static_mask is not None:
            parts += [prepared.static, prepared.static_mask]
        return torch.cat(parts, dim=1)

    def of_rows(self, inputs: list[Array]) -> FloatArray:
        """(n, d) float32 of any number of rows, in bounded memory."""
        steps = cast(int, self.front.steps)
        with torch.inference_mode():
            width = self(*(torch.from_numpy(v[:1]) for v in inputs)).shape[1]
            chunk = max(1, int(_CHUNK_VALUES / (width * steps)))
            parts = [
                self._chunk(inputs, start, start + chunk)
                for start in range(0, len(inputs[0]), chunk)
            ]
        return np.concatenate(parts)

    def _chunk(self, inputs: list[Array], start: int, stop: int) -> FloatArray:
        features: Tensor = self(*(torch.from_numpy(v[start:stop]) for v in inputs))
        return features.numpy()

    def _prepared(self, inputs: list[Array]) -> Prepared:
        prepared: Prepared = self.front(*(torch.from_numpy(values) for values in inputs))
        return prepared

    def _series(self, prepared: Prepared) -> Tensor:
        """(n, C, T), without gaps: a step to the median and back would look like a movement."""
        mask = cast(Tensor, prepared.sequence_mask)
        return bridged(cast(Tensor, prepared.sequence), mask).transpose(1, 2)


def _positive(channels: int, dilation: int, share: int) -> nn.Module:
    units = max(1, round(share / (len(THREE_OF_NINE) * _POOLS)))
    thresholds = min(_MOST_THRESHOLDS, units)
    return PositiveShare(channels, dilation, max(1, round(units / thresholds)), thresholds)


def _competing(channels: int, dilation: int, share: int) -> nn.Module:
    return Competing(channels, dilation, max(1, share // (Competing.GROUP * _POOLS)))
