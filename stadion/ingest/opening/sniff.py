"""First bytes of a file in, what wraps it or why nobody reads it out."""

from __future__ import annotations

import re

from stadion.ingest.markup.scan import root_of
from stadion.ingest.tabular.workbook import is_workbook

__all__ = ["described", "is_hidden", "wrapping_of"]

_TAR_MAGIC_AT = 257
_KINDS = (
    (b"\x00\x05\x16\x07", "an AppleDouble companion that macOS made, no recording"),
    (b"PK\x03\x04", "an Office document, no recording"),
    (b"%PDF", "a PDF document, no recording"),
    (b"\x89PNG", "a picture, no recording"),
    (b"\xff\xd8\xff", "a picture, no recording"),
    (b"GIF8", "a picture, no recording"),
    (b"Rar!", "a RAR archive; expected zip, tar, gz or xz"),
    (b"7z\xbc\xaf", "a 7z archive; expected zip, tar, gz or xz"),
    (b"BZh", "a bzip2 archive; expected zip, tar, gz or xz"),
    (b"(\xb5/\xfd", "a zstd archive; expected zip, tar, gz or xz"),
    (b"SQLite format 3", "a database, no recording"),
    (b"\x7fELF", "a program, no recording"),
    (b"WKO\x1a", "a WKO workspace of TrainingPeaks; export the workout as FIT or PWX"),
    (b"[COURSE HEADER]", "a planned workout of a trainer, no recording"),
)
_POWERTAP = re.compile(rb"(?:(?:[0-9a-f]{2} ){5}[0-9a-f]{2}\s+){3}")


def wrapping_of(head: bytes) -> str:
    """`gzip`, `xz`, `zip` or `tar` for what must be unwrapped, else empty.

    A workbook is a zip inside, but one file to its reader.

    Parameters
    ----------
    head
        The first 512 bytes or more.
    """
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) and not is_workbook(head):
        return "zip"
    return "tar" if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar" else ""


def is_hidden(path: str) -> bool:
    """True for what an operating system put there for itself."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))


def described(head: bytes) -> str:
    """Why no reader takes a file that begins like this, as a sentence for its owner."""
    if not head:
        return "an empty file"
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return kind
    root = root_of(head) if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else ""
    if root == "html":
        return "a web page; expected the recording itself"
    if root == "workout_file":
        return "a planned workout of a trainer, no recording"
    if root:
        return f"XML of the kind {root[:40]!r}, which no reader knows"
    if _POWERTAP.match(head):
        return "raw packets of a PowerTap computer; export the ride as CSV or FIT"
    if b"\0" in head:
        return "binary data of a layout that no reader knows"
    is_json = head.lstrip().startswith((b"{", b"["))
    return f"{'JSON' if is_json else 'text'} of a layout that no reader knows"
