"""How much one input may unpack to: counted while it streams, not believed from its headers."""

from __future__ import annotations

from dataclasses import dataclass

from stadion.core.errors import Code, StadionError

__all__ = ["Budget"]

_SMALL_BYTES = 64 << 20


@dataclass(slots=True, eq=False)
class Budget:
    """What is left of the bounds of one input.

    Parameters
    ----------
    packed_bytes
        Size of the input as it lies on disk or came in.
    total_bytes
        Bytes that all its layers together may unpack to.
    ratio
        Unpacked per packed byte, once more than 64 MiB are unpacked.
    members, depth
        Files in its archives, and archives inside one another.
    """

    packed_bytes: int
    total_bytes: int = 1 << 30
    ratio: int = 200
    members: int = 20_000
    depth: int = 4
    spent: int = 0

    def spend(self, count: int) -> None:
        """Note unpacked bytes; INVALID when they are too many for one input."""
        self.spent += count
        if self.spent > self.total_bytes:
            raise self._refusal(f"over {self.total_bytes >> 20} MiB")
        if self.spent > max(_SMALL_BYTES, self.ratio * self.packed_bytes):
            raise self._refusal(f"over {self.ratio} times its size")

    def take_member(self) -> None:
        """Note one more file of an archive; INVALID when there are too many."""
        self.members -= 1
        if self.members < 0:
            raise StadionError(Code.INVALID, "the archive holds too many files; split it")

    def _refusal(self, size: str) -> StadionError:
        return StadionError(Code.INVALID, f"unpacks to {size}; refused as a decompression bomb")
