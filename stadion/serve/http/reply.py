"""Replies in, the bytes of HTTP responses out."""

from __future__ import annotations

import time
from functools import lru_cache
from http import HTTPStatus

import orjson

from stadion.serve.protocols.base import Reply

__all__ = ["http_date", "prefix", "refusal", "render"]

_CLOSE = b"Connection: close\r\n"
_KEEP = b"Connection: keep-alive\r\n"


def render(reply: Reply, date: bytes, *, close: bool, old: bool, bodiless: bool) -> bytes:
    """One response as it goes on the wire.

    Parameters
    ----------
    close
        Say that the connection ends with this response.
    old
        The client speaks HTTP/1.0, where keeping a connection must be said.
    bodiless
        The call was a HEAD: the length is told, the body is not sent.
    """
    head = _head(reply.status, reply.kind)
    more = reply.headers
    if close:
        more += _CLOSE
    elif old:
        more += _KEEP
    body = b"" if bodiless else reply.body
    return b"%b%d\r\nDate: %b\r\n%b\r\n%b" % (head, len(reply.body), date, more, body)


def prefix(status: int, kind: bytes, date: bytes) -> bytes:
    """The start of a response, up to the number of bytes in its body."""
    line = b"HTTP/1.1 %d %b" % (status, HTTPStatus(status).phrase.encode())
    return b"%b\r\nDate: %b\r\nContent-Type: %b\r\nContent-Length: " % (line, date, kind)


def refusal(status: int, text: str, headers: bytes = b"") -> Reply:
    """An error of HTTP itself."""
    return Reply(orjson.dumps({"error": text}), status, headers=headers)


def http_date() -> bytes:
    """Now, as the Date header writes it (RFC 9110, section 5.6.7)."""
    now = time.gmtime()
    day, month = _DAYS[now.tm_wday], _MONTHS[now.tm_mon - 1]
    return time.strftime(f"{day}, %d {month} %Y %H:%M:%S GMT", now).encode()


@lru_cache(maxsize=256)
def _head(status: int, kind: bytes) -> bytes:
    phrase = HTTPStatus(status).phrase.encode()
    return b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: " % (status, phrase, kind)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
