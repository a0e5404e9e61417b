"""A compressed body in, its content out, never more than the limit; replies, compressed."""

from __future__ import annotations

import zlib
from functools import lru_cache

from stadion.serve.http.reply import refusal
from stadion.serve.protocols.base import Reply

__all__ = ["WORTH_DEFLATING", "deflated", "inflate"]

_EITHER = 32 + zlib.MAX_WBITS  # zlib or gzip, told apart by their first bytes
_BITS = {
    b"gzip": 16 + zlib.MAX_WBITS,
    b"deflate": zlib.MAX_WBITS,
}  # what HTTP calls deflate is zlib
WORTH_DEFLATING, _MOST = 1 << 10, 1 << 18  # below, nothing is gained; above, other calls would wait
_LEVEL = 1


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


def deflated(reply: Reply, accept: bytes) -> Reply:
    """A reply compressed as Accept-Encoding allows, where that makes it smaller and is quick."""
    coding = _coding(accept)
    size = len(reply.body)
    if not coding or not WORTH_DEFLATING <= size <= _MOST:
        return reply
    engine = zlib.compressobj(_LEVEL, zlib.DEFLATED, _BITS[coding])
    body = engine.compress(reply.body) + engine.flush()
    if len(body) >= size:
        return reply
    headers = b"%bContent-Encoding: %b\r\nVary: Accept-Encoding\r\n" % (reply.headers, coding)
    return Reply(body, reply.status, reply.kind, headers)


@lru_cache(maxsize=64)
def _coding(accept: bytes) -> bytes:
    """What a client likes best of the codings known here (RFC 9110, 12.5.3); empty for none."""
    liked = {}
    for part in accept.lower().split(b","):
        name, *parameters = (piece.strip() for piece in part.split(b";"))
        weights = [p.partition(b"=")[2].strip() for p in parameters if p.startswith(b"q")]
        liked[name] = _weight(weights[0]) if weights else 1.0
    found = {coding: liked.get(coding, liked.get(b"*", 0.0)) for coding in _BITS}
    best = max(found, key=lambda coding: found[coding])
    return best if found[best] > 0 else b""


def _weight(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _has_header(body: bytes) -> bool:
    is_zlib = len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return is_zlib or body[:2] == b"\x1f\x8b"
