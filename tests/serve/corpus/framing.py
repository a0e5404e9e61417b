"""Lengths that lie, chunks that waste, and the forms that smuggle one request inside another."""

from __future__ import annotations

from tests.serve.corpus.entry import CLOSE, PATH, Entry, entries, good, head

__all__ = ["ENTRIES"]

_BODY = good().partition(b"\r\n\r\n")[2]
_SIZE = len(_BODY)
_POST = f"POST {PATH}"
_CHUNKED = b"Transfer-Encoding: chunked"
_INNER = b"GET /v2/stolen HTTP/1.1\r\nHost: x\r\n\r\n"


def _length(*values: str, body: bytes = _BODY) -> bytes:
    return head(_POST, *[b"Content-Length: " + value.encode() for value in values]) + body


def _chunks(content: bytes, *lines: bytes) -> bytes:
    return head(_POST, _CHUNKED, *lines) + content


_WHOLE = b"%x\r\n%b\r\n" % (_SIZE, _BODY)

_LENGTHS: list[tuple[str, bytes, int]] = [
    ("negative", _length("-5"), 400),
    ("minus nothing", _length("-0", body=b""), 400),
    ("with a plus", _length(f"+{_SIZE}"), 400),
    ("a word", _length("many"), 400),
    ("empty", _length(""), 400),
    ("hexadecimal", _length(f"0x{_SIZE:x}"), 400),
    ("a fraction", _length(f"{_SIZE}.0"), 400),
    ("with an exponent", _length("1e2"), 400),
    ("with a blank inside", _length("1 1"), 400),
    ("with an underscore", _length("1_1"), 400),
    ("a list of equal ones", _length(f"{_SIZE}, {_SIZE}"), 400),
    ("Arabic digits", _length("\u0661\u0662"), 400),
    ("beyond 64 bits", _length("99999999999999999999999"), 400),
    ("just beyond 64 bits", _length(str(1 << 64)), 400),
    ("the largest of 64 bits", _length(str((1 << 64) - 1)), 413),
    ("a terabyte", _length(str(1 << 40)), 413),
    ("of 10,000 digits", _length("1" * 10_000), 400),
    ("twice, different", _length(str(_SIZE), str(_SIZE + 1)), 400),
    ("twice, equal", _length(str(_SIZE), str(_SIZE)), 400),
]

_SMUGGLING: list[Entry] = [
    Entry(
        "smuggling: length and chunks",
        (head(_POST, b"Content-Length: 4", _CHUNKED) + b"0\r\n\r\n" + _INNER,),
        (400,),
    ),
    Entry(
        "smuggling: chunks and length",
        (head(_POST, _CHUNKED, b"Content-Length: 4") + b"0\r\n\r\n" + _INNER,),
        (400,),
    ),
    *(
        Entry(f"smuggling: {line!r}", (head(_POST, line) + b"0\r\n\r\n" + _INNER,), (400,))
        for line in (
            b"Transfer-Encoding: xchunked",
            b"Transfer-Encoding: gzip",
            b"Transfer-Encoding: identity",
            b"Transfer-Encoding: chunked, gzip",
            b"Transfer-Encoding: chunked, identity",
            b"Transfer-Encoding: chunked;q=1",
            b"Transfer-Encoding : chunked",
            b" Transfer-Encoding: chunked",
            b"Transfer-Encoding:\x0bchunked",
            b"Transfer-Encoding: \x00chunked",
            b"Transfer-Encoding: chun\r\n ked",
            b"X: y\rTransfer-Encoding: chunked",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: gzip, chunked",
            b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: chunked\r\nX: y\r\nTransfer-Encoding: chunked",
        )
    ),
    Entry(
        "smuggling: chunks in HTTP/1.0",
        (b"POST %b HTTP/1.0\r\n%b\r\n\r\n" % (PATH.encode(), _CHUNKED) + _WHOLE + b"0\r\n\r\n",),
        (400,),
    ),
    Entry(
        "smuggling: behind a zero length",
        (head(_POST, b"Content-Length: 0") + _INNER,),
        (400, 404),
    ),
    Entry("smuggling: behind a GET", (head("GET /v2") + _INNER,), (200, 404)),
    Entry(
        "smuggling: in the body of a GET",
        (head("GET /v2", b"Content-Length: %d" % len(_INNER)) + _INNER + good(1.5, CLOSE),),
        (200, 200),
    ),
    Entry(
        "smuggling: Chunked in capitals is chunked",
        (_chunks(_WHOLE + b"0\r\n\r\n").replace(b"chunked", b"CHUNKED") + good(1.5, CLOSE),),
        (200, 200),
    ),
]

_CHUNKS: list[tuple[str, bytes, int]] = [
    ("no size", _chunks(b"\r\nabc\r\n"), 400),
    ("a word for a size", _chunks(b"xyz\r\n"), 400),
    ("a negative size", _chunks(b"-1\r\nab\r\n"), 400),
    ("a size with 0x", _chunks(b"0x%x\r\n%b\r\n0\r\n\r\n" % (_SIZE, _BODY)), 400),
    ("a size with a plus", _chunks(b"+%x\r\n%b\r\n0\r\n\r\n" % (_SIZE, _BODY)), 400),
    ("a size with an underscore", _chunks(b"1_0\r\n" + bytes(16)), 400),
    ("a size with a blank before", _chunks(b" %x\r\n%b\r\n0\r\n\r\n" % (_SIZE, _BODY)), 400),
    ("a size beyond 64 bits", _chunks(b"ffffffffffffffff1\r\nab\r\n"), 400),
    ("a size of 2^64 - 1", _chunks(b"ffffffffffffffff\r\nab\r\n"), 408),
    ("a size of 16 GiB", _chunks(b"400000000\r\nab\r\n"), 408),
    ("more than the size says", _chunks(b"3\r\nabcdef\r\n0\r\n\r\n"), 400),
    ("a bare line feed behind a size", _chunks(b"%x\n%b\n0\n\n" % (_SIZE, _BODY)), 400),
    ("a bare line feed behind the data", _chunks(b"%x\r\n%b\n0\r\n\r\n" % (_SIZE, _BODY)), 400),
    ("two bytes instead of the line's end", _chunks(b"1\r\n{XX1\r\n}\r\n0\r\n\r\n"), 400),
    ("NUL in an extension", _chunks(b"%x;a=\x00\r\n%b\r\n0\r\n\r\n" % (_SIZE, _BODY)), 400),
    ("a trailer that is no header", _chunks(_WHOLE + b"0\r\nno header\r\n\r\n"), 400),
    ("nothing but the end", _chunks(b"0\r\n\r\n", CLOSE), 400),
    ("one chunk", _chunks(_WHOLE + b"0\r\n\r\n", CLOSE), 200),
    ("many zeros before the size", _chunks(b"0000000" + _WHOLE + b"000\r\n\r\n", CLOSE), 200),
    ("a size in capitals", _chunks(b"%X\r\n%b\r\n0\r\n\r\n" % (_SIZE, _BODY), CLOSE), 200),
    ("an extension", _chunks(b'%x;a=b;c="d"\r\n%b\r\n0\r\n\r\n' % (_SIZE, _BODY), CLOSE), 200),
    ("a trailer", _chunks(_WHOLE + b"0\r\nChecked: no\r\nX: y\r\n\r\n", CLOSE), 200),
    (
        "a trailer that claims a length",
        _chunks(_WHOLE + b"0\r\nContent-Length: 5\r\n\r\n", CLOSE),
        400,
    ),
    ("a trailer that ends the connection", _chunks(_WHOLE + b"0\r\nHost: y\r\n\r\n", CLOSE), 200),
]

_FLOODS: list[Entry] = [
    Entry(
        "chunks: one byte each",
        (head(_POST, _CHUNKED, CLOSE), *(b"1\r\n%c\r\n" % byte for byte in _BODY), b"0\r\n\r\n"),
        (200,),
    ),
    Entry(
        "chunks: 100,000 of one byte",
        (_chunks(b""), (b"1\r\n \r\n" * 1_000, 100), b"0\r\n\r\n"),
        (400,),
    ),
    Entry(
        "chunks: long extensions",
        (_chunks(b""), (b"1;" + b"a" * 50_000 + b"\r\nx\r\n", 40)),
        (400,),
    ),
    Entry("chunks: an endless extension", (_chunks(b"1;"), (b"a" * 50_000, 40)), (400,)),
    Entry("chunks: endless zeros of a size", (_chunks(b""), (b"0" * 50_000, 40)), (400,)),
    Entry(
        "chunks: endless trailers",
        (_chunks(_WHOLE + b"0\r\n"), (b"T: " + b"a" * 20_000 + b"\r\n", 40)),
        (400,),
    ),
    Entry(
        "chunks: too large a body",
        (_chunks(b""), (b"10000\r\n%b\r\n" % bytes(1 << 16), 160)),
        (413,),
    ),
    Entry("length: short by one", (_length(str(_SIZE - 1)),), (400, 400)),
    Entry("length: zero", (_length("0"),), (400, 400)),
    Entry(
        "length: too large a body", (_length(str(9 << 20), body=b""), (bytes(1 << 16), 144)), (413,)
    ),
]

ENTRIES = [
    *entries("length", _LENGTHS),
    *_SMUGGLING,
    *entries("chunks", _CHUNKS),
    *_FLOODS,
]
