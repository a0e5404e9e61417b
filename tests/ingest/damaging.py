"""A healthy FIT file in, the same file out as a crash, a bad card or a bad cable leaves it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["DAMAGES", "Damage", "Frame", "frames"]

Damage = Callable[[bytearray, random.Random], None]

_RECORD, _DESCRIPTION = 20, 206


@dataclass(frozen=True, slots=True)
class Frame:
    """One definition or record of a healthy file: where it lies and of which message it is."""

    start: int
    end: int
    message: int
    is_definition: bool


def frames(data: bytes | bytearray) -> list[Frame]:
    """All definitions and records of the first file of a healthy chain, in their order."""
    at = data[0]
    end = at + int.from_bytes(data[4:8], "little")
    layouts: dict[int, tuple[int, int]] = {}
    found: list[Frame] = []
    while at < end:
        header = data[at]
        if header & 0xC0 == 0x40:
            after = at + 6 + 3 * data[at + 5]
            size = sum(data[at + 7 : after : 3])
            if header & 0x20:
                developer = after + 1
                after = developer + 3 * data[after]
                size += sum(data[developer + 1 : after : 3])
            message = int.from_bytes(data[at + 3 : at + 5], "big" if data[at + 2] else "little")
            layouts[header & 15] = (message, size)
            found.append(Frame(at, after, message, is_definition=True))
        else:
            message, size = layouts[header >> 5 & 3 if header & 0x80 else header & 15]
            after = at + 1 + size
            found.append(Frame(at, after, message, is_definition=False))
        at = after
    return found


def _hit(data: bytearray, chance: random.Random, start: int, end: int, most: int = 3) -> None:
    """Change one to `most` bytes of a stretch, each in one bit or in all."""
    for _ in range(chance.randint(1, most)):
        at = chance.randrange(start, end)
        data[at] ^= 1 << chance.randrange(8) if chance.random() < 0.5 else chance.randint(1, 255)


def _body_at(data: bytearray, chance: random.Random) -> int:
    return chance.randrange(14, max(len(data) - 2, 15))


def _of(data: bytearray, chance: random.Random, message: int | None, is_definition: bool) -> Frame:
    """Any frame of that kind; any definition or record where there is none."""
    same = [f for f in frames(data) if f.is_definition == is_definition]
    return chance.choice([f for f in same if message in (None, f.message)] or same)


def _truncated(data: bytearray, chance: random.Random) -> None:
    del data[_body_at(data, chance) :]


def _last_bytes_lost(data: bytearray, chance: random.Random) -> None:
    del data[-chance.randint(1, 40) :]


def _crashed(data: bytearray, chance: random.Random) -> None:
    """Cut anywhere, before the size and the checksum were ever written."""
    _truncated(data, chance)
    data[4:8] = bytes(4)
    data[12:14] = bytes(2)


def _zero_sum(data: bytearray, _: random.Random) -> None:
    data[-2:] = bytes(2)


def _wrong_sum(data: bytearray, chance: random.Random) -> None:
    data[-1] ^= chance.randint(1, 255)


def _no_sum(data: bytearray, _: random.Random) -> None:
    del data[-2:]


def _wrong_size(data: bytearray, chance: random.Random) -> None:
    size = int.from_bytes(data[4:8], "little")
    wrong = chance.choice(
        [0, 0xFFFFFFFF, chance.randrange(size), size - 1, size + 1, size + 14, 2 * size]
    )
    data[4:8] = wrong.to_bytes(4, "little")


def _junk(chance: random.Random) -> bytes:
    length = chance.choice((1, 2, 3, 5, 14, 60, 512, 4096))
    junk = bytearray(chance.choice((chance.randbytes(length), bytes(length), b"\xff" * length)))
    if length >= 14 and chance.random() < 0.4:
        at = chance.randrange(length - 12)
        junk[at : at + 12] = bytes([14, 16, 1, 2]) + chance.randbytes(4) + b".FIT"
    return bytes(junk)


def _junk_before(data: bytearray, chance: random.Random) -> None:
    data[0:0] = _junk(chance)


def _junk_after(data: bytearray, chance: random.Random) -> None:
    data += _junk(chance)


def _junk_inside(data: bytearray, chance: random.Random) -> None:
    at = _body_at(data, chance)
    data[at:at] = _junk(chance)


def _records_hit(data: bytearray, chance: random.Random) -> None:
    frame = _of(data, chance, _RECORD, is_definition=False)
    _hit(data, chance, frame.start, frame.end)


def _bytes_hit(data: bytearray, chance: random.Random) -> None:
    _hit(data, chance, 14, len(data) - 2, most=12)


def _headers_hit(data: bytearray, chance: random.Random) -> None:
    """The byte that says of which message a record is."""
    records = [frame for frame in frames(data) if not frame.is_definition]
    for frame in chance.sample(records, min(len(records), chance.randint(1, 5))):
        data[frame.start] ^= 1 << chance.randrange(8)


def _file_header_hit(data: bytearray, chance: random.Random) -> None:
    _hit(data, chance, 0, 14, most=2)


def _definition_hit(data: bytearray, chance: random.Random) -> None:
    frame = _of(data, chance, None, is_definition=True)
    _hit(data, chance, frame.start, frame.end)


def _record_definition_hit(data: bytearray, chance: random.Random) -> None:
    frame = _of(data, chance, _RECORD, is_definition=True)
    _hit(data, chance, frame.start, frame.end, most=2)


def _record_definition_lost(data: bytearray, chance: random.Random) -> None:
    frame = _of(data, chance, _RECORD, is_definition=True)
    del data[frame.start : frame.end]


def _description_hit(data: bytearray, chance: random.Random) -> None:
    frame = _of(data, chance, _DESCRIPTION, is_definition=False)
    _hit(data, chance, frame.start, frame.end)


def _stretch_lost(data: bytearray, chance: random.Random) -> None:
    at = _body_at(data, chance)
    del data[at : at + chance.choice((1, 2, 7, 30, 200, 512, 4096))]


def _stretch_doubled(data: bytearray, chance: random.Random) -> None:
    at = _body_at(data, chance)
    data[at:at] = data[at : at + chance.choice((1, 7, 30, 200, 512, 4096))]


def _blocks_swapped(data: bytearray, chance: random.Random) -> None:
    size = chance.choice((16, 64, 512))
    first, second = sorted(_body_at(data, chance) for _ in range(2))
    if first + size <= second and second + size <= len(data):
        one = data[first : first + size]
        data[first : first + size] = data[second : second + size]
        data[second : second + size] = one


def _filled(data: bytearray, chance: random.Random, value: int, is_tail: bool) -> None:
    at = _body_at(data, chance)
    end = len(data) if is_tail else min(at + chance.choice((4, 64, 512, 4096)), len(data))
    data[at:end] = bytes([value]) * (end - at)


def _zero_tail(data: bytearray, chance: random.Random) -> None:
    _filled(data, chance, 0, is_tail=True)


def _ff_tail(data: bytearray, chance: random.Random) -> None:
    _filled(data, chance, 0xFF, is_tail=True)


def _hole(data: bytearray, chance: random.Random) -> None:
    _filled(data, chance, chance.choice((0, 0xFF)), is_tail=False)


def _times_jump(data: bytearray, chance: random.Random) -> None:
    """A clock that was wrong for some records: their times are random."""
    definitions = [f for f in frames(data) if f.is_definition and f.message == _RECORD]
    records = [f for f in frames(data) if not f.is_definition and f.message == _RECORD]
    if not definitions or not records or data[definitions[0].start + 6] != 253:
        return
    at = chance.randrange(len(records))
    for frame in records[at : at + chance.randint(1, 20)]:
        if data[frame.start] < 0x40:
            data[frame.start + 1 : frame.start + 5] = chance.randbytes(4)


DAMAGES: dict[str, Damage] = {
    "cut short": _truncated,
    "last bytes lost": _last_bytes_lost,
    "crashed while writing": _crashed,
    "zero checksum": _zero_sum,
    "wrong checksum": _wrong_sum,
    "no checksum": _no_sum,
    "wrong size": _wrong_size,
    "junk before": _junk_before,
    "junk after": _junk_after,
    "junk inside": _junk_inside,
    "a record hit": _records_hit,
    "bytes hit": _bytes_hit,
    "record headers hit": _headers_hit,
    "file header hit": _file_header_hit,
    "a definition hit": _definition_hit,
    "record definition hit": _record_definition_hit,
    "record definition lost": _record_definition_lost,
    "a description hit": _description_hit,
    "a stretch lost": _stretch_lost,
    "a stretch doubled": _stretch_doubled,
    "blocks swapped": _blocks_swapped,
    "zero tail": _zero_tail,
    "0xFF tail": _ff_tail,
    "a hole": _hole,
    "times jump": _times_jump,
}
"""What it is called -> what does it to a healthy file, in place."""
