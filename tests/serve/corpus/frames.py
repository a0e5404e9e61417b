"""HTTP/2 frames and gRPC messages, written by hand, that are wrong, endless or too many."""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass
from typing import Literal

__all__ = ["ENTRIES", "FrameEntry", "Piece", "data", "frame", "headers", "message", "opening"]

Piece = bytes | float | tuple[bytes, int]
Ends = Literal["connection", "call", ""]

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
INFER = b"/inference.GRPCInferenceService/ModelInfer"
STREAM = b"/inference.GRPCInferenceService/ModelStreamInfer"


@dataclass(frozen=True, slots=True)
class FrameEntry:
    """Pieces to send, as in `entry.Entry`, and what they must end: the connection or the call.

    Where nothing is said, the server may take them or not; it must only live on.
    """

    name: str
    send: tuple[Piece, ...]
    ends: Ends = ""

    @property
    def size(self) -> int:
        """How many bytes are sent."""
        return sum(
            len(p) if isinstance(p, bytes) else len(p[0]) * p[1]
            for p in self.send
            if not isinstance(p, float)
        )


def frame(
    kind: int, payload: bytes = b"", flags: int = 0, stream: int = 0, length: int | None = None
) -> bytes:
    """A frame; `length` may lie."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _text(value: bytes) -> bytes:
    """A string of HPACK, not compressed; lengths below 16 kB."""
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest = len(value) - 127
    return bytes([127, rest & 127 | 128, rest >> 7]) + value


def literal(name: bytes, value: bytes) -> bytes:
    """A header that is not kept."""
    return b"\0" + _text(name) + _text(value)


def block(path: bytes = INFER, *more: bytes, method: bytes = b"POST") -> bytes:
    """The headers of a call."""
    return b"".join(
        (
            literal(b":method", method),
            literal(b":scheme", b"http"),
            literal(b":path", path),
            literal(b":authority", b"x"),
            literal(b"te", b"trailers"),
            literal(b"content-type", b"application/grpc"),
            *more,
        )
    )


def headers(stream: int = 1, content: bytes | None = None, flags: int = END_HEADERS) -> bytes:
    """The HEADERS frame of a call."""
    return frame(HEADERS, block() if content is None else content, flags, stream)


def message(body: bytes, *, flag: int = 0, length: int | None = None) -> bytes:
    """A message behind its five bytes."""
    return struct.pack(">BI", flag, len(body) if length is None else length) + body


def data(content: bytes, stream: int = 1, flags: int = END_STREAM) -> bytes:
    """A DATA frame."""
    return frame(DATA, content, flags, stream)


def opening() -> bytes:
    """What every connection begins with."""
    return PREFACE + frame(SETTINGS)


def _call(content: bytes, *more: bytes, path: bytes = INFER) -> bytes:
    return opening() + headers(1, block(path, *more)) + data(content)


_OPEN = opening()
_GZIP = literal(b"grpc-encoding", b"gzip")
_BOMB = gzip.compress(bytes(64 << 20), 9)
_WIDE = b"\x40" + _text(b"x") + _text(b"y" * 3_900)  # kept in the dynamic table, at index 62
_INSIDE = b"\xbe"  # index 62


def _in_frames(content: bytes, stream: int = 1) -> bytes:
    """Content in DATA frames of the usual size, the last of which ends the stream."""
    parts = [content[at : at + 16_384] for at in range(0, len(content), 16_384)]
    return b"".join(data(part, stream, 0) for part in parts[:-1]) + data(parts[-1], stream)


_BEGINNINGS: list[FrameEntry] = [
    FrameEntry("garbage", (bytes(range(256)) * 4,), "connection"),
    FrameEntry("zeros", (bytes(10_000),), "connection"),
    FrameEntry("HTTP/1.1", (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",), "connection"),
    FrameEntry(
        "TLS", (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),), "connection"
    ),
    FrameEntry("silence", (), "connection"),
    FrameEntry("half a preface", (PREFACE[:9],), "connection"),
    FrameEntry("a preface alone", (PREFACE,), "connection"),
    FrameEntry("a preface in drops", (*(bytes([b]) for b in PREFACE[:-1]), b"X"), "connection"),
    FrameEntry("no settings first", (PREFACE + frame(PING, bytes(8)),), "connection"),
    FrameEntry("half a frame", (_OPEN + frame(HEADERS, b"", length=100)[:5],)),
    FrameEntry("a million bytes of garbage", (_OPEN, (bytes(range(256)), 4_096)), "connection"),
]

_FRAMES: list[FrameEntry] = [
    FrameEntry(name, (_OPEN + content,), "connection")
    for name, content in {
        "a frame of 16 MiB, claimed": frame(DATA, b"", 0, 1, length=(1 << 24) - 1),
        "headers of 16 MiB, claimed": frame(HEADERS, b"", END_HEADERS, 1, length=(1 << 24) - 1),
        "settings of seven bytes": frame(SETTINGS, bytes(7)),
        "settings of a stream": frame(SETTINGS, b"", 0, 1),
        "an acknowledgement with content": frame(SETTINGS, bytes(6), ACK),
        "a window of zero as a setting too large": frame(SETTINGS, b"\0\4\xff\xff\xff\xff"),
        "a largest frame of nothing": frame(SETTINGS, b"\0\5\0\0\0\0"),
        "a ping of seven bytes": frame(PING, bytes(7)),
        "a window update of three bytes": frame(WINDOW, bytes(3)),
        "a reset of three bytes": frame(RST, bytes(3), 0, 1),
        "a continuation of nothing": frame(CONTINUATION, block(), END_HEADERS, 1),
        "headers cut by another frame": headers(1, block()[:20], 0) + frame(PING, bytes(8)),
        "index zero": headers(1, b"\x80"),
        "an index that is not there": headers(1, b"\xff\x80\x01"),
        "an index without end": headers(1, b"\xff" + b"\xff" * 40),
        "a table of 4 GiB": headers(1, b"\x3f\xe1\xff\xff\xff\x0f" + block()),
        "a text longer than its frame": headers(1, b"\0\x7f\xff\xff\xff\x07x"),
    }.items()
]

_MAYBE: list[FrameEntry] = [
    FrameEntry(name, (_OPEN + content,))
    for name, content in {
        "data of stream zero": data(b"x", 0),
        "headers of stream zero": headers(0),
        "data of a stream that was never opened": data(message(b""), 7),
        "more padding than data": headers() + frame(DATA, b"\xff", PADDED | END_STREAM, 1),
        "a window update of nothing": frame(WINDOW, bytes(4)),
        "a window beyond its limit": frame(WINDOW, b"\x7f\xff\xff\xff") * 2,
        "a stream that depends on itself": frame(PRIORITY, b"\0\0\0\1\0", 0, 1),
        "a promise of a client": frame(PUSH, b"\0\0\0\2" + block(), END_HEADERS, 1),
        "a reset of what was never opened": frame(RST, bytes(4), 0, 9),
        "an even stream": headers(2) + data(message(b""), 2),
        "streams in falling order": headers(9) + headers(7) + headers(5),
        "the same stream twice": headers() + headers(),
        "a goodbye, then a call": frame(GOAWAY, bytes(8)) + headers() + data(message(b"")),
        "frames of an unknown kind": frame(99, b"x" * 100) * 1_000,
        "a code of no meaning in a text": headers(1, b"\0\x83\xff\xff\xff\x01x"),
        "capitals in a name": headers(1, block() + literal(b"X-Big", b"y")),
        "a connection header": headers(1, block() + literal(b"connection", b"close")),
        "NUL in a value": headers(1, block() + literal(b"x", b"a\0b")),
        "a line end in a value": headers(1, block() + literal(b"x", b"a\r\nb: c")),
        "no path": headers(1, literal(b":method", b"POST") + literal(b":scheme", b"http")),
        "a path twice": headers(1, block() + literal(b":path", b"/")),
        "a header before the path": headers(1, literal(b"x", b"y") + block()),
        "no headers at all": headers(1, b""),
        "a wrong base64": headers(1, block() + literal(b"x-bin", b"!!!")),
    }.items()
]

_FLOODS: list[FrameEntry] = [
    FrameEntry("20,000 settings", (_OPEN, (frame(SETTINGS, b"\0\4\0\0\xff\xff"), 20_000))),
    FrameEntry("20,000 pings", (_OPEN, (frame(PING, bytes(8)), 20_000))),
    FrameEntry("20,000 answers to no ping", (_OPEN, (frame(PING, bytes(8), ACK), 20_000))),
    FrameEntry("20,000 window updates", (_OPEN, (frame(WINDOW, b"\0\0\0\1"), 20_000))),
    FrameEntry("20,000 priorities", (_OPEN, (frame(PRIORITY, b"\0\0\0\0\7", 0, 3), 20_000))),
    FrameEntry("20,000 empty data frames", (_OPEN + headers(), (data(b"", 1, 0), 20_000))),
    FrameEntry(
        "5,000 calls, each reset at once",
        (_OPEN, *(headers(n) + frame(RST, b"\0\0\0\x08", 0, n) for n in range(1, 10_001, 2))),
    ),
    FrameEntry("1,000 calls without a message", (_OPEN, *(headers(n) for n in range(1, 2_001, 2)))),
    FrameEntry(
        "headers without end",
        (
            _OPEN + headers(1, block(), 0),
            (frame(CONTINUATION, literal(b"x", b"y" * 1_000), 0, 1), 5_000),
        ),
        "connection",
    ),
    FrameEntry(
        "20,000 empty continuations",
        (_OPEN + headers(1, block(), 0), (frame(CONTINUATION, b"", 0, 1), 20_000)),
    ),
    FrameEntry(
        "a thousand headers", (_OPEN + headers(1, block() + literal(b"x", b"y") * 1_000),), "call"
    ),
    FrameEntry(
        "a header of 15 kB twice",
        (
            _OPEN
            + headers(1, block() + literal(b"x", b"y" * 15_000), 0)
            + frame(CONTINUATION, literal(b"x", b"y" * 15_000), END_HEADERS, 1),
        ),
        "call",
    ),
    FrameEntry(
        "one wide header 8,000 times by its index",
        (_OPEN + headers(1, block() + _WIDE + _INSIDE * 8_000) + data(message(b"")),),
        "call",
    ),
    FrameEntry(
        "40 calls with one wide header 8,000 times",
        (
            _OPEN + headers(1, block() + _WIDE),
            *(headers(n, block() + _INSIDE * 8_000) for n in range(3, 83, 2)),
        ),
    ),
]

_MESSAGES: list[FrameEntry] = [
    FrameEntry(name, (content,), "call")
    for name, content in {
        "no message": _OPEN + headers(1, None, END_HEADERS | END_STREAM),
        "an empty frame": _call(b""),
        "half a prefix": _call(b"\0\0"),
        "a length beyond the data": _call(message(b"abc", length=100)),
        "a length of 4 GiB": _call(message(b"abc", length=0xFFFFFFFF)),
        "a length beyond the limit": _OPEN + headers() + data(message(b"", length=9 << 20), 1, 0),
        "a length too short": _call(message(b"abcdef", length=3)),
        "two messages": _call(message(b"") * 2),
        "garbage as a message": _call(message(b"\xff" * 100)),
        "an unknown flag": _call(message(b"", flag=7)),
        "a compressed message, nothing said": _call(message(gzip.compress(b""), flag=1)),
        "an unknown compression": _call(message(b"", flag=1), literal(b"grpc-encoding", b"lzma")),
        "gzip that is none": _call(message(b"abc", flag=1), _GZIP),
        "gzip cut in half": _call(message(gzip.compress(b"a" * 999)[:12], flag=1), _GZIP),
        "a gzip bomb": _OPEN + headers(1, block(INFER, _GZIP)) + _in_frames(message(_BOMB, flag=1)),
        "a bomb in a stream": (
            _OPEN + headers(1, block(STREAM, _GZIP)) + _in_frames(message(_BOMB, flag=1))
        ),
        "an unknown service": _call(message(b""), path=b"/nobody.Knows/This"),
        "an unknown method": _call(message(b""), path=b"/inference.GRPCInferenceService/No"),
        "a path that is none": _call(message(b""), path=b"nothing"),
        "a path of 9 kB": _call(message(b""), path=b"/" + b"a" * 9_000),
        "GET": _OPEN + headers(1, block(method=b"GET")) + data(message(b"")),
        "a time limit that is a word": _call(message(b""), literal(b"grpc-timeout", b"soon")),
        "a time limit of nothing": _call(message(b""), literal(b"grpc-timeout", b"0n")),
        "a negative time limit": _call(message(b""), literal(b"grpc-timeout", b"-1S")),
    }.items()
]

ENTRIES: list[FrameEntry] = [*_BEGINNINGS, *_FRAMES, *_MAYBE, *_FLOODS, *_MESSAGES]
