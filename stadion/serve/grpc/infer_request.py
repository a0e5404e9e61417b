"""The parts of a ModelInferRequest in, a request for the plane out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stadion.core.access import Access
from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.request import Request
from stadion.core.signature import Tensor
from stadion.serve.binary import read_binary_tensor
from stadion.serve.callers import Caller
from stadion.serve.grpc.cutting import Cut, Raw
from stadion.serve.grpc.heading import Heading, Input, Wanted, known_heading, read_heading
from stadion.serve.grpc.typed_contents import read_typed
from stadion.serve.plane import Plane
from stadion.serve.traffic import Lane

__all__ = ["Asked", "decode", "heading_of"]

_KNOWN_BYTES = 4096


class Asked(NamedTuple):
    """Who answers, what is asked, and how the answer is written.

    `is_typed` when the request had its values in `contents`: so has the answer then.
    """

    lane: Lane
    request: Request
    outputs: tuple[Wanted, ...]
    is_typed: bool


def heading_of(parts: Cut) -> Heading:
    """Everything that the message says beside its raw tensors; see `read_heading`."""
    if parts.raw and len(parts.head) <= _KNOWN_BYTES:
        return known_heading(parts.head)
    return read_heading(parts.head)


def decode(plane: Plane, parts: Cut, heading: Heading, caller: Caller, timeout_us: int) -> Asked:
    """Find who answers, and read the tensors.

    Parameters
    ----------
    timeout_us
        When the client gives up; 0 when it does not say.

    Raises
    ------
    StadionError
        INVALID naming what is wrong with the message; NOT_FOUND where the caller may not ask
        the model; the plane's errors for the model.
    """
    model, version, parameters, announced, outputs, names = heading
    caller.check(Access.PREDICT, model)
    if timeout_us:
        own = parameters.get("timeout")
        if not (isinstance(own, int) and 0 < own < timeout_us):
            parameters = {**parameters, "timeout": timeout_us}
    lane = plane.lane(model, version, parameters)
    inputs = _read_inputs(announced, parts.raw, lane.loaded.inputs)
    request = Request(model, inputs, version, _text(parts.id), names, parameters)
    return Asked(lane, request, outputs, not parts.raw)


def _read_inputs(
    announced: Sequence[Input], raw: Sequence[Raw], known: Mapping[str, Tensor]
) -> dict[str, Array]:
    """All tensors, each checked before it is read."""
    if raw and len(raw) != len(announced):
        raise _invalid(
            f"there are {len(announced)} inputs and {len(raw)} raw_input_contents; "
            "expected one for each, in the order of the inputs"
        )
    found: dict[str, Array] = {}
    at = 0
    for name, datatype, shape, given in announced:
        tensor = known.get(name)
        if tensor is None:
            raise _invalid(f"there is no input tensor {name[:80]!r}; expected {list(known)}")
        if datatype != tensor.datatype:
            raise _invalid(
                f"tensor {name!r} has datatype {datatype[:20]!r}; expected {tensor.datatype}"
            )
        if not raw:
            found[name] = read_typed(given, datatype, shape, name)
            continue
        if given is not None:
            raise _invalid(
                f"tensor {name!r} has contents where raw_input_contents are sent; "
                "expected the one or the other in the whole message"
            )
        body, start, size = raw[at]
        found[name] = read_binary_tensor(body, start, size, datatype, shape, name)
        at += 1
    return found


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise _invalid("the id is no UTF-8 text") from None


def _invalid(text: str) -> StadionError:
    return StadionError(Code.INVALID, text)
