"""Output arrays in, what JSON without datatypes says of them out, ready for orjson."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np

from stadion.core.arrays import Array

__all__ = ["jsonable", "rows_of"]


def jsonable(array: Array, *, is_opaque: bool = False) -> Any:
    """An array as orjson writes it: numbers in full precision, strings as text.

    NaN becomes null, and so do infinities, for which JSON has nothing. FP16 and BF16 become FP32,
    which holds all their values. A string that is no UTF-8 is written as {"b64": "..."}; with
    `is_opaque`, every string is.
    """
    if not array.ndim:
        return rows_of(array.reshape(1), is_opaque=is_opaque)[0]
    if array.dtype == object:
        return _nested(array, is_opaque=is_opaque)
    if array.dtype.itemsize == 2 and array.dtype.kind in "fV":
        return array.astype(np.float32)
    return np.ascontiguousarray(array)


def rows_of(array: Array, *, is_opaque: bool = False) -> list[Any]:
    """The same for each entry of the first axis by itself."""
    if array.ndim == 1 and array.dtype.kind in "biu":
        found: list[Any] = array.tolist()  # orjson does not know ONNX Runtime's long long
        return found
    return list(jsonable(array, is_opaque=is_opaque))


def _nested(array: Array, *, is_opaque: bool) -> Any:
    found = np.empty(array.size, object)
    found[:] = [_base64(value) if is_opaque else _text(value) for value in array.flat]
    return found.reshape(array.shape).tolist()


def _text(value: Any) -> str | dict[str, str]:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return _base64(value)


def _base64(value: Any) -> dict[str, str]:
    content = value if isinstance(value, bytes) else str(value).encode()
    return {"b64": b64encode(content).decode()}
