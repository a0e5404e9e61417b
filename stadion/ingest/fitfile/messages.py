"""Walked definitions in, the records of one message as columns out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.arrays import FloatArray, IntArray
from stadion.core.errors import Code, StadionError
from stadion.ingest.fitfile.values import base_type, numbers, text
from stadion.ingest.fitfile.walk import TIMESTAMP, Definition, Field, times_of

__all__ = ["RELATIVE_BELOW", "Column", "Messages", "clock_of"]

RELATIVE_BELOW = 0x10000000  # smaller times count from the device's start, not from 1989
_MOST_CELLS = 20_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """(n,) values as stored, before scale and offset; NaN = missing. `bytes` per number."""

    values: FloatArray
    bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """All records of one message, in the order of the file.

    A field that only some of the definitions hold is missing in the records of the others.
    """

    data: bytes
    definitions: tuple[Definition, ...]
    order: IntArray
    positions: IntArray

    @classmethod
    def of(cls, data: bytes, definitions: Sequence[Definition], message: int) -> Messages:
        """The records of the message of that number."""
        mine = tuple(d for d in definitions if d.message == message and len(d.records))
        at = np.concatenate([d.positions for d in mine]) if mine else np.empty(0, np.int64)
        order = np.argsort(at, kind="stable")
        return cls(data, mine, order, at[order])

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def numbers(self) -> list[int]:
        """Numbers of the fields FIT defines that occur, the time left out."""
        own = {f.number for d in self.definitions for f in d.fields if f.owner < 0}
        self._check_size(len(own))
        return sorted(own - {TIMESTAMP})

    @property
    def developer_fields(self) -> list[tuple[int, int]]:
        """(developer index, number) of the developers' fields that occur, in their order."""
        found = dict.fromkeys(
            (f.owner, f.number) for d in self.definitions for f in d.fields if f.owner >= 0
        )
        self._check_size(len(found))
        return list(found)

    def column(self, number: int, owner: int = -1, base: int | None = None) -> Column | None:
        """A field that holds one number; None when no record has it or it is text or a list.

        Parameters
        ----------
        base
            Type of a developer field; a field of FIT has its own.
        """
        values = np.full(len(self), np.nan)
        size = start = 0
        for definition in self.definitions:
            rows = slice(start, start + len(definition.records))
            start = rows.stop
            for each in definition.fields:
                if (each.number, each.owner) != (number, owner):
                    continue
                kind = base_type(each.base if base is None else base)
                if kind is None or not kind.is_number or kind.size != each.size:
                    continue
                at = definition.positions + each.offset
                values[rows] = numbers(self.data, at, kind, 1, definition.big_endian)
                size = max(size, kind.size)
        return Column(values[self.order], size) if size else None

    def values(self, number: int) -> FloatArray:
        """(n,) a field of FIT as stored; all missing where no record has it."""
        column = self.column(number)
        return np.full(len(self), np.nan) if column is None else column.values

    def lists(self, number: int) -> list[tuple[int, FloatArray]]:
        """(position, numbers) of a field of FIT that holds several, in the order of the file."""
        found: list[tuple[int, FloatArray]] = []
        for definition, each in self._holding(number):
            kind = base_type(each.base)
            if kind is None or not kind.is_number or each.size % kind.size or not each.size:
                continue
            at = definition.positions
            rows = numbers(
                self.data, at + each.offset, kind, each.size // kind.size, definition.big_endian
            )
            found += zip(at.tolist(), rows.reshape(len(at), -1), strict=True)
        return sorted(found, key=lambda pair: pair[0])

    def raw(self, number: int) -> list[tuple[int, bytes]]:
        """(position, bytes) of a field of FIT, in the order of the file."""
        return sorted(
            (at, self.data[at + each.offset : at + each.offset + each.size])
            for definition, each in self._holding(number)
            for at in definition.positions.tolist()
        )

    def texts(self, number: int) -> dict[int, str]:
        """Position -> text of a field of FIT."""
        return {
            at: text(self.data, at + each.offset, each.size)
            for definition, each in self._holding(number)
            for at in definition.positions.tolist()
        }

    def _holding(self, number: int) -> list[tuple[Definition, Field]]:
        return [
            (definition, each)
            for definition in self.definitions
            for each in definition.fields
            if each.number == number and each.owner < 0
        ]

    def _check_size(self, fields: int) -> None:
        if fields * len(self) > _MOST_CELLS:
            raise StadionError(
                Code.INVALID,
                f"the file spreads {len(self)} records over {fields} fields; "
                f"expected at most {_MOST_CELLS} values",
            )


def clock_of(data: bytes, definitions: Sequence[Definition], messages: Messages) -> FloatArray:
    """(n,) seconds on FIT's clock of the messages' records; NaN = the record has no time.

    A record with a compressed header holds five bits of its time, which count on from the last
    full time before it, in whatever message that stood.
    """
    own = [times_of(data, d) for d in messages.definitions]
    times = np.concatenate(own)[messages.order] if own else np.empty(0)
    headers = np.frombuffer(data, np.uint8)[messages.positions - 1]
    if (headers >= 0x80).any():
        times = np.where(headers >= 0x80, _compressed(data, definitions, messages), times)
    return times


def _compressed(data: bytes, definitions: Sequence[Definition], messages: Messages) -> FloatArray:
    """(n,) the times of all records, reckoned as if each header were a compressed one."""
    at = np.concatenate([d.positions for d in definitions if len(d.records)])
    full = np.concatenate([times_of(data, d) for d in definitions if len(d.records)])
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
