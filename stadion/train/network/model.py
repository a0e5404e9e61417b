"""A trained torch module in; a model that predicts arrays and writes itself as a graph out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from stadion.core.arrays import Array, Arrays
from stadion.core.signature import Signature
from stadion.train.network.onnx_graph import write_graph

__all__ = ["TorchModel"]

_BATCH = 512  # rows at once: bounds the memory of a large request


@dataclass(frozen=True, slots=True, eq=False)
class TorchModel:
    """A model over physical units, NaN = missing; several threads may ask it at once.

    Parameters
    ----------
    module
        On the CPU and in eval mode; takes the inputs in the signature's order and gives a tuple
        of the outputs in theirs.
    """

    module: nn.Module
    signature: Signature

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        """Outputs by name for (n, ...) inputs.

        Raises
        ------
        StadionError
            INVALID for inputs that are not the signature's.
        """
        rows = self.signature.check_inputs(inputs)
        if not rows:
            one = self._run({t.name: _blank(inputs[t.name]) for t in self.signature.inputs}, 0)
            return {name: values[:0] for name, values in one.items()}
        parts = [self._run(inputs, start) for start in range(0, rows, _BATCH)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def to_onnx(self, path: Path) -> None:
        """Write the whole answer, from physical units to outputs, as one ONNX graph."""
        write_graph(self.module, self.signature, path)

    def _run(self, inputs: Arrays, start: int) -> dict[str, Array]:
        names = [tensor.name for tensor in self.signature.inputs]
        with torch.inference_mode():
            tensors = [torch.tensor(inputs[name][start : start + _BATCH]) for name in names]
            outputs = self.module(*tensors)
        named = zip(self.signature.outputs, outputs, strict=True)
        return {tensor.name: values.numpy() for tensor, values in named}


def _blank(values: Array) -> Array:
    """One row of zeros like these rows."""
    return np.zeros((1, *values.shape[1:]), values.dtype)
