"""A model and the margins of its outputs in; a model that answers with intervals out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, helper, numpy_helper

from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.model import Model
from stadion.core.signature import Signature, Tensor
from stadion.train.graphs.merge import merged
from stadion.train.graphs.values import value_info

__all__ = ["IntervalModel", "Margin"]

_POINT, _HARD = "point", "hard"


@dataclass(frozen=True, slots=True, eq=False)
class Margin:
    """How far an output's interval reaches.

    Parameters
    ----------
    size
        (...) per column of a quantity; for class probabilities one number, or (T, 1) for a class
        at each of T places: the least probability of a class that stays in the set.
    floor
        (...) the least expected size of an error where the margin grows with the row's hardness:
        then it is `size` times the larger of both. None: `size` alone.
    is_told
        True where the model itself expects the size of the error, in its output `<name>_spread`.
    """

    size: FloatArray
    floor: FloatArray | None = None
    is_told: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class IntervalModel:
    """The answers of `inner`, and around each of `margins` what the truth will lie in.

    A quantity `y` gets `y_low` and `y_high`, inside the limits the signature states for it. Class
    probabilities `c` get `c_set`, (n, K) bool: the classes that cannot be ruled out.
    """

    inner: Model
    margins: Mapping[str, Margin]
    hardness: Model | None = None

    @property
    def signature(self) -> Signature:
        """The inner one's, and the bounds after its outputs."""
        inner = self.inner.signature
        bounds = [
            bound
            for tensor in inner.outputs
            if tensor.name in self.margins
            for bound in _bounds(tensor, inner)
        ]
        return Signature(inner.inputs, (*inner.outputs, *bounds), inner.labels)

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        """Outputs by name; see `core.model.Model`."""
        return self.around(self.inner.predict(inputs), inputs)

    def around(self, answers: Arrays, inputs: Arrays) -> dict[str, Array]:
        """The inner one's answers to `inputs`, with the bounds added."""
        answers = dict(answers)
        hard = self.hardness.predict(inputs) if self.hardness else {}
        for name, margin in self.margins.items():
            values = answers[name]
            if name in self.inner.signature.labels:
                answers[f"{name}_set"] = values >= margin.size.astype(values.dtype)
                continue
            reach = margin.size.astype(np.float32)
            if margin.floor is not None:
                expected = answers[f"{name}_spread"] if margin.is_told else hard[name]
                reach = reach * np.maximum(expected, margin.floor.astype(np.float32))
            tensor = self.inner.signature.output(name)
            answers[f"{name}_low"] = np.clip(values - reach, tensor.low, tensor.high)
            answers[f"{name}_high"] = np.clip(values + reach, tensor.low, tensor.high)
        return answers

    def to_onnx(self, path: Path) -> None:
        """The inner graph, the one of the hardness beside it, and the bounds after both."""
        model = self._parts()
        graph = model.graph
        answers = {value.name: value for value in graph.output}
        del graph.output[:]
        for tensor in self.inner.signature.outputs:
            inside = answers[f"{_POINT}/{tensor.name}"]
            graph.node.append(helper.make_node("Identity", [inside.name], [tensor.name]))
            inside.name = tensor.name
            graph.output.append(inside)
        for name, margin in self.margins.items():
            if name in self.inner.signature.labels:
                _append_set(graph, name, margin)
            else:
                _append_bounds(graph, self.inner.signature.output(name), margin)
        for tensor in self.signature.outputs[len(self.inner.signature.outputs) :]:
            graph.output.append(value_info(tensor))
        onnx.save(model, path)

    def _parts(self) -> onnx.ModelProto:
        parts = {_POINT: self.inner} | ({_HARD: self.hardness} if self.hardness else {})
        with tempfile.TemporaryDirectory() as folder:
            graphs: dict[str, onnx.ModelProto] = {}
            for name, part in parts.items():
                part.to_onnx(Path(folder) / name)
                graphs[name] = onnx.load(Path(folder) / name)
        return merged(graphs, [tensor.name for tensor in self.inner.signature.inputs])


def _bounds(tensor: Tensor, signature: Signature) -> list[Tensor]:
    if tensor.name in signature.labels:
        meaning = f"classes of {tensor.name} that cannot be ruled out"
        return [
            Tensor(f"{tensor.name}_set", "BOOL", tensor.shape, "1", meaning, tensor.columns,
                   missing=False)
        ]  # fmt: skip
    return [
        Tensor(f"{tensor.name}_{side}", tensor.datatype, tensor.shape, tensor.unit,
               f"{word} end of the interval around {tensor.name}", tensor.columns, tensor.step_s,
               tensor.low, tensor.high, missing=False)
        for side, word in (("low", "lower"), ("high", "upper"))
    ]  # fmt: skip


def _append_set(graph: GraphProto, name: str, margin: Margin) -> None:
    least = f"{name}:least"
    graph.initializer.append(numpy_helper.from_array(margin.size.astype(np.float32), least))
    graph.node.append(helper.make_node("GreaterOrEqual", [name, least], [f"{name}_set"]))


def _append_bounds(graph: GraphProto, tensor: Tensor, margin: Margin) -> None:
    name = tensor.name
    reach = f"{name}:reach"
    graph.initializer.append(numpy_helper.from_array(margin.size.astype(np.float32), reach))
    if margin.floor is not None:
        floor, size, grown = f"{name}:floor", f"{name}:size", f"{name}:grown"
        graph.initializer.append(numpy_helper.from_array(margin.floor.astype(np.float32), floor))
        expected = f"{name}_spread" if margin.is_told else f"{_HARD}/{name}"
        graph.node.append(helper.make_node("Max", [expected, floor], [size]))
        graph.node.append(helper.make_node("Mul", [reach, size], [grown]))
        reach = grown
    limits = [_limit(graph, f"{name}:{side}", value) for side, value in
              (("lowest", tensor.low), ("highest", tensor.high))]  # fmt: skip
    for operator, side in (("Sub", "low"), ("Add", "high")):
        free = f"{name}:{side}"
        graph.node.append(helper.make_node(operator, [name, reach], [free]))
        graph.node.append(helper.make_node("Clip", [free, *limits], [f"{name}_{side}"]))


def _limit(graph: GraphProto, name: str, value: float | None) -> str:
    """Name of a constant; the empty name, ONNX's word for no limit, without a value."""
    if value is None:
        return ""
    graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    return name
