"""A tensor of a signature in, its declaration in an ONNX graph out."""

from __future__ import annotations

import onnx
from onnx import helper

from stadion.core.signature import DATATYPES, Tensor

__all__ = ["value_info"]


def value_info(tensor: Tensor) -> onnx.ValueInfoProto:
    """Name, datatype and axes; the free axes are named, the first one `rows`."""
    kind = helper.np_dtype_to_tensor_dtype(DATATYPES[tensor.datatype])
    axes = [
        size if size is not None else ("rows" if axis == 0 else f"{tensor.name}_{axis}")
        for axis, size in enumerate(tensor.shape)
    ]
    return helper.make_tensor_value_info(tensor.name, kind, axes)
