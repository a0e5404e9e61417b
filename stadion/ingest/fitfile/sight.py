"""Bytes of a damaged FIT body in, where times and definitions may stand in it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.ingest.fitfile.messages import RELATIVE_BELOW
from stadion.ingest.fitfile.walk import (
    Definition,
    sound_definition_at,
    times_of,
    word_order,
)

__all__ = ["SPAN_S", "Sight", "likely_time"]

SPAN_S = 45 * 86400  # a device left on for a month is real; a year off is a damaged record
_FORTNIGHT_S = 1 << 20  # 12 days
_MOST_LOOKED_AT = 2_000  # definitions in one body; bounds the time for made-up files
_CHUNK = 128


def likely_time(sight: Sight, definitions: Sequence[Definition]) -> float | None:
    """A time in the fortnight in which most different times lie; None = there are no times.

    They are those of the definitions' records, and of what follows behind each definition:
    records read out of step tell of many fortnights, zeros of one moment.
    """
    times = [times_of(sight.data, definition) for definition in definitions if definition.is_used]
    known = np.unique(np.concatenate([*times, sight.first_times()]))
    known = known[np.isfinite(known) & (known > 0) & (known < 0x80000000)]
    if not len(known):
        return None
    fortnights, counts = np.unique(known // _FORTNIGHT_S, return_counts=True)
    # Small numbers are seldom times: most devices know the date.
    weights = counts * np.where(fortnights * _FORTNIGHT_S < RELATIVE_BELOW, 1, 4)
    likely = fortnights[weights.argmax()]
    return float(np.median(known[known // _FORTNIGHT_S == likely]))


@dataclass(slots=True, eq=False)
class Sight:
    """What can be seen of a body without walking it. `near` is a time of the recording."""

    data: bytes
    start: int
    end: int
    near: float | None = None
    _times: dict[bool, IntArray] = field(default_factory=dict)
    _definitions: IntArray | None = None
    _read: list[tuple[int, Definition]] | None = None

    def is_near(self, time: int) -> bool:
        """True for a time this recording can have."""
        if self.near is None:
            return 0 < time < 0x80000000
        return time > 0 and abs(time - self.near) <= SPAN_S

    def time_at(self, position: int, definition: Definition) -> int | None:
        """The time in a record that would start there; None when it has none."""
        clock = definition.clock
        if clock is None:
            return None
        at = position + 1 + clock.offset
        return int.from_bytes(self.data[at : at + 4], word_order(definition.big_endian))

    def are_near(self, first: int, count: int, definition: Definition) -> Array:
        """(count,) whether records that follow each other have times of this recording."""
        clock = definition.clock
        if clock is None:
            return np.ones(count, bool)
        order = ">u4" if definition.big_endian else "<u4"
        place, step = first + 1 + clock.offset, 1 + definition.size
        times = np.ndarray((count,), order, self.data, place, (step,)).astype(np.int64)
        if self.near is None:
            return (times > 0) & (times < 0x80000000)
        near: Array = (times > 0) & (np.abs(times - self.near) <= SPAN_S)
        return near

    def times(self, big_endian: bool) -> IntArray:
        """Rising offsets of all four bytes that read as a time of this recording."""
        known = self._times.get(big_endian)
        if known is None:
            known = self._times[big_endian] = self._find_times(">u4" if big_endian else "<u4")
        return known

    def _find_times(self, order: str) -> IntArray:
        length = self.end - self.start - 3
        if self.near is None or length <= 0:
            return np.empty(0, np.int64)
        words = np.ndarray((length,), order, self.data, self.start, (1,))
        low, high = max(self.near - SPAN_S, 1), self.near + SPAN_S
        return np.flatnonzero((words >= low) & (words <= high)) + self.start

    def records_from(self, position: int, local: int, definition: Definition) -> Iterator[int]:
        """Offsets at or after `position` where a record may start that bears a near time."""
        clock = definition.clock
        if clock is None:
            return
        times = self.times(definition.big_endian)
        before = 1 + clock.offset
        at = int(np.searchsorted(times, position + before))
        octets = np.frombuffer(self.data, np.uint8)
        while at < len(times):
            starts = times[at : at + _CHUNK] - before
            yield from starts[octets[starts] == local].tolist()
            at += _CHUNK

    def definitions_from(self, position: int) -> Iterator[int]:
        """Offsets at or after `position` where a definition with fields may start."""
        if self._definitions is None:
            self._definitions = self._find_definitions()
        yield from self._definitions[np.searchsorted(self._definitions, position) :].tolist()

    def _find_definitions(self) -> IntArray:
        octets = np.frombuffer(self.data, np.uint8)[self.start : self.end]
        if len(octets) < 9:
            return np.empty(0, np.int64)
        is_header = octets[:-8] & 0xD0 == 0x40
        is_header &= (octets[1:-7] == 0) & (octets[2:-6] <= 1) & (octets[5:-3] > 0)
        return np.flatnonzero(is_header) + self.start

    def all_definitions(self) -> list[tuple[int, Definition]]:
        """(offset, definition) of what looks like one, wherever it stands."""
        if self._read is None:
            each = ((at, sound_definition_at(self.data, at, self.end)) for at in self._possible())
            self._read = [(at, definition) for at, definition in each if definition is not None]
        return self._read

    def _possible(self) -> Iterator[int]:
        return islice(self.definitions_from(self.start), _MOST_LOOKED_AT)

    def first_times(self) -> FloatArray:
        """Times of the records right behind what looks like a definition."""
        times = [
            self.time_at(at + definition.length, definition)
            for at, definition in self.all_definitions()
            if at + definition.length + definition.size < self.end
        ]
        return np.array([np.nan if time is None else time for time in times], float)
