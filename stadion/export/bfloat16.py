"""Arrays in, what a graph answers out, bfloat16 among them, which ONNX Runtime hides from numpy."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import onnxruntime

from stadion.core.arrays import Array, Arrays
from stadion.core.signature import DATATYPES

__all__ = ["run_graph"]

_TYPE = "tensor(bfloat16)"
_CODE = 16  # bfloat16 among ONNX's data types


def run_graph(session: onnxruntime.InferenceSession, inputs: Arrays, options: Any) -> list[Array]:
    """All outputs of one run; a graph that takes text and gives bfloat16 fails in it."""
    halves = {node.name for node in session.get_inputs() if node.type == _TYPE}
    given: dict[str, Any] = {n: _value(a) if n in halves else a for n, a in inputs.items()}
    if all(node.type != _TYPE for node in session.get_outputs()):
        answers: list[Array] = session.run(None, given, options)
        return answers
    for name in inputs.keys() - halves:
        given[name] = onnxruntime.OrtValue.ortvalue_from_numpy(inputs[name])
    found = session.run_with_ort_values(None, given, options)
    return [_array(v) if v.data_type() == _TYPE else v.numpy() for v in found]


def _value(array: Array) -> Any:
    bits = np.ascontiguousarray(array).view(np.uint16)
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, _CODE)


def _array(value: Any) -> Array:
    content = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())
    return np.frombuffer(content, DATATYPES["BF16"]).reshape(value.shape())
