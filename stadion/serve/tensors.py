"""JSON text of one tensor in, an array out: checked against its shape before it is read.

Numbers are read flat and in pieces, so that memory stays near the size of the text; the nesting
is compared as text, brackets and commas only.
"""

from __future__ import annotations

import math
from binascii import a2b_base64
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.signature import DATATYPES
from stadion.serve.floats import read_floats

__all__ = ["MAX_STRINGS", "checked_shape", "read_json_tensor", "read_json_values"]

MAX_STRINGS = 1 << 20
"""Elements of one BYTES tensor: each costs a Python object."""
_MAX_AXES = 16
_PIECE = 1 << 20
_NOT_STRUCTURE = bytes(set(range(256)) - set(b"[],"))
_FLOATS = msgspec.json.Decoder(list[float | None])
_INTEGERS = msgspec.json.Decoder(list[int])
_BOOLS = msgspec.json.Decoder(list[bool])
_HALVES = {"FP16", "BF16"}
_WIDE = {"FP32", "FP64"}
_SHORT = 512


class _Base64(msgspec.Struct, forbid_unknown_fields=True):
    """Bytes as JSON carries them."""

    b64: str


def read_json_tensor(text: bytes, datatype: str, shape: Sequence[int] | None, name: str) -> Array:
    """Read one tensor.

    Parameters
    ----------
    text
        A JSON list, flat in row-major order or nested as the shape is. null is NaN.
    shape
        As the client claims it; None when the nesting says it.

    Returns
    -------
    array of the datatype and shape; BYTES are an array of bytes objects

    Raises
    ------
    StadionError
        INVALID, naming the tensor, what was expected and what was received.
    """
    if datatype in _HALVES:
        raise _invalid(name, f"is {datatype}, which has no JSON form; send it as binary data")
    if datatype == "BYTES":
        return _read_strings(text, shape, name, str)
    return _read_numeric(text, datatype, shape, name)


def read_json_values(
    text: bytes, datatype: str, name: str, shape: Sequence[int] | None = None
) -> Array:
    """The same for protocols whose JSON names no datatypes.

    The model's datatype decides: numbers may become FP16 and BF16 too, and a BYTES element is a
    string or {"b64": "..."}.
    """
    if datatype == "BYTES":
        return _read_strings(text, shape, name, str | _Base64)
    return _read_numeric(text, datatype, shape, name)


def _read_numeric(text: bytes, datatype: str, shape: Sequence[int] | None, name: str) -> Array:
    if shape is not None and datatype in _WIDE:
        found = _quickly(text, datatype, shape)
        if found is not None:
            return found
    structure = text.translate(None, _NOT_STRUCTURE)
    if not structure.startswith(b"["):
        raise _invalid(name, "has data that is no list; expected a list of numbers")
    if structure == b"[]" and not text[1:-1].strip():
        raise _invalid(name, "has no values; expected at least one")
    wanted = _nesting(structure, name) if shape is None else tuple(shape)
    count, received = math.prod(wanted), structure.count(b",") + 1
    if count != received:
        raise _invalid(name, f"has {received} values; its shape {list(wanted)} needs {count}")
    is_nested = structure.startswith(b"[[")
    if structure != _structure(wanted if is_nested or shape is None else (count,)):
        raise _invalid(name, f"is nested unlike its shape {list(wanted)}")
    flat = text.translate(None, b"[]") if is_nested else text[1:-1]
    array = _read_numbers(flat, datatype, count, name)
    if len(array) != count:  # '[[]]' has the brackets of one value and holds none
        raise _invalid(name, f"has {len(array)} values; its shape {list(wanted)} needs {count}")
    return array.reshape(wanted)


def checked_shape(shape: Sequence[int], name: str) -> int:
    """The number of elements of a claimed shape; INVALID when no array can have it."""
    if len(shape) > _MAX_AXES or any(size < 0 for size in shape):
        raise _invalid(
            name,
            f"has shape {list(shape)[:_MAX_AXES]}; expected at most {_MAX_AXES} sizes from 0",
        )
    return math.prod(shape)


def _read_numbers(flat: bytes, datatype: str, count: int, name: str) -> Array:
    dtype = DATATYPES[datatype]
    decoders: dict[str, msgspec.json.Decoder[Any]] = {"f": _FLOATS, "V": _FLOATS, "b": _BOOLS}
    decode = decoders.get(dtype.kind, _INTEGERS).decode
    if len(flat) <= _PIECE:
        return _piece(flat, decode, dtype, name)
    found, done, at = np.empty(count, dtype), 0, 0
    while at < len(flat):
        comma = flat.find(b",", at + _PIECE)
        end = len(flat) if comma < 0 else comma
        part = _piece(flat[at:end], decode, dtype, name)
        found[done : done + len(part)] = part
        done, at = done + len(part), end + 1
    return found


def _piece(flat: bytes, decode: Any, dtype: np.dtype[Any], name: str) -> Array:
    try:
        with np.errstate(over="raise"):
            values = decode(b"[%b]" % flat)
            return np.array(values, dtype) if dtype.kind != "V" else _bf16(values, dtype)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid(name, f"has a value that is no {_word(dtype)}: {error}") from None
    except (OverflowError, FloatingPointError):
        raise _invalid(name, f"has a value that does not fit {_word(dtype)}") from None


def _bf16(values: list[float | None], dtype: np.dtype[Any]) -> Array:
    """Its type neither takes None nor tells of an overflow."""
    found = np.array(values, np.float64).astype(dtype)
    if np.isinf(found).any():
        raise OverflowError
    return found


def _quickly(text: bytes, datatype: str, shape: Sequence[int]) -> Array | None:
    """A flat list that is as it should be; None leaves it to who says what is wrong."""
    if len(text) < _SHORT or text.find(b"[", 1) >= 0:
        return None
    values = read_floats(text)
    if values is None or len(values) != math.prod(shape):
        return None
    array = values.astype(DATATYPES[datatype])
    return None if np.isinf(array).any() else array.reshape(shape)


def _word(dtype: np.dtype[Any]) -> str:
    return next(name for name, known in DATATYPES.items() if known == dtype)


@lru_cache(maxsize=256)
def _small_structure(shape: tuple[int, ...]) -> bytes:
    text = b"[" + b"," * (shape[-1] - 1) + b"]"
    for size in reversed(shape[:-1]):
        text = b"[" + (text + b",") * (size - 1) + text + b"]"  # join would need 80 bytes each
    return text


def _structure(shape: tuple[int, ...]) -> bytes:
    """Brackets and commas of a nested list; the caller has checked that its size is real."""
    if not shape:
        return b"[]"
    is_small = math.prod(shape) <= 4096
    return _small_structure(shape) if is_small else _small_structure.__wrapped__(shape)


def _nesting(structure: bytes, name: str) -> tuple[int, ...]:
    """The shape that a nested list has if it is regular, which the caller then checks.

    The first list of each depth ends where its brackets first close together; the lists inside
    it are counted by their opening brackets.
    """
    depth = len(structure) - len(structure.lstrip(b"["))
    if depth > _MAX_AXES:
        raise _invalid(name, f"is nested {depth} deep; expected at most {_MAX_AXES}")
    end = structure.find(b"]")
    sizes, inner = [end - depth + 1], 1
    for level in range(2, depth + 1):
        end = structure.find(b"]" * level)
        lists = structure.count(b"[", depth - level, end)
        size, rest = divmod(lists - 1, inner)
        if end < 0 or rest or size < 1:
            raise _invalid(name, "is nested irregularly; expected rows of equal length")
        sizes.append(size)
        inner = lists
    return tuple(reversed(sizes))


def _read_strings(text: bytes, shape: Sequence[int] | None, name: str, element: Any) -> Array:
    if shape is not None and math.prod(shape) > MAX_STRINGS:
        raise _invalid(name, f"has {math.prod(shape)} strings; expected at most {MAX_STRINGS}")
    depth = len(text) - len(text.lstrip(b"[ \t\r\n"))
    depth = text[:depth].count(b"[")
    if not 1 <= depth <= _MAX_AXES:
        raise _invalid(name, "has data that is no list; expected a list of strings")
    kind: Any = element
    for _ in range(depth):
        kind = list[kind]
    try:
        nested = msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid(name, f"has a value that is no string: {error}") from None
    found, sizes = _flat(nested, depth, name)
    wanted = sizes if shape is None else tuple(shape)
    if len(found) != math.prod(wanted) or (depth > 1 and sizes != wanted):
        raise _invalid(
            name, f"has {len(found)} strings in shape {list(sizes)}; expected {list(wanted)}"
        )
    array = np.empty(len(found), object)
    array[:] = [v.encode() if isinstance(v, str) else _bytes(v, name) for v in found]
    return array.reshape(wanted)


def _bytes(value: _Base64, name: str) -> bytes:
    try:
        return a2b_base64(value.b64, strict_mode=True)
    except ValueError:
        raise _invalid(name, f"has b64 {value.b64[:80]!r}, which is no base64") from None


def _flat(nested: Any, depth: int, name: str) -> tuple[list[str | _Base64], tuple[int, ...]]:
    sizes = [len(nested)]
    for _ in range(depth - 1):
        lengths = {len(row) for row in nested}
        if len(lengths) != 1:
            raise _invalid(name, "is nested irregularly; expected rows of equal length")
        sizes.append(lengths.pop())
        nested = [value for row in nested for value in row]
    return nested, tuple(sizes)


def _invalid(name: str, what: str) -> StadionError:
    return StadionError(Code.INVALID, f"tensor {name[:80]!r} {what}")
