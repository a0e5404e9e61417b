"""Bytes in, FIT's 16-bit checksum out."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["crc16"]

_POLYNOMIAL = 0xA001  # x^16 + x^15 + x^2 + 1, bits reflected ("CRC-16/ARC")
_COLUMNS = 512
_Words = npt.NDArray[np.uint16]


def crc16(data: bytes | memoryview) -> int:
    """Checksum over `data`, starting from 0.

    The checksum is linear over GF(2), so the bytes are cut into equal stretches that advance
    together, one 16-bit word a step, and are then chained by the linear map "advance over that
    many zeros". Some hundred times faster than a loop over bytes.

    Examples
    --------
    >>> hex(crc16(b"123456789"))
    '0xbb3d'
    """
    table = _table()
    words = np.frombuffer(data, "<u2", len(data) // 2).astype(np.uint16)
    length = len(words) // _COLUMNS
    state = _chained(words[: length * _COLUMNS], length, table) if length else 0
    for word in words[length * _COLUMNS :].tolist():
        state = int(table[state ^ word])
    if len(data) % 2:
        state = _after_byte(state, data[-1])
    return state


def _chained(words: _Words, length: int, table: _Words) -> int:
    rows = np.zeros((length, _COLUMNS + 16), np.uint16)
    rows[:, :_COLUMNS] = words.reshape(_COLUMNS, length).T
    states = np.zeros(_COLUMNS + 16, np.uint16)
    states[_COLUMNS:] = 1 << np.arange(16)  # what zeros make of each single bit
    for row in rows:
        states = table[states ^ row]
    low, high = _images(states[_COLUMNS:])
    state = 0
    for stretch in states[:_COLUMNS].tolist():
        state = low[state & 0xFF] ^ high[state >> 8] ^ stretch
    return state


def _images(basis: _Words) -> tuple[list[int], list[int]]:
    """What the linear map makes of every low byte and of every high byte."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    low, high = (
        np.bitwise_xor.reduce(np.where(bits, half, 0), axis=1).tolist()
        for half in (basis[:8], basis[8:])
    )
    return low, high


@lru_cache(maxsize=1)
def _table() -> _Words:
    """Checksum after one 16-bit word, for every value of state XOR word."""
    state = np.arange(1 << 16, dtype=np.uint16)
    for _ in range(16):
        state = (state >> 1) ^ np.where(state & 1, np.uint16(_POLYNOMIAL), np.uint16(0))
    return state


def _after_byte(state: int, byte: int) -> int:
    state ^= byte
    for _ in range(8):
        state = (state >> 1) ^ (_POLYNOMIAL if state & 1 else 0)
    return state
