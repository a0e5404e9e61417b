"""A zip archive in, its index and the bytes of its members out."""

from __future__ import annotations

import io
import itertools
import stat
import struct
import zlib
from collections.abc import Iterator, MutableSequence, Sequence
from dataclasses import replace
from typing import BinaryIO

from stadion.core.activity import Repair
from stadion.core.errors import Code, StadionError
from stadion.ingest.opening.entries import Entry, Index
from stadion.ingest.opening.streams import Window, inflated, salvaged

__all__ = ["zip_index", "zip_pieces"]

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MOST_COMMENT = 1 << 16
_PIECE_BYTES = 1 << 18
_STORED, _DEFLATED = 0, 8
_MOST_DEFLATED = 1032
"""What a byte of deflate can unpack to at most: 258 bytes for two bits."""
_ENCRYPTED, _UTF8, _SIZES_FOLLOW = 1, 1 << 11, 1 << 3
_UNKNOWN = 0xFFFFFFFF
_MOST_SHARED = 3
_UNIX = 3
_DAMAGED = "damaged inside its zip archive"


def zip_index(stream: BinaryIO, size: int, most: int) -> Index:
    """The files of a zip of `size` bytes, as its central directory tells.

    Without one (a download cut short) they are found by the headers before each.

    Raises
    ------
    StadionError
        INVALID when there are over `most` entries, or when they overlap.

    References
    ----------
    PKWARE, APPNOTE.TXT 6.3.10 (.ZIP file format specification), 4.3 and 4.5.3.
    D. Fifield, A better zip bomb, WOOT 2019 (members that share their bytes).
    """
    found = _directory(stream, size)
    if found is None:
        return _without_directory(stream, size, most)
    start, length, count, shift = found
    if count > most or length > most * (_CENTRAL.size + 400):
        raise StadionError(Code.INVALID, "the archive holds too many files; split it")
    stream.seek(start)
    entries = list(itertools.islice(_entries(stream.read(length), shift), most + 1))
    if len(entries) > most:
        raise StadionError(Code.INVALID, "the archive holds too many files; split it")
    files = [entry for entry in _apart(entries, start) if not entry.name.endswith(("/", "\\"))]
    lost = count - len(entries)
    return Index(files, f"{lost} of its files are lost" if lost > 0 else "")


def zip_pieces(
    stream: BinaryIO,
    entry: Entry,
    repairs: MutableSequence[Repair],
    piece_bytes: int = _PIECE_BYTES,
) -> Iterator[bytes]:
    """Pieces of a member, never more than its entry claims; damage is noted in `repairs`."""
    raw = _bytes_of(stream, entry)
    if entry.method == _STORED:
        pieces = iter(lambda: raw.read(piece_bytes), b"")
    else:
        pieces = salvaged(inflated(raw, piece_bytes), repairs, _DAMAGED)
    return _checked(pieces, entry, repairs)


def _bytes_of(stream: BinaryIO, entry: Entry) -> BinaryIO:
    stream.seek(entry.start)
    header = stream.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise StadionError(Code.INVALID, f"{_DAMAGED}: its header is lost")
    *_, name, extra = _LOCAL.unpack(header)
    start = entry.start + _LOCAL.size + name + extra
    return io.BufferedReader(Window(stream, start, entry.packed), _MOST_COMMENT)


def _checked(
    pieces: Iterator[bytes], entry: Entry, repairs: MutableSequence[Repair]
) -> Iterator[bytes]:
    left, crc = entry.size, 0
    for piece in pieces:
        kept = piece[:left]
        left -= len(kept)
        crc = zlib.crc32(kept, crc)
        yield kept
        if len(kept) < len(piece):
            break
    is_whole = left == 0 or entry.crc is None
    damage = Repair(_DAMAGED)
    if (not is_whole or entry.crc not in (None, crc)) and damage not in repairs:
        repairs.append(damage)


def _directory(stream: BinaryIO, size: int) -> tuple[int, int, int, int] | None:
    """Start, length and count of the central directory, and bytes of junk before the archive."""
    tail_at = max(size - _END.size - _MOST_COMMENT, 0)
    stream.seek(tail_at)
    tail = stream.read(size - tail_at)
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0 and at + _END.size > len(tail):
        at = tail.rfind(b"PK\x05\x06", 0, at)
    if at < 0:
        return None
    end = tail_at + at
    *_, count, length, start, _ = _END.unpack_from(tail, at)
    locator = tail[at - 20 : at] if at >= 20 else b""
    if locator.startswith(b"PK\x06\x07"):
        (place,) = struct.unpack_from("<Q", locator, 8)
        stream.seek(min(place, size))
        record = stream.read(_END64.size)
        if len(record) == _END64.size and record.startswith(b"PK\x06\x06"):
            *_, count, length, start = _END64.unpack(record)
            end = place
    shift = end - length - start
    if length > size or shift < 0 or start + shift > size:
        return None
    return start + shift, length, count, shift


def _entries(directory: bytes, shift: int) -> Iterator[Entry]:
    at = 0
    while at + _CENTRAL.size <= len(directory):
        fields = _CENTRAL.unpack_from(directory, at)
        signature, made, _, flags, method, _, _, crc, packed, size, name, extra, comment = fields[
            :13
        ]
        if signature != b"PK\x01\x02":
            return
        mode, start = fields[15] >> 16, fields[16]
        at += _CENTRAL.size
        raw = directory[at : at + name]
        more = directory[at + name : at + name + extra]
        at += name + extra + comment
        if _UNKNOWN in (packed, size, start):
            size, packed, start = _wide(more, size, packed, start)
        entry = Entry(_name(raw, flags), start + shift, packed, size, method, crc)
        is_link = made >> 8 == _UNIX and stat.S_ISLNK(mode)
        yield replace(entry, refusal=_refusal(entry, flags, is_link))


def _wide(extra: bytes, size: int, packed: int, start: int) -> tuple[int, int, int]:
    """The sizes of zip64, which stand in a field of their own where 32 bits do not do."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4
        if kind == 1:
            numbers = iter(struct.unpack_from(f"<{min(length, len(extra) - at) // 8}Q", extra, at))
            told = [next(numbers, v) if v == _UNKNOWN else v for v in (size, packed, start)]
            return told[0], told[1], told[2]
        at += length
    return size, packed, start


def _name(raw: bytes, flags: int) -> str:
    """UTF-8 where it can be, marked or not; else the code page of the first zips."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8" if flags & _UTF8 else "cp437", "replace")


def _refusal(entry: Entry, flags: int, is_link: bool) -> str:
    if flags & _ENCRYPTED:
        return "encrypted; unpack it first"
    if is_link:
        return "a link in a zip archive"
    if entry.method not in (_STORED, _DEFLATED):
        return f"packed by zip's method {entry.method}; expected deflate: pack it anew"
    if entry.method == _STORED and entry.size != entry.packed:
        return "its size in the zip archive is wrong"
    if entry.size > _MOST_DEFLATED * entry.packed + 64:
        return "claims more than its bytes can unpack to; refused as a decompression bomb"
    return ""


def _apart(entries: Sequence[Entry], end: int) -> list[Entry]:
    """The entries, those refused that share bytes with another.

    A damaged directory has one or two; many are an archive that no program wrote.
    """
    order = sorted(range(len(entries)), key=lambda k: entries[k].start)
    apart = list(entries)
    reached, shared = 0, 0
    for place in order:
        entry = entries[place]
        mine = entry.start + _LOCAL.size + entry.packed
        if entry.start < reached or mine > end:
            shared += 1
            apart[place] = replace(entry, refusal=f"{_DAMAGED}: shares its bytes with others")
        else:
            reached = mine
    if shared > _MOST_SHARED:
        raise StadionError(
            Code.INVALID, "a zip archive whose members overlap; refused as a decompression bomb"
        )
    return apart


def _without_directory(stream: BinaryIO, size: int, most: int) -> Index:
    """Files by the headers before each, as far as their sizes are known."""
    entries: list[Entry] = []
    at = 0
    while at < size and len(entries) < most:
        stream.seek(at)
        header = stream.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
            break
        _, _, flags, method, _, _, told, packed, whole, name, extra = _LOCAL.unpack(header)
        crc: int | None = told
        raw = stream.read(name)
        start, at = at, at + _LOCAL.size + name + extra
        if flags & _SIZES_FOLLOW and not packed:
            # The sizes stand behind the bytes: only reading them tells where they end.
            packed, whole = _measured(stream, at, size)
            crc = None
        packed = min(packed, size - at)
        at += packed
        if flags & _SIZES_FOLLOW:
            at = _next_header(stream, at)
        entry = Entry(_name(raw, flags), start, packed, whole, method, crc)
        entries.append(replace(entry, refusal=_refusal(entry, flags, is_link=False)))
    files = [entry for entry in entries if not entry.name.endswith(("/", "\\"))]
    return Index(files, "its directory is lost, so that files may be missing")


def _measured(stream: BinaryIO, start: int, size: int) -> tuple[int, int]:
    """Packed and unpacked bytes of a deflate stream that begins at `start`."""
    unpacker = zlib.decompressobj(wbits=-15)
    at, whole = start, 0
    stream.seek(start)
    try:
        while not unpacker.eof and (data := stream.read(_MOST_COMMENT)):
            at += len(data)
            while data and not unpacker.eof:
                whole += len(unpacker.decompress(data, _PIECE_BYTES))
                data = unpacker.unconsumed_tail
    except zlib.error:
        return size - start, whole
    return at - len(unpacker.unused_data) - start, whole


def _next_header(stream: BinaryIO, at: int) -> int:
    """Where the next header is, behind a checksum and two sizes."""
    stream.seek(at)
    data = stream.read(64)
    found = data.find(b"PK\x03\x04")
    return at + (found if found >= 0 else len(data))
