"""A seed in; the three networks that are served out, each as one plain ONNX file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from stadion.core.arrays import Array

__all__ = ["MODELS", "Network", "row", "write_model"]

_OPSET, _IR = 17, 8


class _Graph:
    """Nodes and seeded weights as they are added; every node's output feeds the next."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.weights: dict[str, Array] = {}

    def add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """A node of that kind; the name of its output."""
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def weight(self, *shape: int, fan_in: int) -> str:
        """Numbers of a size that keeps the signal's, as a trained network has them."""
        values = self.random.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32)
        return self.constant(values)

    def constant(self, values: Array) -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = values
        return name

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        return self.add(
            "Gemm", [x, self.weight(inputs, outputs, fan_in=inputs), self.weight(outputs, fan_in=1)]
        )


@dataclass(frozen=True, slots=True)
class Network:
    """One of the served networks: what it takes, what it gives, and how it is made."""

    name: str
    what: str
    input: str
    shape: tuple[int, ...]
    output: str
    outputs: int
    make: Callable[[_Graph, str], str]


def write_model(network: Network, folder: Path, seed: int) -> Path:
    """The network with weights from the seed, rows free, as `folder/NAME.onnx`."""
    graph = _Graph(seed)
    last = network.make(graph, network.input)
    graph.nodes[-1].output[0] = network.output
    for node in graph.nodes[:-1]:
        assert last not in node.input
    made = helper.make_graph(
        graph.nodes,
        network.name,
        [_value(network.input, network.shape)],
        [_value(network.output, (network.outputs,))],
        [numpy_helper.from_array(array, name) for name, array in graph.weights.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    onnx.checker.check_model(model, full_check=True)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{network.name}.onnx"
    onnx.save(model, path)
    return path


def row(network: Network, seed: int, rows: int = 1) -> Array:
    """Made-up input in [0, 1), as scaled features and pictures are."""
    return np.random.default_rng(seed).random((rows, *network.shape), np.float32)


def _value(name: str, shape: Sequence[int]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", *shape])


def _tabular(graph: _Graph, x: str) -> str:
    sizes = (32, 64, 32, 1)
    for inputs, outputs in pairwise(sizes):
        x = graph.dense(x, inputs, outputs)
        if outputs > 1:
            x = graph.add("Relu", [x])
    return x


def _lstm(graph: _Graph, x: str, channels: int = 9, hidden: int = 64) -> str:
    """Two layers over time, the last moment's state to a score per class."""
    x = graph.add("Transpose", [x], perm=[1, 0, 2])
    for inputs in (channels, hidden):
        weights = [
            graph.weight(1, 4 * hidden, inputs, fan_in=2 * inputs),
            graph.weight(1, 4 * hidden, hidden, fan_in=2 * hidden),
            graph.constant(np.zeros((1, 8 * hidden), np.float32)),
        ]
        x = graph.add("LSTM", [x, *weights], hidden_size=hidden)
        x = graph.add("Squeeze", [x, graph.constant(np.array([1]))])
    last = graph.add("Gather", [x, graph.constant(np.array(-1))], axis=0)
    return graph.add("Softmax", [graph.dense(last, hidden, 6)], axis=-1)


def _cnn(graph: _Graph, x: str) -> str:
    """SqueezeNet 1.1: ten steps of convolution that end in a score for each of 1000 classes."""
    x = _convolution(graph, x, 3, 64, 3, stride=2)
    channels = 64
    for squeeze, expand, halve in _FIRES:
        if halve:
            x = graph.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])
        narrow = _convolution(graph, x, channels, squeeze, 1)
        parts = [
            _convolution(graph, narrow, squeeze, expand, 1),
            _convolution(graph, narrow, squeeze, expand, 3, pad=1),
        ]
        x, channels = graph.add("Concat", parts, axis=1), 2 * expand
    x = _convolution(graph, x, channels, 1000, 1)
    return graph.add("Flatten", [graph.add("GlobalAveragePool", [x])])


_FIRES = (
    (16, 64, True), (16, 64, False), (32, 128, True), (32, 128, False),
    (48, 192, True), (48, 192, False), (64, 256, False), (64, 256, False),
)  # fmt: skip
"""Squeeze and expand widths, and whether the picture is halved before, of SqueezeNet 1.1."""


def _convolution(
    graph: _Graph, x: str, inputs: int, outputs: int, size: int, stride: int = 1, pad: int = 0
) -> str:
    weights = [
        graph.weight(outputs, inputs, size, size, fan_in=inputs * size**2),
        graph.constant(np.zeros(outputs, np.float32)),
    ]
    x = graph.add(
        "Conv", [x, *weights], kernel_shape=[size, size], strides=[stride] * 2, pads=[pad] * 4
    )
    return graph.add("Relu", [x])


MODELS: Mapping[str, Network] = {
    network.name: network
    for network in (
        Network("tabular", "32 -> 64 -> 32 -> 1", "features", (32,), "score", 1, _tabular),
        Network("lstm", "LSTM 128x9 -> 2x64 -> 6", "window", (128, 9), "activity", 6, _lstm),
        Network("cnn", "SqueezeNet 1.1, 3x224x224", "image", (3, 224, 224), "scores", 1000, _cnn),
    )
}
