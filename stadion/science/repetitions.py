"""Sensor streams of one bout of an exercise in; where each repetition starts and ends out."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray

__all__ = ["Repetition", "RepetitionSettings", "count_repetitions", "main_axis", "repetitions"]

_REACH = 4.0  # standard deviations of the smoothing kernel that are computed
_EDGES = (5.0, 95.0)  # percent: what lies between is the height of the movement
_LEAST = 4
_ALL_BUT, _SOONEST, _LATEST = 0.8, 0.6, 2.0  # of the usual height and pace
_TWICE = 1.5  # periods between two peaks from which a hole in the recording hides some


@dataclass(frozen=True, slots=True)
class RepetitionSettings:
    """What counts as one repetition.

    `cutoff_hz` smooths tremor and impacts away; `prominence` is the share of the movement's
    height that a peak must rise above the valleys beside it; `least_height` is the height in the
    samples' unit below which nothing moved; `edge` is the share of a peak's height at which it
    starts and ends.
    """

    cutoff_hz: float = field(default=0.5, metadata={"low": 0.05, "high": 20.0})
    prominence: float = field(default=0.25, metadata={"low": 0.05, "high": 0.9})
    least_height: float = field(default=0.3, metadata={"low": 0.0, "high": 1_000.0})
    edge: float = field(default=0.15, metadata={"low": 0.0, "high": 0.9})


class _Course(NamedTuple):
    axis: FloatArray
    peaks: IntArray


class Repetition(NamedTuple):
    """One repetition, in seconds since the first sample; `peak_s` is its turning point."""

    start_s: float
    peak_s: float
    end_s: float


def repetitions(
    samples: FloatArray, rate_hz: float, settings: RepetitionSettings | None = None
) -> list[Repetition]:
    """Repetitions along the main axis of a movement.

    A repetition is an excursion from the side where the recording starts, unless the other side
    shows more of them. One that the recording cuts off counts where it had all but reached the
    usual height.

    Parameters
    ----------
    samples
        (n, c) streams of one unit, such as the accelerations of all sensors; NaN = missing.

    References
    ----------
    D. Ebbelaar, Exploring the possibilities of context-aware applications for strength training,
    2019 (peaks of low-passed acceleration). The prominence is that of topographic maps.

    Examples
    --------
    >>> wave = 5 * np.sin(np.arange(400) / 20 * np.pi - np.pi / 2)[:, None] * np.ones(3)
    >>> count_repetitions(wave, rate_hz=20.0)
    10
    """
    settings = settings or RepetitionSettings()
    known = _known(samples)
    if known.sum() < _LEAST or len(samples) < _LEAST:
        return []
    course = _course(_filled(samples, known), rate_hz, settings)
    return [
        Repetition(start / rate_hz, peak / rate_hz, end / rate_hz)
        for start, peak, end in _extents(course.axis, course.peaks, settings.edge)
    ]


def count_repetitions(
    samples: FloatArray, rate_hz: float, settings: RepetitionSettings | None = None
) -> int:
    """How many repetitions there were, those inside a hole of the recording among them.

    A hole (NaN) between two peaks hides as many as fit between them at the usual pace.
    """
    settings = settings or RepetitionSettings()
    known = _known(samples)
    if known.sum() < _LEAST or len(samples) < _LEAST:
        return 0
    inside = slice(int(known.argmax()), len(known) - int(known[::-1].argmax()))
    samples, known = samples[inside], known[inside]
    course = _course(_filled(samples, known), rate_hz, settings)
    return len(course.peaks) + _hidden(course.peaks, known) + _cut_off(course)


def _known(samples: FloatArray) -> Array:
    return np.asarray(np.isfinite(samples).all(axis=1))


def main_axis(samples: FloatArray, rate_hz: float, cutoff_hz: float) -> FloatArray:
    """(n,) first principal component of (n, c) smoothed samples, centred, in their unit."""
    smooth = _smooth(samples, rate_hz, cutoff_hz)
    centred = smooth - smooth.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axis: FloatArray = centred @ vectors[:, -1]
    return axis


def _course(samples: FloatArray, rate_hz: float, settings: RepetitionSettings) -> _Course:
    """The smoothed axis (n,), turned so that its repetitions point up, and their peaks."""
    axis = main_axis(samples, rate_hz, settings.cutoff_hz)
    low, high = np.percentile(axis, _EDGES)
    least = max(settings.prominence * (high - low), settings.least_height)
    above, below = _prominent(axis, least), _prominent(-axis, least)
    starts_low = axis[: max(1, len(axis) // 50)].mean() < axis.mean()
    up = len(above) > len(below) or (len(above) == len(below) and starts_low)
    return _Course(axis, above) if up else _Course(-axis, below)


def _prominent(axis: FloatArray, least: float) -> IntArray:
    """Peaks that rise `least` above the valleys on both sides of them; ends are valleys too."""
    peaks: list[int] = []
    top, bottom, rising = 0, 0, False
    for at in range(1, len(axis)):
        if axis[at] > axis[top]:
            top = at
        if not rising and axis[at] < axis[bottom]:
            bottom = top = at
        if not rising and axis[top] - axis[bottom] >= least:
            rising = True
        if rising and axis[top] - axis[at] >= least:
            peaks.append(top)
            bottom = top = at
            rising = False
    return np.array(peaks, np.int64)


def _cut_off(course: _Course) -> int:
    """Repetitions at the recording's ends that were cut off at all but their usual height."""
    axis, peaks = course
    if len(peaks) < 3:
        return 0
    valleys = [axis[a:b].min() for a, b in pairwise(peaks)]
    height = _ALL_BUT * (np.median(axis[peaks]) - np.median(valleys))
    period = float(np.median(np.diff(peaks)))
    ends = (axis[peaks[-1] :], axis[: peaks[0] + 1][::-1])
    return sum(_rises_again(end, height, period) for end in ends)


def _rises_again(course: FloatArray, height: float, period: float) -> bool:
    """True when, after a peak and its valley, the course comes up by `height` in good time."""
    valley = int(course.argmin())
    top = valley + int(course[valley:].argmax())
    in_time = _SOONEST * period < top < _LATEST * period
    return bool(in_time and course[top] - course[valley] >= height)


def _extents(axis: FloatArray, peaks: IntArray, edge: float) -> list[tuple[int, int, int]]:
    """Start, peak and end of each peak: where it has fallen to its edge on either side.

    No side reaches farther than the nearer neighbour, so that a rest beside it stays outside.
    """
    beside = np.concatenate([[len(axis)], np.diff(peaks), [len(axis)]])
    extents = []
    for peak, reach in zip(peaks.tolist(), np.minimum(beside[:-1], beside[1:]), strict=True):
        left, right = max(0, peak - int(reach)), min(len(axis), peak + int(reach) + 1)
        before, after = axis[left : peak + 1], axis[peak:right]
        base = max(before.min(), after.min())  # the other valley may be the start of a rest
        level = base + edge * (axis[peak] - base)
        extents.append((left + _last(before <= level), peak, peak + _first(after <= level)))
    return extents


def _last(is_true: Array) -> int:
    return int(np.flatnonzero(is_true)[-1])


def _first(is_true: Array) -> int:
    return int(np.flatnonzero(is_true)[0])


def _hidden(peaks: IntArray, known: Array) -> int:
    """Repetitions that fit into the holes between peaks."""
    if len(peaks) < 3:
        return 0
    period = float(np.median(np.diff(peaks)))
    return sum(
        round((after - before) / period) - 1
        for before, after in pairwise(peaks)
        if after - before > _TWICE * period and not known[before:after].all()
    )


def _filled(samples: FloatArray, known: Array) -> FloatArray:
    """Missing rows by a straight line between the known ones."""
    at = np.arange(len(samples))
    columns = [np.interp(at, at[known], column[known]) for column in samples.T]
    return np.stack(columns, axis=1).astype(np.float64)


def _smooth(samples: FloatArray, rate_hz: float, cutoff_hz: float) -> FloatArray:
    """Gaussian kernel whose response has fallen to 0.6 at the cut-off; ends are held."""
    spread = rate_hz / (2 * np.pi * cutoff_hz)
    reach = max(1, int(np.ceil(_REACH * spread)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / spread) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(samples, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel, "valid") for column in padded.T], axis=1)
