"""Replies compressed as clients ask for it: by Accept-Encoding, where it pays and is quick."""

from __future__ import annotations

import gzip
import random
import zlib

import orjson
import pytest

from stadion.serve.http.bodies import deflated, inflate
from stadion.serve.protocols.base import Reply

BODY = orjson.dumps({"predictions": [[n / 7] for n in range(500)]})


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (b"gzip", b"gzip"),
        (b"deflate", b"deflate"),
        (b"gzip, deflate, br, zstd", b"gzip"),
        (b"br, deflate", b"deflate"),
        (b"GZip;q=0.1, Deflate; q=0.5", b"deflate"),
        (b"*", b"gzip"),
        (b"gzip;q=0, *", b"deflate"),
        (b"", b""),
        (b"identity", b""),
        (b"br", b""),
        (b"gzip;q=0", b""),
        (b"gzip;q=much", b""),
        (b",;,;q=,", b""),
    ],
)
def test_the_coding_is_one_that_the_client_takes(accept: bytes, coding: bytes) -> None:
    reply = Reply(BODY, 200, headers=b"Inference-Header-Content-Length: 5\r\n")
    found = deflated(reply, accept)
    if not coding:
        assert found is reply
        return
    unpack = gzip.decompress if coding == b"gzip" else zlib.decompress
    assert unpack(found.body) == BODY
    assert inflate(found.body, coding, len(BODY)) == BODY
    assert len(found.body) < len(BODY) / 2
    assert b"Content-Encoding: %b\r\n" % coding in found.headers
    assert b"Vary: Accept-Encoding\r\n" in found.headers
    assert found.headers.startswith(reply.headers)


NOISE = random.Random(0).randbytes(4096)


@pytest.mark.parametrize("body", [b"", BODY[:1000], BODY * 40, NOISE], ids=len)
def test_what_gains_nothing_or_takes_long_goes_as_it_is(body: bytes) -> None:
    reply = Reply(body)
    assert deflated(reply, b"gzip") is reply
