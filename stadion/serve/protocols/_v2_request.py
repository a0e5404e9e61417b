"""The body of an infer call of the Open Inference Protocol in, a request for the plane out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.request import Request
from stadion.core.signature import DATATYPES, Tensor
from stadion.serve.binary import read_binary_tensor
from stadion.serve.nesting import check_nesting
from stadion.serve.plane import Plane
from stadion.serve.protocols._v2_large import STANDS_FOR, split_large
from stadion.serve.protocols.base import Call
from stadion.serve.tensors import checked_shape, read_json_tensor
from stadion.serve.traffic import Lane
from stadion.serve.values import Int64, Parameter

__all__ = ["JSON_LENGTH", "Asked", "Wanted", "decode"]

JSON_LENGTH = b"inference-header-content-length"


class Input(msgspec.Struct, gc=False):
    """A tensor as the JSON part has it."""

    name: str
    shape: list[Int64]
    datatype: str
    parameters: dict[str, Parameter] | None = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Output(msgspec.Struct, gc=False):
    """An output that the client asks for."""

    name: str
    parameters: dict[str, Parameter] | None = None


class Body(msgspec.Struct, gc=False):
    """The JSON part."""

    inputs: list[Input]
    id: str | None = None
    parameters: dict[str, Parameter] | None = None
    outputs: list[Output] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """How one output shall be written; `classes` is 0 unless the best n classes are asked."""

    name: str
    is_binary: bool
    classes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A decoded call: who answers, what is asked, how the answer is written."""

    lane: Lane
    request: Request
    outputs: tuple[Wanted, ...]


def decode(plane: Plane, call: Call, model: str, version: int | None) -> Asked:
    """Read an infer call: JSON, JSON followed by binary tensors, or one raw tensor.

    Raises
    ------
    StadionError
        INVALID naming what is wrong with the body; the plane's errors for the model.
    """
    length = call.headers.get(JSON_LENGTH)
    if length is None:
        return _decode_json(plane, call.body, len(call.body), model, version)
    if not length.isdigit() or len(length) > 20 or int(length) > len(call.body):
        raise _invalid(
            f"Inference-Header-Content-Length is {length[:20].decode('latin-1')!r}; "
            f"expected 0 to {len(call.body)}, the length of the body"
        )
    if int(length) == 0:
        return _decode_raw(plane, call.body, model, version)
    return _decode_json(plane, call.body, int(length), model, version)


def _decode_json(plane: Plane, body: bytes, length: int, model: str, version: int | None) -> Asked:
    text = body if length == len(body) else body[:length]
    asked = _parse_large(text) or _parse(text)
    parameters = asked.parameters or _NONE
    lane = plane.lane(model, version, parameters)
    inputs = _read_inputs(asked.inputs, lane.loaded.inputs, body, length)
    wanted = _wanted(asked, parameters, tuple(lane.loaded.outputs))
    names = tuple(output.name for output in wanted) if asked.outputs else ()
    request = Request(model, inputs, version, asked.id or "", names, parameters)
    return Asked(lane, request, wanted)


def _parse(text: bytes) -> Body:
    check_nesting(text)
    try:
        return _BODY.decode(text)
    except msgspec.ValidationError as error:
        raise _invalid(f"the request is not as the protocol has it: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _invalid(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise _invalid("the JSON of the body is nested too deep") from None


def _parse_large(text: bytes) -> Body | None:
    """The same for one long list of numbers; None where the body is anything else."""
    parts = split_large(text)
    if parts is None:
        return None
    around, numbers = parts
    try:
        asked = _parse(around)
    except StadionError:
        return None  # whatever is wrong is to be said of the whole
    owners = [given for given in asked.inputs if _text_of(given) == STANDS_FOR]
    if len(owners) != 1:
        return None
    owners[0].data = msgspec.Raw(numbers)
    return asked


def _read_inputs(
    inputs: Sequence[Input], known: Mapping[str, Tensor], body: bytes, at: int
) -> dict[str, Array]:
    """All tensors; binary ones follow the JSON part in the order of the inputs."""
    found: dict[str, Array] = {}
    for given in inputs:
        name = given.name
        if name in found:
            raise _invalid(f"input tensor {name!r} is there twice; expected once")
        _check_claim(given, known)
        size = (given.parameters or _NONE).get("binary_data_size")
        if size is None:
            found[name] = _from_json(given)
            continue
        at = _check_blob(given, size, at, len(body))
        found[name] = read_binary_tensor(
            body, at - int(size), int(size), given.datatype, given.shape, name
        )
    if at != len(body):
        raise _invalid(f"{len(body) - at} bytes of the body belong to no input tensor")
    return found


def _check_claim(given: Input, known: Mapping[str, Tensor]) -> None:
    """Refuse an unknown name, another datatype or an impossible shape before reading data."""
    tensor = known.get(given.name)
    if tensor is None:
        raise _invalid(f"there is no input tensor {given.name[:80]!r}; expected {list(known)}")
    if given.datatype != tensor.datatype:
        raise _invalid(
            f"tensor {given.name!r} has datatype {given.datatype[:20]!r}; "
            f"expected {tensor.datatype}"
        )
    checked_shape(given.shape, given.name)


def _text_of(given: Input) -> bytes:
    """The JSON of a tensor's data; empty where it has none."""
    return b"" if isinstance(given.data, msgspec.UnsetType) else bytes(given.data)


def _from_json(given: Input) -> Array:
    if given.data is msgspec.UNSET:
        _check_not_shared(given.parameters or _NONE, given.name)
        raise _invalid(f"tensor {given.name!r} has neither data nor the parameter binary_data_size")
    return read_json_tensor(_text_of(given), given.datatype, given.shape, given.name)


def _check_blob(given: Input, size: Parameter, at: int, end: int) -> int:
    """The position behind a binary tensor."""
    if given.data is not msgspec.UNSET:
        raise _invalid(f"tensor {given.name!r} has both data and binary_data_size")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise _invalid(
            f"binary_data_size of tensor {given.name!r} is {size!r}; expected a whole number"
        )
    if at + size > end:
        raise _invalid(f"tensor {given.name!r} claims {size} bytes; the body has {end - at} left")
    return at + size


def _decode_raw(plane: Plane, body: bytes, model: str, version: int | None) -> Asked:
    """The whole body is one tensor of one row; the answer is binary."""
    lane = plane.lane(model, version, _NONE)
    loaded = lane.loaded
    if len(loaded.inputs) != 1:
        raise _invalid(f"a raw body needs one input; model {model!r} has {list(loaded.inputs)}")
    (tensor,) = loaded.inputs.values()
    array = _raw_strings(tensor, body) if tensor.datatype == "BYTES" else _raw(tensor, body)
    wanted = tuple(Wanted(name, is_binary=True) for name in loaded.outputs)
    return Asked(lane, Request(model, {tensor.name: array}, version), wanted)


def _raw(tensor: Tensor, body: bytes) -> Array:
    shape = [1 if axis == 0 and n is None else n for axis, n in enumerate(tensor.shape)]
    free = [axis for axis, n in enumerate(shape) if n is None]
    if len(free) > 1:
        raise _invalid(
            f"tensor {tensor.name!r} has shape {tensor.wire_shape}; a raw body can tell the "
            "size of one free axis only"
        )
    one = [1 if n is None else n for n in shape]
    size = math.prod(one) * DATATYPES[tensor.datatype].itemsize
    if free and len(body) % size == 0:
        one[free[0]] = len(body) // size
    return read_binary_tensor(body, 0, len(body), tensor.datatype, one, tensor.name)


def _raw_strings(tensor: Tensor, body: bytes) -> Array:
    if [n for n in tensor.shape if n not in (None, 1)]:
        raise _invalid(
            f"tensor {tensor.name!r} has shape {tensor.wire_shape}; a raw body is one string"
        )
    blob = len(body).to_bytes(4, "little") + body
    shape = [1] * len(tensor.shape)
    return read_binary_tensor(blob, 0, len(blob), "BYTES", shape, tensor.name)


def _wanted(
    asked: Body, parameters: Mapping[str, Parameter], known: tuple[str, ...]
) -> tuple[Wanted, ...]:
    """Which outputs, each with its own say on binary over the request's."""
    default = _flag(parameters, "binary_data_output", default=False)
    if not asked.outputs:
        return _all(known, default)
    found: dict[str, Wanted] = {}
    for output in asked.outputs:
        own = output.parameters or _NONE
        if output.name in found:
            raise _invalid(f"output {output.name[:80]!r} is asked for twice; expected once")
        _check_not_shared(own, output.name)
        classes = own.get("classification", 0)
        if isinstance(classes, bool) or not isinstance(classes, int) or classes < 0:
            raise _invalid(f"classification is {classes!r}; expected a number of classes")
        is_binary = _flag(own, "binary_data", default=default)
        found[output.name] = Wanted(output.name, is_binary, classes)
    return tuple(found.values())


def _check_not_shared(parameters: Mapping[str, Parameter], name: str) -> None:
    if "shared_memory_region" in parameters:
        raise StadionError(
            Code.UNSUPPORTED,
            f"tensor {name[:80]!r} is in shared memory, which this server has none of",
            "send it in the body, as binary data",
        )


@lru_cache(maxsize=1024)
def _all(names: tuple[str, ...], is_binary: bool) -> tuple[Wanted, ...]:
    return tuple(Wanted(name, is_binary) for name in names)


def _flag(parameters: Mapping[str, Parameter], name: str, *, default: bool) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise _invalid(f"parameter {name} is {value!r}; expected true or false")
    return value


def _invalid(text: str) -> StadionError:
    return StadionError(Code.INVALID, text)


_BODY = msgspec.json.Decoder(Body)
_NONE: dict[str, Parameter] = {}
