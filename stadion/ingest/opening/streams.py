"""Packed bytes in, unpacked bytes out: a piece at a time, never more than allowed."""

from __future__ import annotations

import io
import lzma
import zlib
from collections.abc import Callable, Iterator, MutableSequence
from typing import BinaryIO

from stadion.core.activity import Repair
from stadion.core.errors import Code, StadionError
from stadion.ingest.opening.budget import bomb
from stadion.ingest.opening.sniff import wrapping_of

__all__ = ["COMPRESSED", "Window", "bounded", "head_of", "inflated", "salvaged", "streamed"]

_PACKED_BYTES = 1 << 16
_PIECE_BYTES = 1 << 18
_SNIFFED_BYTES = 512
_MOST_PARTS = 10_000
_XZ_MEMORY_BYTES = 96 << 20
_BROKEN = (zlib.error, lzma.LZMAError, EOFError)


class Window(io.RawIOBase):
    """A stretch of another seekable stream, as a stream of its own."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self._stream, self._start, self._size, self._at = stream, start, size, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Bytes from the start of the stretch."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the stretch."""
        base = (0, self._at, self._size)[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer, up to the end of the stretch."""
        count = min(len(buffer), max(self._size - self._at, 0))
        if not count:
            return 0
        self._stream.seek(self._start + self._at)
        data = self._stream.read(count)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class _Pieces(io.RawIOBase):
    """Pieces of bytes as they come, as a stream."""

    def __init__(self, pieces: Iterator[bytes], closing: Callable[[], None]) -> None:
        self._pieces, self._closing = pieces, closing
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._closing()
        super().close()


def streamed(pieces: Iterator[bytes], closing: Callable[[], None]) -> BinaryIO:
    """A stream of the pieces; `closing` is called when it is closed."""
    return io.BufferedReader(_Pieces(pieces, closing), _PIECE_BYTES)


def bounded(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """The pieces; INVALID as soon as they are more than `limit` bytes."""
    spent = 0
    for piece in pieces:
        spent += len(piece)
        if spent > limit:
            raise bomb(f"over {max(limit >> 20, 1)} MiB, too much for its size")
        yield piece


def salvaged(
    pieces: Iterator[bytes], repairs: MutableSequence[Repair], what: str
) -> Iterator[bytes]:
    """The pieces up to where they break off; then `repairs` says so."""
    try:
        yield from pieces
    except _BROKEN:
        repair = Repair(what)
        if repair not in repairs:
            repairs.append(repair)


def head_of(packed: bytes, kind: str, count: int) -> bytes:
    """The first unpacked bytes, of the first packed ones."""
    head = bytearray()
    for piece in salvaged(COMPRESSED[kind](io.BytesIO(packed), count), [], ""):
        head += piece
        if len(head) >= count:
            break
    return bytes(head[:count])


def inflated(packed: BinaryIO, piece_bytes: int = _PIECE_BYTES) -> Iterator[bytes]:
    """Pieces of a raw deflate stream, as zip archives hold them."""
    unpacker = zlib.decompressobj(wbits=-15)
    rest = b""
    while not unpacker.eof:
        piece = unpacker.decompress(rest, piece_bytes)
        rest = unpacker.unconsumed_tail
        if piece:
            yield piece
        elif not rest and not unpacker.eof:
            rest = _more(packed)


def _gunzipped(packed: BinaryIO, piece_bytes: int = _PIECE_BYTES) -> Iterator[bytes]:
    """Pieces of all streams in a gzip file."""
    rest = packed.read(_PACKED_BYTES)
    for _ in range(_MOST_PARTS):
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            piece = unpacker.decompress(rest, piece_bytes)
            rest = unpacker.unconsumed_tail
            if piece:
                yield piece
            elif not rest and not unpacker.eof:
                rest = _more(packed)
        rest = _next_part(unpacker.unused_data, packed)
        if wrapping_of(rest) != "gzip":
            return
    raise EOFError


def _unxzed(packed: BinaryIO, piece_bytes: int = _PIECE_BYTES) -> Iterator[bytes]:
    """Pieces of all streams in an xz file."""
    rest = packed.read(_PACKED_BYTES)
    for _ in range(_MOST_PARTS):
        unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)
        while not unpacker.eof:
            piece = _unxz(unpacker, rest, piece_bytes)
            rest = b""
            if piece:
                yield piece
            elif unpacker.needs_input and not unpacker.eof:
                rest = _more(packed)
        rest = _next_part(unpacker.unused_data, packed)
        if wrapping_of(rest) != "xz":
            return
    raise EOFError


def _unxz(unpacker: lzma.LZMADecompressor, packed: bytes, piece_bytes: int) -> bytes:
    try:
        return unpacker.decompress(packed, piece_bytes)
    except lzma.LZMAError as error:
        if "emory" not in str(error):
            raise
        most = _XZ_MEMORY_BYTES >> 20
        reason = f"an xz file that takes over {most} MiB of memory to unpack; pack it with xz -6"
        raise StadionError(Code.INVALID, reason) from error


def _more(packed: BinaryIO) -> bytes:
    data = packed.read(_PACKED_BYTES)
    if not data:
        raise EOFError
    return data


def _next_part(rest: bytes, packed: BinaryIO) -> bytes:
    return rest if len(rest) >= _SNIFFED_BYTES else rest + packed.read(_PACKED_BYTES)


COMPRESSED: dict[str, Callable[..., Iterator[bytes]]] = {"gzip": _gunzipped, "xz": _unxzed}
"""What unpacks a stream, by its kind."""
