"""A torch module over a signature's tensors in; one ONNX file, physical units to answer, out."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from stadion.core.signature import DATATYPES, Signature
from stadion.core.signature import Tensor as TensorSpec

__all__ = ["OPSET", "write_graph"]

OPSET = 17
_FREE_SIZE = 8  # stands for a free axis other than the rows while the module is traced


def write_graph(module: nn.Module, signature: Signature, path: Path) -> None:
    """Write `module` as an ONNX graph; the module itself stays as it was.

    The names of inputs and outputs are the signature's, in its order. The axes the signature
    leaves free, rows above all, are free in the graph. See docs/decisions/0003-onnx-exporter.md.

    Parameters
    ----------
    module
        `forward(*inputs)` takes the input tensors in the signature's order and returns one
        tensor, or a tuple of tensors in the order of the signature's outputs.
    """
    still = copy.deepcopy(module).to("cpu").eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    with _quiet(), torch.no_grad():
        torch.onnx.export(
            still,
            tuple(_example(tensor) for tensor in signature.inputs),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[tensor.name for tensor in signature.inputs],
            output_names=[tensor.name for tensor in signature.outputs],
            dynamic_axes={
                tensor.name: _free_axes(tensor)
                for tensor in (*signature.inputs, *signature.outputs)
            },
        )
    _declare_sizes(signature, path)


def _declare_sizes(signature: Signature, path: Path) -> None:
    """The exporter loses sight of fixed sizes behind a reshape; the signature knows them."""
    model = onnx.load(path)
    for value, tensor in zip(model.graph.output, signature.outputs, strict=True):
        for dimension, size in zip(value.type.tensor_type.shape.dim, tensor.shape, strict=True):
            if size is not None:
                dimension.dim_value = size
    onnx.save(model, path)


def _example(tensor: TensorSpec) -> torch.Tensor:
    """Two rows of zeros: one row would let the tracer take the row axis for a constant."""
    sizes = [_FREE_SIZE if size is None else size for size in tensor.shape]
    return torch.from_numpy(np.zeros((2, *sizes[1:]), dtype=DATATYPES[tensor.datatype]))


def _free_axes(tensor: TensorSpec) -> dict[int, str]:
    """Names of the free axes; sequences share the name of their time axis."""
    named = {
        axis: f"{tensor.name}_{axis}" for axis, size in enumerate(tensor.shape) if size is None
    }
    if tensor.step_s is not None and 1 in named:
        named[1] = "time"
    return {**named, 0: "rows"}


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of its own future and of traced constants; no user can act on that."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
