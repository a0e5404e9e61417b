"""Numbers that are none, in calls that are otherwise byte for byte those of their neighbours.

Several of them arrive together with good calls: a server that reads the numbers of many calls at
once must neither give anyone another's answer nor refuse the good ones.
"""

from __future__ import annotations

import struct

from tests.serve.corpus.entry import post

__all__ = ["BINARY", "PATH", "TEXTS", "in_binary", "in_json", "packed"]

PATH = "/v2/models/echo/infer"

TEXTS: dict[str, tuple[tuple[bytes, int], ...]] = {
    "one too few": ((b"1", 400),),
    "one too many": ((b"1,2,3", 400),),
    "one too few and one too many": ((b"1", 400), (b"1,2,3", 400)),
    "nothing": ((b"", 400),),
    "nothing and twice as many": ((b"", 400), (b"1,2,3,4", 400)),
    "a blank": ((b" ", 400),),
    "a comma": ((b",", 400),),
    "a comma behind": ((b"1,", 400), (b",2", 400)),
    "nulls": ((b"null,2", 200),),
    "NaN": ((b"NaN,2", 400),),
    "texts": ((b'"1","2"', 400),),
    "a text with a comma": ((b'"1,2"', 400),),
    "a text that begins here and ends there": ((b'1,"', 400), (b'",2', 400)),
    "an object": ((b'{"a":1},2', 400),),
    "an object that begins here and ends there": ((b'{"a":1,"b":2', 400), (b'"c":3,"d":4}', 400)),
    "a list that begins": ((b"[1,2", 400),),
    "lists that begin": ((b"[1,[2", 400), (b"3,4", 200)),
    "booleans": ((b"true,false", 400),),
    "beyond FP32": ((b"1e39,2", 400),),
    "beyond FP64": ((b"1e999,2", 400),),
    "a leading zero": ((b"01,2", 400),),
    "beyond 64 bits": ((b"18446744073709551616,2", 200),),
    "an integer of 30 digits": ((b"%b,2" % (b"9" * 30), 200),),
    "an integer of 400 digits": ((b"%b,2" % (b"9" * 400), 400), (b"2,%b" % (b"9" * 400), 400)),
    "NUL": ((b"1,2\x00", 400), (b"1\x00,2", 400)),
    "no UTF-8": ((b"1,\xff2", 400),),
    "a byte-order mark": ((b"\xef\xbb\xbf1,2", 400),),
    "a line end": ((b"1,\r\n2\n", 200),),
    "a comment": ((b"1,2/*", 400), (b"*/1,2", 400)),
    "a brace": ((b"1,2}", 400),),
    "two without a comma": ((b"1 2,3", 400), (b"1, 2 3", 400)),
}
"""The text between the brackets of `data` for [1, 2], and the status it deserves."""

BINARY: dict[str, tuple[tuple[int, int], ...]] = {
    "one number too few": ((4, 400),),
    "one too few and one too many": ((4, 400), (12, 400)),
    "nothing and twice as much": ((0, 400), (16, 400)),
    "a byte too few and one too many": ((7, 400), (9, 400)),
}
"""How many bytes follow where 8 are announced."""


def in_json(numbers: bytes) -> bytes:
    """A call of two columns."""
    start = b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":['
    return post(PATH, start + numbers + b"]}]}")


def in_binary(numbers: bytes) -> bytes:
    """The same with binary tensors."""
    text = (
        b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32",'
        b'"parameters":{"binary_data_size":8}}],"parameters":{"binary_data_output":true}}'
    )
    return post(PATH, text + numbers, b"Inference-Header-Content-Length: %d" % len(text))


def packed(*numbers: float) -> bytes:
    """Little-endian FP32."""
    return struct.pack(f"<{len(numbers)}f", *numbers)
