"""Numbers and text as FIT stores them in, float64 with NaN for missing, and words, out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stadion.core.arrays import Array, FloatArray

__all__ = ["BASE_TYPES", "BaseType", "as_numbers", "base_type", "text"]


@dataclass(frozen=True, slots=True)
class BaseType:
    """How FIT stores a number: numpy's letter for it, bytes, and the value that means missing."""

    letter: str
    size: int
    invalid: int | None
    is_opaque: bool = False
    """Several of these in a field are bytes of the maker's own, not a list of numbers."""

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
    13: BaseType("u1", 1, 0xFF, is_opaque=True),  # byte
    14: BaseType("i8", 8, 0x7FFFFFFFFFFFFFFF),
    15: BaseType("u8", 8, 0xFFFFFFFFFFFFFFFF),
    16: BaseType("u8", 8, 0),
}


def base_type(code: int) -> BaseType | None:
    """The base type of that code; None for one that FIT does not know."""
    return BASE_TYPES.get(code & 0x1F)


def as_numbers(stored: Array, kind: BaseType) -> FloatArray:
    """Stored numbers of any shape as float64 of that shape; NaN = missing."""
    if kind.invalid is None:
        with np.errstate(invalid="ignore"):  # a signalling NaN is missing like any other
            return stored.astype(np.float64)
    values = stored.astype(np.float64)
    missing = stored == kind.invalid
    if missing.any():
        values[missing] = np.nan
    return values


def text(raw: bytes) -> str:
    """The text of a field, up to its first zero."""
    return raw.split(b"\0", 1)[0].rstrip(b"\xff").decode("utf-8", "replace").strip()
