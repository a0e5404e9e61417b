"""Heads that the server has just read, again: whole, cut, with other bodies, inside bodies.

A server that knows a head by its bytes must not mistake anything else for it.
"""

from __future__ import annotations

from tests.serve.corpus.entry import CLOSE, PATH, Entry, Piece, good, head, post

__all__ = ["ENTRIES"]

_GOOD = good()
_LAST = good(2.5, CLOSE)
_HEAD, _, _BODY = _GOOD.partition(b"\r\n\r\n")
_LIVE = head("GET /v2/health/live")
_WRONG = _BODY[:-1] + b"!"
_CLOSED = head("GET /v2/health/live", CLOSE)


def _cut(content: bytes, at: int) -> list[Piece]:
    """The content in two pieces that arrive one after the other."""
    return [content[:at], 0.004, content[at:]]


ENTRIES: list[Entry] = [
    *(
        Entry(f"again: cut at {at}", (_GOOD, *_cut(_GOOD, at), _LAST), (200, 200, 200))
        for at in range(1, len(_GOOD), 5)
    ),
    *(
        Entry(f"again: cut at {at} behind others", (*_cut(_GOOD * 3, at), _LAST), (200,) * 4)
        for at in range(len(_GOOD), 2 * len(_GOOD), 9)
    ),
    Entry("again: 50 times at once", ((_GOOD, 50), _LAST), (200,) * 51),
    Entry("again: in turns with another", ((_GOOD + _LIVE, 50), _CLOSED), (200,) * 101),
    Entry("again: another body", (_GOOD, _HEAD + b"\r\n\r\n" + _WRONG, _LAST), (200, 400, 200)),
    Entry("again: the body is the head", (_GOOD, post(PATH, _GOOD), _LAST), (200, 400, 200)),
    Entry(
        "again: the body is a head, in pieces",
        (_GOOD, post(PATH, b""), _GOOD, *_cut(post(PATH, _GOOD * 2), len(_GOOD)), _LAST),
        (200, 400, 200, 400, 200),
    ),
    Entry(
        "again: a body that ends where a head would begin",
        (_LIVE, 0.01, post(PATH, b'{"inputs":[]}\r\n\r\n' + _LIVE), 0.01, _LIVE, _CLOSED),
        (200, 400, 200, 200),
    ),
    Entry(
        "again: a byte less of the body", (_GOOD, 0.01, _GOOD[:-1] + b"G", _LAST), (200, 400, 200)
    ),
    Entry("again: half a body, then silence", (_GOOD, 0.01, _GOOD[:-9]), (200, 408)),
    Entry("again: half a head, then silence", (_GOOD, 0.01, _GOOD[:40]), (200, 408)),
    Entry(
        "again: with a line more", (_LIVE, 0.01, _LIVE[:-2] + b"X: y\r\n\r\n", _CLOSED), (200,) * 3
    ),
    Entry(
        "again: with garbage behind", (_LIVE, 0.01, _LIVE + b"\x00\x01", _CLOSED), (200, 200, 400)
    ),
    Entry("again: with a line feed less", (_LIVE, 0.01, _LIVE[:-1], 0.01, b"x"), (200, 400)),
    Entry("again: empty lines before", (_LIVE, 0.01, b"\r\n" + _LIVE, _CLOSED), (200, 200, 200)),
    Entry(
        "again: other letters",
        (_LIVE, 0.01, _LIVE.replace(b"live", b"liVe"), _CLOSED),
        (200, 404, 200),
    ),
    Entry(
        "again: chunked is not remembered as no body",
        (
            head(f"POST {PATH}", b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
            0.01,
            head(f"POST {PATH}", b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
            _CLOSED,
        ),
        (400, 400, 200),
    ),
    Entry(
        "again: as HTTP/1.0",
        (_LIVE, 0.01, _LIVE.replace(b"HTTP/1.1", b"HTTP/1.0"), _LIVE),
        (200, 200),
    ),
    Entry("again: too large", ((head(f"POST {PATH}", b"Content-Length: 99999999"), 2),), (413,)),
    Entry("again: Expect", ((good(1.5, b"Expect: 100-continue"), 2), _CLOSED), (200, 200, 200)),
    Entry("again: Upgrade", ((good(1.5, b"Upgrade: h2c"), 3), _CLOSED), (200, 200, 200, 200)),
    Entry(
        "again: HEAD", ((head("HEAD /v2"), 3), head("HEAD /v2", CLOSE)), (200,) * 4, bodiless=True
    ),
    Entry(
        "again: a new head 2,000 times",
        (*(good(1.5, b"X: %d" % n) for n in range(2000)), _CLOSED),
        (200,) * 2001,
    ),
]
