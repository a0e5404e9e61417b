"""Where a file lies: on a disk, or how deep in which archives; and its bytes, when asked for."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

from stadion.core.activity import Repair
from stadion.core.errors import Code, StadionError
from stadion.ingest.base import Member
from stadion.ingest.opening.entries import BROKEN, Entry, Index
from stadion.ingest.opening.names import peeled, tidy_path
from stadion.ingest.opening.streams import COMPRESSED, Window, bounded, salvaged, streamed
from stadion.ingest.opening.tarred import tar_index
from stadion.ingest.opening.zipped import zip_index, zip_pieces

__all__ = ["Archives", "Place"]

_MOST_WHOLE_BYTES = 256 << 20
"""A file over this size is only read by readers that stream it."""
_MOST_MEMBERS = 100_000
_MOST_SPOOLED_BYTES = 8 << 30
_IN_MEMORY_BYTES = 4 << 20
_PIECE_BYTES = 1 << 18
_MOST_OPEN = 8
_TYPICAL_RATIO = 4
_STORED = 0

Step = tuple[str, int]
"""One layer: ('gzip', 0), ('xz', 0), or ('zip' or 'tar', number of the file in it)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one file lies, as plain data that another process can use.

    Parameters
    ----------
    path
        Its name as it is shown: of the input, its archives, and its own.
    file
        The file on disk that it is or lies in; empty = bytes at hand.
    steps
        The layers in `file` around it, the outermost first.
    size
        Bytes it unpacks to; an estimate where compression hides it.
    limit
        Bytes it may unpack to at most.
    packed
        Bytes of `file` that it takes.
    """

    path: str
    file: str
    steps: tuple[Step, ...] = ()
    size: int = 0
    limit: int = 0
    packed: int = 0

    @classmethod
    def outermost(cls, path: str, file: str, size: int) -> Place:
        """A file on disk, or bytes at hand."""
        return cls(path, file, (), size, size, size)

    @property
    def is_compressed(self) -> bool:
        """True for what a gzip or xz file holds, whose size nothing tells for sure."""
        return bool(self.steps) and self.steps[-1][0] in COMPRESSED

    def unpacked(self, kind: str, share: int) -> Place:
        """What a compressed file holds: at most `share` bytes."""
        limit = self.limit if self.is_compressed else share
        return Place(
            peeled(self.path, kind),
            self.file,
            (*self.steps, (kind, 0)),
            min(self.size * _TYPICAL_RATIO, limit),
            limit,
            self.packed,
        )

    def member(self, kind: str, number: int, entry: Entry, within: int = 0) -> Place:
        """A file of the archive that this is; `within` is its size where `size` is a guess."""
        path = f"{self.path}/{tidy_path(entry.name)}"
        steps = (*self.steps, (kind, number))
        packed = entry.packed * self.packed // max(within or self.size, 1)
        return Place(path, self.file, steps, entry.size, entry.size, packed)


class Archives:
    """Opens places; keeps the last few archives open, so that neighbours are found fast.

    Parameters
    ----------
    data
        Bytes of the input when it is no file on disk.

    Examples
    --------
    >>> with Archives(b"hello") as archives:
    ...     archives.member(Place("x.txt", "", limit=5), b"hello").data
    b'hello'
    """

    def __init__(self, data: bytes | None = None) -> None:
        self._data = data
        self._open: OrderedDict[tuple[str, tuple[Step, ...]], _Archive] = OrderedDict()
        self.kept: dict[object, Any] = {}
        """What jobs on the same input keep for one another."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close everything; temporary files are gone."""
        for archive in self._open.values():
            archive.stream.close()
        self._open.clear()

    def member(self, place: Place, head: bytes) -> Member:
        """The file as readers take it: nothing but its head is read before they ask."""
        repairs: list[Repair] = []
        return Member(
            place.path,
            head,
            lambda: self._whole(place, repairs),
            repairs,
            lambda: self.stream(place, repairs),
        )

    def head(self, place: Place, count: int) -> bytes:
        """The first unpacked bytes."""
        with self.stream(place, None, count) as stream:
            return stream.read(count)

    def stream(
        self,
        place: Place,
        repairs: list[Repair] | None = None,
        piece_bytes: int = _PIECE_BYTES,
    ) -> BinaryIO:
        """The unpacked bytes from the first on; what is damaged is noted in `repairs`.

        Raises
        ------
        StadionError
            INVALID for what cannot be had, and while reading what unpacks to too much.
        """
        notes = [] if repairs is None else repairs
        if not place.steps:
            return self._file(place)
        (kind, number), outer = place.steps[-1], replace(place, steps=place.steps[:-1])
        if kind in COMPRESSED:
            packed = self.stream(outer, notes, piece_bytes)
            what = f"{kind} is damaged or cut short"
            pieces = salvaged(COMPRESSED[kind](packed, piece_bytes), notes, what)
            return streamed(bounded(pieces, place.limit), packed.close)
        # What the archive may unpack to was bounded when it was looked into: `limit` is the file's.
        archive = self._archive(replace(outer, limit=_MOST_SPOOLED_BYTES), kind)
        entry = archive.index.entries[number]
        if entry.refusal:
            raise StadionError(Code.INVALID, entry.refusal)
        if kind == "zip":
            return streamed(zip_pieces(archive.stream, entry, notes, piece_bytes), _nothing)
        return io.BufferedReader(Window(archive.stream, entry.start, entry.size), _PIECE_BYTES)

    def index(self, place: Place, kind: str) -> Index:
        """The files of the archive at a place."""
        return self._archive(place, kind).index

    def digest(self, place: Place) -> str:
        """SHA-256 of the unpacked bytes."""
        digest = hashlib.sha256()
        with self.stream(place) as stream:
            while data := stream.read(_PIECE_BYTES):
                digest.update(data)
        return digest.hexdigest()

    def _whole(self, place: Place, repairs: list[Repair]) -> bytes:
        if place.size > _MOST_WHOLE_BYTES and not place.is_compressed:
            raise _too_large()
        if not place.steps:
            with self._file(place) as file:
                return file.read()
        buffer = io.BytesIO()
        with self.stream(place, repairs) as stream:
            while data := stream.read(_PIECE_BYTES):
                buffer.write(data)
                if buffer.tell() > _MOST_WHOLE_BYTES:
                    raise _too_large()
        return buffer.getvalue()

    def _file(self, place: Place) -> BinaryIO:
        if not place.file:
            return io.BytesIO(self._data or b"")
        try:
            return Path(place.file).open("rb")
        except OSError as error:
            raise StadionError(Code.INVALID, f"cannot be read: {error.strerror}") from error

    def _archive(self, place: Place, kind: str) -> _Archive:
        """The archive at a place, opened or still open."""
        key = (place.file, place.steps)
        # An archive lies in those around it: they stay open as long as it does.
        for depth in range(len(place.steps)):
            if (outer := (place.file, place.steps[:depth])) in self._open:
                self._open.move_to_end(outer)
        if key not in self._open:
            stream = self._seekable(place)
            size = stream.seek(0, io.SEEK_END)
            try:
                index = _INDEXES[kind](stream, size, _MOST_MEMBERS)
            except BROKEN as error:
                stream.close()
                reason = f"a {kind} archive that is damaged: {type(error).__name__}"
                raise StadionError(Code.INVALID, reason) from error
            except BaseException:
                stream.close()
                raise
            self._open[key] = _Archive(stream, index)
            if len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)[1].stream.close()
        self._open.move_to_end(key)
        return self._open[key]

    def _seekable(self, place: Place) -> BinaryIO:
        """An archive's bytes: where they lie if they do so unpacked, else in a temporary file."""
        stream = self.stream(place)
        if stream.seekable():
            return stream
        spool = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES))  # noqa: SIM115
        pieces = bounded(iter(lambda: stream.read(_PIECE_BYTES), b""), _MOST_SPOOLED_BYTES)
        try:
            with stream:
                for data in pieces:
                    spool.write(data)
        except OSError as error:
            spool.close()
            reason = f"cannot be unpacked: {error.strerror}; it takes {place.size >> 20} MiB"
            raise StadionError(Code.INVALID, reason) from error
        except BaseException:
            spool.close()
            raise
        return spool


@dataclass(slots=True, eq=False)
class _Archive:
    stream: BinaryIO
    index: Index = field(default_factory=lambda: Index(()))


def _too_large() -> StadionError:
    most = _MOST_WHOLE_BYTES >> 20
    return StadionError(
        Code.INVALID, f"over {most} MiB, which its reader can only read whole; split it"
    )


def _nothing() -> None:
    """The archive stays open for its other members."""


_INDEXES: dict[str, Callable[[BinaryIO, int, int], Index]] = {"zip": zip_index, "tar": tar_index}
