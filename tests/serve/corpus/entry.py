"""One thing to send and what must come back, and short ways to write requests down."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CLOSE", "HOST", "PATH", "Entry", "Piece", "entries", "good", "head", "post"]

PATH = "/v2/models/echo/infer"
HOST = b"Host: x"
CLOSE = b"Connection: close"

Piece = bytes | float | tuple[bytes, int]
"""What is sent: bytes, a pause in seconds, or (bytes, n) for the bytes n times."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Pieces to send in order, and the statuses of the answers in order.

    Parameters
    ----------
    expect
        The status of each answer. Nothing more may come, and nothing less.
    bodiless
        The answers are to HEAD requests.
    """

    name: str
    send: tuple[Piece, ...]
    expect: tuple[int, ...]
    bodiless: bool = False

    @property
    def size(self) -> int:
        """How many bytes are sent."""
        sizes = (
            len(piece[0]) * piece[1]
            if isinstance(piece, tuple)
            else len(piece)
            if isinstance(piece, bytes)
            else 0
            for piece in self.send
        )
        return sum(sizes)


def entries(prefix: str, rows: list[tuple[str, bytes, int]]) -> list[Entry]:
    """One entry for each (name, bytes, status)."""
    return [Entry(f"{prefix}: {name}", (sent,), (status,)) for name, sent, status in rows]


def head(line: str, *lines: bytes) -> bytes:
    """A request head; `line` is the request line without its version."""
    return b"\r\n".join((line.encode("latin-1") + b" HTTP/1.1", HOST, *lines, b"", b""))


def post(path: str, body: bytes, *lines: bytes) -> bytes:
    """A POST with the true length of its body."""
    return head(f"POST {path}", b"Content-Length: %d" % len(body), *lines) + body


def good(value: float = 1.5, *lines: bytes) -> bytes:
    """An infer call that must succeed."""
    return post(PATH, b'{"inputs":[%b]}' % _x(value), *lines)


def _x(value: float) -> bytes:
    return b'{"name":"x","shape":[1,1],"datatype":"FP32","data":[%r]}' % value
