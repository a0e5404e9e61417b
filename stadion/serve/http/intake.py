"""Bytes as they arrive in, complete HTTP requests out, or the refusal that ends the connection.

httptools parses, what `Heads` does not remember; this file keeps every part of a request within
its limit.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import httptools
import msgspec

from stadion.serve.config import Limits
from stadion.serve.http.budget import Budget, Share
from stadion.serve.http.heads import HEAD_END, Head, Heads
from stadion.serve.http.reply import refusal
from stadion.serve.protocols.base import Reply

__all__ = ["BODY", "HEAD", "IDLE", "Intake", "Message"]

IDLE, HEAD, BODY = range(3)

_URL_BYTES = 8 << 10
_HEADER_COST = 32  # bytes a header counts beside its text, so that empty ones are not free
_FRAMING_BYTES = 64 << 10
_FRAMING_PER_BYTE = 8  # a chunk of one byte needs five more
_PROPOSALS = (b"upgrade", b"connection", b"http2-settings")


class Message(msgspec.Struct, gc=False):
    """One request in its place in the order, or (`refusal`) what to say instead of answering."""

    head: Head
    body: bytes = b""
    refusal: Reply | None = None


class Intake:
    """The receiving half of one connection.

    `ready` holds what is complete and not yet taken. `phase` says what is being received, and
    `is_phase_new` that it has just begun. Once `is_closed`, nothing more is understood.
    """

    def __init__(self, limits: Limits, heads: Heads, budget: Budget) -> None:
        self.ready: deque[Message] = deque()
        self.held = 0
        self.phase = IDLE
        self.is_phase_new = False
        self.is_closed = False
        self.owes_continue = False
        self._limits = limits
        self._heads = heads
        self._share = Share(budget)
        self._taken = 0
        self._parser: Any = httptools.HttpRequestParser(self)
        self._begun = 0
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._body: bytes | bytearray = b""
        self._framing_bytes = 0
        self._proposes_upgrade = False
        self._known: Head | None = None
        self._parts: list[bytes | memoryview] = []
        self._missing = 0

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        if self._missing:
            data = self._collect(data)
        while data and self.phase == IDLE and not self.is_closed:
            cut = data.find(HEAD_END) + 4
            head = self._heads.known.get(data[:cut])
            if head is None:
                self._parse(data, cut)
                data = b""
            else:
                data = self._begin(head, data, cut)
        if data and not self.is_closed:
            self._parse(data, 0)
        self._count()

    def _parse(self, data: bytes, cut: int) -> None:
        """Have the parser read what no remembered head begins."""
        begun, size, complete = self._begun, len(self._body), len(self.ready)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as proposal:
            self._decline_upgrade(data[proposal.args[0] :])
        except httptools.HttpParserError:
            self.refuse(400, "this is no HTTP/1.1 request")
        else:
            if self.phase != IDLE and begun == self._begun:
                self._bound(len(data), len(self._body) - size)
            elif cut > 3 and begun + 1 == self._begun and not self.is_closed:
                self._remember(data[:cut], len(data) - cut, len(self.ready) - complete)

    def _remember(self, text: bytes, rest: int, complete: int) -> None:
        """Keep the head of the one request that the data held from its first byte on."""
        if complete == 1:
            message = self.ready[-1]
            if message.refusal is None and len(message.body) == rest == message.head.length:
                self._heads.keep(text, message.head)
        elif not complete and self.phase == BODY and len(self._body) == rest:
            head = self._head()
            is_usual = self._parser.get_http_version() == "1.1" and head.method != b"CONNECT"
            if is_usual and rest < head.length and not self._proposes_upgrade:
                self._heads.keep(text, head)

    def _begin(self, head: Head, data: bytes, cut: int) -> bytes:
        """A remembered head, and what came behind it; what is left is the next request's."""
        end = cut + head.length
        if len(data) >= end:
            self._complete(head, data[cut:end])
            return data[end:]
        self._known, self._parts = head, [memoryview(data)[cut:]]
        self._missing = end - len(data)
        self.phase, self.is_phase_new = BODY, True
        if not self._share.admits(head.length):
            self._refuse_more()
        return b""

    def _collect(self, data: bytes) -> bytes:
        """More of the body of a remembered head."""
        if self.is_closed or self._known is None:
            return b""
        part = data if len(data) <= self._missing else data[: self._missing]
        self._parts.append(part)
        self._missing -= len(part)
        if not self._missing:
            self.phase = IDLE
            self._complete(self._known, b"".join(self._parts))
            self._known, self._parts = None, []
        return data[len(part) :]

    def _complete(self, head: Head, body: bytes) -> None:
        self.held += len(body)
        self.ready.append(Message(head, body))

    def refuse(self, status: int, text: str, headers: bytes = b"") -> None:
        """End the connection with an error, after what is complete has been answered."""
        self.deny(refusal(status, text, headers))

    def deny(self, reply: Reply) -> None:
        """The same with a reply that is written already."""
        if not self.is_closed:
            self.close()
            self.ready.append(Message(Head(), refusal=reply))

    @property
    def announced(self) -> Head | None:
        """The head of a request whose body has just begun; None where it is known, or none is."""
        if self.phase != BODY or not self.is_phase_new or self._known is not None:
            return None
        return Head(self._parser.get_method(), self._url, self._headers)

    def close(self) -> None:
        """Understand nothing more."""
        self.is_closed = True
        self.phase = IDLE
        self._body = b""
        self._known, self._parts, self._missing = None, [], 0

    def forget(self) -> None:
        """Let go of everything; parser and intake refer to each other."""
        self.close()
        self.ready.clear()
        self.held = self._taken = 0
        self._share.hold(0)
        self._parser = None

    def take(self) -> Message:
        """The next complete request."""
        message = self.ready.popleft()
        self._taken = len(message.body)
        self.held -= self._taken
        return message

    def let_go(self) -> None:
        """The request that was taken is answered: its body is held no longer."""
        if self._taken:
            self._taken = 0
            self._count()

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
            name = name.lower()
            if name in self._headers:  # one list, so that no two readers pick different ones
                value = b"%b, %b" % (self._headers[name], value)
            self._headers[name] = value

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
        head = self._head()
        if parser.get_http_version() not in ("1.1", "1.0") or head.method == b"CONNECT":
            self.refuse(400, "expected a request of HTTP/1.1 to this server itself")
            return
        self._complete(head, bytes(self._body))
        self.phase = IDLE
        self._body = b""
        if head.is_last:
            self.close()

    def _head(self) -> Head:
        """What the parser has read before the body."""
        headers, parser = self._headers, self._parser
        length = int(headers.get(b"content-length", b"0"))
        is_old = parser.get_http_version() == "1.0"
        head = Head(
            parser.get_method(), self._url, headers, length, not parser.should_keep_alive(), is_old
        )
        head.is_coded = b"content-encoding" in headers
        if (cut := headers.get(b"inference-header-content-length", b"")).isdigit():
            head.json_length = int(cut[:20])
        return head

    # --- limits

    def _expect_body(self, headers: dict[bytes, bytes]) -> None:
        coding = headers.get(b"transfer-encoding", b"chunked")
        is_old = self._parser.get_http_version() != "1.1"
        if coding.lower() != b"chunked" or (is_old and b"transfer-encoding" in headers):
            self.refuse(400, "Transfer-Encoding is unknown; expected chunked, in HTTP/1.1")
        elif int(headers.get(b"content-length", b"0")) > self._limits.body_bytes:
            self._refuse_body()
        elif not self._share.admits(int(headers.get(b"content-length", b"0"))):
            self._refuse_more()
        elif (wish := headers.get(b"expect")) is not None:
            if wish.lower() != b"100-continue":
                self.refuse(417, "Expect is unknown; expected 100-continue or none")
            else:
                self.owes_continue = not is_old

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

    def _count(self) -> None:
        """Say what is held here, and refuse more when all connections hold too much."""
        partial = self._known.length - self._missing if self._known else len(self._body)
        if not self._share.hold(self.held + self._taken + partial):
            self._refuse_more()
            self._share.hold(self.held + self._taken)

    def _refuse_more(self) -> None:
        text = "the server holds as many bytes of requests as it may"
        self.refuse(429, text, b"Retry-After: 1\r\n")

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
