"""Bytes of a delimited table in, its header and its rows in bounded chunks out."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stadion.core.errors import Code, StadionError

__all__ = ["Heading", "Layout", "find_layout", "rows_of"]

_DELIMITERS = "\t;,|"
_SEARCHED_LINES = 30
_MOST_COLUMNS = 1024
_CHUNK_ROWS = 20_000
_NOT_TABLES = ("<", "{", "[", "@", "%PDF")
_UNIT = re.compile(r"\s*(.*?)\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]\s*")
_NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)*|[.,]\d+)([eE][-+]?\d+)?\s*")


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's name and the unit that stood beside it in brackets, if any."""

    name: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is written: encoding, delimiter, the lines before its rows, its columns."""

    encoding: str
    delimiter: str
    skipped: int
    columns: tuple[Heading, ...]


def find_layout(data: bytes) -> Layout | None:
    """The layout told by the first lines; None when they are no table with a header.

    A header is a line of texts followed by a line of as many fields, one at least a number.
    """
    encoding = _encoding(data)
    if encoding is None:
        return None
    lines = data[: 1 << 16].decode(encoding, "ignore").splitlines()[:_SEARCHED_LINES]
    if not lines or lines[0].lstrip().startswith(_NOT_TABLES):
        return None
    for skipped, (line, following) in enumerate(itertools.pairwise(lines)):
        if line.startswith("#"):
            continue
        for delimiter in _DELIMITERS:
            names, values = _fields(line, delimiter), _fields(following, delimiter)
            if _is_header(names, values):
                return Layout(encoding, delimiter, skipped + 1, tuple(map(_heading, names)))
    return None


def rows_of(data: bytes, layout: Layout) -> Iterator[list[list[str]]]:
    """All rows below the header, some thousand at a time.

    Raises
    ------
    StadionError
        INVALID for text that no table can hold.
    """
    text = io.TextIOWrapper(io.BytesIO(data), layout.encoding, "replace", newline="")
    lines = csv.reader(text, delimiter=layout.delimiter)
    chunk: list[list[str]] = []
    try:
        for _ in range(layout.skipped):
            text.readline()
        for row in lines:
            if row:
                chunk.append(row)
            if len(chunk) == _CHUNK_ROWS:
                yield chunk
                chunk = []
    except csv.Error as error:
        raise StadionError(Code.INVALID, f"a table that breaks off: {error}") from error
    if chunk:
        yield chunk


def _encoding(data: bytes) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = data[: 1 << 16]
    if b"\0" in head:
        return None
    try:
        # A character cut in two at the end of the head is no error.
        head[: head.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _is_header(names: Sequence[str], values: Sequence[str]) -> bool:
    return (
        2 <= len(names) <= _MOST_COLUMNS
        and len(values) == len(names)
        and sum(bool(name.strip()) for name in names) >= 2
        and not any(_NUMBER.fullmatch(name) for name in names)
        and any(_NUMBER.fullmatch(value) for value in values)
    )


def _heading(cell: str) -> Heading:
    found = _UNIT.fullmatch(cell)
    return Heading(found[1], found[2]) if found and found[1] else Heading(cell.strip())
