"""Bytes in, FIT's 16-bit checksum out."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import IntArray

__all__ = ["crc16"]

_POLYNOMIAL = 0xA001  # x^16 + x^15 + x^2 + 1, bits reflected ("CRC-16/ARC")
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
    words = np.frombuffer(data, "<u2", len(data) // 2)
    state = _chained(words) if len(words) else 0
    return _after_byte(state, data[-1]) if len(data) % 2 else state


def _chained(words: _Words) -> int:
    columns = _columns(len(words))
    length = -(-len(words) // columns)
    # Zeros in front of the first byte leave the checksum at its start.
    padded = np.zeros(length * columns, np.uint16)
    padded[len(padded) - len(words) :] = words
    rows = np.zeros((length, columns + 16), np.uint16)
    rows[:, :columns] = padded.reshape(columns, length).T
    states: IntArray = np.zeros(columns + 16, np.intp)
    states[columns:] = 1 << np.arange(16)  # what zeros make of each single bit
    table = _table()
    for row in rows:
        states = table.take(states ^ row)
    low, high = _images(states[columns:])
    state = 0
    for stretch in states[:columns].tolist():
        state = low[state & 0xFF] ^ high[state >> 8] ^ stretch
    return state


def _columns(words: int) -> int:
    """A power of two: many save rows, but each costs a step of the loop that chains them."""
    return 1 << min(max(math.isqrt(13 * words).bit_length() - 1, 4), 11)


def _images(basis: IntArray) -> tuple[list[int], list[int]]:
    """What the linear map makes of every low byte and of every high byte."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    low, high = (
        np.bitwise_xor.reduce(np.where(bits, half, 0), axis=1).tolist()
        for half in (basis[:8], basis[8:])
    )
    return low, high


@lru_cache(maxsize=1)
def _table() -> IntArray:
    """Checksum after one 16-bit word, for every value of state XOR word."""
    state = np.arange(1 << 16, dtype=np.intp)
    for _ in range(16):
        state = (state >> 1) ^ np.where(state & 1, _POLYNOMIAL, 0)
    return state


def _after_byte(state: int, byte: int) -> int:
    state ^= byte
    for _ in range(8):
        state = (state >> 1) ^ (_POLYNOMIAL if state & 1 else 0)
    return state
