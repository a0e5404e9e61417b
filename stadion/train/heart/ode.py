"""Moments of workouts in; demand, the equation's heart rate, and one heart's way, out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.train.heart.calibration import Calibration, Seen
from stadion.train.heart.crew import BPM, USUAL_BPM
from stadion.train.heart.equation import Equation
from stadion.train.heart.reading import BEATS, ELAPSED, static_names, stream_names
from stadion.train.heart.responses import MOMENTS, USUAL_STEP, as_columns
from stadion.train.network.front import center_and_scale

__all__ = ["OdeNetwork"]

_FARTHEST = 4.0


class OdeNetwork(nn.Module):
    """Demand of each step by a small network, heart rate by the equation, then one heart's way.

    What was done since the start raises heart rate slowly beside it: heat and fatigue.
    """

    def __init__(self, data: Dataset, hidden: int, ways: int, dropout: float) -> None:
        super().__init__()
        signature = data.signature
        self._names = [tensor.name for tensor in signature.inputs]
        self._streams, self._static = stream_names(signature), static_names(signature)
        for name, values in _scales(data, self._streams, self._static).items():
            self.register_buffer(name, values)
        columns = 2 * (len(self.stream_scale) + len(self.static_scale)) + 1
        self._demand = nn.Sequential(
            nn.Linear(columns, hidden),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.Tanh(),
            nn.Linear(hidden, 1 + ways),
        )
        self._lasting = nn.Linear(2 * len(self.stream_scale), 1)
        nn.init.zeros_(self._lasting.weight)
        self._equation = Equation()
        self._calibration = Calibration(1)

    stream_centre: Tensor
    stream_scale: Tensor
    static_centre: Tensor
    static_scale: Tensor

    def forward(self, *inputs: Tensor) -> tuple[Tensor]:
        """(n,) heart rate in bpm."""
        return (self.both(*inputs)[1] * BPM + USUAL_BPM,)

    def both(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(n,) of the population and of this heart, in units of `BPM` around `USUAL_BPM`."""
        given = dict(zip(self._names, inputs, strict=True))
        beats, elapsed = given[BEATS], given[ELAPSED] / 10.0
        elapsed = torch.where(torch.isnan(elapsed), torch.full_like(elapsed, USUAL_STEP), elapsed)
        known = torch.cat([as_columns(given[n]) for n in self._static], dim=1)
        static = _standard(known, self.static_centre, self.static_scale)
        history = self._goals([given[n] for n in self._streams], static, elapsed, ends_now=True)
        opening = self._goals([given[f"opening_{n}"] for n in self._streams], static, elapsed)
        start = history[:, :6, 0].mean(dim=1)
        so_far = torch.stack([given[f"{name}_so_far"] for name in self._streams], dim=1)
        lasting = self._lasting(_standard(so_far, self.stream_centre, self.stream_scale))[:, 0]
        now = self._equation(history[:, :, 0], start)[:, -1]
        now = now + lasting * torch.log1p(elapsed / 30.0)
        found = torch.isfinite(beats)
        first = _first_known(beats, found)
        begun = (first - USUAL_BPM) / BPM
        then = self._equation(
            opening[:, :, 0], torch.where(torch.isfinite(begun), begun, opening[:, 0, 0])
        )
        moments = list(MOMENTS)
        seen_beats = beats[:, moments]
        there = torch.isfinite(seen_beats)
        residual = (torch.where(there, seen_beats, torch.full_like(seen_beats, USUAL_BPM))
                    - USUAL_BPM) / BPM - then[:, moments]  # fmt: skip
        steps = torch.tensor([float(m) for m in MOMENTS], dtype=residual.dtype) + 0.0 * residual
        seen = Seen(
            residual.unsqueeze(0),
            there.to(residual.dtype).unsqueeze(0),
            steps.unsqueeze(0),
            opening[:, moments, 1:].unsqueeze(0),
        )
        ways = history[:, -12:, 1:].mean(dim=1)
        more = self._calibration(seen, elapsed.unsqueeze(1).unsqueeze(0), ways[None, :, None, :])
        return now, now + more[0, :, 0]

    def _goals(
        self, streams: list[Tensor], static: Tensor, elapsed: Tensor, ends_now: bool = False
    ) -> Tensor:
        """(n, T, 1 + ways): where each step would lead the heart if it lasted, and the ways."""
        values = torch.stack(streams, dim=2)
        steps = values.shape[1]
        ages = torch.arange(steps, dtype=values.dtype).unsqueeze(0)
        still = torch.zeros_like(elapsed).unsqueeze(1)
        at = ages + (elapsed.unsqueeze(1) - (steps - 1.0) if ends_now else still)
        clock = torch.log1p(at.clamp(min=0.0) / 30.0).unsqueeze(2)
        scaled = _standard(values, self.stream_centre, self.stream_scale)
        rows = torch.cat([scaled, clock, static.unsqueeze(1).expand(-1, steps, -1)], dim=2)
        return self._demand(rows)  # type: ignore[no-any-return]


def _first_known(values: Tensor, known: Tensor) -> Tensor:
    """(n,) the first known value of each row of (n, T); NaN where none is."""
    first = torch.full_like(values[:, 0], float("nan"))
    for step in range(values.shape[1] - 1, -1, -1):
        first = torch.where(known[:, step], values[:, step], first)
    return first


def _standard(values: Tensor, centre: Tensor, scale: Tensor) -> Tensor:
    """(..., 2 d): scaled values, 0 where missing, and 1 where missing."""
    missing = torch.isnan(values)
    scaled = (torch.where(missing, centre, values) - centre) * scale
    held = scaled.clamp(-_FARTHEST, _FARTHEST)
    return torch.cat([held, missing.to(held.dtype) * (scale > 0).to(held.dtype)], dim=-1)


def _scales(data: Dataset, streams: Sequence[str], static: Sequence[str]) -> dict[str, Tensor]:
    """Centres and inverse spreads; what was never measured has 0 and so does not count."""
    columns = {
        "stream": [data.inputs[name].reshape(-1) for name in streams],
        "static": [c for n in static for c in data.inputs[n].reshape(len(data), -1).T],
    }
    found: dict[str, Tensor] = {}
    for kind, values in columns.items():
        pairs = [_centre_and_inverse(column) for column in values]
        stats = np.array(pairs, np.float32).reshape(-1, 2)
        found[f"{kind}_centre"] = torch.from_numpy(stats[:, 0].copy())
        found[f"{kind}_scale"] = torch.from_numpy(stats[:, 1].copy())
    return found


def _centre_and_inverse(column: Array) -> tuple[float, float]:
    centre, spread = center_and_scale(column)
    return centre, 1.0 / spread if np.isfinite(column).any() else 0.0
