"""A tar archive in, its index and the bytes of its members out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from stadion.core.errors import Code, StadionError
from stadion.ingest.opening.entries import Entry, Index

__all__ = ["tar_index"]

_BLOCK = 512
_MOST_HEADER = 1 << 16
_FILE, _FOLDER, _SPARSE = b"0\x007", b"5", b"S"
_LONG_NAME, _LONG_LINK, _NEXT, _ALL = b"L", b"K", b"x", b"g"


def tar_index(stream: BinaryIO, size: int, most: int) -> Index:
    """The files of a tar of `size` bytes, by the headers before each.

    Raises
    ------
    StadionError
        INVALID when there are over `most`.

    References
    ----------
    POSIX.1-2017, pax, ustar and pax interchange format; GNU tar manual, basic tar format.
    """
    walk = _Walk(stream, size)
    entries: list[Entry] = []
    for entry in walk.entries():
        if len(entries) == most:
            raise StadionError(Code.INVALID, "the archive holds too many files; split it")
        entries.append(entry)
    return Index(entries, walk.damage)


@dataclass(slots=True, eq=False)
class _Walk:
    stream: BinaryIO
    size: int
    damage: str = ""
    told: dict[str, str] = field(default_factory=dict)
    """What extended headers said of the file whose own header comes next."""

    def entries(self) -> Iterator[Entry]:
        at, headers = 0, 0
        while (header := self._header(at)) is not None:
            kind, start = header[156:157], at + _BLOCK
            length = _number(header[124:136])
            headers += 1
            if kind in (_LONG_NAME, _LONG_LINK, _NEXT, _ALL):
                self._learn(kind, start, length)
            else:
                length = int(self.told.get("size", length))
                if kind != _FOLDER:
                    yield self._entry(header, kind, start, length)
                self.told = {}
                length = length if kind in _FILE + _SPARSE else 0
            at = start + -(-length // _BLOCK) * _BLOCK

    def _header(self, at: int) -> bytes | None:
        """The header at a place; None at the end, with `damage` when it is no good one."""
        self.stream.seek(at)
        header = self.stream.read(_BLOCK)
        if not header.strip(b"\0"):
            return None
        if len(header) < _BLOCK or not _is_sound(header):
            self.damage = "a header cannot be read, the files behind it are lost"
            return None
        return header

    def _learn(self, kind: bytes, start: int, length: int) -> None:
        if length > _MOST_HEADER:
            return
        self.stream.seek(start)
        data = self.stream.read(length)
        if kind == _LONG_NAME:
            self.told["path"] = data.rstrip(b"\0").decode("utf-8", "replace")
        elif kind == _NEXT:
            self.told |= _pax(data)

    def _entry(self, header: bytes, kind: bytes, start: int, length: int) -> Entry:
        prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
        name = self.told.get("path") or "/".join(filter(None, (prefix, _text(header[:100]))))
        refusal = ""
        if kind == _SPARSE or any(key.startswith("GNU.sparse") for key in self.told):
            refusal = "a file with holes in a tar archive; pack it without --sparse"
        elif kind not in _FILE:
            refusal = "a link or device in a tar archive"
        elif start + length > self.size:
            refusal = "damaged: its tar archive is cut short"
        return Entry(name, start, length, length, refusal=refusal)


def _is_sound(header: bytes) -> bool:
    """True when the checksum fits, its own bytes counted as blanks."""
    try:
        told = _number(header[148:156])
        _number(header[124:136])
    except ValueError:
        return False
    return told == sum(header) - sum(header[148:156]) + 8 * 32


def _number(field_: bytes) -> int:
    """Octal digits, or GNU's binary numbers for what is too large for them."""
    if field_[0] == 0x80:
        return int.from_bytes(field_[1:], "big")
    digits = field_.strip(b" \0")
    if digits.strip(b"01234567"):
        raise ValueError(digits)
    return int(digits, 8) if digits else 0


def _text(field_: bytes) -> str:
    return field_.partition(b"\0")[0].decode("utf-8", "replace")


def _pax(data: bytes) -> dict[str, str]:
    """Records 'length key=value' as far as they are whole."""
    told: dict[str, str] = {}
    while data:
        digits, _, rest = data[:20].partition(b" ")
        if not rest or not digits.isdigit() or not len(digits) + 3 <= int(digits) <= len(data):
            break
        record = data[len(digits) + 1 : int(digits) - 1].decode("utf-8", "replace")
        key, _, value = record.partition("=")
        if key != "size" or (value.isascii() and value.isdigit() and len(value) < 20):
            told[key] = value
        data = data[int(digits) :]
    return told
