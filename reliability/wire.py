"""One connection of the load generator: a request out, its whole answer in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol, cast

__all__ = ["Answer", "Calls", "Wire", "read_answer"]

_VERSION = b'"model_version":"'
_DATA = b'"data":['


@dataclass(slots=True)
class Answer:
    """What the ledger keeps of an answer.

    `version` and `value` (the first number of the first tensor) are 0 where it has none;
    `retry_after` is -1 without that header.
    """

    status: int
    version: int = 0
    value: float = 0.0
    retry_after: int = -1
    is_last: bool = False


class Calls(Protocol):
    """Who is told what became of the calls."""

    def free(self, wire: Wire) -> None:
        """A connection can take the next call."""

    def answered(self, index: int, answer: Answer) -> None:
        """A whole answer has come."""

    def lost(self, wire: Wire, index: int | None) -> None:
        """A connection has ended, perhaps with a call on it."""


class Wire(asyncio.Protocol):
    """Carries one call at a time; `index` is the call that waits for its answer."""

    def __init__(self, calls: Calls) -> None:
        self.index: int | None = None
        self.sent = 0.0
        self._calls = calls
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to send."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def send(self, index: int, request: bytes, now: float) -> None:
        """One call; nothing may be under way."""
        self.index, self.sent = index, now
        if self._transport is not None:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Once the answer is whole, tell it and be free."""
        received = self._received + data if self._received else data
        found = read_answer(received)
        if found is None:
            self._received = received
            return
        self._received = b""
        index, self.index = self.index, None
        if index is not None:
            self._calls.answered(index, found)
        if found.is_last:
            self.abort()
        else:
            self._calls.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The server, the network or `abort` ended it."""
        index, self.index = self.index, None
        self._transport = None
        self._calls.lost(self, index)

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()


def read_answer(data: bytes) -> Answer | None:
    r"""The answer in these bytes, None while it is not whole.

    Examples
    --------
    >>> read_answer(b"HTTP/1.1 429 Too Many\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n")
    Answer(status=429, version=0, value=0.0, retry_after=2, is_last=False)
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end].lower()
    if len(data) < end + 4 + _number(head, b"content-length: ", 0):
        return None
    answer = Answer(int(data[9:12]))
    if b"connection: close" in head:
        answer.is_last = True
    if answer.status == 200:
        at = data.find(_VERSION, end)
        if at > 0:
            at += len(_VERSION)
            text = data[at : data.find(b'"', at)]
            answer.version = int(text) if text.isdigit() else 0
        answer.value = _value(data, end)
    else:
        answer.retry_after = _number(head, b"retry-after: ", -1)
    return answer


def _number(head: bytes, name: bytes, otherwise: int) -> int:
    at = head.find(name)
    if at < 0:
        return otherwise
    end = head.find(b"\r", at)
    return int(head[at + len(name) : end if end > 0 else len(head)])


def _value(data: bytes, start: int) -> float:
    """The first number after the first `data` key; 0 for other answers."""
    at = data.find(_DATA, start)
    if at < 0:
        return 0.0
    at += len(_DATA)
    stops = [found for found in (data.find(b",", at), data.find(b"]", at)) if found > 0]
    try:
        return float(data[at : min(stops)])
    except ValueError:
        return 0.0
