"""Bytes of a damaged FIT body in, where times and definitions may stand in it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.ingest.fitfile.messages import RELATIVE_BELOW
from stadion.ingest.fitfile.walk import (
    Definition,
    Walk,
    sound_definition_at,
    times_of,
    word_order,
)

__all__ = ["SPAN_S", "Sight", "likely_time"]

SPAN_S = 45 * 86400  # a device left on for a month is real; a year off is a damaged record
_FORTNIGHT_S = 1 << 20  # 12 days
_LEAST_IN_STEP, _MOST_STEP_S = 3, 600
_MOST_LAYOUTS = 24
_MOST_LOOKED_AT = 2_000  # definitions in one body; bounds the time for made-up files
_CHUNK = 16
_LOOKS_PER_TIME = 1 / 500
_BLOCK = 1 << 20
_MOST_KEPT = 24  # lists of where records of a layout may start


def likely_time(sight: Sight, walk: Walk) -> float | None:
    """A time in the fortnight that most speaks for; None = there are no times.

    Where the walk lost its way, best are times that stand a record apart and rise by less than
    ten minutes; where there are none of these, what follows behind each definition.
    """
    walked = [times_of(sight.data, each) for each in walk.definitions if each.is_used]
    lost = walk.is_cut or walk.end < sight.end
    in_step = _densest(sight.times_in_step(), _LEAST_IN_STEP) if lost else None
    return in_step or _densest(np.concatenate([*walked, sight.first_times()]))


def _densest(times: FloatArray, least: int = 1) -> float | None:
    known = np.unique(times[np.isfinite(times) & (times > 0) & (times < 0x80000000)])
    fortnights, counts = np.unique(known // _FORTNIGHT_S, return_counts=True)
    # Small numbers are seldom times: most devices know the date.
    weights = counts * np.where(fortnights * _FORTNIGHT_S < RELATIVE_BELOW, 1, 4)
    if not len(known) or counts[weights.argmax()] < least:
        return None
    return float(np.median(known[known // _FORTNIGHT_S == fortnights[weights.argmax()]]))


@dataclass(slots=True, eq=False)
class Sight:
    """What can be seen of a body without walking it.

    `near` is a time of the recording; `looks` are how many places may yet be tried as the start
    of a record, which bounds the time for made-up files.
    """

    data: bytes
    start: int
    end: int
    near: float | None = None
    looks: float = 0
    _times: dict[bool, IntArray] = field(default_factory=dict)
    _records: dict[tuple[int, bool, int], IntArray] = field(default_factory=dict)
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
            return np.empty(0, np.int32)
        words = np.ndarray((length,), order, self.data, self.start, (1,))
        low, high = max(self.near - SPAN_S, 1), self.near + SPAN_S
        found = [np.empty(0, np.int32)]
        for at in range(0, length, _BLOCK):
            block = words[at : at + _BLOCK]
            places = np.flatnonzero((block >= low) & (block <= high)) + (self.start + at)
            found.append(places.astype(np.int32))
        return np.concatenate(found)

    def records_from(self, position: int, local: int, definition: Definition) -> Iterator[int]:
        """Offsets at or after `position` where a record may start that bears a near time."""
        if definition.clock is None:
            return
        starts = self._starts(local, definition.big_endian, 1 + definition.clock.offset)
        for at in range(int(starts.searchsorted(np.int32(position))), len(starts), _CHUNK):
            yield from starts[at : at + _CHUNK].tolist()

    def _starts(self, local: int, big_endian: bool, before: int) -> IntArray:
        """Offsets of all headers of that local type that stand so many bytes before a time."""
        key = (local, big_endian, before)
        known = self._records.get(key)
        if known is None:
            starts = self.times(big_endian) - np.int32(before)
            self.looks -= len(starts) * _LOOKS_PER_TIME
            octets = np.frombuffer(self.data, np.uint8)
            known = starts[(starts >= self.start) & (octets[starts] == local)]
            while len(self._records) >= _MOST_KEPT:
                del self._records[next(iter(self._records))]
            self._records[key] = known
        return known

    def definitions_from(self, position: int) -> Iterator[int]:
        """Offsets at or after `position` where a definition with fields may start."""
        if self._definitions is None:
            self._definitions = self._find_definitions()
        found = self._definitions
        for at in range(int(found.searchsorted(np.int32(position))), len(found), _CHUNK):
            yield from found[at : at + _CHUNK].tolist()

    def _find_definitions(self) -> IntArray:
        octets = np.frombuffer(self.data, np.uint8)[self.start : self.end]
        if len(octets) < 9:
            return np.empty(0, np.int32)
        is_header = octets[:-8] & 0xD0 == 0x40
        is_header &= (octets[1:-7] == 0) & (octets[2:-6] <= 1) & (octets[5:-3] > 0)
        return (np.flatnonzero(is_header) + self.start).astype(np.int32)

    def all_definitions(self) -> list[tuple[int, Definition]]:
        """(offset, definition) of what looks like one, wherever it stands."""
        if self._read is None:
            each = ((at, sound_definition_at(self.data, at, self.end)) for at in self._possible())
            self._read = [(at, definition) for at, definition in each if definition is not None]
        return self._read

    def _possible(self) -> Iterator[int]:
        return islice(self.definitions_from(self.start), _MOST_LOOKED_AT)

    def times_in_step(self) -> FloatArray:
        """Times that the same header stands before, and behind it the next a record later."""
        layouts = {
            (self.data[at] & 0x0F, d.size + 1, d.clock.offset + 1, d.big_endian)
            for at, d in self.all_definitions()
            if d.clock is not None and d.size > d.clock.offset
        }
        found = [np.empty(0)]
        octets = np.frombuffer(self.data, np.uint8)
        for local, step, before, big_endian in sorted(layouts)[:_MOST_LAYOUTS]:
            count = self.end - self.start - step - before - 3
            if count <= 0:
                continue
            own = octets[self.start : self.start + count] == local
            own &= octets[self.start + step : self.start + step + count] == local
            first = np.flatnonzero(own) + (self.start + before)
            words = np.ndarray(
                (len(self.data) - 3,), ">u4" if big_endian else "<u4", self.data, 0, (1,)
            )
            times = words[first].astype(np.float64)
            rise = words[first + step] - times
            found.append(times[(rise > 0) & (rise <= _MOST_STEP_S)])
        return np.concatenate(found)

    def first_times(self) -> FloatArray:
        """Times of the records right behind what looks like a definition."""
        times = [
            self.time_at(at + definition.length, definition)
            for at, definition in self.all_definitions()
            if at + definition.length + definition.size < self.end
        ]
        return np.array([np.nan if time is None else time for time in times], float)
