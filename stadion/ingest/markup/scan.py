"""Untrusted XML in, one call per element out: streaming, bounded, blind to namespaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar
from xml.parsers import expat

from stadion.core.activity import Repair
from stadion.core.errors import Code, StadionError
from stadion.ingest.markup.document import cleaned, root_of
from stadion.ingest.markup.runs import MARKER, Layout, Run, find_runs

__all__ = [
    "Feeder",
    "Handlers",
    "PointSink",
    "Sink",
    "feed",
    "root_of",
    "scan",
    "scan_points",
]

_MOST_DEPTH = 64
_MOST_ATTRIBUTES = 64
_MOST_NAMES = 50_000
_MOST_TAG_BYTES = 1 << 20
_MOST_PIECES = 64
"""Pieces of 8 KiB that are kept of one text."""
_CHUNK_BYTES = 1 << 18


class Sink(Protocol):
    """What takes the elements. Names are in lower case, without their prefix."""

    def open(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        ...

    def close(self, name: str, text: str) -> None:
        """An element ends; `text` is what stood between its last tag and this one."""
        ...


class PointSink(Sink, Protocol):
    """A sink that also takes many points of one shape at once."""

    def run(self, run: Run) -> bool:
        """Points that stand here; False when there can be none, then nothing is believed."""
        ...


S = TypeVar("S", bound=PointSink)


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
    document, repairs = cleaned(data)
    return repairs + feed(_chunks(document), sink)


def scan_points(data: bytes, layout: Layout, make: Callable[[], S]) -> tuple[S, list[Repair]]:
    """As `scan`, into a sink of its own; points of equal shape are cut out and read at once.

    Whatever looks unusual in that way is read anew, element by element: both ways give the
    same, and only the plain one says what is wrong.
    """
    document, repairs = cleaned(data)
    rest, runs = find_runs(document, layout)
    if runs:
        sink = make()
        if _fed_with_runs(rest, sink, runs):
            return sink, repairs
    sink = make()
    return sink, repairs + feed(_chunks(document), sink)


def feed(chunks: Iterable[bytes], sink: Sink) -> list[Repair]:
    """Pieces of clean UTF-8 into a sink; raises as `scan` does."""
    try:
        _parse(chunks, Handlers(sink))
    except expat.ExpatError as error:
        return [Repair(f"XML breaks off at line {error.lineno}, the rest is lost")]
    return []


def _chunks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _CHUNK_BYTES):
        yield data[start : start + _CHUNK_BYTES]


def _fed_with_runs(rest: bytes, sink: PointSink, runs: list[Run]) -> bool:
    """True when every run stood where points may stand and nothing else was wrong."""
    handlers = _RunHandlers(sink, runs)
    try:
        _parse(_chunks(rest), handlers)
    except (expat.ExpatError, StadionError):
        return False
    return handlers.is_sound and not handlers.left


class Handlers:
    """Expat's callbacks, bounded."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.depth = 0
        self.text: list[str] = []
        self._names: dict[str, str] = {}

    def open(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.depth += 1
        if self.depth > _MOST_DEPTH:
            raise _refused(f"elements nested over {_MOST_DEPTH} deep")
        if len(attributes) > _MOST_ATTRIBUTES:
            raise _refused(f"an element with over {_MOST_ATTRIBUTES} attributes")
        self.text.clear()
        self.sink.open(self._names.get(name) or self.local(name), attributes)

    def close(self, name: str) -> None:
        """An element ends."""
        self.depth -= 1
        self.sink.close(self._names.get(name) or self.local(name), "".join(self.text).strip())
        self.text.clear()

    def local(self, name: str) -> str:
        """The name in lower case, without its prefix."""
        known = self._names[name] = name.rpartition(":")[2].lower()
        return known

    def refuse_doctype(self, *_: object) -> None:
        """A document type begins, or an entity in one."""
        raise _refused("a document type")


class _RunHandlers(Handlers):
    """Callbacks that meet markers where runs of points were cut out."""

    def __init__(self, sink: PointSink, runs: list[Run]) -> None:
        super().__init__(sink)
        self.points = sink
        self.left = runs[::-1]
        self.is_sound = True

    def open(self, name: str, attributes: dict[str, str]) -> None:
        if name != MARKER:
            super().open(name, attributes)
            return
        self.text.clear()
        run = self.left.pop()
        is_shallow = self.depth + run.depth <= _MOST_DEPTH
        self.is_sound = self.is_sound and is_shallow and self.points.run(run)

    def close(self, name: str) -> None:
        if name == MARKER:
            self.text.clear()
        else:
            super().close(name)


def _parse(chunks: Iterable[bytes], handlers: Handlers) -> None:
    feeder = Feeder(handlers)
    for chunk in chunks:
        feeder.feed(chunk)
    feeder.finish()


class Feeder:
    """One parser that holds its input to bounds; raises what expat raises."""

    def __init__(self, handlers: Handlers) -> None:
        self._texts = handlers.text
        self._interned: dict[str, str] = {}
        self._fed = 0
        self._parser = parser = expat.ParserCreate("utf-8", None, self._interned)
        parser.buffer_text = True
        parser.StartElementHandler = handlers.open
        parser.EndElementHandler = handlers.close
        parser.CharacterDataHandler = handlers.text.append
        parser.StartDoctypeDeclHandler = handlers.refuse_doctype
        parser.EntityDeclHandler = handlers.refuse_doctype

    def feed(self, chunk: bytes) -> None:
        """Some more of the document, at most a mebibyte."""
        self._parser.Parse(chunk, False)
        self._fed += len(chunk)
        # Expat reads an unfinished tag anew with every chunk: a huge one would take hours.
        if self._fed - self._parser.CurrentByteIndex > _MOST_TAG_BYTES + _CHUNK_BYTES:
            raise _refused("a tag of over 1 MiB")
        # Neither expat nor Python forget a name, and one costs far more than its bytes.
        if len(self._interned) > _MOST_NAMES:
            raise _refused(f"over {_MOST_NAMES} different names")
        del self._texts[_MOST_PIECES:]

    @property
    def broken_at(self) -> int:
        """Where in the piece that was fed last the document is broken; negative = before it."""
        return self._parser.ErrorByteIndex - self._fed

    def finish(self) -> None:
        """The document ends here."""
        self._parser.Parse(b"", True)


def _refused(what: str) -> StadionError:
    return StadionError(Code.INVALID, f"the XML holds {what}; expected a plain recording")
