"""A compressed body in, its content out, never more of it than the limit."""

from __future__ import annotations

import zlib

from stadion.serve.http.reply import refusal
from stadion.serve.protocols.base import Reply

__all__ = ["inflate"]

_EITHER = 32 + zlib.MAX_WBITS  # zlib or gzip, told apart by their first bytes


def inflate(body: bytes, encoding: bytes, limit: int) -> bytes | Reply:
    """Undo Content-Encoding; a refusal when it is unknown, damaged or beyond the limit."""
    kind = encoding.strip().lower()
    if kind in (b"", b"identity"):
        return body
    if kind not in (b"gzip", b"x-gzip", b"deflate"):
        return refusal(415, "Content-Encoding is unknown; expected gzip, deflate or none")
    bits = _EITHER if _has_header(body) else -zlib.MAX_WBITS  # some send deflate without one
    engine = zlib.decompressobj(bits)
    try:
        content = engine.decompress(body, limit + 1)
    except zlib.error:
        return refusal(400, "the body is not what Content-Encoding says")
    if len(content) > limit:
        return refusal(413, f"the body inflates to more than {limit} bytes")
    if not engine.eof or engine.unused_data:
        return refusal(400, "the compressed body does not end where it should")
    return content


def _has_header(body: bytes) -> bool:
    is_zlib = len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return is_zlib or body[:2] == b"\x1f\x8b"
