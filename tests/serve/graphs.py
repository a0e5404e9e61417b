"""Small real ONNX graphs, each wrapped in the package that a training would have made of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from stadion.core.arrays import Array
from stadion.core.package import GRAPH, Lineage, ModelFile, ModelPackage
from stadion.core.signature import Signature, Tensor

__all__ = [
    "CLASSES",
    "classes",
    "constant",
    "echo",
    "endless",
    "half",
    "heart_rate",
    "heart_rate_by_hand",
    "identity",
    "package",
    "patient",
    "sum_of_two",
    "texts",
]

CLASSES = ("badminton", "running", "standing", "walking")
FEATURES = 32
_KINDS = {
    "FP64": TensorProto.DOUBLE,
    "FP32": TensorProto.FLOAT,
    "FP16": TensorProto.FLOAT16,
    "BF16": TensorProto.BFLOAT16,
    **{
        f"{sign}INT{bits}": getattr(TensorProto, f"{sign}INT{bits}")
        for sign in ("", "U")
        for bits in (8, 16, 32, 64)
    },
    "BOOL": TensorProto.BOOL,
    "BYTES": TensorProto.STRING,
}


def package(
    folder: Path,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    nodes: Sequence[Any],
    weights: Mapping[str, Array] | None = None,
    labels: Mapping[str, tuple[str, ...]] | None = None,
) -> ModelPackage:
    """Write the graph into a folder of its digest and describe it."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [_value(tensor) for tensor in inputs],
        [_value(tensor) for tensor in outputs],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return wrap(
        folder, model.SerializeToString(), Signature(tuple(inputs), tuple(outputs), labels or {})
    )


def wrap(folder: Path, content: bytes, signature: Signature, name: str = GRAPH) -> ModelPackage:
    """Any bytes as the model of a package."""
    digest = hashlib.sha256(content).hexdigest()
    path = folder / digest / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    lineage = Lineage("workout", {}, "by hand", {}, 0, "0" * 64, 1, "tests")
    return ModelPackage(
        signature, None, lineage, {name: ModelFile(str(path), digest, len(content))}
    )


def _value(tensor: Tensor) -> Any:
    shape = [f"{tensor.name}{axis}" if n is None else n for axis, n in enumerate(tensor.shape)]
    return helper.make_tensor_value_info(tensor.name, _KINDS[tensor.datatype], shape)


def _layers() -> list[tuple[Array, Array]]:
    rng = np.random.default_rng(7)
    sizes = [FEATURES, 64, 32, 1]
    return [
        (
            (rng.normal(size=(a, b)) / a**0.5).astype(np.float32),
            rng.normal(size=b).astype(np.float32),
        )
        for a, b in pairwise(sizes)
    ]


MEANS = np.linspace(-1, 1, FEATURES, dtype=np.float32)


def heart_rate(folder: Path) -> ModelPackage:
    """32 features, missing ones imputed by their mean -> 64 -> 32 -> heart rate."""
    nodes = [
        helper.make_node("IsNaN", ["features"], ["absent"]),
        helper.make_node("Where", ["absent", "means", "features"], ["h0"]),
    ]
    weights: dict[str, Array] = {"means": MEANS}
    for i, (matrix, bias) in enumerate(_layers()):
        weights |= {f"w{i}": matrix, f"b{i}": bias}
        out = "heart_rate" if i == 2 else f"g{i}"
        nodes.append(helper.make_node("Gemm", [f"h{i}", f"w{i}", f"b{i}"], [out]))
        if i < 2:
            nodes.append(helper.make_node("Relu", [f"g{i}"], [f"h{i + 1}"]))
    return package(
        folder,
        [Tensor("features", "FP32", (None, FEATURES))],
        [Tensor("heart_rate", "FP32", (None, 1), unit="bpm")],
        nodes,
        weights,
    )


def heart_rate_by_hand(features: Array) -> Array:
    """The same in numpy."""
    h = np.where(np.isnan(features), MEANS, features)
    for i, (matrix, bias) in enumerate(_layers()):
        h = h @ matrix + bias
        h = h if i == 2 else np.maximum(h, 0)
    return h


def classes(folder: Path) -> ModelPackage:
    """Four scores -> probabilities of four activities; NaN scores count as 0."""
    nodes = [
        helper.make_node("IsNaN", ["scores"], ["absent"]),
        helper.make_node("Where", ["absent", "zero", "scores"], ["known"]),
        helper.make_node("Softmax", ["known"], ["activity"], axis=-1),
    ]
    return package(
        folder,
        [Tensor("scores", "FP32", (None, 4))],
        [Tensor("activity", "FP32", (None, 4), columns=CLASSES)],
        nodes,
        {"zero": np.zeros(1, np.float32)},
        {"activity": CLASSES},
    )


def constant(folder: Path, value: float) -> ModelPackage:
    """x -> x * 0 + value: which version answered can be read from the answer."""
    nodes = [
        helper.make_node("Mul", ["x", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "value"], ["y"]),
    ]
    weights = {"zero": np.zeros(1, np.float32), "value": np.array([value], np.float32)}
    return package(folder, [_x(missing=False)], [Tensor("y", "FP32", (None, 1))], nodes, weights)


def echo(folder: Path) -> ModelPackage:
    """x -> x, any number of columns, missing allowed."""
    x, y = Tensor("x", "FP32", (None, None)), Tensor("y", "FP32", (None, None))
    return package(folder, [x], [y], [helper.make_node("Identity", ["x"], ["y"])])


def identity(folder: Path, datatype: str) -> ModelPackage:
    """x -> y, the same, of any datatype; two free axes."""
    x, y = Tensor("x", datatype, (None, None)), Tensor("y", datatype, (None, None))
    return package(folder, [x], [y], [helper.make_node("Identity", ["x"], ["y"])])


def half(folder: Path) -> ModelPackage:
    """FP16 in, twice as much out."""
    x, y = Tensor("x", "FP16", (None, 2)), Tensor("y", "FP16", (None, 2))
    return package(folder, [x], [y], [helper.make_node("Add", ["x", "x"], ["y"])])


def texts(folder: Path) -> ModelPackage:
    """BYTES in, the same out."""
    x, y = Tensor("x", "BYTES", (None,)), Tensor("y", "BYTES", (None,))
    return package(folder, [x], [y], [helper.make_node("Identity", ["x"], ["y"])])


def sum_of_two(folder: Path) -> ModelPackage:
    """Two inputs of different types, two outputs."""
    inputs = [Tensor("a", "INT64", (None, 2)), Tensor("b", "INT64", (None, 2))]
    outputs = [Tensor("total", "INT64", (None, 2)), Tensor("larger", "BOOL", (None, 2))]
    nodes = [
        helper.make_node("Add", ["a", "b"], ["total"]),
        helper.make_node("Greater", ["a", "b"], ["larger"]),
    ]
    return package(folder, inputs, outputs, nodes)


def patient(folder: Path) -> ModelPackage:
    """Turns a loop `rounds` times (about 1 us each) and gives that number back."""
    rounds, done = Tensor("rounds", "INT64", (1,)), Tensor("done", "INT64", (1,))
    return _looping(folder, rounds, done, forever=False)


def endless(folder: Path) -> ModelPackage:
    """Never ends, whatever is asked."""
    rounds, done = Tensor("rounds", "INT64", (1,)), Tensor("done", "INT64", (1,))
    return _looping(folder, rounds, done, forever=True)


def _looping(folder: Path, rounds: Tensor, done: Tensor, *, forever: bool) -> ModelPackage:
    scalar = [
        helper.make_tensor_value_info("i", TensorProto.INT64, []),
        helper.make_tensor_value_info("going", TensorProto.BOOL, []),
        helper.make_tensor_value_info("count", TensorProto.INT64, [1]),
    ]
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still"]),
            helper.make_node("Add", ["count", "one"], ["more"]),
        ],
        "body",
        scalar,
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("more", TensorProto.INT64, [1]),
        ],
    )
    limit = "" if forever else "rounds"
    nodes = [
        helper.make_node("Mul", ["rounds", "nothing"], ["begin"]),
        helper.make_node("Loop", [limit, "true", "begin"], ["done"], body=body),
    ]
    weights: dict[str, Array] = {
        "one": np.ones(1, np.int64),
        "nothing": np.zeros(1, np.int64),
        "true": np.array(True),
    }
    return package(folder, [rounds], [done], nodes, weights)


def _x(*, missing: bool) -> Tensor:
    return Tensor("x", "FP32", (None, 1), missing=missing)
