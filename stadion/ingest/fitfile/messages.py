"""Walked definitions in, the records of one message as columns out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.errors import Code, StadionError
from stadion.ingest.fitfile.values import BASE_TYPES, BaseType, as_numbers, base_type, text
from stadion.ingest.fitfile.walk import TIMESTAMP, Definition, Field, stored_in, times_of

__all__ = ["RELATIVE_BELOW", "Messages", "OctetArray", "clock_of"]

RELATIVE_BELOW = 0x10000000  # smaller times count from the device's start, not from 1989
_MOST_CELLS = 5_000_000
_OCTET = BASE_TYPES[13]

OctetArray = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """All records of one message, in the order of the file.

    A field that only some of the definitions hold is missing in the records of the others.
    `blocks` are the definitions with the offsets of their records; `order` sorts the blocks'
    records, laid end to end, by position; None = they are sorted.
    """

    data: bytes
    blocks: tuple[tuple[Definition, IntArray], ...]
    order: IntArray | None
    positions: IntArray

    @classmethod
    def of(cls, data: bytes, definitions: Sequence[Definition], message: int) -> Messages:
        """The records of the message of that number."""
        mine = [(d, d.positions) for d in definitions if d.message == message and d.is_used]
        if not mine:
            return cls(data, (), None, np.empty(0, np.int64))
        at = np.concatenate([positions for _, positions in mine])
        order = None if (at[1:] > at[:-1]).all() else np.argsort(at, kind="stable")
        return cls(data, tuple(mine), order, at if order is None else at[order])

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def numbers(self) -> list[int]:
        """Numbers of the fields FIT defines that occur, the time left out."""
        sizes: dict[int, int] = {}
        for each in self._fields():
            if each.owner < 0 and each.number != TIMESTAMP:
                sizes[each.number] = max(sizes.get(each.number, 0), _count(each))
        self.check_size(sum(sizes.values()))
        return sorted(sizes)

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
        for start, stored, kind in found:
            # Some writers define a field twice: the first that says something counts.
            rows = values[start : start + len(stored), : stored.shape[1]]
            np.copyto(rows, as_numbers(stored, kind), where=np.isnan(rows))
        return values if self.order is None else values[self.order]

    def values(self, number: int, owner: int = -1, base: int | None = None) -> FloatArray:
        """(n,) the first number of a field; all missing where no record has it."""
        lists = self.lists(number, owner, base)
        return lists[:, 0] if lists.shape[1] else np.full(len(self), np.nan)

    def bytes_of(self, number: int) -> int:
        """How many bytes a number of that field takes at most."""
        return max((kind.size for _, _, kind in self._stored(number, -1, None)), default=0)

    def octets(self, number: int) -> OctetArray:
        """(n, k) bytes of a field of FIT, whatever its type; 255 where a record has none."""
        found = [
            (start, stored_in(self.data, definition, positions, each, _OCTET))
            for start, definition, positions, each in self._holding(number, -1)
        ]
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

    def check_size(self, fields: int) -> None:
        """Refuse a made-up file that would spread few bytes over very many values."""
        most = _MOST_CELLS + len(self.data)
        if fields * len(self) > most:
            raise StadionError(
                Code.INVALID,
                f"the file spreads {len(self)} records over {fields} fields; "
                f"expected at most {most} values",
            )

    def _fields(self) -> Iterator[Field]:
        return (each for definition, _ in self.blocks for each in definition.fields)

    def _holding(
        self, number: int, owner: int
    ) -> Iterator[tuple[int, Definition, IntArray, Field]]:
        """(first row, definition, positions, field) of each block that has the field."""
        start = 0
        for definition, positions in self.blocks:
            for each in definition.fields:
                if each.number == number and each.owner == owner and each.size:
                    yield start, definition, positions, each
            start += len(positions)

    def _stored(
        self, number: int, owner: int, base: int | None
    ) -> Iterator[tuple[int, Array, BaseType]]:
        """(first row, numbers, type) of the field in each block that has it as numbers."""
        for start, definition, positions, each in self._holding(number, owner):
            kind = base_type(each.base if base is None else base)
            if kind is not None and _is_numbers(each, kind):
                yield start, stored_in(self.data, definition, positions, each, kind), kind


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
    own = [times_of(data, definition) for definition, _ in messages.blocks]
    times = np.concatenate(own) if own else np.empty(0)
    times = times if messages.order is None else times[messages.order]
    headers = np.frombuffer(data, np.uint8)[messages.positions - 1]
    if (headers >= 0x80).any():
        times = np.where(headers >= 0x80, _compressed(data, definitions, messages), times)
    return times


def _compressed(data: bytes, definitions: Sequence[Definition], messages: Messages) -> FloatArray:
    """(n,) the times of all records, reckoned as if each header were a compressed one."""
    used = [definition for definition in definitions if definition.is_used]
    at = np.concatenate([definition.positions for definition in used])
    full = np.concatenate([times_of(data, definition) for definition in used])
    order = np.argsort(at, kind="stable")
    at, full = at[order], full[order]
    headers = np.frombuffer(data, np.uint8)[at - 1]
    is_short = headers >= 0x80
    counts = is_short | np.isfinite(full)
    at, full, is_short, headers = at[counts], full[counts], is_short[counts], headers[counts]
    low = np.where(is_short, headers & 0x1F, np.nan_to_num(full).astype(np.int64) & 0x1F)
    steps = np.where(is_short, (low - np.concatenate([[0], low[:-1]])) & 0x1F, 0)
    run = np.cumsum(steps)
    anchor = np.maximum.accumulate(np.where(is_short, -1, np.arange(len(at))))
    times = np.where(anchor >= 0, full[anchor] + run - run[anchor], np.nan)
    found: FloatArray = times[np.searchsorted(at, messages.positions).clip(max=len(at) - 1)]
    return found
