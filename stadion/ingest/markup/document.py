"""Bytes of an XML file in whatever encoding in, clean UTF-8 from its first tag on out."""

from __future__ import annotations

import codecs
import re

from stadion.core.activity import Repair

__all__ = ["CONTROLS", "SPACED", "cleaned", "encoding_of", "root_of"]

CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\r")
"""Bytes that no XML may hold."""
SPACED = bytes.maketrans(CONTROLS, b" " * len(CONTROLS))
"""Turns each of them into a space."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # UTF-32's mark begins like UTF-16's: it is asked first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s{0,20}=\s{0,20}[\"']([A-Za-z0-9._-]{2,30})")
# Encodings that XML is written in. Others that Python knows (punycode, unicode_escape...) are
# no plain characters, and some of them take quadratic time.
_ALLOWED = re.compile(
    r"iso[-_]?8859[-_]\d{1,2}|(?:windows|cp)-?125\d|latin-?\d|us-ascii|ascii|koi8-[ru]|macintosh|"
    r"gbk|gb2312|gb18030|big5|shift[-_]jis|euc-(?:jp|kr)|tis-620"
)
_DECLARATION = re.compile(rb"<\?xml[^<>]{0,400}\?>")
_TAG = re.compile(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_DOCTYPE = re.compile(r"<!DOCTYPE\s+([\w:.-]+)[^\[>]*", re.IGNORECASE)
_SUBSET_ENDS = re.compile(r"\]\s*>")


def root_of(head: bytes) -> str:
    """Name of the first element in the first bytes of a file; empty when it is no XML.

    Where a document type is longer than the head, the name is what it declares.

    Examples
    --------
    >>> root_of(b"<?xml version='1.0'?><!-- a --><x:GPX version='1.1'>")
    'gpx'
    >>> root_of(b"<?xml version='1.0'?><!DOCTYPE HealthData [ <!ELEMENT HealthData (Me)>")
    'healthdata'
    """
    text = head.decode(encoding_of(head) or "utf-8", "ignore")
    at = 0
    while (at := text.find("<", at)) >= 0:
        if text.startswith("<!--", at):
            end = text.find("-->", at)
        elif text.startswith("<?", at):
            end = text.find("?>", at)
        elif text.startswith("<!", at):
            declared = _DOCTYPE.match(text, at)
            end = text.find(">", at) if declared is None else _subset_end(text, declared.end())
            if end < 0 and declared is not None:
                return declared[1].rpartition(":")[2].lower()
        elif found := _TAG.match(text, at):
            return found[1].lower()
        else:
            end = at
        if end < 0:
            return ""
        at = end + 1
    return ""


def _subset_end(text: str, at: int) -> int:
    """Where a document type ends whose name ended before `at`; -1 when it does not."""
    if not text.startswith("[", at):
        return at if text.startswith(">", at) else -1
    found = _SUBSET_ENDS.search(text, at)
    return found.end() - 1 if found else -1


def encoding_of(head: bytes) -> str:
    """Python's name of the encoding that the first bytes tell; empty when they tell none."""
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    declared = _DECLARED.match(head[head.find(b"<") :][:300] if b"<" in head[:300] else b"")
    name = declared[1].decode("ascii").lower() if declared else ""
    if not _ALLOWED.fullmatch(name):
        return ""
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""


def cleaned(data: bytes) -> tuple[bytes, list[Repair]]:
    """The document in UTF-8 from its first tag on, without bytes that no XML may hold."""
    repairs: list[Repair] = []
    codec = encoding_of(data[:400])
    if codec not in ("", "utf-8"):
        text = data.decode(codec, "replace")
        wrong = text.count("\ufffd")
        if wrong:
            repairs.append(Repair(f"bytes that are no {codec} replaced", wrong))
        data = text.encode("utf-8", "replace")
    start = max(data.find(b"<"), 0)
    if data[:start].strip(b"\xef\xbb\xbf \t\r\n"):
        repairs.append(Repair("bytes of junk skipped", start))
    # What the declaration told is done, and a wrong one must not cost the rest.
    declared = _DECLARATION.match(data, start)
    data = data[declared.end() if declared else start :]
    controls = len(data) - len(data.translate(None, CONTROLS))
    if controls:
        repairs.append(Repair("control characters blanked", controls))
        data = data.translate(SPACED)
    if not data.isascii():
        data = _as_utf_8(data, repairs)
    return data, repairs


def _as_utf_8(data: bytes, repairs: list[Repair]) -> bytes:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        wrong = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
        repairs.append(Repair("bytes that are no UTF-8 replaced", wrong))
        data = text.encode()
    # U+FFFE and U+FFFF are sound UTF-8, but no characters of XML.
    if b"\xef\xbf" not in data:
        return data
    return data.replace(b"\xef\xbf\xbe", b"\xef\xbf\xbd").replace(b"\xef\xbf\xbf", b"\xef\xbf\xbd")
