"""A health export of any size as a stream in, its elements out: a piece at a time, mended.

The document type is cut off: since iOS 16 it is broken, and none is accepted anyway. Nearly all
of an export is one record after another; runs of them are read with one regular expression. The
parser is asked before whether they stand where records stand.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol
from xml.parsers import expat

from stadion.core.errors import Code, StadionError
from stadion.ingest.markup.document import CONTROLS, SPACED
from stadion.ingest.markup.scan import Feeder, Handlers, Sink

__all__ = ["RecordRow", "RecordSink", "read_stream"]

_CHUNK_BYTES = 1 << 19
_MOST_HEAD_BYTES = 1 << 20
_MOST_BREAKS = 1000
_MARKER = "stadion.records"
_MARK = f"<{_MARKER}/>".encode()
_ROOT = re.compile(rb"<HealthData[\s>]")
_RESUME = re.compile(rb"<(?:Record|Workout|Correlation|ActivitySummary)[\s>]")
_TEXT = rb"[^\"<]*+"
_PLAIN = rb"([^\"<&]*+)"


def _attribute(name: bytes, pattern: bytes, is_there: bool = True) -> bytes:
    one = rb"\s++" + name + b'="' + pattern + b'"'
    return one if is_there else b"(?:" + one + b")?+"


_FIELDS = (
    _attribute(b"type", _PLAIN)
    + _attribute(b"sourceName", b"(" + _TEXT + b")")
    + _attribute(b"sourceVersion", _TEXT, is_there=False)
    + _attribute(b"device", b"(" + _TEXT + b")", is_there=False)
    + _attribute(b"unit", _PLAIN, is_there=False)
    + _attribute(b"creationDate", _TEXT, is_there=False)
    + _attribute(b"startDate", _PLAIN)
    + _attribute(b"endDate", _PLAIN, is_there=False)
    + _attribute(b"value", _PLAIN, is_there=False)
)
_ENTRY = (
    rb"\s*+<MetadataEntry" + _attribute(b"key", _TEXT) + _attribute(b"value", _TEXT) + rb"\s*+/>"
)
_RECORD = rb"<Record" + _FIELDS + rb"\s*+(?:/>|>(?:" + _ENTRY + rb")*+\s*+</Record>)\s*+"
_ONE = re.compile(_RECORD)
_MANY = re.compile(b"(?:" + re.sub(rb"(?<!\\)\((?!\?)", b"(?:", _RECORD) + b")++")


class Digest(Protocol):
    """What a hash of hashlib does."""

    def update(self, data: bytes, /) -> None:
        """Take some more bytes."""
        ...


RecordRow = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes]
"""Type, source's name, device, unit, start, end and value as they stand in the file."""


class RecordSink(Sink, Protocol):
    """A sink that also takes many records at once."""

    def records(self, rows: Sequence[RecordRow]) -> None:
        """Records of the same place in the document."""
        ...

    def reset(self) -> None:
        """The document was broken here: what is open is lost, and records begin anew."""
        ...


def read_stream(stream: BinaryIO, sink: RecordSink, broken: Counter[str]) -> str:
    """Feed a whole export to a sink; the SHA-256 of its bytes.

    `broken` is told what had to be mended.

    Raises
    ------
    StadionError
        INVALID when there is no root of a health export within the first mebibyte, or a
        nesting, tag or attribute list beyond all sense.
    """
    digest = hashlib.sha256()
    reading = _Reading(sink, broken)
    for chunk in _cleaned(_headless(_pieces(stream, digest)), broken):
        reading.take(chunk)
    reading.finish()
    return digest.hexdigest()


def _pieces(stream: BinaryIO, digest: Digest) -> Iterator[bytes]:
    while piece := stream.read(_CHUNK_BYTES):
        digest.update(piece)
        yield piece


def _headless(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The document from its root on."""
    head = b""
    for piece in pieces:
        head += piece
        found = _ROOT.search(head)
        if found:
            yield head[found.start() :]
            break
        if len(head) > _MOST_HEAD_BYTES:
            break
    else:
        found = None
    if not found:
        raise StadionError(
            Code.INVALID, "no element HealthData within the first MiB; expected a health export"
        )
    yield from pieces


def _cleaned(chunks: Iterator[bytes], broken: Counter[str]) -> Iterator[bytes]:
    """Without bytes that no XML may hold."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pending = False
    for chunk in chunks:
        controls = len(chunk) - len(chunk.translate(None, CONTROLS))
        broken["control characters blanked"] += controls
        clean = chunk.translate(SPACED) if controls else chunk
        if pending or not clean.isascii():
            text = decoder.decode(clean)
            wrong = text.count("\ufffd") - clean.count(b"\xef\xbf\xbd")
            broken["bytes that are no UTF-8 replaced"] += max(wrong, 0)
            pending = bool(decoder.getstate()[0])
            clean = text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd").encode()
        yield clean


class _RecordHandlers(Handlers):
    """Callbacks that know when they meet the marker."""

    def __init__(self, sink: RecordSink) -> None:
        super().__init__(sink)
        self.met = False

    def open(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if name != _MARKER:
            super().open(name, attributes)
            return
        self.text.clear()
        self.met = True

    def close(self, name: str) -> None:
        """An element ends."""
        if name != _MARKER:
            super().close(name)


class _Reading:
    """The parser at work; begins anew behind a place where the document is broken."""

    def __init__(self, sink: RecordSink, broken: Counter[str]) -> None:
        self.sink = sink
        self.broken = broken
        self.breaks = 0
        self.is_lost = False
        self.is_over = False
        self.run: re.Match[bytes] | None = None
        self._begin()

    def take(self, chunk: bytes) -> None:
        """Some more of the document."""
        at = 0
        if not self.is_over:
            self._find_run(chunk, at)
        while at < len(chunk) and not self.is_over:
            if self.is_lost:
                found = _RESUME.search(chunk, at)
                if found is None:
                    return
                at = found.start()
                self._resume()
            at = self._some(chunk, at)

    def finish(self) -> None:
        """The document ends here."""
        if not self.is_lost:
            try:
                self.feeder.finish()
            except expat.ExpatError:
                self.broken["XML breaks off, the rest is lost"] += 1

    def _some(self, chunk: bytes, at: int) -> int:
        """Take what stands before the next run of records and the run; where that ends."""
        if self.run is not None and self.run.start() < at:
            self._find_run(chunk, at)
        run = self.run
        end = run.start() if run else len(chunk)
        try:
            self.feeder.feed(chunk[at:end])
        except expat.ExpatError:
            self._lose()
            return min(at + max(self.feeder.broken_at, 0) + 1, end)
        return self._take_run(run, end) if run else end

    def _find_run(self, chunk: bytes, at: int) -> None:
        """The next plain records; others go to the parser with what stands around them."""
        self.run = None
        begin = chunk.find(b"<Record ", at)
        while begin >= 0 and self.run is None:
            self.run = _MANY.match(chunk, begin)
            begin = chunk.find(b"<Record ", begin + 1)

    def _take_run(self, run: re.Match[bytes], at: int) -> int:
        """Take a run of records, if the parser is where records can stand; where it ends."""
        try:
            self.handlers.met = False
            self.feeder.feed(_MARK)
            if self.handlers.met:
                self.sink.records(_ONE.findall(run[0]))
            else:
                self.feeder.feed(run[0])
        except expat.ExpatError:
            self._lose()
            return at
        return run.end()

    def _lose(self) -> None:
        self.breaks += 1
        self.is_lost = True
        self.broken["places where the XML is broken skipped"] += 1
        if self.breaks > _MOST_BREAKS:
            self.is_over = True
            self.broken[f"XML broken in over {_MOST_BREAKS} places, the rest is lost"] += 1

    def _begin(self) -> None:
        self.handlers = _RecordHandlers(self.sink)
        self.feeder = Feeder(self.handlers)

    def _resume(self) -> None:
        self.is_lost = False
        self.sink.reset()
        self._begin()
        self.feeder.feed(b"<HealthData>")
