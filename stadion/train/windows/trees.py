"""Boosted trees of LightGBM in; the nodes of an ONNX graph that decide the same out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import lightgbm
import numpy as np
import onnx
from onnx import helper

__all__ = ["TREES_DOMAIN", "TREES_OPSET", "trees_node"]

TREES_DOMAIN, TREES_OPSET = "ai.onnx.ml", 3
_KINDS = {"nodes": ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids",
                    "falsenodeids", "missing_value_tracks_true"),
          "target": ("treeids", "nodeids", "ids", "weights")}  # fmt: skip


def trees_node(boosters: Sequence[lightgbm.Booster], features: str, scores: str) -> onnx.NodeProto:
    """One node that adds up all trees: (n, d) float32 features -> (n, columns) raw scores.

    Column i is the raw score of booster i, or of its class i when there is one booster of many
    classes. LightGBM goes left where x <= t with t in float64; x is float32 here, so t rounded
    down to float32 decides every x alike. A missing x goes the way LightGBM sends it: the
    default way of the node, or that of 0 where the training rows had none missing.

    References
    ----------
    ONNX operator schemas, ai.onnx.ml TreeEnsembleRegressor, version 3.
    """
    columns = sum(booster.num_model_per_iteration() for booster in boosters)
    attributes: dict[str, list[Any]] = {
        f"{kind}_{name}": [] for kind, names in _KINDS.items() for name in names
    }
    for number, (column, tree) in enumerate(_trees(boosters)):
        _append(attributes, number, column, tree)
    node = helper.make_node("TreeEnsembleRegressor", [features], [scores], domain=TREES_DOMAIN)
    fixed = {"n_targets": columns, "aggregate_function": "SUM", "post_transform": "NONE"}
    node.attribute.extend(
        helper.make_attribute(name, value) for name, value in {**fixed, **attributes}.items()
    )
    return node


def _trees(boosters: Sequence[lightgbm.Booster]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each tree with the column it adds to."""
    first = 0
    for booster in boosters:
        per_round = booster.num_model_per_iteration()
        for number, tree in enumerate(booster.dump_model()["tree_info"]):
            yield first + number % per_round, tree["tree_structure"]
        first += per_round


def _append(attributes: dict[str, list[Any]], tree: int, column: int, root: dict[str, Any]) -> None:
    """The tree's nodes, numbered as they are met."""
    waiting, next_id = [(0, root)], 1
    while waiting:
        node_id, node = waiting.pop()
        if "split_feature" not in node:
            _row(attributes, "nodes", (tree, node_id, 0, 0.0, "LEAF", 0, 0, 0))
            _row(attributes, "target", (tree, node_id, column, float(node["leaf_value"])))
            continue
        left, right = next_id, next_id + 1
        next_id += 2
        threshold = _rounded_down(float(node["threshold"]))
        row = (tree, node_id, node["split_feature"], threshold, "BRANCH_LEQ", left, right)
        _row(attributes, "nodes", (*row, int(_missing_goes_left(node))))
        waiting += [(left, node["left_child"]), (right, node["right_child"])]


def _row(attributes: dict[str, list[Any]], kind: str, values: tuple[Any, ...]) -> None:
    for name, value in zip(_KINDS[kind], values, strict=True):
        attributes[f"{kind}_{name}"].append(value)


def _missing_goes_left(node: dict[str, Any]) -> bool:
    if node["missing_type"] == "NaN":
        return bool(node["default_left"])
    return float(node["threshold"]) >= 0.0


def _rounded_down(threshold: float) -> float:
    """The largest float32 that is not above."""
    with np.errstate(over="ignore"):
        near = np.float32(threshold)  # infinite for the split of NaN from all numbers
    # as float: numpy compares a float32 with a Python number in float32, where they are equal
    above = float(near) > threshold
    return float(np.nextafter(near, np.float32(-np.inf)) if above else near)
