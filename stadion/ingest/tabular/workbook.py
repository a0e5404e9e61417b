"""Bytes of an Office Open XML workbook in, the texts of its first sheet's cells out."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib

from stadion.core.errors import Code, StadionError
from stadion.ingest.markup.scan import scan

__all__ = ["is_workbook", "sheet_of"]

_MOST_BYTES = 16 << 20
_MOST_CELLS = 1_000_000
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError, IndexError,
    OverflowError, struct.error, RuntimeError,
)  # fmt: skip


def is_workbook(head: bytes) -> bool:
    """True for the first bytes of an Office document, of whatever program."""
    return head.startswith(b"PK\x03\x04") and head[30:49] == b"[Content_Types].xml"


def sheet_of(data: bytes) -> list[dict[str, str]]:
    """Rows of the first sheet, each the column's letters and the text of the cell.

    Numbers are texts as the file writes them, dates among them as days since 1900.

    Raises
    ------
    StadionError
        INVALID for what is no workbook, is damaged or is larger than any such list.

    References
    ----------
    ECMA-376, Office Open XML, part 1, 18.3 (worksheets) and 18.4 (shared strings).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            sheets = sorted(name for name in names if name.startswith("xl/worksheets/sheet"))
            if not sheets:
                raise StadionError(Code.INVALID, "an Office document without a sheet of cells")
            strings = _Strings()
            if "xl/sharedStrings.xml" in names:
                scan(_part(archive, "xl/sharedStrings.xml"), strings)
            cells = _Cells(strings.texts)
            scan(_part(archive, sheets[0]), cells)
    except _BROKEN as error:
        kind = type(error).__name__
        raise StadionError(Code.INVALID, f"a workbook that is damaged: {kind}") from error
    return cells.rows


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    """One part, never more of it than a list of people can have."""
    with archive.open(name) as stream:
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise StadionError(Code.INVALID, f"a workbook with a part of over {_MOST_BYTES >> 20} MiB")
    return data


class _Strings:
    """The shared strings: each `si` is the runs of text in it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.runs: list[str] = []

    def open(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self.runs = []

    def close(self, name: str, text: str) -> None:
        if name == "t":
            self.runs.append(text)
        elif name == "si":
            self.texts.append("".join(self.runs))


class _Cells:
    """The sheet's cells by row."""

    def __init__(self, strings: list[str]) -> None:
        self.strings = strings
        self.rows: list[dict[str, str]] = []
        self.column, self.kind, self.count = "", "", 0

    def open(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self.rows.append({})
        elif name == "c":
            found = _REFERENCE.fullmatch(attributes.get("r", ""))
            self.column = found[1] if found else ""
            self.kind = attributes.get("t", "")

    def close(self, name: str, text: str) -> None:
        if name not in ("v", "t") or not self.column or not self.rows:
            return
        self.count += 1
        if self.count > _MOST_CELLS:
            raise StadionError(Code.INVALID, f"a sheet of over {_MOST_CELLS} cells")
        if self.kind == "s":
            text = self.strings[int(text)]
        self.rows[-1][self.column] = text
