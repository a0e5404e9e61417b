"""The body of an invocation of MLflow's scoring server in, input arrays out."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Tensor
from stadion.serve.nesting import check_nesting
from stadion.serve.protocols._frame import (
    arrays_of,
    frame_of_csv,
    frame_of_records,
    frame_of_split,
)
from stadion.serve.protocols._instances import parse_json, read_columns, read_rows
from stadion.serve.protocols.base import Call
from stadion.serve.values import Parameter

__all__ = ["ForeignKind", "Invocation", "parse_invocation"]

_CSV, _JSON = "text/csv", "application/json"
_CHARSETS = {"utf-8", "ascii", "iso8859-1", "cp1252", "utf-16"}


class ForeignKind(StadionError):  # noqa: N818  # it is a StadionError, as its code says
    """A body of a content type that is not read here: 415."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.INVALID, message)


class Body(msgspec.Struct, gc=False):
    """A call in JSON; `params` are this server's own: segment, priority, timeout."""

    dataframe_split: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    dataframe_records: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    instances: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    inputs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    params: dict[str, Parameter] | None = None


class Invocation(msgspec.Struct, gc=False):
    """A parsed call: its parameters, and `read`, which makes the inputs once they are known."""

    parameters: dict[str, Parameter]
    read: Callable[[Mapping[str, Tensor]], dict[str, Array]]


def parse_invocation(call: Call) -> Invocation:
    """What a call brings, by its Content-Type.

    Raises
    ------
    StadionError
        `ForeignKind` for a content type or charset that is not read, INVALID for a body that is
        not as it says. `read` raises INVALID for data that do not fit the inputs.
    """
    kind, charset = _kind_of(call.headers.get(b"content-type", b""))
    if kind == _CSV:
        text = _text_of(call.body, charset)
        return Invocation({}, lambda inputs: arrays_of(frame_of_csv(text), inputs))
    check_nesting(call.body)
    body = parse_json(call.body, _BODY)
    given = [name for name in _READERS if isinstance(getattr(body, name), msgspec.Raw)]
    if len(given) != 1:
        raise StadionError(
            Code.INVALID,
            f"expected exactly one of {', '.join(_READERS)} in the JSON object; received {given}",
        )
    raw, read = bytes(getattr(body, given[0])), _READERS[given[0]]
    return Invocation(body.params or {}, lambda inputs: read(raw, inputs))


@lru_cache(maxsize=64)
def _kind_of(header: bytes) -> tuple[str, str]:
    """Content type and charset."""
    given = header.decode("latin-1")
    kind, *parameters = (part.strip() for part in given.split(";"))
    if kind.lower() not in (_CSV, _JSON):
        raise ForeignKind(f"Content-Type is {given[:80]!r}; expected {_JSON} or {_CSV}")
    pairs = (parameter.partition("=") for parameter in parameters)
    found = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    return kind.lower(), _charset(kind.lower(), found.get("charset", "utf-8"))


def _charset(kind: str, name: str) -> str:
    known = _CHARSETS if kind == _CSV else {"utf-8", "ascii"}
    try:
        found = codecs.lookup(name).name if name.isascii() and len(name) < 40 else ""
    except (LookupError, ValueError):
        found = ""
    if found not in known:
        raise ForeignKind(f"charset of {kind} is {name[:40]!r}; expected one of {sorted(known)}")
    return found


def _text_of(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset).removeprefix("\ufeff")  # spreadsheets put it in front
    except UnicodeDecodeError:
        raise StadionError(Code.INVALID, f"the body is not {charset}") from None


_BODY = msgspec.json.Decoder(Body)
_READERS: dict[str, Callable[[bytes, Mapping[str, Tensor]], dict[str, Array]]] = {
    "dataframe_split": lambda text, inputs: arrays_of(frame_of_split(text), inputs),
    "dataframe_records": lambda text, inputs: arrays_of(frame_of_records(text), inputs),
    "instances": read_rows,
    "inputs": read_columns,
}
