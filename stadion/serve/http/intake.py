"""Bytes as they arrive in, complete HTTP requests out, or the refusal that ends the connection.

httptools parses; this file keeps every part of a request within its limit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import httptools

from stadion.serve.config import Limits
from stadion.serve.http.reply import refusal
from stadion.serve.protocols.base import Reply

__all__ = ["BODY", "HEAD", "IDLE", "Intake", "Message"]

IDLE, HEAD, BODY = range(3)

_URL_BYTES = 8 << 10
_HEADER_COST = 32  # bytes a header counts beside its text, so that empty ones are not free
_FRAMING_BYTES = 64 << 10
_FRAMING_PER_BYTE = 8  # a chunk of one byte needs five more
_PROPOSALS = (b"upgrade", b"connection", b"http2-settings")


@dataclass(slots=True)
class Message:
    """One request in its place in the order, or (`refusal`) what to say instead of answering.

    `is_last` when the client said that it ends the connection after this; `is_old` for
    HTTP/1.0.
    """

    method: bytes = b""
    url: bytes = b""
    headers: dict[bytes, bytes] | None = None
    body: bytes = b""
    is_last: bool = True
    is_old: bool = False
    refusal: Reply | None = None


class Intake:
    """The receiving half of one connection.

    `ready` holds what is complete and not yet taken. `phase` says what is being received, and
    `is_phase_new` that it has just begun. Once `is_closed`, nothing more is understood.
    """

    def __init__(self, limits: Limits) -> None:
        self.ready: deque[Message] = deque()
        self.held = 0
        self.phase = IDLE
        self.is_phase_new = False
        self.is_closed = False
        self.owes_continue = False
        self._limits = limits
        self._parser: Any = httptools.HttpRequestParser(self)
        self._begun = 0
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._body: bytes | bytearray = b""
        self._framing_bytes = 0
        self._proposes_upgrade = False

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        begun, size = self._begun, len(self._body)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as proposal:
            self._decline_upgrade(data[proposal.args[0] :])
        except httptools.HttpParserError:
            self.refuse(400, "this is no HTTP/1.1 request")
        else:
            if self.phase != IDLE and begun == self._begun:
                self._bound(len(data), len(self._body) - size)

    def refuse(self, status: int, text: str, headers: bytes = b"") -> None:
        """End the connection with an error, after what is complete has been answered."""
        if not self.is_closed:
            self.close()
            self.ready.append(Message(refusal=refusal(status, text, headers)))

    def close(self) -> None:
        """Understand nothing more."""
        self.is_closed = True
        self.phase = IDLE
        self._body = b""

    def forget(self) -> None:
        """Let go of everything; parser and intake refer to each other."""
        self.close()
        self.ready.clear()
        self.held = 0
        self._parser = None

    def take(self) -> Message:
        """The next complete request."""
        message = self.ready.popleft()
        self.held -= len(message.body)
        return message

    # --- called by the parser

    def on_message_begin(self) -> None:
        """A request line begins."""
        if self.is_closed:
            return
        self._begun += 1
        self._url = b""
        self._headers = {}
        self._head_bytes = 0
        self._body = b""
        self._framing_bytes = 0
        self.phase = HEAD
        self.is_phase_new = True

    def on_url(self, url: bytes) -> None:
        """A piece of the URL."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; a trailer after the body says nothing that is needed here."""
        if self.phase == HEAD:
            self._head_bytes += len(name) + len(value) + _HEADER_COST
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The head is complete: refuse early what will not be answered."""
        if self.is_closed:
            return
        self.phase = BODY
        self.is_phase_new = True
        headers = self._headers
        self._proposes_upgrade = b"upgrade" in headers and self._parser.should_upgrade()
        if len(self._url) > _URL_BYTES:
            self.refuse(414, f"the URL has more than {_URL_BYTES} bytes")
        elif self._head_bytes > self._limits.head_bytes:
            self._refuse_head()
        elif b"content-length" in headers or b"transfer-encoding" in headers:
            self._expect_body(headers)

    def on_body(self, part: bytes) -> None:
        """A piece of the body."""
        if self.is_closed:
            return
        if not self._body:
            self._body = part
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += part
        if len(self._body) > self._limits.body_bytes:
            self._refuse_body()

    def on_message_complete(self) -> None:
        """The request is complete."""
        if self.is_closed or self._proposes_upgrade:
            return
        parser = self._parser
        version = parser.get_http_version()
        method = parser.get_method()
        if version not in ("1.1", "1.0") or method == b"CONNECT":
            self.refuse(400, "expected a request of HTTP/1.1 to this server itself")
            return
        is_last = not parser.should_keep_alive()
        body = bytes(self._body)
        self.held += len(body)
        self.ready.append(
            Message(method, self._url, self._headers, body, is_last, version == "1.0")
        )
        self.phase = IDLE
        self._body = b""
        if is_last:
            self.close()

    # --- limits

    def _expect_body(self, headers: dict[bytes, bytes]) -> None:
        if int(headers.get(b"content-length", b"0")) > self._limits.body_bytes:
            self._refuse_body()
        elif (wish := headers.get(b"expect")) is not None:
            if wish.lower() != b"100-continue":
                self.refuse(417, "Expect is unknown; expected 100-continue or none")
            else:
                self.owes_continue = self._parser.get_http_version() == "1.1"

    def _bound(self, received: int, body: int) -> None:
        """Bound what the parser keeps or skips without telling: heads, chunk sizes, trailers."""
        if self.phase == HEAD:
            self._head_bytes += received
            if self._head_bytes > self._limits.head_bytes + _URL_BYTES:
                self._refuse_head()
            return
        self._framing_bytes += received - body
        if self._framing_bytes > _FRAMING_BYTES + _FRAMING_PER_BYTE * len(self._body):
            self.refuse(400, "the chunks of the body say more than they carry")

    def _refuse_head(self) -> None:
        self.refuse(431, f"the head has more than {self._limits.head_bytes} bytes")

    def _refuse_body(self) -> None:
        self.refuse(413, f"the body has more than {self._limits.body_bytes} bytes")

    def _decline_upgrade(self, rest: bytes) -> None:
        """Go on in HTTP/1.1 where a client offered another protocol with its first request.

        The parser stops at the end of such a head, body or not: the head is parsed again
        without the offer.
        """
        if not self._proposes_upgrade or self.is_closed:
            return
        head = [b"%b %b HTTP/1.1\r\n" % (self._parser.get_method(), self._url)]
        for name, value in self._headers.items():
            if name not in _PROPOSALS:
                head.append(b"%b: %b\r\n" % (name, value))
        self._proposes_upgrade = False
        self._parser = httptools.HttpRequestParser(self)
        self.feed(b"%b\r\n%b" % (b"".join(head), rest))
