"""How much one input may unpack to: what headers claim is counted, and what streams is cut off."""

from __future__ import annotations

from dataclasses import dataclass

from stadion.core.errors import Code, StadionError

__all__ = ["Budget", "bomb"]

_SMALL_BYTES = 32 << 20
_LEAST_SHARE_BYTES = 1 << 20


@dataclass(slots=True, eq=False)
class Budget:
    """What is left of the bounds of one input.

    Parameters
    ----------
    packed_bytes
        Size of the input as it lies on disk or came in.
    total_bytes
        Bytes that all its archives together may claim to unpack to.
    ratio
        Unpacked per packed byte, once more than 32 MiB are unpacked.
    members, depth
        Files in its archives, and archives and compressions inside one another.
    """

    packed_bytes: int
    total_bytes: int = 16 << 30
    ratio: int = 100
    members: int = 100_000
    depth: int = 4
    spent: int = 0

    def spend(self, count: int) -> None:
        """Note what an archive claims to unpack to; INVALID when it is too much for one input.

        No member ever gives more than it claims, so that this is counted before any is read.
        """
        self.spent += count
        if self.spent > self.total_bytes:
            raise bomb(f"over {self.total_bytes >> 20} MiB")
        if self.spent > max(_SMALL_BYTES, self.ratio * self.packed_bytes):
            raise bomb(f"over {self.ratio} times its size")

    def take_members(self, count: int) -> None:
        """Note the files of one more archive; INVALID when there are too many."""
        self.members -= count
        if self.members < 0:
            raise StadionError(Code.INVALID, "the archive holds too many files; split it")

    def share(self, packed: int) -> int:
        """Bytes that one compressed file of `packed` bytes in this input may unpack to."""
        ratio = max(self.ratio, _SMALL_BYTES // max(self.packed_bytes, 1))
        return min(max(_LEAST_SHARE_BYTES, ratio * packed), self.total_bytes)


def bomb(size: str) -> StadionError:
    """The refusal of what unpacks to too much."""
    return StadionError(Code.INVALID, f"unpacks to {size}; refused as a decompression bomb")
