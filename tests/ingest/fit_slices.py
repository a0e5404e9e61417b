"""Long FIT files in, short healthy ones out that hold all the same kinds of messages."""

from __future__ import annotations

import struct

import numpy as np

from stadion.ingest.fitfile.crc import crc16
from stadion.ingest.fitfile.walk import walk

__all__ = ["shortened"]


def shortened(data: bytes, most: int = 30) -> bytes:
    """The same files, of each definition's records only the first and last few left."""
    parts: list[bytes] = []
    start = 0
    while start < len(data):
        header = data[start]
        (size,) = struct.unpack_from("<I", data, start + 4)
        end = start + header + size
        parts.append(_part(data, start, start + header, end, most))
        start = end + 2
    return b"".join(parts)


def _part(data: bytes, start: int, body: int, end: int, most: int) -> bytes:
    walked = walk(data, body, end)
    assert walked.end == end, "only healthy files can be shortened"
    keep = np.ones(end - body, bool)
    for definition in walked.definitions:
        for at in (definition.positions[most:-most] - 1 - body).tolist():
            keep[at : at + 1 + definition.size] = False
    left: bytes = np.frombuffer(data, np.uint8)[body:end][keep].tobytes()
    head = data[start : start + 4] + struct.pack("<I", len(left)) + data[start + 8 : start + 12]
    if body - start >= 14:
        head += struct.pack("<H", crc16(head)) + data[start + 14 : body]
    whole = head + left
    return whole + struct.pack("<H", crc16(whole))
