"""Input tensors of a signature in; one row of statistics out, NaN where nothing was measured."""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature
from stadion.core.signature import Tensor as TensorSpec
from stadion.train.windows.moments import LEVELS, level_statistics, look_at
from stadion.train.windows.shape import (
    course_names,
    course_statistics,
    pair_statistics,
    pairs_of,
)

__all__ = ["WindowStatistics"]

_CHUNK_VALUES = 2e6  # of the series, held in memory at once
_AXES = ("x", "y", "z")
_USUAL = 0.8  # of the rows: from there on LightGBM keeps a column by its few other values


class WindowStatistics(nn.Module):
    """Statistics of every sequence, the correlations between them, and the static inputs.

    Everything is computed in float64 and rounded to float32 once, at the end: two runtimes that
    add in another order then give the same float32, and a tree decides the same in both.

    Three columns x, y, z of one sensor also give the length of their vector, which does not
    depend on how the sensor was mounted. A statistic that was known in every training row takes
    its training median where it is missing, as the trees had no chance to learn what to do.

    Raises
    ------
    StadionError
        INVALID for a sequence whose length is free or under 4 steps, UNSUPPORTED for text.
    """

    typical: Tensor
    names: tuple[str, ...]
    """What each of the d columns is, in words: 'acceleration.x: mean'."""

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        for tensor in signature.inputs:
            _check(tensor)
        steps = {t.name: t.shape[1] for t in signature.inputs if t.step_s is not None}
        if len(set(steps.values())) > 1:
            raise StadionError(
                Code.INVALID, f"sequence tensors have {steps} steps; expected one length for all"
            )
        self._is_sequence = [tensor.step_s is not None for tensor in signature.inputs]
        self._vectors = [_vectors(tensor) for tensor in signature.inputs]
        self.register_buffer("typical", torch.full((1,), torch.nan))
        self.names = _names(signature)

    def fit(self, features: FloatArray, rows: int) -> FloatArray:
        """Remember what stands for a missing statistic; give the training rows back, filled.

        Parameters
        ----------
        features
            (n, d), of which the first `rows` are rows and the others copies of them with holes. A
            statistic that is the same in four of five rows and always known, as columns of a class
            are, is its median in the copies too: missing, it says as much, and trees grow on
            such columns in a fifth of the time.
        """
        own = np.isfinite(features[:rows]).all(axis=0)
        median = np.full(features.shape[1], np.nan, np.float32)
        median[own] = np.median(features[:rows, own], axis=0)
        is_usual = (features[:rows] == median).mean(axis=0) > _USUAL
        always = np.isfinite(features).all(axis=0)
        typical = np.where(always | is_usual, median, np.float32(np.nan))
        self.typical = torch.from_numpy(typical)
        return np.where(np.isfinite(features), features, typical)

    def forward(self, *inputs: Tensor) -> Tensor:
        """(n, d) float32."""
        series: list[Tensor] = []
        parts: list[Tensor] = []
        for values, is_sequence, vectors in zip(
            inputs, self._is_sequence, self._vectors, strict=True
        ):
            number = values.to(torch.float64)
            if is_sequence:
                channels = number.unsqueeze(2) if number.dim() == 2 else number.flatten(2)
                series += [channels, *(_length(channels, columns) for columns in vectors)]
            else:
                parts.append(number.unsqueeze(1) if number.dim() == 1 else number.flatten(1))
        if series:
            parts += self._of_series(torch.cat(series, dim=2).transpose(1, 2))
        features = torch.cat(parts, dim=1).to(torch.float32)
        return torch.where(torch.isfinite(features), features, self.typical)

    def of_rows(self, inputs: list[Array]) -> FloatArray:
        """(n, d) float32 of any number of rows, in bounded memory."""
        rows = len(inputs[0])
        width = sum(values[:1].size for values in inputs)
        chunk = max(1, int(_CHUNK_VALUES / max(width, 1)))
        with torch.inference_mode():
            return np.concatenate(
                [
                    self(
                        *(torch.tensor(values[start : start + chunk]) for values in inputs)
                    ).numpy()
                    for start in range(0, rows, chunk)
                ]
            )

    def _of_series(self, series: Tensor) -> list[Tensor]:
        window = look_at(series)
        parts = [level_statistics(window).flatten(1), course_statistics(window).flatten(1)]
        pairs = pairs_of(int(series.shape[1]))
        return [*parts, pair_statistics(window, pairs)] if pairs else parts


def _names(signature: Signature) -> tuple[str, ...]:
    """In the order of `WindowStatistics.forward`."""
    static: list[str] = []
    series: list[str] = []
    steps = 0
    for tensor in signature.inputs:
        channels = _channel_names(tensor)
        if tensor.step_s is None:
            static += channels
            continue
        steps = int(tensor.shape[1] or 0)
        series += channels
        series += [f"{channels[first[0]][:-1].rstrip('._')} length" for first in _vectors(tensor)]
    courses = course_names(steps)
    return (
        *static,
        *(f"{channel}: {level}" for channel in series for level in LEVELS),
        *(f"{channel}: {course}" for channel in series for course in courses),
        *(f"{series[i]} with {series[j]}: correlation" for i, j in pairs_of(len(series))),
    )


def _channel_names(tensor: TensorSpec) -> list[str]:
    """Of the values beside each other at one moment, or in one row."""
    sizes = [size or 1 for size in tensor.shape[1 if tensor.step_s is None else 2 :]]
    labels = [[str(place) for place in range(size)] for size in sizes]
    if labels and len(tensor.columns) == sizes[-1]:
        labels[-1] = list(tensor.columns)
    return [".".join([tensor.name, *parts]) for parts in product(*labels)]


def _length(channels: Tensor, columns: list[int]) -> Tensor:
    """(n, T, 1) length of the vector in three columns; missing where one of them is."""
    vector = channels[:, :, columns]
    return torch.sqrt((vector * vector).sum(dim=2, keepdim=True))


def _vectors(tensor: TensorSpec) -> list[list[int]]:
    """Columns ..x, ..y, ..z that follow each other and share what stands before the axis."""
    names = tensor.columns
    return [
        [first, first + 1, first + 2]
        for first in range(len(names) - 2)
        if tuple(name[-1:] for name in names[first : first + 3]) == _AXES
        and len({name[:-1] for name in names[first : first + 3]}) == 1
    ]


def _check(tensor: TensorSpec) -> None:
    if tensor.datatype == "BYTES":
        raise StadionError(
            Code.UNSUPPORTED, f"input tensor {tensor.name!r} holds text; expected numbers"
        )
    fixed = None not in tensor.shape[1:]
    if not fixed or (tensor.step_s is not None and (tensor.shape[1] or 0) < 4):
        raise StadionError(
            Code.INVALID,
            f"input tensor {tensor.name!r} has shape {tensor.wire_shape}; window statistics "
            "need every axis but the rows fixed, and 4 steps or more",
        )
