"""A tensor in, the bytes of `inference.ModelInferRequest` out; and the answer's tensor back.

Written by hand from the field numbers, so that no peer's generated code takes part.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stadion.core.arrays import Array

__all__ = ["FRAME_HEAD", "grpc_frame", "infer_message", "infer_tensor"]

FRAME_HEAD = 5
"""Bytes in front of a message: compressed or not, and its length."""
_MODEL, _INPUTS, _RAW_IN = 1, 5, 7
_NAME, _DATATYPE, _SHAPE = 1, 2, 3
_OUTPUTS, _RAW_OUT, _CONTENTS, _FP32 = 5, 6, 5, 6


def infer_message(model: str, name: str, rows: Array) -> bytes:
    """One FP32 tensor with its values in `raw_input_contents`."""
    shape = b"".join(_varint(size) for size in rows.shape)
    tensor = _bytes(_NAME, name.encode()) + _bytes(_DATATYPE, b"FP32") + _bytes(_SHAPE, shape)
    head = _bytes(_MODEL, model.encode()) + _bytes(_INPUTS, tensor)
    return head + _bytes(_RAW_IN, rows.tobytes())


def infer_tensor(message: bytes) -> Array:
    """The first output's numbers, from the raw contents or from the typed ones."""
    fields = list(_fields(message))
    for number, value in fields:
        if number == _RAW_OUT:
            return np.frombuffer(value, np.float32)
    (output,) = (value for number, value in fields if number == _OUTPUTS)
    contents = next(value for number, value in _fields(output) if number == _CONTENTS)
    return np.frombuffer(next(v for n, v in _fields(contents) if n == _FP32), np.float32)


def grpc_frame(message: bytes) -> bytes:
    """The message as gRPC sends it: not compressed, its length in front."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of the fields that have a length; the others are passed over."""
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        kind = key & 7
        if kind == 2:
            size, at = _read_varint(message, at)
            yield key >> 3, message[at : at + size]
            at += size
        elif kind == 0:
            _, at = _read_varint(message, at)
        else:
            at += {1: 8, 5: 4}[kind]


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
