"""Bytes of a healthy FIT file in, everything in which the fast and the slow decoder differ out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from stadion.ingest.fitfile.container import parts_of
from stadion.ingest.fitfile.messages import Messages, clock_of
from tests.ingest.fit_slow import Numbers, SlowMessage, decode, interpret

__all__ = ["disagreements"]

_DEVELOPER_BASES = (0x02, 0x84, 0x86, 0x88)
"""Types a developer's field is read as: the decoders must agree whatever the right one is."""


def disagreements(data: bytes) -> Iterator[str]:
    """Every field of every message, the unknown ones too, as stored."""
    slow: dict[int, list[SlowMessage]] = {}
    for message in decode(data):
        slow.setdefault(message.message, []).append(message)
    definitions = [each for part in parts_of(data) for each in part.definitions]
    fast = {d.message for d in definitions if d.is_used}
    if fast != slow.keys():
        yield f"messages {sorted(fast)} for {sorted(slow)}"
    for number in sorted(fast & slow.keys()):
        messages = Messages.of(data, definitions, number)
        mine = slow[number]
        if messages.positions.tolist() != [each.position for each in mine]:
            yield f"{number}: other records"
            continue
        times = clock_of(data, definitions, messages)
        if not _same(times, [each.time for each in mine]):
            yield f"{number}: other times"
        yield from (f"{number}.{key}" for key in _keys(mine) if _differs(messages, mine, key))


def _keys(messages: Sequence[SlowMessage]) -> list[int | tuple[int, int]]:
    return list(dict.fromkeys(key for each in messages for key in each.raw))


def _differs(fast: Messages, slow: Sequence[SlowMessage], key: int | tuple[int, int]) -> bool:
    if isinstance(key, tuple):
        owner, number = key
        return any(
            not _equal(fast.lists(number, owner, base), [_as(each, key, base) for each in slow])
            for base in _DEVELOPER_BASES
        )
    if not _equal(fast.lists(key), [each.values.get(key) for each in slow]):
        return True
    octets = fast.octets(key)
    stored = (each.raw.get(key, b"").ljust(octets.shape[1], b"\xff") for each in slow)
    return octets.tobytes() != b"".join(stored)


def _as(message: SlowMessage, key: tuple[int, int], base: int) -> Numbers | None:
    raw = message.raw.get(key)
    return None if raw is None else interpret(raw, base, message.big_endian)


def _equal(
    fast: np.ndarray[tuple[int, ...], np.dtype[np.floating]], slow: list[Numbers | None]
) -> bool:
    width = max((len(row) for row in slow if row is not None), default=0)
    if fast.shape != (len(slow), width):
        return False
    rows = [[*(row or []), *[None] * (width - len(row or []))] for row in slow]
    return _same(fast.reshape(-1), [number for row in rows for number in row])


def _same(
    fast: np.ndarray[tuple[int, ...], np.dtype[np.floating]], slow: Sequence[float | None]
) -> bool:
    return np.array_equal(fast, np.array(slow, np.float64), equal_nan=True)
