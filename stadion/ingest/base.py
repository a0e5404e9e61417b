"""What a reader is: bytes of one layout in, activities or tables out."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol, runtime_checkable

from stadion.core.activity import Activity, Repair, Source, Table

__all__ = [
    "HEAD_BYTES",
    "Index",
    "Member",
    "Note",
    "Notes",
    "Reader",
    "activity_id",
    "combined_digest",
    "digest_of",
    "source_of",
]

HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One unwrapped file: its path inside what was opened, its first bytes, and all of them.

    `head` is enough to tell a layout; `load` brings the whole file, which need not lie in
    memory before: ask for `data` once.
    """

    path: str
    head: bytes
    load: Callable[[], bytes]
    repairs: Sequence[Repair] = ()
    """What had to be mended to unwrap it, told while it is read; the opener adds it to the
    values' source."""
    opened: Callable[[], BinaryIO] | None = None
    """Begins to stream the file from its first byte; None = `load` is all there is."""

    @classmethod
    def of(cls, path: str, data: bytes, repairs: Iterable[Repair] = ()) -> Member:
        """A member whose bytes are at hand."""
        return cls(path, data[:HEAD_BYTES], lambda: data, tuple(repairs))

    @property
    def data(self) -> bytes:
        """All bytes; read anew each time when the file lies on disk.

        Raises
        ------
        StadionError
            INVALID for what cannot be read, unpacks to too much, or is over 256 MiB: who wants
            to read so large a file streams it.
        """
        return self.load()

    def stream(self) -> BinaryIO:
        """The unwrapped bytes from the first on, for files larger than memory; close it."""
        return io.BytesIO(self.load()) if self.opened is None else self.opened()


@dataclass(frozen=True, slots=True)
class Note:
    """What an export's own table says of one recording; what is empty it does not say."""

    title: str = ""
    sport: str = ""
    """FIT's word."""
    sub_sport: str = ""
    start: datetime | None = None
    """UTC."""


@dataclass(frozen=True, slots=True, eq=False)
class Notes:
    """Notes on recordings that lie in other files of the same input.

    Parameters
    ----------
    below
        Only files whose path begins so are meant: the folder of the export, ending in '/'.
    by_path
        Path below that, without the suffix of a compression -> its note.
    by_start
        Start of a recording in seconds since 1970 -> its note.
    """

    below: str
    by_path: Mapping[str, Note] = field(default_factory=dict)
    by_start: Mapping[int, Note] = field(default_factory=dict)


class Reader(Protocol):
    """A plug-in of this room.

    A layout is one file, or several that belong together (a folder of sensor files): `claim`
    says which of the members are this reader's and how they group; `read` turns one group into
    values. Both look at content first and at names only where content cannot tell.
    """

    name: str
    """The file's name without `.py`."""
    layout: str
    """What the files look like, in one sentence."""
    guesses: bool
    """True for a layout so general that every other reader is asked first."""

    def example(self) -> Sequence[Member]:
        """The smallest recording of this layout, made up: the checks run on it."""
        ...

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Groups of members this reader understands, told by `head` and `path`; raises nothing.

        Where two readers claim a file, one that does not guess wins, then the larger group,
        then the reader's name.
        """
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


@runtime_checkable
class Index(Reader, Protocol):
    """A reader of an export's table, which knows about recordings that others read.

    Its groups are read like any other's; beside that, the opener lends what they note of a
    recording to that recording where its own file does not say it.
    """

    def notes(self, group: Sequence[Member]) -> Notes:
        """What one claimed group says of other files.

        Raises
        ------
        StadionError
            INVALID as in `read`; nothing else.
        """
        ...


def digest_of(datas: Iterable[bytes]) -> str:
    """SHA-256 of one file's bytes; of several, of their sorted digests.

    Examples
    --------
    >>> digest_of([b"a", b"b"]) == digest_of([b"b", b"a"]) != digest_of([b"a"])
    True
    """
    return combined_digest(hashlib.sha256(data).hexdigest() for data in datas)


def combined_digest(digests: Iterable[str]) -> str:
    """What `digest_of` gives for files whose own digests are known."""
    known = sorted(digests)
    return known[0] if len(known) == 1 else hashlib.sha256("\n".join(known).encode()).hexdigest()


def activity_id(digest: str, index: int = 0) -> str:
    """Id of the recording number `index` of the bytes with that digest."""
    return hashlib.sha256(f"{digest}:{index}".encode()).hexdigest()


def source_of(reader: str, path: str, digest: str, repairs: Iterable[Repair] = ()) -> Source:
    """Where a value came from; repairs of one kind are added up."""
    counts: dict[str, int] = {}
    for repair in repairs:
        counts[repair.what] = counts.get(repair.what, 0) + repair.count
    mended = tuple(Repair(what, count) for what, count in counts.items())
    return Source(reader, digest, path, mended)
