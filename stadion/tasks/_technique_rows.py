"""Sampled recordings in; rows of whole executions, or of windows, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Activity, Lap
from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.signature import Tensor
from stadion.science.repetitions import RepetitionSettings, repetitions
from stadion.science.resample import window_starts
from stadion.tasks._technique_streams import FAMILIES, Layout, sampled

__all__ = [
    "STEPS",
    "Executions",
    "Windows",
    "execution_tensors",
    "found_executions",
    "window_tensors",
]

STEPS = 64
"""Moments of one execution that the model is given."""
_MARGIN = 0.1  # of an execution's time, before and after it
_USUAL = 90.0  # percent: the size of a full execution of this recording
_MEASURES = ("duration", "size", "speed")
_BESIDE = tuple(f"{measure}_{how}" for how in ("share", "rank") for measure in _MEASURES)


@dataclass(frozen=True, slots=True)
class Executions:
    """Rows of one recording: each is one execution from start to end, whatever time it took."""

    layout: Layout
    rate_hz: float

    def rows(
        self, samples: FloatArray, spans: Sequence[tuple[float, float]]
    ) -> tuple[dict[str, Array], FloatArray]:
        """Inputs (k, ...) of the executions at `spans` (start and end, s), and their middles."""
        time_s = np.arange(len(samples)) / self.rate_hz
        shapes = [_stretched(samples, time_s, start, end) for start, end in spans]
        parts = [samples[_inside(time_s, start, end)] for start, end in spans]
        measures = np.array(
            [[end - start, *self._extent(p)] for (start, end), p in zip(spans, parts, strict=True)]
        )
        inputs = _by_family(np.stack(shapes), self.layout)
        inputs["duration_s"] = measures[:, 0].astype(np.float32)
        inputs["extent"] = measures[:, 1:].astype(np.float32)
        inputs["beside"] = _beside(measures).astype(np.float32)
        return inputs, np.array([(start + end) / 2 for start, end in spans])

    def _extent(self, part: FloatArray) -> tuple[float, float]:
        """How much acceleration changed (size, m/s^2), and the mean turn (speed, rad/s)."""
        width = len(self.layout["acceleration"])
        turns = part[:, width : width + len(self.layout.get("angular_velocity", ()))]
        size = float(np.sqrt(np.nan_to_num(part[:, :width]).var(axis=0).sum()))
        speed = float(np.sqrt((np.nan_to_num(turns) ** 2).mean(axis=0).sum()))
        return (
            size if np.isfinite(part[:, :width]).any() else float("nan"),
            speed if np.isfinite(turns).any() else float("nan"),
        )


@dataclass(frozen=True, slots=True)
class Windows:
    """Rows of one recording: `steps` samples every `hop`.

    With `centred`, there is a window about every hop-th sample from the first to the last, and
    the recording's ends are held; else windows lie inside, and a short recording is filled up
    with NaN.
    """

    layout: Layout
    rate_hz: float
    steps: int
    hop: int
    centred: bool
    remove_level: bool

    def rows(self, samples: FloatArray) -> tuple[dict[str, Array], FloatArray]:
        """Inputs (k, ...), and the middle of each window in seconds since the first sample."""
        if self.remove_level:
            samples = samples - _medians(samples)
        before = self.steps // 2 if self.centred else 0
        after = self.steps - 1 - before if self.centred else max(0, self.steps - len(samples))
        if self.centred:
            padded = np.pad(samples, ((before, after), (0, 0)), mode="edge")
        else:
            padded = np.pad(samples, ((0, after), (0, 0)), constant_values=np.nan)
        starts = window_starts(len(padded), self.steps, self.hop)
        rows = np.stack([padded[start : start + self.steps] for start in starts])
        middles = (starts - before + (self.steps - 1) / 2) / self.rate_hz
        if self.centred:
            middles = starts / self.rate_hz
        return _by_family(rows, self.layout), middles


def found_executions(
    activity: Activity, layout: Layout, rate_hz: float, settings: RepetitionSettings
) -> list[Lap]:
    """The repetitions of a recording along the main axis of all accelerations, without a label."""
    only = {"acceleration": layout["acceleration"]}
    found = repetitions(sampled(activity, only, rate_hz), rate_hz, settings)
    return [Lap(one.start_s, one.end_s, "repetition") for one in found if one.end_s > one.start_s]


def execution_tensors(layout: Layout) -> tuple[Tensor, ...]:
    """What a model of executions takes."""
    streams = tuple(
        _tensor(family, columns, STEPS, 1.0 / (STEPS - 1), f", {STEPS} even steps of an execution")
        for family, columns in layout.items()
    )
    return (
        *streams,
        Tensor("duration_s", "FP32", (None,), "s", "time from start to end", low=0.0, high=120.0),
        Tensor("extent", "FP32", (None, 2), "1",
               "root of the acceleration's variance (m/s^2), root mean square of the turn (rad/s)",
               ("size", "speed"), low=0.0),
        Tensor("beside", "FP32", (None, len(_BESIDE)), "1",
               "duration, size and speed beside the other executions of the recording: as a share "
               "of a full one, and from the least (0) to the most (1)",
               _BESIDE, low=0.0),
    )  # fmt: skip


def window_tensors(layout: Layout, steps: int, rate_hz: float) -> tuple[Tensor, ...]:
    """What a model of windows takes."""
    return tuple(
        _tensor(family, columns, steps, 1.0 / rate_hz, "") for family, columns in layout.items()
    )


def _tensor(family: str, columns: tuple[str, ...], steps: int, step_s: float, how: str) -> Tensor:
    about = FAMILIES[family]
    return Tensor(
        family, "FP32", (None, steps, len(columns)), about.unit, f"{about.meaning}{how}",
        columns, step_s, -about.limit, about.limit,
    )  # fmt: skip


def _by_family(rows: FloatArray, layout: Layout) -> dict[str, Array]:
    tensors: dict[str, Array] = {}
    first = 0
    for family, columns in layout.items():
        part = rows[:, :, first : first + len(columns)]
        tensors[family] = np.ascontiguousarray(part, dtype=np.float32)
        first += len(columns)
    return tensors


def _stretched(samples: FloatArray, time_s: FloatArray, start: float, end: float) -> FloatArray:
    """(STEPS, columns) on an even grid over the execution and its margins; ends are held."""
    margin = _MARGIN * (end - start)
    at = np.linspace(start - margin, end + margin, STEPS)
    return np.stack([np.interp(at, time_s, column) for column in samples.T], axis=1)


def _inside(time_s: FloatArray, start: float, end: float) -> IntArray:
    """At least one sample, the nearest one."""
    first, last = np.searchsorted(time_s, (start, end)).clip(0, len(time_s) - 1)
    return np.arange(first, max(last, first) + 1)


def _beside(measures: FloatArray) -> FloatArray:
    """(k, 6) shares of a full execution and ranks from 0 to 1; a single execution is full."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = measures / np.percentile(measures, _USUAL, axis=0)
        low, high = measures.min(axis=0), measures.max(axis=0)
        rank = np.where(high > low, (measures - low) / (high - low), np.nan)
    both: FloatArray = np.concatenate([share, rank], axis=1)
    return np.where(np.isfinite(both), both, np.nan)


def _medians(samples: FloatArray) -> FloatArray:
    """(columns,) of what is known; 0 where nothing is."""
    known = np.isfinite(samples).any(axis=0)
    medians = np.zeros(samples.shape[1], samples.dtype)
    medians[known] = np.nanmedian(samples[:, known], axis=0)
    return medians
