"""What a reader is: bytes of one layout in, activities or tables out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stadion.core.activity import Activity, Table

__all__ = ["Member", "Reader"]


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One unwrapped file: its path inside what was opened, and its bytes."""

    path: str
    data: bytes


class Reader(Protocol):
    """A plug-in of this room.

    A layout is one file, or several that belong together (a folder of sensor files): `claim`
    says which of the members are this reader's and how they group; `read` turns one group into
    values. Both look at content first and at names only where content cannot tell.
    """

    name: str
    layout: str

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Groups of members this reader understands; cheap, raises nothing."""
        ...

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """The values of one claimed group.

        Raises
        ------
        StadionError
            INVALID with a reason a person can act on. Nothing else may escape. What could be
            salvaged is returned instead, its `source.repairs` saying what was lost.
        """
        ...
