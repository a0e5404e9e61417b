"""A plain decoder of FIT, one record after the other: what the fast one must agree with.

Written from the protocol's description alone: it shares no code and no table with the package.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

__all__ = ["SlowMessage", "decode", "interpret"]

# Code of a base type -> struct's letter, and the value that stands for nothing.
_TYPES: dict[int, tuple[str, int | None]] = {
    0x00: ("B", 255), 0x01: ("b", 127), 0x02: ("B", 255), 0x03: ("h", 32767),
    0x04: ("H", 65535), 0x05: ("i", 2**31 - 1), 0x06: ("I", 2**32 - 1), 0x08: ("f", None),
    0x09: ("d", None), 0x0A: ("B", 0), 0x0B: ("H", 0), 0x0C: ("I", 0), 0x0D: ("B", 255),
    0x0E: ("q", 2**63 - 1), 0x0F: ("Q", 2**64 - 1), 0x10: ("Q", 0),
}  # fmt: skip

Numbers = list[float | None]


@dataclass
class SlowMessage:
    """One record. Keys of `raw` and `values` are field numbers, or (developer, number).

    `time` is that of the record itself, a compressed header's too; None when it has none.
    """

    message: int
    position: int
    time: float | None
    big_endian: bool
    raw: dict[int | tuple[int, int], bytes] = field(default_factory=dict)
    values: dict[int | tuple[int, int], Numbers] = field(default_factory=dict)


@dataclass
class _Layout:
    message: int
    big_endian: bool
    fields: list[tuple[int | tuple[int, int], int, int | None]]


def interpret(raw: bytes, base: int, big_endian: bool) -> Numbers | None:
    """The numbers in a field's bytes; None for text, the maker's own bytes and odd sizes."""
    code = base & 0x1F
    if code not in _TYPES or (code == 0x0D and len(raw) > 1):
        return None
    letter, nothing = _TYPES[code]
    size = struct.calcsize(f"<{letter}")
    if not raw or len(raw) % size:
        return None
    numbers = struct.unpack(f"{'>' if big_endian else '<'}{len(raw) // size}{letter}", raw)
    return [None if n == nothing or math.isnan(n) else float(n) for n in numbers]


def decode(data: bytes) -> Iterator[SlowMessage]:
    """The messages of every file in the chain; the bytes must be healthy."""
    start = 0
    while start < len(data):
        header = data[start]
        (size,) = struct.unpack_from("<I", data, start + 4)
        yield from _body(data, start + header, start + header + size)
        start += header + size + 2


def _body(data: bytes, at: int, end: int) -> Iterator[SlowMessage]:
    layouts: dict[int, _Layout] = {}
    last = None
    while at < end:
        header = data[at]
        if header & 0x80:
            local = header >> 5 & 3
        elif header & 0x40:
            layouts[header & 0x0F], at = _layout(data, at)
            continue
        else:
            local = header & 0x0F
        message, after = _record(data, at + 1, layouts[local])
        own = message.values.get(253, [None])
        message.time = own[0] if len(own) == 1 else None
        if header & 0x80 and message.time is None and last is not None:
            message.time = float(last + ((header & 0x1F) - last) % 32)
        if message.time is not None:
            last = int(message.time)
        yield message
        at = after


def _layout(data: bytes, at: int) -> tuple[_Layout, int]:
    big_endian = data[at + 2] == 1
    (message,) = struct.unpack_from(">H" if big_endian else "<H", data, at + 3)
    layout = _Layout(message, big_endian, [])
    cursor = at + 6
    for _ in range(data[at + 5]):
        number, size, base = data[cursor : cursor + 3]
        layout.fields.append((number, size, base))
        cursor += 3
    if data[at] & 0x20:
        count = data[cursor]
        cursor += 1
        for _ in range(count):
            number, size, owner = data[cursor : cursor + 3]
            layout.fields.append(((owner, number), size, None))
            cursor += 3
    return layout, cursor


def _record(data: bytes, at: int, layout: _Layout) -> tuple[SlowMessage, int]:
    message = SlowMessage(layout.message, at, None, layout.big_endian)
    for key, size, base in layout.fields:
        raw = data[at : at + size]
        message.raw[key] = raw
        numbers = None if base is None else interpret(raw, base, layout.big_endian)
        if numbers is not None:
            # A field that stands twice in a layout: what comes first and says something counts.
            known = message.values.get(key, [])
            pairs = zip_longest(known, numbers)
            message.values[key] = [b if a is None else a for a, b in pairs]
        at += size
    return message, at
