"""Records of several devices that saw the same in, what each moment is told by one of them out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stadion.core.arrays import Array, FloatArray
from stadion.ingest.markup.health_records import Samples, Source

__all__ = ["Cover", "believed", "sums_by_day"]

_DAY_S = 86_400.0


def _by_priority(samples: Samples, sources: Sequence[Source]) -> list[int]:
    """Numbers of the sources that told something, the most believed first.

    A watch before a phone before anything else; of two alike the one that told more.
    """
    numbers, counts = np.unique(samples.source, return_counts=True)
    told = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    return sorted(told, key=lambda number: (sources[number].rank, -told[number], number))


def believed(samples: Samples, sources: Sequence[Source]) -> FloatArray:
    """(n,) how much of each record counts, 0 to 1: of stretches told twice the better source's.

    This is Apple's rule: where records of two sources overlap, the source of higher priority
    counts, and of the other's record the part of it that is not covered.
    """
    share = np.ones(len(samples))
    covered = Cover(np.zeros(0), np.zeros(0))
    for number in _by_priority(samples, sources):
        rows = np.flatnonzero(samples.source == number)
        start, end = samples.start_s[rows], samples.end_s[rows]
        length = end - start
        inside = covered.seconds_before(end) - covered.seconds_before(start)
        with np.errstate(invalid="ignore", divide="ignore"):
            part = np.where(length > 0, 1 - inside / length, 1.0 - covered.holds(start))
        share[rows] = np.clip(part, 0, 1)
        covered = covered.joined(start, end)
    return share


def sums_by_day(samples: Samples, sources: Sequence[Source]) -> tuple[Array, FloatArray]:
    """Local days, and each one's sum; a record counts for the day it began on."""
    value = samples.value * believed(samples, sources)
    day = np.floor((samples.start_s + samples.ahead_s) / _DAY_S).astype(np.int64)
    days, which = np.unique(day, return_inverse=True)
    return days, np.bincount(which, value, len(days)).astype(np.float64)


class Cover:
    """Stretches of time that do not touch: (k,) starts and (k,) ends, in order."""

    def __init__(self, start: FloatArray, end: FloatArray) -> None:
        self.start, self.end = start, end
        self._before = np.concatenate([[0.0], np.cumsum(end - start)])

    @classmethod
    def of(cls, start: FloatArray, end: FloatArray) -> Cover:
        """Stretches in any order, those that touch as one."""
        return cls(np.zeros(0), np.zeros(0)).joined(start, end)

    def seconds_before(self, time: FloatArray) -> FloatArray:
        """How much of the time before each moment is covered."""
        whole = np.searchsorted(self.start, time, side="right")
        last = np.maximum(whole - 1, 0)
        if not len(self.start):
            return np.zeros(len(time))
        open_s = np.minimum(time, self.end[last]) - self.start[last]
        seconds: FloatArray = np.where(whole > 0, self._before[last] + open_s, 0.0)
        return seconds

    def holds(self, time: FloatArray) -> Array:
        """Which moments are covered."""
        if not len(self.start):
            return np.zeros(len(time), bool)
        last = np.searchsorted(self.start, time, side="right") - 1
        held: Array = (last >= 0) & (time < self.end[np.maximum(last, 0)])
        return held

    def joined(self, start: FloatArray, end: FloatArray) -> Cover:
        """With more stretches, in any order."""
        start, end = np.concatenate([self.start, start]), np.concatenate([self.end, end])
        keep = end > start
        order = np.argsort(start[keep], kind="stable")
        start, end = start[keep][order], np.maximum.accumulate(end[keep][order])
        first = np.ones(len(start), bool)
        first[1:] = start[1:] > end[:-1]
        lasts = np.append(np.flatnonzero(first)[1:], len(start)) - 1
        return Cover(start[first], end[lasts[: first.sum()]])
