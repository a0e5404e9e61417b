"""A training set in; the model that answers without looking at its inputs out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import helper, numpy_helper

from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.dataset import Dataset
from stadion.core.signature import DATATYPES, Signature
from stadion.train._target import Target, answerable, targets_of
from stadion.train.base import Run
from stadion.train.graphs.values import value_info

__all__ = ["PLUGIN", "Baseline", "BaselineSettings", "ConstantModel"]

_OPSET, _IR = 17, 8


@dataclass(frozen=True, slots=True)
class BaselineSettings:
    """`center` is the constant for a quantity: the mean is best for rmse, the median for mae."""

    center: Literal["mean", "median"] = "mean"


@dataclass(frozen=True, slots=True, eq=False)
class ConstantModel:
    """The same answer for every row: output name -> (...) without the rows' axis."""

    signature: Signature
    answers: Mapping[str, FloatArray]

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        """The constants, once per row."""
        rows = self.signature.check_inputs(inputs)
        return {
            tensor.name: np.repeat(
                self.answers[tensor.name][None].astype(DATATYPES[tensor.datatype]), rows, axis=0
            )
            for tensor in self.signature.outputs
        }

    def to_onnx(self, path: Path) -> None:
        """A graph that takes all inputs, counts the rows of the first and ignores the rest."""
        first = self.signature.inputs[0].name
        nodes = [
            helper.make_node("Shape", [first], ["shape"]),
            helper.make_node("Slice", ["shape", "zero", "one"], ["rows"]),
        ]
        constants = [
            numpy_helper.from_array(np.array([0], np.int64), "zero"),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
        ]
        for tensor in self.signature.outputs:
            value = self.answers[tensor.name].astype(DATATYPES[tensor.datatype])
            name = tensor.name
            constants.append(numpy_helper.from_array(value[None], f"{name}:value"))
            constants.append(
                numpy_helper.from_array(np.array(value.shape, np.int64), f"{name}:axes")
            )
            nodes.append(
                helper.make_node("Concat", ["rows", f"{name}:axes"], [f"{name}:shape"], axis=0)
            )
            nodes.append(helper.make_node("Expand", [f"{name}:value", f"{name}:shape"], [name]))
        graph = helper.make_graph(
            nodes,
            "baseline",
            [value_info(tensor) for tensor in self.signature.inputs],
            [value_info(tensor) for tensor in self.signature.outputs],
            constants,
        )
        opset = [helper.make_opsetid("", _OPSET)]
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=_IR), path)


class Baseline:
    """Answers with the classes' frequencies, or with the mean of the quantity."""

    name = "baseline"
    summary = "the most frequent class or the mean, whatever the inputs: what others must beat"
    Settings: type[BaselineSettings] = BaselineSettings

    def fit(self, data: Dataset, settings: BaselineSettings, run: Run) -> ConstantModel:
        """Count or average the targets."""
        answers = {
            target.name: _constant(target, settings) for target in targets_of(answerable(data))
        }
        return ConstantModel(data.signature, answers)


def _constant(target: Target, settings: BaselineSettings) -> FloatArray:
    of_quantity = target.labels is None and settings.center == "median"
    center = np.nanmedian if of_quantity else np.nanmean
    constant: FloatArray = center(target.values, axis=0).reshape(target.shape)
    return constant


PLUGIN = Baseline()
