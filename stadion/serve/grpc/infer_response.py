"""A prediction in, the bytes of a ModelInferResponse out.

They are put together here, field by field: what stands before the values is the same from call
to call, and taken from memory.
"""

from __future__ import annotations

from functools import lru_cache

from stadion.core.arrays import Array
from stadion.core.request import Prediction
from stadion.serve.binary import write_binary_tensor
from stadion.serve.classes import best_classes
from stadion.serve.grpc.heading import Wanted
from stadion.serve.grpc.infer_request import Asked
from stadion.serve.grpc.inference_pb2 import InferTensorContents, ModelInferResponse
from stadion.serve.grpc.typed_contents import has_typed_form, write_typed

__all__ = ["block", "encode"]

_ID = b"\x1a"
_OUTPUT = b"\x2a"
_CONTENTS = b"\x2a"
_RAW = b"\x32"
_MOST_KNOWN = 4096

_Output = ModelInferResponse.InferOutputTensor


def encode(asked: Asked, prediction: Prediction) -> bytes:
    """The outputs in the order and form that were asked for, as they travel.

    Raises
    ------
    StadionError
        INVALID when classes are asked of an output that has none.
    """
    tensors = _tensors(asked, prediction)
    parts = [_begin(prediction.model, prediction.version)]
    if prediction.id:
        parts += block(_ID, prediction.id.encode())
    if asked.is_typed and all(has_typed_form(datatype) for _, datatype, _ in tensors):
        for name, datatype, array in tensors:
            parts += block(_OUTPUT, _typed_output(name, datatype, array))
    else:
        for name, datatype, array in tensors:
            parts.append(_output(name, datatype, array.shape))
        for _, _, array in tensors:
            parts += block(_RAW, write_binary_tensor(array))
    return b"".join(parts)


def block(tag: bytes, content: bytes) -> tuple[bytes, bytes, bytes]:
    """A field of so many bytes."""
    return tag, _varint(len(content)), content


def _tensors(asked: Asked, prediction: Prediction) -> list[tuple[str, str, Array]]:
    """Name, datatype and values of each output."""
    loaded, outputs = asked.lane.loaded, prediction.outputs
    if not asked.outputs:
        return [(name, tensor.datatype, outputs[name]) for name, tensor in loaded.outputs.items()]
    found: list[tuple[str, str, Array]] = []
    for wanted in asked.outputs:
        array, datatype = outputs[wanted.name], loaded.outputs[wanted.name].datatype
        if wanted.classes:
            array, datatype = _classes(asked, wanted, array), "BYTES"
        found.append((wanted.name, datatype, array))
    return found


def _classes(asked: Asked, wanted: Wanted, array: Array) -> Array:
    labels = asked.lane.loaded.signature.labels.get(wanted.name, ())
    return best_classes(array, wanted.classes, labels, wanted.name)


@lru_cache(maxsize=_MOST_KNOWN)
def _begin(model: str, version: int) -> bytes:
    return ModelInferResponse(model_name=model, model_version=str(version)).SerializeToString()


@lru_cache(maxsize=_MOST_KNOWN)
def _output(name: str, datatype: str, shape: tuple[int, ...]) -> bytes:
    described = _Output(name=name, datatype=datatype, shape=shape)
    return b"".join(block(_OUTPUT, described.SerializeToString()))


def _typed_output(name: str, datatype: str, array: Array) -> bytes:
    contents = InferTensorContents()
    write_typed(array, datatype, contents)
    described = _Output(name=name, datatype=datatype, shape=array.shape).SerializeToString()
    return b"".join((described, *block(_CONTENTS, contents.SerializeToString())))


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    if number < 128:
        return _SHORT[number]
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


_SHORT = [bytes([number]) for number in range(128)]
