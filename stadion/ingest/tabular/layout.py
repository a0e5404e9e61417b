"""Bytes of a delimited table in, its header and its rows in bounded chunks out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stadion.core.errors import Code, StadionError
from stadion.ingest.tabular.encoding import encoding_of
from stadion.ingest.tabular.words import is_unit

__all__ = ["Heading", "Layout", "find_layout", "heading_of", "rows_of"]

_DELIMITERS = "\t;,|"
_SEARCHED_BYTES = 1 << 16
_SEARCHED_LINES = 40
_MOST_COLUMNS = 1024
_MOST_NAME = 120
_CHUNK_ROWS = 20_000
_CHUNK_FIELDS = 400_000
_NOT_TABLES = ("<", "{", "[", "@", "%PDF")
_COMMENTS = ("#", "//")
_UNIT = re.compile(r"\s*(.*?)\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]\s*")
_NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)*|[.,]\d+)([eE][-+]?\d+)?\s*")
_CLOCK = re.compile(r"\s*\d{1,3}:\d{1,2}(:\d{1,2})?([.,]\d+)?\s*|\s*\d{4}[-/.]\d\d?[-/.]\d\d?\b.*")


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's name and the unit that stood beside it in brackets or below it, if any."""

    name: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is written: encoding, delimiter, the lines before its rows, its columns.

    `preface` holds the lines above the header; `is_trimmed` says that rows leave out the
    fields at their end that are blank.
    """

    encoding: str
    delimiter: str
    skipped: int
    columns: tuple[Heading, ...]
    preface: tuple[str, ...] = ()
    is_trimmed: bool = False


def find_layout(data: bytes) -> Layout | None:
    """The layout told by the first lines; None when they are no table with a header.

    A header is a line of texts followed by lines of as many fields, one at least a number; a
    line of units may stand between. Where several lines could be one, as above tables of facts
    about the recording, the one with the most rows below it is the header.
    """
    encoding = encoding_of(data)
    if encoding is None:
        return None
    lines = data[:_SEARCHED_BYTES].decode(encoding, "ignore").splitlines()[:_SEARCHED_LINES]
    first = next((line for line in lines if line.strip()), "").lstrip("\ufeff").lstrip()
    if not first or first.startswith(_NOT_TABLES):
        return None
    best: tuple[int, Layout] | None = None
    for delimiter in _DELIMITERS:
        if any(delimiter in line for line in lines):
            found = _best_header(lines, encoding, delimiter)
            if found is not None and (best is None or found[0] > best[0]):
                best = found
    return best[1] if best else None


def rows_of(data: bytes, layout: Layout) -> Iterator[list[list[str]]]:
    """All rows below the header, some thousand at a time.

    Raises
    ------
    StadionError
        INVALID for text that no table can hold.
    """
    text = io.TextIOWrapper(io.BytesIO(data), layout.encoding, "replace", newline="")
    most = min(_CHUNK_ROWS, max(_CHUNK_FIELDS // max(len(layout.columns), 1), 100))
    chunk: list[list[str]] = []
    try:
        lines = csv.reader(_below(text, layout.skipped), delimiter=layout.delimiter)
        for row in lines:
            if row and not row[0].startswith(_COMMENTS):
                chunk.append(row)
            if len(chunk) == most:
                yield chunk
                chunk = []
    except csv.Error as error:
        raise StadionError(Code.INVALID, f"a table that breaks off: {error}") from error
    except UnicodeError as error:
        raise StadionError(Code.INVALID, f"text that is no {layout.encoding}") from error
    if chunk:
        yield chunk


def _below(text: io.TextIOWrapper, skipped: int) -> Iterator[str]:
    """The lines after the first `skipped`, which were counted as `splitlines` does."""
    seen = 0
    for line in text:
        if seen >= skipped:
            yield line
            continue
        parts = line.splitlines(keepends=True)
        yield from parts[max(skipped - seen, 0) :]
        seen += len(parts)


def _best_header(lines: Sequence[str], encoding: str, delimiter: str) -> tuple[int, Layout] | None:
    rows = [[] if line.startswith(_COMMENTS) else _fields(line, delimiter) for line in lines]
    filled = [k for k, row in enumerate(rows) if any(cell.strip() for cell in row)]
    best: tuple[int, Layout] | None = None
    for place, k in enumerate(filled[:-1]):
        below = filled[place + 1 :]
        names = rows[k]
        units = rows[below[0]] if len(below) > 1 and _is_units(names, rows[below[0]]) else None
        values = below[1:] if units else below
        if not _is_header(names, [rows[v] for v in values[:3]]):
            continue
        widths = [len(rows[v]) for v in values]
        even = sum(width == len(names) for width in widths)
        if best is None or even > best[0]:
            short = sum(2 <= width < len(names) for width in widths[:-1])
            layout = Layout(
                encoding,
                delimiter,
                values[0],
                tuple(_headings(names, units)),
                tuple(lines[:k]),
                short > 0.1 * len(widths),
            )
            best = (even, layout)
    return best


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.lstrip("\ufeff")], delimiter=delimiter), [])
    except csv.Error:
        return []


def _is_header(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    values = next((row for row in rows if len(row) == len(names)), [])
    return (
        2 <= len(names) <= _MOST_COLUMNS
        and len(values) == len(names)
        and sum(bool(name.strip()) for name in names) >= 2
        and not any(_NUMBER.fullmatch(name) or _CLOCK.fullmatch(name) for name in names)
        and any(_NUMBER.fullmatch(value) for value in values)
    )


def _is_units(names: Sequence[str], below: Sequence[str]) -> bool:
    """True for a line that holds the units of the names above it and nothing else."""
    if len(below) != len(names) or max(map(len, below)) > _MOST_NAME:
        return False
    told = [cell.strip(" ()[]") for cell in below if cell.strip(" ()[]")]
    if not told or any(_NUMBER.fullmatch(cell) for cell in told):
        return False
    return sum(is_unit(cell) for cell in told) >= max(0.6 * len(told), 1)


def heading_of(cell: str, below: str = "") -> Heading:
    """Name and unit of a column's header, and of the unit in the line below it.

    Examples
    --------
    >>> heading_of("Speed (km/h)"), heading_of("WIND:kmh")
    (Heading(name='Speed', unit='km/h'), Heading(name='WIND', unit='kmh'))
    """
    cell = cell.strip()[:_MOST_NAME]
    found = _UNIT.fullmatch(cell)
    # A number in brackets tells sensors of one kind apart: it is no unit.
    is_unit_there = found is not None and found[1] and not found[2].isdigit()
    heading = Heading(found[1], found[2]) if found and is_unit_there else Heading(cell)
    if not heading.unit and (colon := heading.name.rpartition(":"))[1] and is_unit(colon[2]):
        heading = Heading(colon[0].strip(), colon[2].strip())
    return Heading(heading.name, heading.unit or below.strip(" ()[]"))


def _headings(names: Sequence[str], units: Sequence[str] | None) -> Iterator[Heading]:
    for k, cell in enumerate(names):
        yield heading_of(cell, units[k] if units else "")
