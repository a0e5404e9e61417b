"""Clients that take their time, within a second's limits (see the test's `LIMITS`)."""

from __future__ import annotations

from tests.serve.corpus.entry import CLOSE, PATH, Entry, Piece, good, head

__all__ = ["ENTRIES"]

_GOOD = good(1.5, CLOSE)
_CHUNKED = head(f"POST {PATH}", b"Transfer-Encoding: chunked")


def _drops(piece: bytes) -> list[Piece]:
    """A piece every tenth of a second, for longer than a request may take."""
    return [0.1, piece] * 12


ENTRIES: list[Entry] = [
    Entry("slow: silence", (1.6,), ()),
    Entry("slow: half a head", (_GOOD[:20],), (408,)),
    Entry("slow: one letter", (b"G",), (408,)),
    Entry("slow: only line ends", (b"\r\n", 0.3, b"\r\n", 0.3, b"\r\n", 0.3, b"\r\n"), ()),
    Entry("slow: a head in drops", (_GOOD[:20], *_drops(b"a")), (408,)),
    Entry("slow: a head without end", (b"GET /v2 HTTP/1.1\r\n", *_drops(b"X: y\r\n")), (408,)),
    Entry("slow: half a body", (_GOOD[:-3],), (408,)),
    Entry("slow: a body in drops", (_GOOD[:-30], *_drops(b" ")), (408,)),
    Entry("slow: no body at all", (head(f"POST {PATH}", b"Content-Length: 9"),), (408,)),
    Entry("slow: chunks in drops", (_CHUNKED, *_drops(b"1\r\n \r\n")), (408,)),
    Entry("slow: half a chunk's size", (_CHUNKED + b"1",), (408,)),
    Entry("slow: no last chunk", (_CHUNKED + b"2\r\n{}\r\n",), (408,)),
    Entry("slow: a trailer in drops", (_CHUNKED + b"0\r\n", *_drops(b"a")), (408,)),
    Entry(
        "slow: a promised body",
        (_GOOD.partition(b"\r\n\r\n")[0] + b"\r\nExpect: 100-continue\r\n\r\n",),
        (408,),
    ),
    Entry(
        "slow: a good one in three pauses", (_GOOD[:30], 0.2, _GOOD[30:99], 0.2, _GOOD[99:]), (200,)
    ),
]
