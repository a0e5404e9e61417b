"""Bytes from a server in, its HTTP responses out, each looked at strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Reply", "cut_reply"]


@dataclass
class Reply:
    """One response as it came over the wire."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


def cut_reply(buffer: bytearray, *, bodiless: bool = False) -> Reply | None:
    """Take the first response out of the buffer; None while it is not complete."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    line, *lines = bytes(buffer[:end]).split(b"\r\n")
    assert re.fullmatch(rb"HTTP/1\.1 [1-5]\d\d [A-Za-z' -]+", line), line
    pairs = [one.partition(b": ") for one in lines]
    headers = {name.lower(): value for name, _, value in pairs}
    assert len(headers) == len(lines), lines
    status = int(line.split()[1])
    size = 0 if bodiless or status == 100 else int(headers[b"content-length"])
    if len(buffer) < end + 4 + size:
        return None
    body = bytes(buffer[end + 4 : end + 4 + size])
    del buffer[: end + 4 + size]
    return Reply(status, headers, body)
