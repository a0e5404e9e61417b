"""The typed contents of a tensor in, an array out, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.signature import DATATYPES
from stadion.serve.tensors import MAX_STRINGS

__all__ = ["has_typed_form", "read_typed", "write_typed"]

_FIELDS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
_NARROW = {"INT8": np.int32, "INT16": np.int32, "UINT8": np.uint32, "UINT16": np.uint32}
_BLOCK_FROM = 64  # values; below that one after the other is as fast


def has_typed_form(datatype: str) -> bool:
    """False for FP16 and BF16, which have no field and travel raw only."""
    return datatype in _FIELDS


def read_typed(given: Any, datatype: str, shape: tuple[int, ...], name: str) -> Array:
    """Read the contents of an InferInputTensor, as many values as the shape says.

    `given` is None when it has none.

    Raises
    ------
    StadionError
        INVALID, naming the tensor, what was expected and what was received.
    """
    if given is None:
        raise _invalid(name, "has neither contents nor raw_input_contents")
    if datatype not in _FIELDS:
        raise _invalid(name, f"is {datatype}, which has no contents; send it raw")
    count = math.prod(shape)
    field = _FIELDS[datatype]
    for descriptor, _ in given.contents.ListFields():
        if descriptor.name != field:
            raise _invalid(name, f"has its values in {descriptor.name}; expected {field}")
    values = getattr(given.contents, field)
    if len(values) != count:
        raise _invalid(name, f"has {len(values)} values; its shape {list(shape)} needs {count}")
    return _array(given.contents, values, datatype, count, name).reshape(shape)


def write_typed(array: Array, datatype: str, contents: Any) -> None:
    """Put the values of an array into an InferTensorContents."""
    values = array.reshape(-1).tolist()
    if datatype == "BYTES":
        values = [v if isinstance(v, bytes) else str(v).encode() for v in values]
    getattr(contents, _FIELDS[datatype]).extend(values)


def _array(contents: Any, values: Any, datatype: str, count: int, name: str) -> Array:
    if datatype == "BYTES":
        return _strings(values, count, name)
    dtype = DATATYPES[datatype]
    if dtype.kind == "f" and count >= _BLOCK_FROM:
        block = _block(contents, dtype, count)
        if block is not None:
            return block
    if datatype in _NARROW:
        return _narrowed(np.fromiter(values, _NARROW[datatype], count), dtype, name)
    return np.fromiter(values, dtype, count)


def _block(contents: Any, dtype: np.dtype[Any], count: int) -> Array | None:
    """All values at once: protobuf writes them one behind the other, after tag and length.

    None when something else stands there too, such as a field from a later version.
    """
    text = contents.SerializeToString()
    size = count * dtype.itemsize
    start = 1 + (size.bit_length() + 6) // 7
    if len(text) != start + size:
        return None
    return np.frombuffer(text, dtype.newbyteorder("<"), count, start).astype(dtype)


def _narrowed(wide: Array, dtype: np.dtype[Any], name: str) -> Array:
    found = wide.astype(dtype)
    if not np.array_equal(found, wide):
        limits = np.iinfo(dtype)
        raise _invalid(
            name, f"has a value outside {limits.min} to {limits.max}, the range of {dtype.name}"
        )
    return found


def _strings(values: Any, count: int, name: str) -> Array:
    if count > MAX_STRINGS:
        raise _invalid(name, f"has {count} strings; expected at most {MAX_STRINGS}")
    found = np.empty(count, object)
    found[:] = list(values)
    return found


def _invalid(name: str, what: str) -> StadionError:
    return StadionError(Code.INVALID, f"tensor {name[:80]!r} {what}")
