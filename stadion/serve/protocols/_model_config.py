"""A deployed version in, its configuration as Triton's clients read it out."""

from __future__ import annotations

from typing import Any

from stadion.core.package import ModelPackage
from stadion.core.signature import Tensor
from stadion.serve.messages import Placement

__all__ = ["model_config"]


def model_config(placement: Placement, version: int) -> dict[str, Any]:
    """Triton's ModelConfig in JSON.

    Where all tensors begin with a free axis, that axis is the rows of the request: `dims` go
    without it, and `max_batch_size` is how many rows of different requests share a run. It does
    not limit the rows of one request.
    """
    package = placement.packages[version]
    plan = placement.deployment.plan(version)
    most = plan.max_rows if plan is not None else 1
    has_rows = _has_rows(package)
    config: dict[str, Any] = {
        "name": placement.deployment.model,
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "default_model_filename": next(iter(package.files)),
        "version_policy": {"specific": {"versions": sorted(placement.packages)}},
        "max_batch_size": max(1, most) if has_rows else 0,
        "input": [_tensor(t, has_rows) for t in package.signature.inputs],
        "output": [_tensor(t, has_rows) for t in package.signature.outputs],
        "model_transaction_policy": {"decoupled": False},
    }
    if has_rows and most > 1:
        config["dynamic_batching"] = {}
    return config


def _has_rows(package: ModelPackage) -> bool:
    tensors = (*package.signature.inputs, *package.signature.outputs)
    return all(tensor.shape[:1] == (None,) for tensor in tensors)


def _tensor(tensor: Tensor, has_rows: bool) -> dict[str, Any]:
    datatype = "STRING" if tensor.datatype == "BYTES" else tensor.datatype
    return {
        "name": tensor.name,
        "data_type": f"TYPE_{datatype}",
        "dims": tensor.wire_shape[1:] if has_rows else tensor.wire_shape,
    }
