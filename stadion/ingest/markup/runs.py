"""A document of many points in; what stands around them, and the points as columns, out.

Most of a recording is one point after another that differ in nothing but their numbers. Such a
run is found with a regular expression that is made from its first point, and cut out; a marker
stays in its place, so that the parser still says where in the document it stood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["MARKER", "Layout", "Run", "find_runs"]

MARKER = "stadion.run"
_MARK = f"<{MARKER}/>".encode()
_FEWEST_POINTS = 16
_MOST_POINTS = 4096
"""Points of one run: their texts take many times the room of their numbers."""
_MOST_SHAPES = 12
_MOST_SHAPE_BYTES = 4096
_NAME = rb"[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?"
_ATTRIBUTE = re.compile(rb"\s+(" + _NAME + rb")\s*=\s*(\"[^\"<>&]*\"|'[^'<>&]*')")
_OPEN = re.compile(
    rb"<(" + _NAME + rb")((?:\s+[\w.:-]+\s*=\s*(?:\"[^\"<>&]*\"|'[^'<>&]*'))*)\s*(/?)>"
)
_CLOSE = re.compile(rb"</(" + _NAME + rb")\s*>")
_LEAF = re.compile(rb"([^<>&]*)</(" + _NAME + rb")\s*>")
_SPACE = re.compile(rb"\s*")
_NUMBER = rb"[^<>&\x80-\xff]*+"
_TEXT = rb"[^<>&]*+"
_QUOTED = {
    b'"': (rb"[^\"<>&\x80-\xff]*+", rb"[^\"<>&]*+"),
    b"'": (rb"[^'<>&\x80-\xff]*+", rb"[^'<>&]*+"),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How points are written.

    Parameters
    ----------
    point
        The element, as its makers spell it.
    attributes
        Its attributes that are kept, under their own names.
    structural
        Local names in lower case that cannot stand in a point.
    ignored
        Local names in lower case whose texts are no numbers and not kept.
    wrapped
        Local names whose text belongs to the element around them.
    """

    point: str
    attributes: tuple[str, ...] = ()
    structural: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    wrapped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Points of one shape, at most a few thousand: a stretch of the document.

    Parameters
    ----------
    data, start, end
        The document, and where in it they stand.
    point
        Finds one after the other, its texts as groups.
    names
        What the groups are called; a name may come twice.
    depth
        Elements inside one another in a point.
    """

    data: bytes
    start: int
    end: int
    point: re.Pattern[bytes]
    names: Sequence[str]
    depth: int

    def columns(self) -> tuple[int, list[tuple[str, Sequence[bytes]]]]:
        """How many points, and (name, (n,) texts) in the order of the document."""
        rows = self.point.findall(self.data, self.start, self.end)
        if len(self.names) < 2:
            return len(rows), [(name, rows) for name in self.names]
        return len(rows), list(zip(self.names, zip(*rows, strict=True), strict=True))


@dataclass(slots=True, eq=False)
class _Shape:
    names: list[str] = field(default_factory=list)
    depth: int = 1
    one: re.Pattern[bytes] = re.compile(b"")
    many: re.Pattern[bytes] = re.compile(b"")
    grouped: list[bytes] = field(default_factory=list)
    bare: list[bytes] = field(default_factory=list)

    def write(self, pattern: bytes) -> None:
        self.grouped.append(pattern)
        self.bare.append(pattern)

    def keep(self, name: str, pattern: bytes) -> None:
        self.names.append(name)
        self.grouped.append(b"(" + pattern + b")")
        self.bare.append(pattern)

    def compile(self) -> None:
        self.write(rb"\s*+")
        self.one = re.compile(b"".join(self.grouped))
        # Groups in a repetition would be written down for each of its points.
        self.many = re.compile(b"(?:" + b"".join(self.bare) + b"){1,%d}+" % _MOST_POINTS)


def find_runs(data: bytes, layout: Layout) -> tuple[bytes, list[Run]]:
    """The document with markers in place of its runs, and the runs."""
    begin = re.compile(rb"<(?:[\w.-]+:)?" + layout.point.encode() + rb"[\s>]")
    if data.count(layout.point.encode()) < 2 * _FEWEST_POINTS or MARKER.encode() in data:
        return data, []
    rest: list[bytes] = []
    runs: list[Run] = []
    shapes: list[_Shape] = []
    known, kept = 0, 0
    found = begin.search(data)
    while found is not None:
        at = found.start()
        shape, end = _matching(data, at, shapes)
        if shape is None and known < _MOST_SHAPES:
            known += 1
            shape = _shape_at(data, at, layout)
            if shape is not None:
                shapes.insert(0, shape)
                shape, end = _matching(data, at, shapes)
        if shape is not None:
            rest += [data[kept:at], _MARK]
            runs.append(Run(data, at, end, shape.one, tuple(shape.names), shape.depth))
            kept = end
        found = begin.search(data, max(end, at + 1))
    rest.append(data[kept:])
    return b"".join(rest), runs


def _matching(data: bytes, at: int, shapes: list[_Shape]) -> tuple[_Shape | None, int]:
    """The first shape that the point has, and where the points of that shape end."""
    for number, shape in enumerate(shapes):
        if found := shape.many.match(data, at):
            if number:
                shapes.insert(0, shapes.pop(number))
            return shape, found.end()
    return None, at


def _shape_at(data: bytes, at: int, layout: Layout) -> _Shape | None:
    """The shape of the point at `at`; None when it is not simple enough."""
    piece = data[at : at + _MOST_SHAPE_BYTES]
    shape = _Shape()
    stack: list[bytes] = []
    place = 0
    while opened := _OPEN.match(piece, place):
        place = opened.end()
        if not _add_tag(shape, opened, stack, layout):
            return None
        if not opened[3]:
            stack.append(opened[1])
            shape.depth = max(shape.depth, len(stack))
            leaf = _LEAF.match(piece, place)
            if leaf is not None and leaf[2] == opened[1]:
                place = leaf.end()
                stack.pop()
                _add_leaf(shape, opened[1], stack, layout)
        place = _add_ends(shape, piece, place, stack)
        if not stack:
            shape.compile()
            return shape
    return None


def _add_tag(shape: _Shape, opened: re.Match[bytes], stack: list[bytes], layout: Layout) -> bool:
    """Write an opening tag; False for one that must not stand here."""
    name = _local(opened[1])
    if stack and (name == layout.point.lower() or name in layout.structural):
        return False
    shape.write(b"<" + re.escape(opened[1]))
    seen: set[bytes] = set()
    for key, value in _ATTRIBUTE.findall(opened[2]):
        if key in seen:
            return False
        seen.add(key)
        number, text = _QUOTED[value[:1]]
        shape.write(rb"\s+" + re.escape(key) + rb"\s*=\s*" + value[:1])
        if not stack and key.decode() in layout.attributes:
            shape.keep(key.decode(), number)
        else:
            shape.write(text)
        shape.write(value[:1])
    shape.write(rb"\s*" + opened[3] + b">")
    return True


def _add_leaf(shape: _Shape, name: bytes, stack: list[bytes], layout: Layout) -> None:
    """Write the text and the end of an element without children."""
    key = _local(name)
    if key in layout.wrapped and stack:
        key = _local(stack[-1])
    if stack and key not in layout.ignored:
        # White space alone is no text.
        shape.write(rb"\s*+")
        shape.keep(key, _NUMBER)
    else:
        shape.write(_TEXT)
    shape.write(b"</" + re.escape(name) + rb"\s*>")


def _add_ends(shape: _Shape, piece: bytes, place: int, stack: list[bytes]) -> int:
    """Write white space and closing tags up to the next opening one; where that stands."""
    while stack:
        shape.write(rb"\s*+")
        space = _SPACE.match(piece, place)
        place = space.end() if space else place
        closed = _CLOSE.match(piece, place)
        if closed is None or closed[1] != stack[-1]:
            break
        shape.write(b"</" + re.escape(stack.pop()) + rb"\s*>")
        place = closed.end()
    return place


def _local(name: bytes) -> str:
    return name.rpartition(b":")[2].decode("ascii").lower()
