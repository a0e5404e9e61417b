"""A graph of both orders and the trees in; the graph that answers with chances out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np
import onnx
from onnx import helper, numpy_helper

from stadion.core.arrays import Array
from stadion.train.windows.trees import TREES_DOMAIN, TREES_OPSET, trees_node

__all__ = ["append_answer"]


def append_answer(
    model: onnx.ModelProto,
    output: str,
    classes: int,
    boosters: Sequence[lightgbm.Booster],
    linear_share: float,
) -> None:
    """Trees on `features` (2n, d), their share of the log-odds, and the softmax.

    The graph brings `features`, `linear` (n, classes) and `share` (n, 1) as outputs; they become
    inner values, and `output` (n, classes) takes their place.
    """
    graph = model.graph
    del graph.output[:]
    columns = 1 if classes == 2 else classes
    constants: dict[str, Array] = {
        "two_orders": np.array([2, -1, len(boosters), columns], np.int64),
        "first": np.array(0, np.int64),
        "second": np.array(1, np.int64),
        "backwards": np.arange(classes)[::-1].astype(np.int64).copy(),
        "one": np.array(1.0, np.float32),
        "none": np.array(0.0, np.float32),
        "of_trees": np.array(1.0 - linear_share, np.float32),
        "of_linear": np.array(linear_share, np.float32),
    }
    graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in constants.items())
    graph.node.append(trees_node(boosters, "features", "scores"))

    def add(kind: str, inputs: Sequence[str], name: str, **attributes: Any) -> None:
        graph.node.append(helper.make_node(kind, inputs, [name], **attributes))

    add("Reshape", ["scores", "two_orders"], "by_bag")
    add("ReduceMean", ["by_bag"], "by_order", axes=[2], keepdims=0)
    add("Gather", ["by_order", "first"], "straight", axis=0)
    add("Gather", ["by_order", "second"], "other_order", axis=0)
    if classes == 2:
        add("Neg", ["other_order"], "turned")
    else:
        add("Gather", ["other_order", "backwards"], "turned", axis=1)
    add("Sub", ["one", "share"], "rest")
    add("Mul", ["straight", "share"], "of_straight")
    add("Mul", ["turned", "rest"], "of_turned")
    add("Add", ["of_straight", "of_turned"], "won" if classes == 2 else "grown")
    if classes == 2:
        add("Mul", ["won", "none"], "lost")
        add("Concat", ["won", "lost"], "grown", axis=1)
    add("Mul", ["grown", "of_trees"], "trees_part")
    add("Mul", ["linear", "of_linear"], "linear_part")
    add("Add", ["trees_part", "linear_part"], "log_odds")
    add("Softmax", ["log_odds"], output, axis=1)
    graph.output.append(
        helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, ["rows", classes])
    )
    model.opset_import.append(helper.make_opsetid(TREES_DOMAIN, TREES_OPSET))
