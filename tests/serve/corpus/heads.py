"""Request lines and headers that are wrong, huge, old or unusual."""

from __future__ import annotations

from tests.serve.corpus.entry import CLOSE, PATH, Entry, entries, good, head, post

__all__ = ["ENTRIES"]

_LIVE = "/v2/health/live"
_GET = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n"

_NO_HTTP: list[tuple[str, bytes, int]] = [
    ("a word", b"hello\r\n\r\n", 400),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ("zeros", bytes(64), 400),
    ("all bytes", bytes(range(256)) + b"\r\n\r\n", 400),
    ("SSH", b"SSH-2.0-OpenSSH_9.9\r\n", 400),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ("an unknown method", b"BREW /v2 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a method in small letters", b"get /v2 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a method without end", b"G" * 70_000, 400),
    ("no version", b"GET /v2\r\n\r\n", 400),
    ("version 9.9", b"GET /v2 HTTP/9.9\r\nHost: x\r\n\r\n", 400),
    ("version 0.9", b"GET /v2 HTTP/0.9\r\nHost: x\r\n\r\n", 400),
    ("version 1.10", b"GET /v2 HTTP/1.10\r\nHost: x\r\n\r\n", 400),
    ("a blank in the URL", b"GET /v2 /x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a tab in the request line", b"GET\t/v2\tHTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a byte above 127 in the URL", b"GET /v\xff2 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("NUL in the URL", b"GET /v\x002 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("a URL that is no path", b"GET v2 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("bare line feeds", b"GET /v2 HTTP/1.1\nHost: x\n\n", 400),
    ("bare carriage returns", b"GET /v2 HTTP/1.1\rHost: x\r\r", 400),
    ("a blank in a header's name", _GET + b"Bad Header: x\r\n\r\n", 400),
    ("a blank before the colon", _GET + b"Bad : x\r\n\r\n", 400),
    ("a header without a name", _GET + b": x\r\n\r\n", 400),
    ("a header without a colon", _GET + b"nothing\r\n\r\n", 400),
    ("a folded header", _GET + b"X: a\r\n b\r\n\r\n", 400),
    ("NUL in a header", _GET + b"X: a\x00b\r\n\r\n", 400),
    ("CR in a header", _GET + b"X: a\rb\r\n\r\n", 400),
    ("CONNECT", b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 400),
]

_METHODS: list[tuple[str, bytes, int]] = [
    ("OPTIONS", head(f"OPTIONS {_LIVE}", CLOSE), 405),
    ("OPTIONS of everything", head("OPTIONS *", CLOSE), 404),
    ("TRACE", head(f"TRACE {_LIVE}", CLOSE), 405),
    ("PATCH", head(f"PATCH {_LIVE}", CLOSE, b"Content-Length: 0"), 405),
    ("PUT with a body", head(f"PUT {PATH}", CLOSE, b"Content-Length: 2") + b"{}", 405),
    ("DELETE", head(f"DELETE {PATH}", CLOSE), 405),
    ("PROPFIND", head(f"PROPFIND {PATH}", CLOSE), 405),
    ("GET of what is a POST", head(f"GET {PATH}", CLOSE), 405),
    ("POST of what is a GET", post(_LIVE, b"{}", CLOSE), 405),
    ("GET with a body", head(f"GET {_LIVE}", CLOSE, b"Content-Length: 5") + b"12345", 200),
    ("two blanks before the version", b"GET /v2  HTTP/1.1\r\n%b\r\n\r\n" % CLOSE, 200),
    ("no Host", b"GET /v2/health/live HTTP/1.1\r\nConnection: close\r\n\r\n", 200),
    ("a Host of ten kilobytes", head(f"GET {_LIVE}", b"Host: " + b"h" * 10_000, CLOSE), 200),
]

_SIZES: list[Entry] = [
    Entry("heads: one header of 20 kB", (head(f"GET {_LIVE}", b"X: " + b"a" * 20_000),), (431,)),
    Entry("heads: 1,000 headers", (_GET, (b"X: y\r\n", 1_000), b"\r\n"), (431,)),
    Entry("heads: 100,000 headers", (_GET, (b"X: y\r\n", 100_000), b"\r\n"), (431,)),
    Entry("heads: 1,000 empty headers", (_GET, (b"X:\r\n", 1_000), b"\r\n"), (431,)),
    Entry("heads: an endless header", (_GET + b"X: ", (b"a" * 10_000, 200)), (431,)),
    Entry("heads: an endless header name", (_GET, (b"a" * 10_000, 200)), (431,)),
    Entry("heads: a URL of 10 kB", (head("GET /" + "a" * 10_000),), (414,)),
    Entry("heads: an endless URL", (b"GET /", (b"a" * 10_000, 200)), (431,)),
    Entry("heads: empty lines without end", ((b"\r\n" * 1_000, 200),), ()),
    Entry("heads: 200 headers are fine", (_GET, (b"X: y\r\n", 200), CLOSE + b"\r\n\r\n"), (200,)),
]

_FORMS: list[Entry] = [
    Entry("heads: HEAD has no body", (head(f"HEAD {_LIVE}", CLOSE),), (200,), bodiless=True),
    Entry("heads: HEAD of nothing", (head("HEAD /v9", CLOSE),), (404,), bodiless=True),
    Entry("heads: HEAD of a POST", (head(f"HEAD {PATH}", CLOSE),), (405,), bodiless=True),
    Entry("heads: HTTP/1.0", (b"GET /v2/health/live HTTP/1.0\r\n\r\n",), (200,)),
    Entry(
        "heads: HTTP/1.0 twice",
        (b"GET /v2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", b"GET /v2 HTTP/1.0\r\n\r\n"),
        (200, 200),
    ),
    Entry(
        "heads: HTTP/1.0 ends after one",
        (b"GET /v2 HTTP/1.0\r\n\r\nGET /v2 HTTP/1.0\r\n\r\n",),
        (200,),
    ),
    Entry("heads: an absolute URL", (head(f"GET http://x{_LIVE}", CLOSE),), (200,)),
    Entry("heads: an absolute URL, no path", (head("GET http://x", CLOSE),), (200,)),
    Entry("heads: an absolute URL, odd host", (head("GET http://[x/", CLOSE),), (404,)),
    Entry("heads: empty lines first", (b"\r\n\r\n" + head(f"GET {_LIVE}", CLOSE),), (200,)),
    Entry("heads: a query nobody asked for", (head(f"GET {_LIVE}?a=%ff&&=&b", CLOSE),), (200,)),
    Entry("heads: a fragment", (head(f"GET {_LIVE}#a", CLOSE),), (404,)),
    Entry("heads: Connection with odd words", (good(1.5, b"Connection: ,, close ,,x"),), (200,)),
    Entry(
        "heads: an offer of HTTP/2",
        (
            good(
                1.5, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: A"
            ),
            good(2.5, CLOSE),
        ),
        (200, 200),
    ),
    Entry(
        "heads: an offer of WebSocket",
        (head(f"GET {_LIVE}", b"Connection: Upgrade", b"Upgrade: websocket"), good(2.5, CLOSE)),
        (200, 200),
    ),
    Entry("heads: Upgrade alone", (good(1.5, b"Upgrade: h2c"), good(2.5, CLOSE)), (200, 200)),
    Entry("heads: Expect 100-continue", (good(1.5, b"Expect: 100-continue", CLOSE),), (200,)),
    Entry("heads: Expect something else", (good(1.5, b"Expect: cookies"),), (417,)),
    Entry(
        "heads: Expect before too large a body",
        (head(f"POST {PATH}", b"Expect: 100-continue", b"Content-Length: 99999999"),),
        (413,),
    ),
]

_PIPELINES: list[Entry] = [
    Entry("pipeline: 100 good ones", ((good(), 100), good(2.5, CLOSE)), (200,) * 101),
    Entry(
        "pipeline: garbage behind two", (good() + good() + b"nonsense\r\n\r\n",), (200, 200, 400)
    ),
    Entry("pipeline: garbage ends it", (good() + b"\x00\x00" + good(),), (200, 400)),
    Entry(
        "pipeline: good and refused in turns",
        (good(), post(PATH, b"{}"), good(), head("GET /v9"), good(1.5, CLOSE)),
        (200, 400, 200, 404, 200),
    ),
    Entry("pipeline: nothing behind the last", (good(1.5, CLOSE) + good(),), (200,)),
    Entry(
        "pipeline: byte by byte",
        tuple(bytes([byte]) for byte in good() + good(2.5, CLOSE)),
        (200, 200),
    ),
    Entry("pipeline: half a request behind one", (good() + good()[:40], 0.9), (200, 408)),
    Entry(
        "pipeline: 2,000 requests of nothing",
        ((b"GET /v9 HTTP/1.1\r\n\r\n", 2_000), head("GET /v9", CLOSE)),
        (404,) * 2_001,
    ),
]

ENTRIES = [
    *entries("heads", _NO_HTTP),
    *entries("methods", _METHODS),
    *_SIZES,
    *_FORMS,
    *_PIPELINES,
]
