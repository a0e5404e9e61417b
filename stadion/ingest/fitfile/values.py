"""Positions of one field in the bytes in, numbers with NaN for missing out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stadion.core.arrays import FloatArray, IntArray

__all__ = ["BASE_TYPES", "BaseType", "base_type", "numbers", "text"]


@dataclass(frozen=True, slots=True)
class BaseType:
    """How FIT stores a number: numpy's letter for it, bytes, and the value that means missing."""

    letter: str
    size: int
    invalid: int | None

    @property
    def is_number(self) -> bool:
        """False for text."""
        return self.letter != "S"


# By the low five bits of the base type's code, as the FIT protocol numbers them.
BASE_TYPES: dict[int, BaseType] = {
    0: BaseType("u1", 1, 0xFF),  # enum
    1: BaseType("i1", 1, 0x7F),
    2: BaseType("u1", 1, 0xFF),
    3: BaseType("i2", 2, 0x7FFF),
    4: BaseType("u2", 2, 0xFFFF),
    5: BaseType("i4", 4, 0x7FFFFFFF),
    6: BaseType("u4", 4, 0xFFFFFFFF),
    7: BaseType("S", 1, None),  # text, ended by a zero
    8: BaseType("f4", 4, None),  # missing is a NaN already
    9: BaseType("f8", 8, None),
    10: BaseType("u1", 1, 0),  # the z types: zero is missing
    11: BaseType("u2", 2, 0),
    12: BaseType("u4", 4, 0),
    13: BaseType("u1", 1, 0xFF),  # byte
    14: BaseType("i8", 8, 0x7FFFFFFFFFFFFFFF),
    15: BaseType("u8", 8, 0xFFFFFFFFFFFFFFFF),
    16: BaseType("u8", 8, 0),
}


def base_type(code: int) -> BaseType | None:
    """The base type of that code; None for one that FIT does not know."""
    return BASE_TYPES.get(code & 0x1F)


def numbers(
    data: bytes, positions: IntArray, kind: BaseType, count: int, big_endian: bool
) -> FloatArray:
    """Read `count` numbers at each position, as they lie in the file, unaligned.

    Parameters
    ----------
    positions
        (n,) offsets of the field in `data`; every field must end inside it.

    Returns
    -------
    (n,) float64 for a count of 1, else (n, count); NaN = missing.
    """
    order = ">" if big_endian else "<"
    field = np.dtype((f"{order}{kind.letter}", (count,))) if count > 1 else None
    dtype = field or np.dtype(f"{order}{kind.letter}")
    window = np.ndarray(
        (max(len(data) - dtype.itemsize + 1, 0),), _opaque(dtype.itemsize), data, 0, (1,)
    )
    stored = window[positions].view(f"{order}{kind.letter}")
    raw = stored.reshape(len(positions), count) if count > 1 else stored
    with np.errstate(invalid="ignore"):
        values = raw.astype(np.float64)
    if kind.invalid is not None:
        values[raw == kind.invalid] = np.nan
    return values


def _opaque(size: int) -> np.dtype[np.void]:
    return np.dtype((np.void, size))


def text(data: bytes, position: int, size: int) -> str:
    """The text of a field, up to its first zero."""
    return data[position : position + size].split(b"\0", 1)[0].decode("utf-8", "replace").strip()
