"""Bytes of a file in, the FIT files chained in it out, with what is wrong about them."""

from __future__ import annotations

from dataclasses import dataclass

from stadion.core.activity import Repair
from stadion.ingest.fitfile.crc import crc16
from stadion.ingest.fitfile.profile import Message
from stadion.ingest.fitfile.salvage import salvage
from stadion.ingest.fitfile.walk import Definition, Walk, sound_definition_at, walk

__all__ = ["Part", "is_fit", "parts_of"]

SIGNATURE = b".FIT"
_SIGNATURE_AT = 8
_HEADER_SIZES = (14, 12)
_MOST_PARTS = 32  # a swim brings up to seven; bounds the time for made-up chains


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One of the files in a chain: its definitions with their records, and its damage."""

    definitions: tuple[Definition, ...]
    repairs: tuple[Repair, ...]
    is_damaged: bool
    """True when single bytes may be wrong, not only lost."""


@dataclass(frozen=True, slots=True)
class _Extent:
    """Where a part's body lies, where the next part may start, and whether its sum is right."""

    start: int
    end: int
    following: int
    is_intact: bool
    repairs: tuple[Repair, ...]


def is_fit(head: bytes) -> bool:
    """True when a file begins like FIT, be it that the signature itself is damaged."""
    return SIGNATURE in head or _unsigned_header(head) is not None


def _unsigned_header(data: bytes) -> int | None:
    """Bytes of a header without its signature: a definition of a file's kind stands behind it."""
    for size in _HEADER_SIZES:
        definition = _definition_at(data, size)
        if definition and definition.fields and definition.message == Message.FILE_ID:
            return size
    return None


def _definition_at(data: bytes, position: int) -> Definition | None:
    if position >= len(data) or not 0x40 <= data[position] < 0x80:
        return None
    return sound_definition_at(data, position, len(data))


def _find_header(data: bytes, start: int = 0, is_sure: bool = False) -> tuple[int, int] | None:
    """(offset, bytes) of the next FIT header at or after `start`; None when there is none.

    Parameters
    ----------
    is_sure
        Only a header with a definition behind it: four letters may stand in junk, too.
    """
    at = data.find(SIGNATURE, start + _SIGNATURE_AT)
    while at >= 0:
        header = at - _SIGNATURE_AT
        for size in (data[header], *_HEADER_SIZES):
            if size >= 12 and _definition_at(data, header + size):
                return header, size
        if not is_sure and 12 <= data[header] <= 32:
            return header, data[header]
        at = data.find(SIGNATURE, at + 1)
    return None


def parts_of(data: bytes) -> list[Part]:
    """All chained files, each walked; damaged ones as far as they can be read."""
    parts: list[Part] = []
    position = 0
    while (found := _next_header(data, position)) is not None:
        header, size = found
        if len(parts) == _MOST_PARTS:
            rest = Repair("bytes of further chained files ignored", len(data) - header)
            parts.append(Part((), (rest,), is_damaged=True))
            break
        extent = _extent(data, header, size)
        walked, is_damaged, repairs = _walked(data, extent)
        if data[header + _SIGNATURE_AT : header + _SIGNATURE_AT + 4] != SIGNATURE:
            repairs = [Repair("signature is damaged"), *repairs]
        if header > position:
            repairs = [Repair("bytes of junk skipped", header - position), *repairs]
        parts.append(Part(tuple(walked.definitions), (*extent.repairs, *repairs), is_damaged))
        position = extent.following
    return parts


def _next_header(data: bytes, position: int) -> tuple[int, int] | None:
    """As `_find_header`; the first may lack its signature."""
    if not position and data[_SIGNATURE_AT : _SIGNATURE_AT + 4] != SIGNATURE:
        size = _unsigned_header(data)
        if size is not None:
            return 0, size
    return _find_header(data, position)


def _extent(data: bytes, header: int, size: int) -> _Extent:
    start = header + size
    declared = int.from_bytes(data[header + 4 : header + 8], "little")
    end = start + declared
    rest = len(data) - end
    if rest >= 2:
        stored = int.from_bytes(data[end : end + 2], "little")
        is_right = stored == crc16(memoryview(data)[header:end])
        following = _find_header(data, end + 2, is_sure=True)
        if is_right or rest == 2 or (following and following[0] == end + 2):
            repairs = () if is_right else (_wrong_sum(stored),)
            junk = rest - 2 if following is None else 0
            tail = (Repair("bytes after the end ignored", junk),) if junk else ()
            return _Extent(start, end, end + 2, is_right, (*repairs, *tail))
    return _mended_extent(data, header, start, declared)


def _mended_extent(data: bytes, header: int, start: int, declared: int) -> _Extent:
    """The declared size is wrong: the body ends before the next header or with the file."""
    following = _find_header(data, start, is_sure=True)
    stop = len(data) if following is None else following[0]
    end = max(stop - 2, start)
    is_right = crc16(memoryview(data)[header:end]) == int.from_bytes(data[end:stop], "little")
    missing = start + declared + 2 - stop
    if not is_right and missing > 0:  # cut off: the last bytes are no checksum
        repairs = (Repair("file is cut short, bytes missing", missing),)
        return _Extent(start, min(start + declared, stop), stop, False, repairs)
    return _Extent(start, end, stop, is_right, (Repair("declared size is wrong"),))


def _wrong_sum(stored: int) -> Repair:
    return Repair("checksum is missing" if stored == 0 else "checksum is wrong")


def _walked(data: bytes, extent: _Extent) -> tuple[Walk, bool, list[Repair]]:
    walked = walk(data, extent.start, extent.end)
    is_damaged = walked.end < extent.end or not extent.is_intact
    if is_damaged:
        walked = salvage(data, extent.start, extent.end, walked.definitions)
    repairs = [Repair(what, count) for what, count in walked.mended.items() if count]
    if walked.skipped:
        repairs.append(Repair("bytes of damaged records skipped", walked.skipped))
    if walked.is_cut:
        repairs.append(Repair("last record is cut off and dropped"))
    return walked, is_damaged, repairs
