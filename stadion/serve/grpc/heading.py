"""What a ModelInferRequest says beside its raw tensors and its id in, plain values out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from stadion.core.dataset import Scalar
from stadion.core.errors import Code, StadionError
from stadion.serve.grpc.inference_pb2 import ModelInferRequest
from stadion.serve.grpc.parameters import read_parameters
from stadion.serve.grpc.reading import read_message
from stadion.serve.tensors import checked_shape

__all__ = ["Heading", "Input", "Wanted", "known_heading", "read_heading", "version_of"]

_SHARED = "shared_memory_region"
_MOST_KNOWN = 1024


class Input(NamedTuple):
    """A tensor as it is announced; `given` is its message where that holds the values too."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    given: Any


class Wanted(NamedTuple):
    """An output to write; `classes` is 0 unless the best n classes are asked."""

    name: str
    classes: int = 0


class Heading(NamedTuple):
    """Whom it asks, what it will bring and what it wants back."""

    model: str
    version: int | None
    parameters: dict[str, Scalar]
    inputs: tuple[Input, ...]
    outputs: tuple[Wanted, ...]
    names: tuple[str, ...]


def read_heading(head: bytes) -> Heading:
    """Read it.

    Raises
    ------
    StadionError
        INVALID naming what is wrong, UNSUPPORTED for shared memory, NOT_FOUND for a version
        that is no number.
    """
    message = read_message(ModelInferRequest, head)
    outputs = _wanted(message.outputs)
    return Heading(
        message.model_name,
        version_of(message.model_version, message.model_name),
        read_parameters(message.parameters),
        _inputs(message.inputs),
        outputs,
        tuple(wanted.name for wanted in outputs),
    )


known_heading = lru_cache(maxsize=_MOST_KNOWN)(read_heading)
"""The same from memory, for small heads without values: clients repeat them in every call."""


def version_of(text: str, model: str) -> int | None:
    """The version that is asked for; a text that is no number is the name of no version here.

    Raises
    ------
    StadionError
        NOT_FOUND.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise StadionError(
            Code.NOT_FOUND, f"there is no version {text[:80]!r} of model {model[:80]!r}"
        )
    return int(text)


def _inputs(given: Any) -> tuple[Input, ...]:
    found: dict[str, Input] = {}
    for tensor in given:
        name, shape = tensor.name, tuple(tensor.shape)
        if name in found:
            raise _invalid(f"input tensor {name[:80]!r} is there twice; expected once")
        if _SHARED in tensor.parameters:
            raise _no_shared_memory(name)
        if not checked_shape(shape, name):
            raise _invalid(f"tensor {name[:80]!r} has shape {list(shape)} and so no values")
        has_values = tensor.HasField("contents") and tensor.contents.ByteSize() > 0
        found[name] = Input(name, tensor.datatype, shape, tensor if has_values else None)
    return tuple(found.values())


def _wanted(outputs: Any) -> tuple[Wanted, ...]:
    found: dict[str, Wanted] = {}
    for output in outputs:
        own = read_parameters(output.parameters)
        if output.name in found:
            raise _invalid(f"output {output.name[:80]!r} is asked for twice; expected once")
        if _SHARED in own:
            raise _no_shared_memory(output.name)
        classes = own.get("classification", 0)
        if isinstance(classes, bool) or not isinstance(classes, int) or classes < 0:
            raise _invalid(f"classification is {classes!r}; expected a number of classes")
        found[output.name] = Wanted(output.name, classes)
    return tuple(found.values())


def _no_shared_memory(name: str) -> StadionError:
    return StadionError(
        Code.UNSUPPORTED,
        f"tensor {name[:80]!r} lies in shared memory, which this server does not share",
        "send the tensor in the message",
    )


def _invalid(text: str) -> StadionError:
    return StadionError(Code.INVALID, text)
