"""Raw little-endian bytes of one tensor in, an array out, and back."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import numpy as np

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.signature import DATATYPES
from stadion.serve.tensors import MAX_STRINGS

__all__ = ["read_binary_tensor", "write_binary_tensor"]

_LENGTH = struct.Struct("<I")


def read_binary_tensor(
    body: bytes, start: int, size: int, datatype: str, shape: Sequence[int], name: str
) -> Array:
    """Read `size` bytes of a body from `start` as one tensor.

    Numbers are not copied when their place in the body allows it: the array is read-only then.
    BYTES are an array of bytes objects, each preceded by its length in four bytes.

    Raises
    ------
    StadionError
        INVALID, naming the tensor, the bytes expected and received.
    """
    count = math.prod(shape)
    if datatype == "BYTES":
        return _read_strings(body[start : start + size], count, name).reshape(shape)
    dtype = DATATYPES[datatype]
    if size != count * dtype.itemsize:
        raise StadionError(
            Code.INVALID,
            f"tensor {name!r} has {size} bytes; its shape {list(shape)} of {datatype} "
            f"needs {count * dtype.itemsize}",
        )
    if datatype == "BOOL":
        return _read_bools(body, start, count, name).reshape(shape)
    array = np.frombuffer(body, dtype, count, start).reshape(shape)
    return array if array.flags.aligned else array.copy()


def write_binary_tensor(array: Array) -> bytes:
    """The bytes of a tensor as they travel."""
    if array.dtype != object:
        return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    parts = []
    for value in array.flat:
        text = value if isinstance(value, bytes) else str(value).encode()
        parts += [_LENGTH.pack(len(text)), text]
    return b"".join(parts)


def _read_bools(body: bytes, start: int, count: int, name: str) -> Array:
    array = np.frombuffer(body, np.uint8, count, start)
    if count and array.max() > 1:
        raise StadionError(
            Code.INVALID, f"tensor {name!r} holds byte {array.max()}; a BOOL is 0 or 1"
        )
    return array.view(np.bool_)


def _read_strings(blob: bytes, count: int, name: str) -> Array:
    if count > MAX_STRINGS:
        raise StadionError(
            Code.INVALID, f"tensor {name!r} has {count} strings; expected at most {MAX_STRINGS}"
        )
    if 4 * count > len(blob):
        raise _misfit(name, count, len(blob))
    found, at = np.empty(count, object), 0
    for index in range(count):
        if at + 4 > len(blob):
            raise _misfit(name, count, len(blob))
        (length,) = _LENGTH.unpack_from(blob, at)
        at += 4 + length
        if at > len(blob):
            raise _misfit(name, count, len(blob))
        found[index] = blob[at - length : at]
    if at != len(blob):
        raise _misfit(name, count, len(blob))
    return found


def _misfit(name: str, count: int, size: int) -> StadionError:
    return StadionError(
        Code.INVALID,
        f"tensor {name!r} has {size} bytes that are not {count} strings, "
        "each behind its length in four bytes",
    )
