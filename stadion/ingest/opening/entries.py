"""What an index of an archive says of one file in it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["BROKEN", "Entry", "Index"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive.

    Parameters
    ----------
    name
        As the archive writes it: not yet fit to be shown.
    start, packed
        Where its bytes begin in the archive (a zip: where its local header does), and how many.
    size
        Bytes it unpacks to at most.
    method
        How they are packed, by zip's numbers: 0 = as they are, 8 = deflate.
    crc
        Checksum of the unpacked bytes; None = none is given.
    refusal
        Why it cannot be read; empty when it can.
    """

    name: str
    start: int
    packed: int
    size: int
    method: int = 0
    crc: int | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """The files of an archive; `damage` says where the archive breaks off, if it does."""

    entries: Sequence[Entry]
    damage: str = ""

    @property
    def size(self) -> int:
        """Bytes that all readable files together unpack to at most."""
        return sum(entry.size for entry in self.entries if not entry.refusal)


BROKEN = (ValueError, OverflowError, EOFError, OSError, struct.error)
"""What reading numbers of a made-up archive raises."""
