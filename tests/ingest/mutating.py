"""Good files in, endlessly many bad ones out: what a broken or hostile sender could make."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from tests.ingest.mutating_formats import Change, changes_for

__all__ = ["mutated"]

_MOST_BYTES = 2 << 20
_NUMBERS = re.compile(rb"\d+(?:\.\d+)?")
_EXTREMES = (
    b"0", b"-1", b"", b"nan", b"inf", b"-inf", b"1e308", b"-1e308", b"1e-320", b"9" * 40,
    b"2147483648", b"18446744073709551616", b"1,5", b"0x1F", b"1_000", b"\xd9\xa3",
)  # fmt: skip
_WORDS = (b"\x00", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\xef\xbb\xbf",
          b"\r", b"\n\n", b'"', b"<", b"&#0;", b"]]>", b"\x1a", b"\xed\xa0\x80", b"{" * 50,
          b"," * 200)  # fmt: skip


def mutated(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """One to five changes, of bytes, numbers, lengths or whole stretches, half of them such as
    only that format knows.

    Parameters
    ----------
    others
        Other good files, from which stretches are taken over.
    """
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        if changed:
            changes = changes_for(changed) if chance.random() < 0.5 else _CHANGES
            chance.choice(changes)(changed, chance, others)
    return bytes(changed[:_MOST_BYTES])


def _flip(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    for _each in range(chance.choice((1, 1, 4, 64))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _fill(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at, length = chance.randrange(len(data)), chance.choice((1, 2, 4, 8, 300))
    value = chance.choice((0, 0xFF, 0x7F, 0x80, 0x20, chance.randrange(256)))
    end = min(at + length, len(data))
    data[at:end] = bytes([value]) * (end - at)


def _cut(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.choice((1, 3, 40, 4000))]


def _end(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    del data[chance.randrange(len(data)) :]


def _again(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at = chance.randrange(len(data))
    piece = data[at : at + chance.choice((1, 7, 60, 2000))]
    data[at:at] = piece * chance.choice((1, 1, 2, 500))


def _word(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at = chance.randrange(len(data))
    data[at:at] = chance.choice(_WORDS)


def _number(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    start = chance.randrange(len(data))
    found = _NUMBERS.search(bytes(data[start : start + 4000]))
    if found:
        data[start + found.start() : start + found.end()] = chance.choice(_EXTREMES)


def _splice(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    other = chance.choice(others) if others else b""
    if other:
        at = chance.randrange(len(other))
        to = chance.randrange(len(data))
        data[to:to] = other[at : at + chance.choice((4, 100, 5000))]


def _swap(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    length = chance.choice((1, 4, 64, 1000))
    a, b = chance.randrange(len(data)), chance.randrange(len(data))
    if abs(a - b) >= length and max(a, b) + length <= len(data):
        data[a : a + length], data[b : b + length] = data[b : b + length], data[a : a + length]


_CHANGES: tuple[Change, ...] = (
    _flip, _flip, _fill, _cut, _end, _again, _word, _number, _number, _splice, _swap,
)  # fmt: skip
