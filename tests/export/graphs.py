"""Small ONNX files, good and bad, as strangers may bring them; a model whose graph may lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from stadion.core.arrays import Array, Arrays
from stadion.core.package import Lineage
from stadion.core.signature import Signature, Tensor

__all__ = [
    "LINEAGE",
    "SAMPLES",
    "SIGNATURE",
    "Doubling",
    "doubling_graph",
    "model_of",
    "saved",
    "value",
]

SIGNATURE = Signature(
    (Tensor("speed", "FP32", (None, 3), "m/s"),),
    (Tensor("effort", "FP32", (None, 3), "W", missing=False),),
)
SAMPLES = {"speed": np.arange(24, dtype=np.float32).reshape(8, 3)}
LINEAGE = Lineage("toy", {}, "doubling", {}, 0, "0" * 64, 8, "test")


def value(name: str, shape: Sequence[int | str] | None, kind: int = TensorProto.FLOAT) -> Any:
    """An input or output of a graph."""
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(
    nodes: list[onnx.NodeProto],
    constants: dict[str, Array] | None = None,
    inputs: list[Any] | None = None,
    outputs: list[Any] | None = None,
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """A model from `speed` (rows, 3) to `effort` (rows, 3), unless told otherwise."""
    graph = helper.make_graph(
        nodes,
        "graph",
        inputs or [value("speed", ["rows", 3])],
        outputs or [value("effort", ["rows", 3])],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="stranger")


def saved(model: onnx.ModelProto, path: Path) -> Path:
    onnx.save(model, path)
    return path


@dataclass
class Doubling:
    """Twice the speed, nothing for what is missing; `graph` is what it writes."""

    graph: onnx.ModelProto
    factor: float = 2.0
    signature: Signature = SIGNATURE

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        return {"effort": np.nan_to_num(inputs["speed"]) * np.float32(self.factor)}

    def to_onnx(self, path: Path) -> None:
        saved(self.graph, path)


def doubling_graph(**more: Any) -> onnx.ModelProto:
    """What `Doubling` promises: NaN counts as 0."""
    nodes = [
        helper.make_node("IsNaN", ["speed"], ["lost"]),
        helper.make_node("Where", ["lost", "zero", "speed"], ["known"]),
        helper.make_node("Mul", ["known", "two"], ["effort"]),
    ]
    constants: dict[str, Array] = {
        "zero": np.zeros((), np.float32),
        "two": np.array(2.0, np.float32),
    }
    return model_of(nodes, constants, **more)
