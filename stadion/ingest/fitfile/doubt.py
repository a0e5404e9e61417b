"""The bytes of the last few records in, what speaks against the newest of them out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stadion.ingest.fitfile.messages import OctetArray

__all__ = ["filled_from", "is_odd", "rows_of"]

_MOST_ODD = 0.15  # share of the bytes that never change


def rows_of(data: bytes, starts: Sequence[int], size: int) -> OctetArray:
    """(n, size) bytes of the records that start there, without their headers."""
    octets = np.frombuffer(data, np.uint8)
    return octets[np.array(starts, np.int64)[:, None] + np.arange(1, 1 + size)]


def filled_from(rows: OctetArray, following: bytes) -> int | None:
    """The byte from which on the last record is filled up with zeros or 0xFF, as what follows is.

    None when it is not, or no more than the records before it.
    """
    if len(following) < 4 or following not in (bytes(4), b"\xff" * 4):
        return None
    *before, own = (row.tobytes() for row in rows)
    cut = len(own.rstrip(following[:1]))
    least = min((len(row.rstrip(following[:1])) for row in before), default=0)
    return cut if cut < least else None


def is_odd(rows: OctetArray) -> bool:
    """True when the last record differs where those before it are all the same.

    What was written over its end, or lost from it, seldom looks like the other records.
    """
    if len(rows) < 3:
        return False
    before, own = rows[:-1], rows[-1]
    is_same = (before == before[0]).all(axis=0)
    odd = int((is_same & (own != before[0])).sum())
    return odd > max(1, _MOST_ODD * int(is_same.sum()))
