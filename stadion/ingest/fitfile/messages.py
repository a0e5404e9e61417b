"""Walked definitions in, the records of one message as columns out."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.errors import Code, StadionError
from stadion.ingest.fitfile.values import BASE_TYPES, BaseType, as_numbers, base_type, text
from stadion.ingest.fitfile.walk import TIMESTAMP, Definition, Field, times_of

__all__ = ["RELATIVE_BELOW", "Messages", "OctetArray", "clock_of"]

RELATIVE_BELOW = 0x10000000  # smaller times count from the device's start, not from 1989
_MOST_CELLS = 5_000_000
_OCTET = BASE_TYPES[13]
_LETTERS = {
    "u1": "B", "i1": "b", "u2": "H", "i2": "h", "u4": "I", "i4": "i", "u8": "Q", "i8": "q",
    "f4": "f", "f8": "d",
}  # fmt: skip

OctetArray = npt.NDArray[np.uint8]


class _Block(NamedTuple):
    """The records of one definition: their positions, and where their bytes lie in `buffer`."""

    definition: Definition
    positions: IntArray
    buffer: bytes | Array
    first: int
    step: int

    @classmethod
    def of(cls, data: bytes, definition: Definition) -> _Block:
        """Records that all follow each other are used as they lie, others laid end to end."""
        positions = definition.positions
        first, step = int(positions[0]), 1 + definition.size
        if int(positions[-1]) - first == (len(positions) - 1) * step or not definition.size:
            return cls(definition, positions, data, first, step)
        size = definition.size
        window = np.ndarray((len(data) - size + 1,), f"V{size}", data, 0, (1,))
        return cls(definition, positions, window[positions], 0, size)

    def stored(self, each: Field, kind: BaseType) -> Array:
        """(n, k) numbers of one field as they lie in the records, k to a record."""
        order = ">" if self.definition.big_endian else "<"
        shape = (len(self.positions), each.size // kind.size)
        strides = (self.step, kind.size)
        return np.ndarray(
            shape, f"{order}{kind.letter}", self.buffer, self.first + each.offset, strides
        )


@dataclass(slots=True, eq=False)
class Messages:
    """All records of one message, in the order of the file.

    A field that only some of the definitions hold is missing in the records of the others.
    `order` sorts the blocks' records, laid end to end, by position; None = they are sorted.
    """

    data: bytes
    blocks: tuple[_Block, ...]
    order: IntArray | None
    positions: IntArray
    _index: dict[tuple[int, int], list[tuple[int, _Block, Field]]] | None = None
    _numbers: list[int] | None = None

    @classmethod
    def of(cls, data: bytes, definitions: Sequence[Definition], message: int) -> Messages:
        """The records of the message of that number."""
        mine = tuple(
            _Block.of(data, each)
            for each in definitions
            if each.message == message and each.is_used
        )
        if not mine:
            return cls(data, (), None, np.empty(0, np.int64))
        at = np.concatenate([block.positions for block in mine]) if mine[1:] else mine[0].positions
        is_sorted = len(mine) == 1 or bool((at[1:] > at[:-1]).all())
        order = None if is_sorted else np.argsort(at, kind="stable")
        return cls(data, mine, order, at if order is None else at[order])

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def numbers(self) -> list[int]:
        """Numbers of the fields FIT defines that occur, the time left out."""
        if self._numbers is None:
            sizes: dict[int, int] = {}
            for each in self._fields():
                if each.owner < 0 and each.number != TIMESTAMP:
                    sizes[each.number] = max(sizes.get(each.number, 0), _count(each))
            self.check_size(sum(sizes.values()))
            self._numbers = sorted(sizes)
        return self._numbers

    @property
    def developer_fields(self) -> list[tuple[int, int]]:
        """(developer index, number) of the developers' fields that occur, in their order."""
        found = dict.fromkeys((f.owner, f.number) for f in self._fields() if f.owner >= 0)
        self.check_size(len(found))
        return list(found)

    def lists(self, number: int, owner: int = -1, base: int | None = None) -> FloatArray:
        """All numbers of a field, as stored: before scale and offset.

        Parameters
        ----------
        base
            Type of a developer field; a field of FIT has its own.

        Returns
        -------
        (n, k) float64, k the most that a record holds; NaN = missing. (n, 0) for text, bytes of
        the maker's own, and what no record has.
        """
        found = list(self._stored(number, owner, base))
        width = max((stored.shape[1] for _, stored, _ in found), default=0)
        if len(found) == len(self.blocks) == 1:
            return as_numbers(found[0][1], found[0][2])
        values = np.full((len(self), width), np.nan)
        written = -1
        for start, stored, kind in found:
            rows = values[start : start + len(stored), : stored.shape[1]]
            if start > written:
                rows[:] = as_numbers(stored, kind)
            else:  # some writers define a field twice: the first that says something counts
                np.copyto(rows, as_numbers(stored, kind), where=np.isnan(rows))
            written = start
        return values if self.order is None else values[self.order]

    def values(self, number: int) -> FloatArray:
        """(n,) the first number of a field; all missing where no record has it."""
        lists = self.lists(number)
        return lists[:, 0] if lists.shape[1] else np.full(len(self), np.nan)

    def bytes_of(self, number: int) -> int:
        """How many bytes a number of that field takes at most."""
        kinds = (base_type(each.base) for _, _, each in self._holding(number))
        return max((kind.size for kind in kinds if kind is not None), default=0)

    def octets(self, number: int) -> OctetArray:
        """(n, k) bytes of a field of FIT, whatever its type; 255 where a record has none."""
        found = [(at, block.stored(each, _OCTET)) for at, block, each in self._holding(number)]
        width = max((stored.shape[1] for _, stored in found), default=0)
        self.check_size(width)
        octets = np.full((len(self), width), 0xFF, np.uint8)
        for start, stored in found:
            octets[start : start + len(stored), : stored.shape[1]] = stored
        return octets if self.order is None else octets[self.order]

    def texts(self, number: int) -> dict[int, str]:
        """Row -> text of a field of FIT, where it is not empty."""
        octets = self.octets(number)
        rows = np.flatnonzero((octets != 0xFF).any(axis=1)).tolist()
        found = ((row, text(octets[row].tobytes())) for row in rows)
        return {row: said for row, said in found if said}

    def check_size(self, fields: int, most: int | None = None) -> None:
        """Refuse a made-up file that would spread few bytes over very many values."""
        most = _MOST_CELLS + len(self.data) if most is None else most
        if fields * len(self) > most:
            raise StadionError(
                Code.INVALID,
                f"the file spreads {len(self)} records over {fields} fields; "
                f"expected at most {most} values",
            )

    def rows(self, first: Sequence[int] = ()) -> list[dict[int, tuple[float, ...]]]:
        """Each record's own fields that hold numbers, as stored; none where all are missing.

        For the few records that have very many fields: `lists` is for many records.

        Parameters
        ----------
        first
            Numbers of fields to begin with, in that order.
        """
        rank = {number: place for place, number in enumerate(first)}
        found = [row for block in self.blocks for row in _rows(self.data, block, rank)]
        return found if self.order is None else [found[k] for k in self.order.tolist()]

    def _fields(self) -> Iterator[Field]:
        return (each for block in self.blocks for each in block.definition.fields)

    def _holding(self, number: int, owner: int = -1) -> list[tuple[int, _Block, Field]]:
        """(first row, block, field) of each block that has the field."""
        if self._index is None:
            self._index = {}
            start = 0
            for block in self.blocks:
                for each in block.definition.fields:
                    if each.size:
                        found = self._index.setdefault((each.number, each.owner), [])
                        found.append((start, block, each))
                start += len(block.positions)
        return self._index.get((number, owner), [])

    def _stored(
        self, number: int, owner: int, base: int | None
    ) -> Iterator[tuple[int, Array, BaseType]]:
        """(first row, numbers, type) of the field in each block that has it as numbers."""
        for start, block, each in self._holding(number, owner):
            kind = base_type(each.base if base is None else base)
            if kind is not None and _is_numbers(each, kind):
                yield start, block.stored(each, kind), kind


def _rows(
    data: bytes, block: _Block, rank: Mapping[int, int]
) -> Iterator[dict[int, tuple[float, ...]]]:
    pattern = ">" if block.definition.big_endian else "<"
    plan: list[tuple[int, int, int, int | None]] = []
    place = 0
    for each in block.definition.fields:
        kind = base_type(each.base)
        if each.owner >= 0 or kind is None or not _is_numbers(each, kind):
            pattern += f"{each.size}x"
            continue
        count = each.size // kind.size
        pattern += f"{count}{_LETTERS[kind.letter]}"
        plan.append((each.number, place, count, kind.invalid))
        place += count
    plan.sort(key=lambda field: rank.get(field[0], len(rank)))
    layout = struct.Struct(pattern)
    for at in block.positions.tolist():
        stored = layout.unpack_from(data, at)
        row: dict[int, tuple[float, ...]] = {}
        for number, place, count, invalid in plan:
            if count == 1:
                value = stored[place]
                if value != invalid and value == value and number not in row:  # noqa: PLR0124
                    row[number] = (float(value),)
            elif number not in row:
                several = stored[place : place + count]
                values = tuple(math.nan if v == invalid else float(v) for v in several)
                if not all(map(math.isnan, values)):
                    row[number] = values
        yield row


def _is_numbers(each: Field, kind: BaseType) -> bool:
    if not kind.is_number or not each.size or each.size % kind.size:
        return False
    return not kind.is_opaque or each.size == kind.size


def _count(each: Field) -> int:
    kind = base_type(each.base)
    return each.size // kind.size if kind is not None and _is_numbers(each, kind) else 1


def clock_of(data: bytes, definitions: Sequence[Definition], messages: Messages) -> FloatArray:
    """(n,) seconds on FIT's clock of the messages' records; NaN = the record has no time.

    A record with a compressed header holds five bits of its time, which count on from the last
    full time before it, in whatever message that stood.
    """
    own = [times_of(data, block.definition) for block in messages.blocks]
    times = np.concatenate(own) if own else np.empty(0)
    times = times if messages.order is None else times[messages.order]
    is_short = (np.frombuffer(data, np.uint8)[messages.positions - 1] >= 0x80) & np.isnan(times)
    if is_short.any():
        times = np.where(is_short, _compressed(data, definitions, messages), times)
    return times


def _compressed(data: bytes, definitions: Sequence[Definition], messages: Messages) -> FloatArray:
    """(n,) the times of all records, those without one of their own reckoned."""
    used = [definition for definition in definitions if definition.is_used]
    at = np.concatenate([definition.positions for definition in used])
    full = np.concatenate([times_of(data, definition) for definition in used])
    order = np.argsort(at, kind="stable")
    at, full = at[order], full[order]
    headers = np.frombuffer(data, np.uint8)[at - 1]
    is_short = (headers >= 0x80) & np.isnan(full)
    counts = is_short | np.isfinite(full)
    at, full, is_short, headers = at[counts], full[counts], is_short[counts], headers[counts]
    low = np.where(is_short, headers & 0x1F, np.nan_to_num(full).astype(np.int64) & 0x1F)
    steps = np.where(is_short, (low - np.concatenate([[0], low[:-1]])) & 0x1F, 0)
    run = np.cumsum(steps)
    anchor = np.maximum.accumulate(np.where(is_short, -1, np.arange(len(at))))
    times = np.where(anchor >= 0, full[anchor] + run - run[anchor], np.nan)
    found: FloatArray = times[np.searchsorted(at, messages.positions).clip(max=len(at) - 1)]
    return found
