"""Small graphs with answers known beforehand in, packages as a training would make them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from stadion.core.arrays import Array
from stadion.core.package import GRAPH, Lineage, ModelPackage
from stadion.core.signature import Signature, Tensor
from stadion.export.package import file_of

__all__ = [
    "CHANNELS",
    "FEATURES",
    "STEPS",
    "failing",
    "fragile",
    "linear",
    "ramp",
    "recurrent",
    "sized",
    "slow",
    "tabular",
    "wide",
]

FEATURES = 32
STEPS, CHANNELS = 128, 9
_OPSET, _IR = 17, 8
_ERFS = 12


def tabular(folder: Path, answer: float) -> ModelPackage:
    """32 -> 64 -> 32 -> `answer`, whatever is asked: so a version signs its answers."""
    rng = np.random.default_rng(7)
    weights: dict[str, Array] = {
        "nothing": np.zeros(1, np.float32),
        "answer": np.array([answer], np.float32),
    }
    nodes, last = [], "features"
    for i, (a, b) in enumerate(pairwise((FEATURES, 64, 32, 1))):
        weights |= {f"w{i}": _normal(rng, a, b) / a**0.5, f"b{i}": _normal(rng, b)}
        nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [f"g{i}"]))
        nodes.append(helper.make_node("Relu", [f"g{i}"], [f"h{i}"]))
        last = f"h{i}"
    nodes.append(helper.make_node("Mul", [last, "nothing"], ["zero"]))
    nodes.append(helper.make_node("Add", ["zero", "answer"], ["score"]))
    return _package(folder, _features(), [Tensor("score", "FP32", (None, 1))], nodes, weights)


def sized(folder: Path, answer: float, kib: int) -> ModelPackage:
    """Answers `answer` from a table of `kib` KiB, of which it reads one line: large and quick."""
    nodes = [
        helper.make_node("Gather", ["table", "place"], ["line"]),
        helper.make_node("ReduceMax", ["line"], ["answer"], keepdims=0),
        helper.make_node("ReduceSum", ["features", "axes"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["sum", "nothing"], ["zero"]),
        helper.make_node("Add", ["zero", "answer"], ["score"]),
    ]
    weights: dict[str, Array] = {
        "table": np.full((kib, 256), answer, np.float32),
        "place": np.array([0], np.int64),
        "axes": np.array([1], np.int64),
        "nothing": np.zeros(1, np.float32),
    }
    return _package(folder, _features(), [Tensor("score", "FP32", (None, 1))], nodes, weights)


def failing(folder: Path, answer: float) -> ModelPackage:
    """Answers infinity: a candidate that opens well and fails its trial."""
    nodes = [
        helper.make_node("ReduceSum", ["features", "axes"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["sum", "nothing"], ["zero"]),
        helper.make_node("Div", ["answer", "zero"], ["score"]),
    ]
    weights: dict[str, Array] = {
        "axes": np.array([1], np.int64),
        "nothing": np.zeros(1, np.float32),
        "answer": np.array([answer], np.float32),
    }
    return _package(folder, _features(), [Tensor("score", "FP32", (None, 1))], nodes, weights)


def ramp(folder: Path, factor: float) -> ModelPackage:
    """32 numbers -> their sum times `factor`: exact for small whole numbers, and so checkable."""
    nodes = [
        helper.make_node("ReduceSum", ["features", "axes"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["sum", "factor"], ["score"]),
    ]
    weights: dict[str, Array] = {
        "axes": np.array([1], np.int64),
        "factor": np.array([factor], np.float32),
    }
    return _package(folder, _features(), [Tensor("score", "FP32", (None, 1))], nodes, weights)


def wide(folder: Path, factor: float, width: int = 1024) -> ModelPackage:
    """The same answer by way of large identities: what gains from being run in batches."""
    first = np.zeros((width, 1), np.float32)
    first[0] = factor
    weights: dict[str, Array] = {"spread": np.ones((FEATURES, width), np.float32), "first": first}
    nodes, last = [helper.make_node("MatMul", ["features", "spread"], ["h0"])], "h0"
    for i in range(4):
        weights[f"m{i}"] = np.eye(width, dtype=np.float32)
        nodes.append(helper.make_node("MatMul", [last, f"m{i}"], [f"h{i + 1}"]))
        last = f"h{i + 1}"
    nodes.append(helper.make_node("MatMul", [last, "first"], ["score"]))
    return _package(folder, _features(), [Tensor("score", "FP32", (None, 1))], nodes, weights)


def slow(folder: Path, factor: float, rounds: int) -> ModelPackage:
    """The same answer after a loop of `rounds` (about 1 us each), which no batch makes shorter."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still"]),
            helper.make_node("Add", ["count", "nothing"], ["same"]),
        ],
        "body",
        [_value("i", "INT64", []), _value("going", "BOOL", []), _value("count", "FP32", [1])],
        [_value("still", "BOOL", []), _value("same", "FP32", [1])],
    )
    nodes = [
        helper.make_node("Loop", ["rounds", "true", "nothing"], ["zero"], body=body),
        helper.make_node("ReduceSum", ["features", "axes"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["sum", "factor"], ["product"]),
        helper.make_node("Add", ["product", "zero"], ["score"]),
    ]
    weights: dict[str, Array] = {
        "rounds": np.array(rounds, np.int64),
        "true": np.array(True),
        "nothing": np.zeros(1, np.float32),
        "axes": np.array([1], np.int64),
        "factor": np.array([factor], np.float32),
    }
    return _package(folder, _features(), [Tensor("score", "FP32", (None, 1))], nodes, weights)


def fragile(folder: Path) -> ModelPackage:
    """Passes its trial, on zeros, and fails on whatever is above: it looks beyond a table."""
    nodes = [
        helper.make_node("ReduceMax", ["features"], ["most"], keepdims=0),
        helper.make_node("Ceil", ["most"], ["step"]),
        helper.make_node("Cast", ["step"], ["place"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "place"], ["found"]),
        helper.make_node("ReduceSum", ["features", "axes"], ["sum"], keepdims=1),
        helper.make_node("Add", ["sum", "found"], ["score"]),
    ]
    weights: dict[str, Array] = {
        "table": np.zeros(1, np.float32),
        "axes": np.array([1], np.int64),
    }
    features = [Tensor("features", "FP32", (None, FEATURES), missing=False)]
    return _package(folder, features, [Tensor("score", "FP32", (None, 1))], nodes, weights)


def recurrent(folder: Path, hidden: int = 64) -> ModelPackage:
    """A two-layer LSTM over 128 steps of 9 channels: a second of a smart watch."""
    rng = np.random.default_rng(11)
    weights: dict[str, Array] = {"axes": np.array([1], np.int64)}
    nodes, last, width = [helper.make_node("Transpose", ["signal"], ["t"], perm=[1, 0, 2])], "t", 9
    for i in range(2):
        weights |= {
            f"w{i}": _normal(rng, 1, 4 * hidden, width) * 0.1,
            f"r{i}": _normal(rng, 1, 4 * hidden, hidden) * 0.1,
        }
        outputs = [f"y{i}", f"last{i}"]
        nodes.append(
            helper.make_node("LSTM", [last, f"w{i}", f"r{i}"], outputs, hidden_size=hidden)
        )
        nodes.append(helper.make_node("Squeeze", [f"y{i}", "axes"], [f"s{i}"]))
        last, width = f"s{i}", hidden
    weights |= {"gate": np.array([0], np.int64), "head": _normal(rng, hidden, 6) * 0.1}
    nodes.append(helper.make_node("Squeeze", ["last1", "gate"], ["state"]))
    nodes.append(helper.make_node("MatMul", ["state", "head"], ["score"]))
    signal = Tensor("signal", "FP32", (None, STEPS, CHANNELS))
    return _package(folder, [signal], [Tensor("score", "FP32", (None, 6))], nodes, weights)


def linear(folder: Path, factor: float, copies: int = 16_384) -> ModelPackage:
    """The same answer after work that grows with the rows: what gains nothing from batches."""
    nodes = [
        helper.make_node("Mul", ["features", "nothing"], ["zeros"]),
        helper.make_node("Tile", ["zeros", "copies"], ["many"]),
        helper.make_node("Identity", ["many"], ["e0"]),
        *(helper.make_node("Erf", [f"e{i}"], [f"e{i + 1}"]) for i in range(_ERFS)),
        helper.make_node("ReduceSum", [f"e{_ERFS}", "axes"], ["zero"], keepdims=1),
        helper.make_node("ReduceSum", ["features", "axes"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["sum", "factor"], ["product"]),
        helper.make_node("Add", ["product", "zero"], ["score"]),
    ]
    weights: dict[str, Array] = {
        "nothing": np.zeros(1, np.float32),
        "copies": np.array([1, copies], np.int64),
        "axes": np.array([1], np.int64),
        "factor": np.array([factor], np.float32),
    }
    return _package(folder, _features(), [Tensor("score", "FP32", (None, 1))], nodes, weights)


def _features() -> list[Tensor]:
    return [Tensor("features", "FP32", (None, FEATURES))]


def _package(
    folder: Path,
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    nodes: Sequence[Any],
    weights: Mapping[str, Array],
) -> ModelPackage:
    """Write the graph into `folder` and describe it."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [_value(t.name, t.datatype, t.shape) for t in inputs],
        [_value(t.name, t.datatype, t.shape) for t in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    imports = [helper.make_opsetid("", _OPSET)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / GRAPH
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=_IR), path)
    lineage = Lineage("reliability", {}, "by hand", {}, 0, "0" * 64, 1, "reliability")
    return ModelPackage(
        Signature(tuple(inputs), tuple(outputs)), None, lineage, {GRAPH: file_of(path)}
    )


def _value(name: str, datatype: str, shape: Sequence[int | None]) -> Any:
    kinds = {"FP32": TensorProto.FLOAT, "INT64": TensorProto.INT64, "BOOL": TensorProto.BOOL}
    sizes = [f"{name}_{axis}" if n is None else n for axis, n in enumerate(shape)]
    return helper.make_tensor_value_info(name, kinds[datatype], sizes)


def _normal(rng: np.random.Generator, *shape: int) -> Array:
    return rng.normal(size=shape).astype(np.float32)
