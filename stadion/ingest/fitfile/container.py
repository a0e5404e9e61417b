"""Bytes of a file in, the FIT files chained in it out, with what is wrong about them."""

from __future__ import annotations

from bisect import bisect_left
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


@dataclass(frozen=True, slots=True)
class _Headers:
    """(offset, bytes) of all FIT headers in a file.

    `sure` are those with a definition behind them: four letters may stand in junk, too.
    """

    possible: list[tuple[int, int]]
    sure: list[tuple[int, int]]

    def next_possible(self, start: int) -> tuple[int, int] | None:
        """The first header at or after `start`; None when there is none."""
        return _first(self.possible, start)

    def next_sure(self, start: int) -> tuple[int, int] | None:
        """The first sure header at or after `start`; None when there is none."""
        return _first(self.sure, start)


def _first(headers: list[tuple[int, int]], start: int) -> tuple[int, int] | None:
    place = bisect_left(headers, (start, 0))
    return headers[place] if place < len(headers) else None


def _headers_of(data: bytes) -> _Headers:
    headers = _Headers([], [])
    if data[_SIGNATURE_AT : _SIGNATURE_AT + 4] != SIGNATURE:
        size = _unsigned_header(data)
        if size is not None:
            headers.possible.append((0, size))
    at = data.find(SIGNATURE, _SIGNATURE_AT)
    while at >= 0:
        header = at - _SIGNATURE_AT
        sizes = [n for n in (data[header], *_HEADER_SIZES) if n >= 12]
        size = next((n for n in sizes if _definition_at(data, header + n)), None)
        if size is not None:
            headers.sure.append((header, size))
        if size is not None or 12 <= data[header] <= 32:
            headers.possible.append((header, size or data[header]))
        at = data.find(SIGNATURE, at + 1)
    return headers


def parts_of(data: bytes) -> list[Part]:
    """All chained files, each walked; damaged ones as far as they can be read."""
    parts: list[Part] = []
    position = 0
    headers = _headers_of(data)
    while (found := headers.next_possible(position)) is not None:
        header, size = found
        if len(parts) == _MOST_PARTS:
            rest = Repair("bytes of further chained files ignored", len(data) - header)
            parts.append(Part((), (rest,), is_damaged=True))
            break
        extent = _extent(data, headers, header, size)
        walked, is_damaged, repairs = _walked(data, extent)
        if data[header + _SIGNATURE_AT : header + _SIGNATURE_AT + 4] != SIGNATURE:
            repairs = [Repair("signature is damaged"), *repairs]
        if header > position:
            repairs = [Repair("bytes of junk skipped", header - position), *repairs]
        parts.append(Part(tuple(walked.definitions), (*extent.repairs, *repairs), is_damaged))
        position = extent.following
    return parts


def _extent(data: bytes, headers: _Headers, header: int, size: int) -> _Extent:
    start = header + size
    declared = int.from_bytes(data[header + 4 : header + 8], "little")
    end = start + declared
    rest = len(data) - end
    if rest >= 2:
        stored = int.from_bytes(data[end : end + 2], "little")
        is_right = stored == crc16(memoryview(data)[header:end])
        following = headers.next_sure(end + 2)
        if is_right or rest == 2 or (following and following[0] == end + 2):
            repairs = () if is_right else (_wrong_sum(stored),)
            junk = rest - 2 if following is None else 0
            tail = (Repair("bytes after the end ignored", junk),) if junk else ()
            return _Extent(start, end, end + 2, is_right, (*repairs, *tail))
    return _mended_extent(data, headers.next_sure(start), header, start, declared)


def _mended_extent(
    data: bytes, following: tuple[int, int] | None, header: int, start: int, declared: int
) -> _Extent:
    """The declared size is wrong: the body ends before the next header or with the file."""
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
        walked = salvage(data, extent.start, extent.end, walked)
    repairs = [Repair(what, count) for what, count in walked.mended.items() if count]
    if walked.skipped:
        repairs.append(Repair("bytes of damaged records skipped", walked.skipped))
    if walked.is_cut:
        repairs.append(Repair("last record is cut off and dropped"))
    return walked, is_damaged, repairs
