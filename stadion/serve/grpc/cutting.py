"""A ModelInferRequest in, its raw tensors where they lie, its id and the small rest out.

Protobuf copies a tensor twice on its way to numpy; here it is not copied at all. Without tensors
and id, the rest is the same from call to call, so that it need not be parsed again. And protobuf
makes an object of every repeated field, thirty bytes from every two: so they are counted before.
"""

from __future__ import annotations

from typing import NamedTuple

from stadion.core.errors import Code, StadionError

__all__ = ["Cut", "Raw", "cut"]

Raw = tuple[bytes, int, int]
"""Where a tensor lies: in these bytes, from there, so many."""

_ID = 3 << 3 | 2  # field id: a length and so many bytes
_RAW = 7 << 3 | 2  # field raw_input_contents
_CUT_OUT = frozenset((_ID, _RAW))
_MOST_FIELDS = 4096
_FIXED = {1: 8, 5: 4}  # wire types of a known size


class Cut(NamedTuple):
    """The parts of a message."""

    head: bytes
    id: bytes
    raw: list[Raw]


def cut(body: bytes) -> Cut:
    """Take a message apart.

    Raises
    ------
    StadionError
        INVALID when the bytes are no message, or one of thousands of fields.
    """
    rest: list[bytes] = []
    raw: list[Raw] = []
    name = b""
    at = kept = fields = 0
    end = len(body)
    while at < end:
        begin = at
        tag = body[at]
        at += 1
        if tag > 127:
            tag, at = _varint(body, begin)
        kind = tag & 7
        if kind == 2:
            size = body[at] if at < end else 128
            at += 1
            if size > 127:
                size, at = _varint(body, at - 1)
            if tag in _CUT_OUT:
                rest.append(body[kept:begin])
                kept = at + size
                if tag == _RAW:
                    raw.append((body, at, size))
                else:
                    name = body[at:kept]
            at += size
        elif kind == 0:
            _, at = _varint(body, at)
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            raise _no_message()
        fields += 1
        if at > end or fields > _MOST_FIELDS:
            raise _no_message()
    if not kept:
        return Cut(body, name, raw)
    rest.append(body[kept:])
    return Cut(b"".join(rest), name, raw)


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place behind it."""
    value = shift = 0
    for place in range(at, min(at + 10, len(body))):
        byte = body[place]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place + 1
        shift += 7
    raise _no_message()


def _no_message() -> StadionError:
    return StadionError(
        Code.INVALID,
        f"the message is no ModelInferRequest of at most {_MOST_FIELDS} fields",
    )
