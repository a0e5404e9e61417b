"""A layout and where records of it may lie in, whether people move as they would then say out.

Records of one size are laid out in several ways. Read in the wrong one, a heart rate is half a
latitude: the values jump from second to second as nobody does, or lie where nobody is.
"""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.ingest.fitfile.profile import Message
from stadion.ingest.fitfile.sight import Sight
from stadion.ingest.fitfile.values import BASE_TYPES, as_numbers
from stadion.ingest.fitfile.walk import Definition, Field

__all__ = ["is_plausible"]

_MOST_ROWS, _LEAST_ROWS = 40, 4
_MOST_ODD = 0.3  # share of a field's values; single ones may be hit, or jump when a sensor fails
_MOST_STEP_S = 60.0  # over longer pauses everything may change
_LOOKS = 40  # what it costs, beside the steps of a search


class _Usual(NamedTuple):
    """Least and greatest of a field of records as stored, and how far it moves in a second."""

    size: int
    low: float
    high: float
    fall: float
    rise: float


_USUAL = {
    0: _Usual(4, -(2**30), 2**30, 20_000, 20_000),  # 20 000 semicircles are 186 m
    1: _Usual(4, -(2**31), 2**31, 100_000, 100_000),
    2: _Usual(2, 0, 47_500, 500, 500),
    3: _Usual(1, 0, 240, 25, 25),
    5: _Usual(4, 0, 1e9, 0, 15_000),
    6: _Usual(2, 0, 60_000, 20_000, 20_000),
    7: _Usual(2, 0, 3_000, 3_000, 3_000),
    13: _Usual(1, -40, 70, 10, 10),
    73: _Usual(4, 0, 60_000, 20_000, 20_000),
    78: _Usual(4, 0, 47_500, 500, 500),
}


def is_plausible(sight: Sight, start: int, definition: Definition) -> bool:
    """False when the records from `start` on would say what no person's recording says.

    True as well for what cannot be told: few records, or messages of other kinds.
    """
    if definition.message != Message.RECORD or definition.clock is None:
        return True
    sight.looks -= _LOOKS
    last = sight.end - 1 - definition.size
    possible = sight.records_from(start, sight.data[start], definition)
    starts = [at for at in islice(possible, _MOST_ROWS) if at <= last]
    if len(starts) < _LEAST_ROWS:
        return True
    times = _values(sight, starts, definition, definition.clock)
    return not any(
        _is_odd(_values(sight, starts, definition, each), times, _USUAL[each.number])
        for each in definition.fields
        if each.owner < 0 and each.number in _USUAL and each.size == _USUAL[each.number].size
    )


def _values(sight: Sight, starts: list[int], definition: Definition, each: Field) -> FloatArray:
    """(n,) a field's numbers as stored; NaN = missing, or no number at all."""
    kind = BASE_TYPES.get(each.base & 0x1F)
    if kind is None or not kind.is_number or kind.size != each.size:
        return np.full(len(starts), np.nan)
    order = ">" if definition.big_endian else "<"
    length = len(sight.data) - each.size + 1
    window = np.ndarray((length,), f"{order}{kind.letter}", sight.data, 0, (1,))
    return as_numbers(window[np.array(starts) + (1 + each.offset)], kind)


def _is_odd(values: FloatArray, times: FloatArray, usual: _Usual) -> bool:
    """True when too many values lie out of bounds, or too far from the one before."""
    known = np.isfinite(values)
    values, times = values[known], times[known]
    if len(values) < _LEAST_ROWS:
        return False
    outside = (values < usual.low) | (values > usual.high)
    steps, moves = np.diff(times), np.diff(values)
    is_told = (steps >= 0) & (steps <= _MOST_STEP_S)
    seconds = np.maximum(steps, 1)
    jumps = is_told & ((moves < -usual.fall * seconds) | (moves > usual.rise * seconds))
    return bool(max(outside.mean(), jumps.sum() / max(int(is_told.sum()), 1)) > _MOST_ODD)
