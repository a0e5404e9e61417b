"""JSON without datatypes in, input arrays out: in rows (`instances`) or in columns (`inputs`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Tensor
from stadion.serve.tensors import read_json_values

__all__ = ["check_pieces", "parse_json", "read_columns", "read_rows"]

T = TypeVar("T")
_OBJECTS = re.compile(rb"\[[ \t\r\n]*\{")
_BASE64 = re.compile(rb'[\[ \t\r\n]*\{[ \t\r\n]*"b64"')
_MOST_PIECES = 1 << 20
_NAN_BYTES = 4 << 20  # above this NaN is refused: reading it costs Python work per string
_STRING_OR_NAN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|\bNaN\b', re.DOTALL)


def parse_json(body: bytes, decoder: msgspec.json.Decoder[T], what: str = "the request") -> T:
    """The value that a decoder finds in a body; NaN, as Python writes it, is null.

    Raises
    ------
    StadionError
        INVALID, saying what is no JSON or not as expected.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(f"{what} is not as expected: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if b"NaN" in body and len(body) <= _NAN_BYTES:
            plain = _STRING_OR_NAN.sub(lambda m: m[0] if m[0] != b"NaN" else b"null", body)
            if plain != body:
                return parse_json(plain, decoder, what)
        raise _invalid(f"{what} is not JSON: {error}") from None
    except RecursionError:
        raise _invalid(f"the JSON of {what} is nested too deep") from None


def read_rows(text: bytes, inputs: Mapping[str, Tensor]) -> dict[str, Array]:
    """A list of rows: values of the only input, or objects that hold a value for each input.

    Raises
    ------
    StadionError
        INVALID, naming the instance or the tensor that is wrong.
    """
    if _OBJECTS.match(text) is None or _are_bytes(text, inputs):
        return {_only(inputs).name: _read_value(text, _only(inputs))}
    check_pieces(text.count(b":"), "instances")
    rows = parse_json(text, _NAMED_ROWS, "instances")
    for at, row in enumerate(rows):
        _check_names(row, inputs, f"instance {at}")
    return {
        name: _read_value(b"[%b]" % b",".join([row[name] for row in rows]), tensor)
        for name, tensor in inputs.items()
    }


def read_columns(text: bytes, inputs: Mapping[str, Tensor]) -> dict[str, Array]:
    """The only input's tensor, or an object that holds a tensor for each input.

    Raises
    ------
    StadionError
        INVALID, naming the tensor that is wrong.
    """
    if not text.startswith(b"{") or _are_bytes(text, inputs):
        return {_only(inputs).name: _read_value(text, _only(inputs))}
    columns = parse_json(text, _NAMED, "inputs")
    _check_names(columns, inputs, "inputs")
    return {name: _read_value(bytes(columns[name]), tensor) for name, tensor in inputs.items()}


def check_pieces(count: int, what: str) -> None:
    """Refuse what would become too many Python objects; numbers in plain lists become none."""
    if count > _MOST_PIECES:
        raise _invalid(
            f"{what} has {count} named values or cells; expected at most {_MOST_PIECES}",
        )


def _read_value(text: bytes, tensor: Tensor) -> Array:
    """One tensor; without axes it is a bare value."""
    if not tensor.shape:
        return read_json_values(b"[%b]" % text, tensor.datatype, tensor.name, (1,)).reshape(())
    return read_json_values(text, tensor.datatype, tensor.name)


def _only(inputs: Mapping[str, Tensor]) -> Tensor:
    if len(inputs) != 1:
        raise _invalid(f"values without names need one input; the model has {list(inputs)}")
    return next(iter(inputs.values()))


def _are_bytes(text: bytes, inputs: Mapping[str, Tensor]) -> bool:
    """{"b64": ...} is a value where the only input takes bytes and is not called so itself."""
    if len(inputs) != 1 or "b64" in inputs or _only(inputs).datatype != "BYTES":
        return False
    return _BASE64.match(text) is not None


def _check_names(given: Mapping[str, object], inputs: Mapping[str, Tensor], where: str) -> None:
    if given.keys() != inputs.keys():
        raise _invalid(f"{where} has {_short(list(given))}; the model's inputs are {list(inputs)}")


def _short(names: Sequence[str]) -> list[str]:
    return [name[:80] for name in names[:16]]


def _invalid(text: str) -> StadionError:
    return StadionError(Code.INVALID, text)


_NAMED: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAMED_ROWS: msgspec.json.Decoder[list[dict[str, Any]]] = msgspec.json.Decoder(
    list[dict[str, msgspec.Raw]]
)
