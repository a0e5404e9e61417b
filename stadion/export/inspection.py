"""The bytes of a foreign graph in, its signature as read off it and tried once out.

Only the child process of `foreign` runs this: what the graph does here, it does there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime
from google.protobuf.message import DecodeError

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.signature import DATATYPES, FRACTIONS, Signature, Tensor
from stadion.export.bfloat16 import run_graph
from stadion.export.graph import check_content
from stadion.export.verify import open_graph

__all__ = ["inspected"]

_LONGEST_NAME = 200
_MOST_TENSORS = 256
_FREE_SIZES = (1, 8, 64)  # of the free axes, tried in this order
_FRACTIONS = {"FP16", "BF16", "FP32", "FP64"}
_TYPES = {
    "tensor(bool)": "BOOL", "tensor(uint8)": "UINT8", "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32", "tensor(uint64)": "UINT64", "tensor(int8)": "INT8",
    "tensor(int16)": "INT16", "tensor(int32)": "INT32", "tensor(int64)": "INT64",
    "tensor(float16)": "FP16", "tensor(float)": "FP32", "tensor(double)": "FP64",
    "tensor(bfloat16)": "BF16", "tensor(string)": "BYTES",
}  # fmt: skip


class _TooLong(Exception):  # noqa: N818  # it says what happened
    """The graph had to be stopped."""


def inspected(data: bytes, test_s: float) -> dict[str, Any]:
    """The signature and the program that made the graph, as plain values.

    Parameters
    ----------
    test_s
        Seconds after which one run is stopped.

    Raises
    ------
    StadionError
        INVALID or UNSUPPORTED with the reason why the graph cannot be served.
    """
    producer = _checked(data)
    session = open_graph(data)
    inputs = [_tensor(value) for value in session.get_inputs()]
    declared = [_tensor(value) for value in session.get_outputs()]
    _check_names(inputs, declared)
    try:
        size, answers = _tried(session, inputs, test_s)
        missing = _takes_missing(session, inputs, size, test_s)
    except _TooLong:
        raise StadionError(
            Code.INVALID, f"the graph does not come to an end: a run was stopped after {test_s:g} s"
        ) from None
    signature = Signature(
        tuple(dataclasses.replace(tensor, missing=missing) for tensor in inputs),
        tuple(_as_answered(t, a) for t, a in zip(declared, answers, strict=True)),
    )
    return {"signature": msgspec.to_builtins(signature), "producer": producer}


def _checked(data: bytes) -> str:
    """Refuse what the graph may not hold; the program that made it."""
    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError):
        raise StadionError(Code.INVALID, "the file is no ONNX graph") from None
    if not model.graph.output:
        raise StadionError(Code.INVALID, "the file holds no ONNX graph with outputs")
    check_content(model)
    for value in model.graph.input:
        if value.type.HasField("tensor_type") and not value.type.tensor_type.HasField("shape"):
            raise StadionError(
                Code.INVALID, f"input {value.name[:80]!r} declares no shape; expected its axes"
            )
    return f"{model.producer_name} {model.producer_version}".strip()[:_LONGEST_NAME]


def _tensor(value: onnxruntime.NodeArg) -> Tensor:
    if value.type not in _TYPES:
        raise StadionError(
            Code.UNSUPPORTED,
            f"{value.name[:80]!r} is a {value.type}; expected a tensor of numbers or text",
            "a classifier of scikit-learn is exported with zipmap=False",
        )
    shape = tuple(size if isinstance(size, int) and size >= 0 else None for size in value.shape)
    return Tensor(value.name, _TYPES[value.type], shape, missing=False)


def _check_names(inputs: list[Tensor], outputs: list[Tensor]) -> None:
    if not inputs or max(len(inputs), len(outputs)) > _MOST_TENSORS:
        raise StadionError(
            Code.INVALID,
            f"the graph has {len(inputs)} inputs and {len(outputs)} outputs; "
            f"expected 1 to {_MOST_TENSORS} of each",
        )
    for tensor in (*inputs, *outputs):
        if not (tensor.name.isprintable() and 0 < len(tensor.name) <= _LONGEST_NAME):
            raise StadionError(
                Code.INVALID,
                f"a tensor is named {tensor.name[:80]!r}; "
                f"expected 1 to {_LONGEST_NAME} printable characters",
            )


def _tried(
    session: onnxruntime.InferenceSession, inputs: list[Tensor], test_s: float
) -> tuple[int, list[Array]]:
    """Answers to zeros, with the smallest size of the free axes that the graph takes."""
    *smaller, largest = _FREE_SIZES
    for size in smaller:
        with contextlib.suppress(StadionError):
            return size, _run(session, inputs, size, 0.0, test_s)
    return largest, _run(session, inputs, largest, 0.0, test_s)


def _takes_missing(
    session: onnxruntime.InferenceSession, inputs: list[Tensor], size: int, test_s: float
) -> bool:
    """True when the graph gives numbers for NaN in every input of fractions."""
    if not any(tensor.datatype in _FRACTIONS for tensor in inputs):
        return False
    try:
        answers = _run(session, inputs, size, float("nan"), test_s)
    except StadionError:
        return False
    return all(bool(np.isfinite(a).all()) for a in answers if a.dtype.kind in FRACTIONS)


def _run(
    session: onnxruntime.InferenceSession,
    inputs: list[Tensor],
    size: int,
    value: float,
    test_s: float,
) -> list[Array]:
    options = onnxruntime.RunOptions()
    too_long = threading.Event()

    def stop() -> None:
        too_long.set()
        options.terminate = True

    watch = threading.Timer(test_s, stop)
    watch.daemon = True
    watch.start()
    try:
        given = {tensor.name: _filled(tensor, size, value) for tensor in inputs}
        answers = run_graph(session, given, options)
    except Exception as error:  # noqa: BLE001  # the runtime raises a dozen types of its own
        if too_long.is_set():
            raise _TooLong from None
        raise StadionError(Code.INVALID, f"the graph fails on zeros: {str(error)[:500]}") from None
    finally:
        watch.cancel()
    return answers


def _filled(tensor: Tensor, size: int, value: float) -> Array:
    shape = [size if axis is None else axis for axis in tensor.shape]
    if tensor.datatype == "BYTES":
        return np.full(shape, "", dtype=object)
    return np.full(shape, value if tensor.datatype in _FRACTIONS else 0, DATATYPES[tensor.datatype])


def _as_answered(declared: Tensor, answer: Array) -> Tensor:
    """The declared shape where the answer has as many axes; else every axis is free."""
    if len(declared.shape) == answer.ndim:
        return declared
    return dataclasses.replace(declared, shape=(None,) * answer.ndim)
