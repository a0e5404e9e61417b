"""The bytes of a call in, its message out."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import DecodeError

from stadion.core.errors import Code, StadionError

__all__ = ["read_message"]

T = TypeVar("T")


def read_message(kind: type[T], body: bytes) -> T:
    """Read a message of that kind.

    Raises
    ------
    StadionError
        INVALID when it is none.
    """
    reader: Any = kind
    try:
        found: T = reader.FromString(body)
    except DecodeError:
        raise StadionError(Code.INVALID, f"the message is no {kind.__name__}") from None
    return found
