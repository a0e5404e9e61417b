"""Whole bodies that are no request of any protocol, sent to every call that takes one."""

from __future__ import annotations

import gzip
import zlib

from tests.serve.corpus.entry import CLOSE, Entry, good, post

__all__ = ["ENTRIES", "PATHS"]

PATHS: tuple[str, ...] = (
    "/v2/models/echo/infer",
    "/predict/echo",
    "/v1/models/echo:predict",
    "/invocations?model=echo",
)
_UNTYPED = {"/invocations?model=echo": 415}
_BODY = good().partition(b"\r\n\r\n")[2]
_JSON = b"Content-Type: application/json"

_WRONG: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \r\n\t ",
    "null": b"null",
    "a number": b"1",
    "text": b'"inputs"',
    "an empty list": b"[]",
    "an empty object": b"{}",
    "a list of objects": b"[{}]",
    "half an object": b'{"inputs"',
    "an object not closed": b'{"inputs":[[1]]',
    "an object closed twice": b'{"inputs":[[1]]}}',
    "two objects": b'{"inputs":[[1]]}{"inputs":[[1]]}',
    "a name without quotes": b"{inputs:[[1]]}",
    "single quotes": b"{'inputs':[[1]]}",
    "another name": b'{"imputs":[[1]]}',
    "a byte-order mark": b'\xef\xbb\xbf{"inputs":[[1]]}',
    "UTF-16": '{"inputs":[[1]]}'.encode("utf-16"),
    "invalid UTF-8 in a name": b'{"in\xffputs":[[1]]}',
    "invalid UTF-8 in a value": b'{"inputs":"\xc3\x28"}',
    "overlong UTF-8": b'{"inputs":"\xc0\x80"}',
    "a surrogate as UTF-8": b'{"inputs":"\xed\xa0\x80"}',
    "a lone surrogate in a name": b'{"\\ud800":[[1]]}',
    "NUL": b"\x00",
    "NULs": bytes(1000),
    "all bytes": bytes(range(256)),
    "an object 500,000 deep": b'{"inputs":' * 500_000,
    "a list 500,000 deep": b"[" * 500_000,
    "a list 500,000 deep, closed": b"[" * 500_000 + b"]" * 500_000,
    "deep in a name nobody reads": b'{"other":' + b"[" * 500_000 + b"]" * 500_000 + b"}",
    "100,000 names": b"{%b}" % b",".join(b'"n%d":0' % n for n in range(100_000)),
    "a name of a megabyte": b'{"%b":0}' % (b"n" * (1 << 20)),
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "a form": b"inputs=%5B%5B1%5D%5D",
    "a ZIP file": b"PK\x03\x04" + bytes(100),
    "a pickle": b"\x80\x04\x95\x0f" + bytes(7) + b"\x8c\x02os\x94\x8c\x06system\x94\x93.",
}

_BOMB = gzip.compress(bytes(64 << 20))
_PACKED = gzip.compress(_BODY)
_ENCODED: dict[str, tuple[bytes, bytes, int]] = {
    "gzip": (b"gzip", _PACKED, 200),
    "gzip in capitals": (b"GZip", _PACKED, 200),
    "x-gzip": (b"x-gzip", _PACKED, 200),
    "deflate": (b"deflate", zlib.compress(_BODY), 200),
    "deflate without its head": (b"deflate", zlib.compress(_BODY)[2:-4], 200),
    "identity": (b"identity", _BODY, 200),
    "a gzip bomb": (b"gzip", _BOMB, 413),
    "a deflate bomb": (b"deflate", zlib.compress(bytes(64 << 20), 9), 413),
    "a bomb in a bomb": (b"gzip", gzip.compress(_BOMB), 400),
    "gzip of nothing": (b"gzip", gzip.compress(b""), 400),
    "nothing as gzip": (b"gzip", b"", 400),
    "gzip cut in half": (b"gzip", _PACKED[: len(_PACKED) // 2], 400),
    "gzip without its last byte": (b"gzip", _PACKED[:-1], 400),
    "gzip with more behind": (b"gzip", _PACKED + b"more", 400),
    "gzip of gzip, said once": (b"gzip", gzip.compress(_PACKED), 400),
    "two gzip members": (b"gzip", _PACKED + _PACKED, 400),
    "gzip with a wrong sum": (b"gzip", _PACKED[:-8] + bytes(4) + _PACKED[-4:], 400),
    "gzip with a flipped bit": (
        b"gzip",
        _PACKED[:20] + bytes([_PACKED[20] ^ 8]) + _PACKED[21:],
        400,
    ),
    "gzip's head alone": (b"gzip", _PACKED[:10], 400),
    "gzip twice": (b"gzip, gzip", gzip.compress(_PACKED), 415),
    "not gzip": (b"gzip", _BODY, 400),
    "brotli": (b"br", _PACKED, 415),
    "zstd": (b"zstd", b"\x28\xb5\x2f\xfd" + bytes(9), 415),
    "a word": (b"squeezed", _BODY, 415),
    "a star": (b"*", _BODY, 415),
}

_CSV = b"text/csv"
_TABLES: dict[str, tuple[bytes, bytes, int]] = {
    "CSV": (_CSV, b"x\n1.5\n2.5\n", 200),
    "CSV with a charset": (b"text/csv; charset=utf-8", b"x\r\n1.5\r\n", 200),
    "CSV with quotes": (_CSV, b'"x"\n"1.5"\n', 200),
    "CSV of nothing": (_CSV, b"", 400),
    "CSV of names alone": (_CSV, b"x\n", 400),
    "CSV of a word": (_CSV, b"x\none\n", 400),
    "CSV with unequal rows": (_CSV, b"x,y\n1,2\n3\n", 400),
    "CSV with a quote that does not end": (_CSV, b'x\n"1.5\n', 400),
    "CSV with NUL": (_CSV, b"x\n1\x005\n", 400),
    "CSV that is no UTF-8": (_CSV, b"x\n\xff\n", 400),
    "CSV in an unknown charset": (b"text/csv; charset=klingon", b"x\n1\n", 415),
    "CSV of a cell of a megabyte": (_CSV, b"x\n" + b"1" * (1 << 20) + b"\n", 400),
    "CSV of 100,000 columns": (_CSV, b",".join([b"x"] * 100_000) + b"\n1\n", 400),
    "CSV of 300,000 empty rows": (_CSV, b"x\n" + b"\n" * 300_000, 400),
    "CSV of a formula": (_CSV, b"x\n=1+1\n", 400),
    "another type": (b"text/plain", b"[[1.5]]", 415),
    "no type at all": (b"", b'{"inputs":[[1.5]]}', 415),
    "a type of 10 kB": (b"a/" + b"b" * 10_000, b'{"inputs":[[1.5]]}', 415),
}

ENTRIES: list[Entry] = [
    Entry(f"body of {path}: {name}", (post(path, body, _JSON, CLOSE),), (400,))
    for path in PATHS
    for name, body in _WRONG.items()
]
ENTRIES += [
    Entry(
        f"body of {path}, untyped: {name}", (post(path, body, CLOSE),), (_UNTYPED.get(path, 400),)
    )
    for path in PATHS
    for name, body in _WRONG.items()
]
ENTRIES += [
    Entry(
        f"table: {name}",
        (post("/invocations?model=echo", body, b"Content-Type: " + kind, CLOSE),),
        (status,),
    )
    for name, (kind, body, status) in _TABLES.items()
]
ENTRIES += [
    Entry(
        f"encoding: {name}",
        (post(PATHS[0], body, b"Content-Encoding: " + encoding, CLOSE),),
        (status,),
    )
    for name, (encoding, body, status) in _ENCODED.items()
]
