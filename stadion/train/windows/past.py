"""Past values of quantities and a person's levels in; how far each is from its usual out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature
from stadion.core.signature import Tensor as TensorSpec
from stadion.science.daily import CENTERS, LEVELS

__all__ = ["PAST", "USUAL", "PastFeatures", "check_past"]

PAST, USUAL = "past_", "usual_"
"""An output's past and its levels so far are the inputs of its name with these before it."""
_WEEK = 7
_LAGS = (1, 2, 3, 4, 5, 6, 7, 14, 21, 28)
_BEYOND = 1e39
_CHUNK_ROWS = 2_000


def check_past(signature: Signature) -> None:
    """Refuse a signature that does not give each output's past and its levels.

    Raises
    ------
    StadionError
        UNSUPPORTED, saying what is needed.
    """
    known = {tensor.name: tensor for tensor in signature.inputs}
    steps = {tensor.shape[1:] for tensor in signature.inputs if tensor.step_s is not None}
    for tensor in signature.outputs:
        past, usual = known.get(PAST + tensor.name), known.get(USUAL + tensor.name)
        fits = (
            past is not None
            and usual is not None
            and past.step_s is not None
            and usual.columns == LEVELS
            and tensor.name not in signature.labels
            and len(tensor.shape) == 1
        )
        if not fits:
            raise StadionError(
                Code.UNSUPPORTED,
                f"output {tensor.name!r} is not told by its own past; expected one number, and "
                f"inputs {PAST + tensor.name!r} with a time axis and {USUAL + tensor.name!r} with "
                f"columns {', '.join(LEVELS)}",
            )
    if len(steps) != 1 or (length := next(iter(steps))) == () or (length[0] or 0) < _WEEK:
        raise StadionError(
            Code.UNSUPPORTED,
            f"the pasts have lengths {sorted(map(str, steps))}; expected one of {_WEEK} or more",
        )
    for tensor in signature.inputs:
        if tensor.datatype == "BYTES" or None in tensor.shape[1:]:
            raise StadionError(Code.UNSUPPORTED, f"input {tensor.name!r} is text or of free size")


class PastFeatures(nn.Module):
    """For one output: its reference level, and features that are mostly distances to a usual.

    Everything is computed in float64 and rounded to float32 once, at the end, so that two
    runtimes give the same float32 and a tree decides the same in both.

    Parameters
    ----------
    output
        Name of the output.
    level
        The column of `CENTERS` that the answer starts from. Where it is missing the nearest known
        one takes its place, then what the window holds, then `usual`.
    usual
        The training median of the output.

    Attributes
    ----------
    typical
        (d,) medians of the features that were known in every training row, NaN for the others:
        the trees had no chance to learn what to do where those are missing.
    """

    typical: Tensor

    def __init__(self, signature: Signature, output: str, level: str, usual: float) -> None:
        super().__init__()
        self._names = [tensor.name for tensor in signature.inputs]
        self._output = output
        self._level = level
        self._usual = usual
        unit = signature.output(output).unit
        series = [tensor for tensor in signature.inputs if tensor.step_s is not None]
        self._series = [tensor.name for tensor in series if tensor.name != PAST + output]
        self._alike = [name for name in self._series if signature.input(name).unit == unit]
        self._static = [tensor.name for tensor in signature.inputs if _is_static(tensor)]
        self.register_buffer("typical", torch.full((1,), torch.nan))

    def fit(self, features: FloatArray) -> FloatArray:
        """Remember the medians of the always known of (n, d) training rows; give the rows back."""
        known = np.isfinite(features).all(axis=0)
        typical = np.full(features.shape[1], np.nan, np.float32)
        typical[known] = np.median(features[:, known], axis=0)
        self.typical = torch.from_numpy(typical)
        return features

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(n, d) features and the (n,) reference level, float32."""
        given = {
            name: values.to(torch.float64) for name, values in zip(self._names, inputs, strict=True)
        }
        past = given[PAST + self._output]
        levels = given[USUAL + self._output]
        start = self._reference(past, levels)
        parts = [*_of_itself(past, levels, start)]
        if self._series:
            parts += _of_others(torch.stack([given[name] for name in self._series], dim=1))
        if self._alike:
            alike = torch.stack([given[name] for name in self._alike], dim=1)
            parts += _of_others(alike - past.unsqueeze(1))
            # beside the reference, which is known where the own past of that day may not be
            parts += [alike[:, :, -1] - start.unsqueeze(1), _last(alike) - start.unsqueeze(1)]
        parts += [_columns(given[name]) for name in self._static]
        features = torch.cat(parts, dim=1).to(torch.float32)
        return (
            torch.where(torch.isfinite(features), features, self.typical),
            start.to(torch.float32),
        )

    def of_rows(self, inputs: Sequence[Array]) -> tuple[FloatArray, FloatArray]:
        """(n, d) features and (n,) reference levels of any number of rows, in bounded memory."""
        parts = []
        with torch.inference_mode():
            for start in range(0, max(len(inputs[0]), 1), _CHUNK_ROWS):
                chunk = [torch.tensor(values[start : start + _CHUNK_ROWS]) for values in inputs]
                parts.append([part.numpy() for part in self(*chunk)])
        features, levels = (np.concatenate(each) for each in zip(*parts, strict=True))
        return features, levels

    def _reference(self, past: Tensor, levels: Tensor) -> Tensor:
        """(n,) the level asked for, or what comes nearest to it of what is known."""
        start = torch.full_like(past[:, 0], self._usual)
        order = sorted(CENTERS, key=self._distance)
        for values in (_mean(past), _last(past), *(self._of(past, levels, n) for n in order[::-1])):
            start = torch.where(torch.isfinite(values), values, start)
        return start

    def _distance(self, name: str) -> int:
        """How far a level is from the one asked for, on the way from new to old."""
        return abs(CENTERS.index(name) - CENTERS.index(self._level))

    def _of(self, past: Tensor, levels: Tensor, name: str) -> Tensor:
        """(n,) a level; the last value is also known from the past itself."""
        level = levels[:, LEVELS.index(name)]
        if name != "last":
            return level
        return torch.where(torch.isfinite(level), level, past[:, -1])


def _columns(values: Tensor) -> Tensor:
    return values.unsqueeze(1) if values.dim() == 1 else values.flatten(1)


def _is_static(tensor: TensorSpec) -> bool:
    return tensor.step_s is None and not tensor.name.startswith(USUAL)


def _of_itself(past: Tensor, levels: Tensor, start: Tensor) -> list[Tensor]:
    """Distances of the output's own past (n, T) and levels to the reference (n,)."""
    steps = past.shape[1]
    origin = start.unsqueeze(1)
    lags = torch.stack([past[:, steps - lag] for lag in _LAGS if lag <= steps], dim=1)
    weekly = torch.stack([past[:, steps - lag] for lag in range(_WEEK, steps + 1, _WEEK)], dim=1)
    week = past[:, -_WEEK:]
    known = torch.isfinite(week)
    lowest = torch.where(known, week, _BEYOND).amin(dim=1)
    highest = torch.where(known, week, -_BEYOND).amax(dim=1)
    ends = torch.stack([_mean(past), _mean(weekly), _last(past)], dim=1)
    extremes = torch.stack([lowest, highest], dim=1)
    extremes = torch.where(extremes.abs() < _BEYOND, extremes, torch.nan)
    clock = torch.arange(1, steps + 1, dtype=torch.float64)
    since = steps - torch.where(torch.isfinite(past), clock, 0.0).amax(dim=1, keepdim=True)
    return [
        levels[:, : len(CENTERS)] - origin,
        levels[:, len(CENTERS) :],
        origin,
        lags - origin,
        ends - origin,
        extremes - origin,
        since,
        _spread(past).unsqueeze(1),
    ]


def _of_others(series: Tensor) -> list[Tensor]:
    """What (n, C, T) say: mean, last day, and days and week as distances to the mean."""
    mean = _mean(series)
    week = _mean(series[:, :, -_WEEK:])
    newest, before = series[:, :, -1], series[:, :, -2]
    return [mean, newest, newest - mean, before - mean, week - mean, _last(series) - mean]


def _mean(values: Tensor) -> Tensor:
    """Over the last axis, of the known; NaN where nothing is."""
    known = torch.isfinite(values)
    count = known.to(torch.float64).sum(dim=-1)
    total = torch.where(known, values, 0.0).sum(dim=-1)
    return torch.where(count > 0, total / torch.clamp(count, min=1.0), torch.nan)


def _spread(values: Tensor) -> Tensor:
    """Mean distance of the known to their mean, over the last axis."""
    return _mean((values - _mean(values).unsqueeze(-1)).abs())


def _last(values: Tensor) -> Tensor:
    """The last known value of the last axis; NaN where nothing is."""
    known = torch.isfinite(values)
    clock = torch.arange(1, values.shape[-1] + 1, dtype=torch.float64)
    place = torch.where(known, clock, 0.0).amax(dim=-1, keepdim=True)
    found = torch.gather(
        torch.where(known, values, 0.0), -1, torch.clamp(place - 1.0, min=0.0).to(torch.int64)
    )
    return torch.where(place > 0, found, torch.nan).squeeze(-1)
