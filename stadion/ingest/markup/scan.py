"""Untrusted XML in, one call per element out: streaming, bounded, blind to namespaces."""

from __future__ import annotations

import re
from typing import Protocol
from xml.parsers import expat

from stadion.core.activity import Repair
from stadion.core.errors import Code, StadionError

__all__ = ["Sink", "root_of", "scan"]

_MOST_DEPTH = 64
_MOST_ATTRIBUTES = 64
_MOST_TAG_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 18
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\r")
_SPACED = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_BEFORE_ROOT = re.compile(r"<\?.*?\?>|<!--.*?-->|<![A-Za-z][^>\[]*(?:\[[^\]]*\])?[^>]*>", re.DOTALL)
_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding=[\"']([A-Za-z0-9._-]+)")
_TAG = re.compile(r"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")


class Sink(Protocol):
    """What takes the elements. Names are in lower case, without their prefix."""

    def open(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        ...

    def close(self, name: str, text: str) -> None:
        """An element ends; `text` is what stood between its last tag and this one."""
        ...


def root_of(head: bytes) -> str:
    """Name of the first element in the first bytes of a file; empty when it is no XML.

    Examples
    --------
    >>> root_of(b"<?xml version='1.0'?><!-- a --><x:GPX version='1.1'>")
    'gpx'
    """
    text = head.decode("utf-16" if head.startswith(_WIDE) else "utf-8", "ignore")
    found = _TAG.search(_BEFORE_ROOT.sub("", text))
    return found[1].lower() if found else ""


def scan(data: bytes, sink: Sink) -> list[Repair]:
    """Feed all elements of a document to `sink`, as far as it can be read.

    Prefixes need not be declared; junk before the first tag and control characters are
    skipped. No entity is expanded and no document type is accepted.

    Returns
    -------
    What had to be mended; a document that breaks off says where.

    Raises
    ------
    StadionError
        INVALID for a document type, or a nesting, tag or attribute list beyond all sense.
    """
    data, repairs = (data, []) if data.startswith(_WIDE) else _scrubbed(data)
    try:
        _feed(data, _Handlers(sink))
    except (expat.ExpatError, LookupError, ValueError) as error:
        line = getattr(error, "lineno", 0)
        repairs.append(Repair(f"XML breaks off at line {line}, the rest is lost"))
    return repairs


def _scrubbed(data: bytes) -> tuple[bytes, list[Repair]]:
    """The document from its first tag on, without bytes that no XML may hold."""
    repairs: list[Repair] = []
    start = max(data.find(b"<"), 0)
    if data[:start].strip(b"\xef\xbb\xbf \t\r\n"):
        repairs.append(Repair("bytes of junk skipped", start))
    data = data[start:]
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if controls:
        repairs.append(Repair("control characters blanked", controls))
        data = data.translate(_SPACED)
    declared = _ENCODING.match(data)
    if declared is None or declared[1].lower() == b"utf-8":
        text = data.decode("utf-8", "replace")
        wrong = text.count("\ufffd") - data.count(b"\xef\xbf\xbd")
        if wrong:
            repairs.append(Repair("bytes that are no UTF-8 replaced", wrong))
            data = text.encode()
    return data, repairs


class _Handlers:
    """Expat's callbacks, bounded."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.depth = 0
        self.text: list[str] = []
        self.names: dict[str, str] = {}

    def open(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            raise _refused(f"elements nested over {_MOST_DEPTH} deep")
        if len(attributes) > _MOST_ATTRIBUTES:
            raise _refused(f"an element with over {_MOST_ATTRIBUTES} attributes")
        self.text.clear()
        self.sink.open(self.local(name), attributes)

    def close(self, name: str) -> None:
        self.depth -= 1
        self.sink.close(self.local(name), "".join(self.text).strip())
        self.text.clear()

    def local(self, name: str) -> str:
        known = self.names.get(name)
        if known is None:
            known = self.names[name] = name.rpartition(":")[2].lower()
        return known

    def refuse_doctype(self, *_: object) -> None:
        raise _refused("a document type")


def _feed(data: bytes, handlers: _Handlers) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handlers.open
    parser.EndElementHandler = handlers.close
    parser.CharacterDataHandler = handlers.text.append
    parser.StartDoctypeDeclHandler = handlers.refuse_doctype
    parser.EntityDeclHandler = handlers.refuse_doctype
    for start in range(0, len(data), _CHUNK_BYTES):
        parser.Parse(data[start : start + _CHUNK_BYTES], False)
        # Expat reads an unfinished tag anew with every chunk: a huge one would take hours.
        if start + _CHUNK_BYTES - parser.CurrentByteIndex > _MOST_TAG_BYTES + _CHUNK_BYTES:
            raise _refused("a tag of over 1 MiB")
    parser.Parse(b"", True)


def _refused(what: str) -> StadionError:
    return StadionError(Code.INVALID, f"the XML holds {what}; expected a plain recording")
