"""Bytes of one FIT file's body in, where the records of each definition lie out."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from stadion.core.arrays import FloatArray, IntArray
from stadion.ingest.fitfile.values import BASE_TYPES, as_numbers

__all__ = [
    "BASE_CODES",
    "MOST_DEFINITIONS",
    "TIMESTAMP",
    "Definition",
    "Field",
    "Walk",
    "alike",
    "length_of",
    "read_definition",
    "sound_definition_at",
    "times_of",
    "walk",
    "word_order",
]

TIMESTAMP = 253  # the field number that means "when" in every message
MOST_DEFINITIONS = 50_000  # bounds the memory for made-up files
# Codes of base types as writers write them; those of several bytes carry the high bit.
BASE_CODES = bytes(code | (0x80 if kind.size > 1 else 0) for code, kind in BASE_TYPES.items())
_BYTES = 0x0D  # a developer field's own type stands in its description


class Field(NamedTuple):
    """One field of a definition. `owner` is the developer index; -1 = a field of FIT itself."""

    number: int
    size: int
    base: int
    offset: int
    owner: int = -1


@dataclass(slots=True, eq=False)
class Definition:
    """How the records of one message are laid out, and where each one starts.

    `clock` is the field that holds the time, None when the records carry none; `length` are
    the bytes of the definition itself, `size` those of a record without its header. `runs` are
    (start, count) of records that follow each other, `records` the starts of the others.
    """

    message: int
    big_endian: bool
    fields: tuple[Field, ...]
    clock: Field | None
    length: int
    size: int
    records: array[int] = field(default_factory=lambda: array("q"))
    runs: list[tuple[int, int]] = field(default_factory=list)

    @property
    def is_used(self) -> bool:
        """True when at least one record is laid out in this way."""
        return bool(self.records or self.runs)

    @property
    def positions(self) -> IntArray:
        """(n,) rising offsets of the first byte after each record's header."""
        alone = np.array(self.records, np.int64) + 1
        if not self.runs:
            return alone
        starts, counts = np.array(self.runs, np.int64).T
        before = np.cumsum(counts) - counts
        number = np.arange(counts.sum()) - np.repeat(before, counts)
        together: IntArray = np.repeat(starts + 1, counts) + number * (1 + self.size)
        return np.sort(np.concatenate([alone, together])) if len(alone) else together

    def drop_last(self, position: int) -> None:
        """Forget the last record if that is where it starts."""
        if self.records and self.records[-1] == position:
            self.records.pop()
        elif self.runs:
            start, count = self.runs[-1]
            if start + (count - 1) * (1 + self.size) == position:
                self.runs[-1:] = [(start, count - 1)] if count > 1 else []


@dataclass(slots=True, eq=False)
class Walk:
    """Definitions in the order of the file, where the walk ended, and the bytes it gave up.

    Of a damaged file also what was mended: what it was, and how often.
    """

    definitions: list[Definition]
    end: int
    skipped: int = 0
    is_cut: bool = False
    mended: Counter[str] = field(default_factory=Counter)


def walk(data: bytes, start: int, end: int) -> Walk:
    """Walk a healthy body; ends early at the first byte that cannot be a record."""
    known: dict[bytes, Definition] = {}
    steps = [0] * 256
    notes: list[Callable[[int], None]] = [_nowhere] * 256
    layouts: list[Definition | None] = [None] * 256
    position = last = start
    previous = -1
    while position < end:
        header = data[position]
        if step := steps[header]:
            layout = layouts[header]
            if header == previous and layout and (count := alike(data, position, end, step)) > 1:
                layout.runs.append((position, count))
                last = position + (count - 1) * step
                position += count * step
                previous = -1
                continue
            notes[header](position)
            last = position
            position += step
            previous = header
            continue
        length = length_of(data, position, end) if 0x40 <= header < 0x80 else 0
        if not length or len(known) == MOST_DEFINITIONS:
            break
        # Some makers write the same few definitions a thousand times: they are one.
        block = bytes([header & 0x20]) + data[position + 1 : position + length]
        definition = known.get(block)
        if definition is None:
            definition = known[block] = read_definition(data, position, length)
        for each in _headers(header & 0x0F):
            steps[each], notes[each] = 1 + definition.size, definition.records.append
            layouts[each] = definition
        previous = -1
        position += length
    if position > end:
        for definition in known.values():
            definition.drop_last(last)
    return Walk(list(known.values()), min(position, end), is_cut=position > end)


def alike(data: bytes, position: int, end: int, step: int) -> int:
    """How many records with the header of the first follow each other.

    Each is as long as the first, so that the headers to come are every `step`-th byte: a walk
    record by record would see the same, only a hundred times slower.
    """
    header = data[position : position + 1]
    count, ahead = 0, 16
    while position < end:
        block = data[position : min(position + ahead * step, end) : step]
        same = len(block) - len(block.lstrip(header))
        count += same
        if same < len(block):
            break
        position += ahead * step
        ahead *= 4
    return count


def sound_definition_at(data: bytes, position: int, end: int) -> Definition | None:
    """The definition that starts at `position`; None for bytes no writer would write."""
    length = length_of(data, position, end)
    if not length:
        return None
    own = data[position + 6 : position + 6 + 3 * data[position + 5]]
    # Most candidates are chance: they are told by their bytes, before anything is built.
    if data[position + 1] or 0 in own[1::3] or own[2::3].translate(None, BASE_CODES):
        return None
    definition = read_definition(data, position, length)
    sizes = ((each.size, BASE_TYPES[each.base & 0x1F].size) for each in definition.fields)
    return None if any(size % unit for size, unit in sizes) else definition


def length_of(data: bytes | bytearray, position: int, end: int) -> int:
    """Bytes of the definition at `position`; 0 when it cannot be one or is cut off."""
    if position + 6 > end or data[position + 2] > 1:
        return 0
    cursor = position + 6 + 3 * data[position + 5]
    if data[position] & 0x20:
        if cursor >= end:
            return 0
        cursor += 1 + 3 * data[cursor]
    return 0 if cursor > end else cursor - position


def read_definition(data: bytes, position: int, length: int) -> Definition:
    """The definition in those bytes, whatever they say."""
    big_endian = data[position + 2] == 1
    message = int.from_bytes(data[position + 3 : position + 5], word_order(big_endian))
    middle = position + 6 + 3 * data[position + 5]
    own, foreign = data[position + 6 : middle], data[middle + 1 : position + length]
    fields: list[Field] = []
    offset = 0
    for number, size, base in zip(own[::3], own[1::3], own[2::3], strict=True):
        fields.append(Field(number, size, base, offset))
        offset += size
    for number, size, owner in zip(foreign[::3], foreign[1::3], foreign[2::3], strict=True):
        fields.append(Field(number, size, _BYTES, offset, owner))
        offset += size
    clock = next((f for f in fields if f.number == TIMESTAMP and f.owner < 0 and f.size == 4), None)
    return Definition(message, big_endian, tuple(fields), clock, length, offset)


def times_of(data: bytes, definition: Definition) -> FloatArray:
    """(n,) seconds on FIT's clock of a definition's records; NaN where there is none."""
    clock, positions = definition.clock, definition.positions
    if clock is None or not len(positions):
        return np.full(len(positions), np.nan)
    window = np.ndarray((len(data) - 3,), ">u4" if definition.big_endian else "<u4", data, 0, (1,))
    return as_numbers(window[positions + clock.offset], BASE_TYPES[6])


def _headers(local: int) -> list[int]:
    """Header bytes that announce a record of a local message type, compressed ones included."""
    plain = [local, local | 0x10, local | 0x20, local | 0x30]
    first = 0x80 | local << 5
    return plain + (list(range(first, first + 32)) if local < 4 else [])


def word_order(big_endian: bool) -> Literal["big", "little"]:
    """The order of bytes as `int.from_bytes` names it."""
    return "big" if big_endian else "little"


def _nowhere(position: int) -> None:
    """For headers without a definition."""
