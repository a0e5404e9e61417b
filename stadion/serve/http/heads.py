"""Request heads that were parsed before, kept by their exact bytes.

A client sends the same head again and again. Parsing is deterministic: where the very bytes
were understood once, from a connection in between two requests, they mean the same the next
time, and finding them takes a twentieth of reading them.
"""

from __future__ import annotations

import msgspec

from stadion.serve.callers import Caller
from stadion.serve.http.router import Found

__all__ = ["HEAD_END", "Head", "Heads"]

HEAD_END = b"\r\n\r\n"
_MOST = 1024
_LONGEST = 2048


class Head(msgspec.Struct, gc=False):
    """A request without its body.

    Attributes
    ----------
    length
        Of the body, where the head tells it.
    json_length
        How much of the body is JSON where tensors follow it, -1 where none do.
    is_last
        When the client said that it ends the connection after this.
    is_old
        For HTTP/1.0.
    is_coded
        When the body is compressed.
    is_express
        When the express way may take its calls.
    found
        Who answers, once it was asked.
    caller
        Who sends it, as the gate of that `generation` knows.
    """

    method: bytes = b""
    url: bytes = b""
    headers: dict[bytes, bytes] = {}
    length: int = 0
    is_last: bool = True
    is_old: bool = False
    found: Found | None = None
    is_express: bool = False
    is_coded: bool = False
    json_length: int = -1
    caller: Caller | None = None
    generation: int = -1


class Heads:
    """Bounded: when it is full it starts afresh."""

    def __init__(self) -> None:
        self.known: dict[bytes, Head] = {}

    def keep(self, text: bytes, head: Head) -> None:
        """Remember a head that stands for itself: one that leaves nothing to the connection."""
        if len(text) > _LONGEST or head.is_last or head.is_old or not _is_plain(head.headers):
            return
        if text.count(b"\n") != text.count(b"\r\n"):
            return
        if len(self.known) >= _MOST:
            self.known.clear()
        self.known[text] = head


def _is_plain(headers: dict[bytes, bytes]) -> bool:
    return not (b"transfer-encoding" in headers or b"expect" in headers or b"upgrade" in headers)
