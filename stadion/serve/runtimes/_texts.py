"""Strings as bytes in, as ONNX Runtime's Python interface takes them out, and back unchanged.

On the wire a string is bytes; ONNX Runtime takes and gives them as UTF-8 text only. A string that
is no UTF-8 therefore goes through the graph with each stray byte written as one of the last 128
characters of Unicode, which are private use and mean nothing; those characters themselves are
written the same way, byte by byte, so that nothing else can turn into bytes on the way back.
"""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError

__all__ = ["as_bytes", "as_text"]

_FIRST = 0x10FF80
_MARK = "\U0010ff80".encode()[:2]  # every one of the 128 begins like this, few others do
_STRAYS = range(0xDC80, 0xDD00)  # how Python's surrogateescape writes the bytes 0x80 to 0xFF
_IN: dict[int, str | int] = {stray: _FIRST + at for at, stray in enumerate(_STRAYS)}
_IN |= {
    _FIRST + at: "".join(chr(_FIRST - 0x80 + byte) for byte in chr(_FIRST + at).encode())
    for at in range(128)
}
_OUT: dict[int, int] = {_FIRST + at: stray for at, stray in enumerate(_STRAYS)}


def as_text(array: Array, name: str) -> Array:
    """Bytes (or str) -> str.

    Raises
    ------
    StadionError
        INVALID for a str that is no Unicode, naming the tensor.
    """
    found = np.empty(array.size, object)
    try:
        found[:] = [_text(v if isinstance(v, bytes) else str(v).encode()) for v in array.flat]
    except UnicodeEncodeError:
        raise StadionError(
            Code.INVALID, f"tensor {name!r} holds half a surrogate pair; expected Unicode text"
        ) from None
    return found.reshape(array.shape)


def as_bytes(array: Array) -> Array:
    """Str -> bytes."""
    found = np.empty(array.size, object)
    found[:] = [_bytes(str(value)) for value in array.flat]
    return found.reshape(array.shape)


def _text(value: bytes) -> str:
    if _MARK not in value:
        try:
            return value.decode()
        except UnicodeDecodeError:
            pass
    return value.decode(errors="surrogateescape").translate(_IN)


def _bytes(value: str) -> bytes:
    content = value.encode()
    if _MARK not in content:
        return content
    return value.translate(_OUT).encode(errors="surrogateescape")
