"""A network's features in; class probabilities or physical quantities, and their losses, out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from stadion.core.arrays import Array, Arrays
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature
from stadion.core.signature import Tensor as TensorSpec
from stadion.train.network.front import center_and_scale
from stadion.train.network.settings import LoopSettings

__all__ = ["Answer", "ClassAnswer", "QuantityAnswer", "check_targets"]


class ClassAnswer(nn.Module):
    """Probabilities of the classes, (n, K).

    Parameters
    ----------
    features
        Columns of what `forward` gets.
    targets
        (n,) class index of the training rows: sets the class weights where asked for.
    """

    weights: Tensor

    def __init__(
        self, tensor: TensorSpec, features: int, targets: Array, settings: LoopSettings
    ) -> None:
        super().__init__()
        classes = int(tensor.shape[1] or 0)
        counts = np.bincount(targets, minlength=classes)
        weights = np.ones(classes)
        if settings.class_weights == "balanced":
            weights = len(targets) / (np.maximum(counts, 1) * np.count_nonzero(counts))
        self.register_buffer("weights", torch.tensor(weights, dtype=torch.float32))
        self._smoothing = settings.label_smoothing
        self._layer = nn.Linear(features, classes)

    def forward(self, features: Tensor) -> Tensor:
        """The logits, which the loss takes."""
        return self._layer(features)  # type: ignore[no-any-return]

    def physical(self, raw: Tensor) -> Tensor:
        """The probabilities."""
        return torch.softmax(raw, dim=1)

    def target(self, values: Array) -> Tensor:
        """(n,) int64."""
        return torch.tensor(values, dtype=torch.int64)

    def loss(self, raw: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of the rows' weighted cross entropies, and sum of their weights."""
        total = functional.cross_entropy(
            raw, target, self.weights, reduction="sum", label_smoothing=self._smoothing
        )
        return total, self.weights[target].sum()


class QuantityAnswer(nn.Module):
    """A quantity of any fixed shape, in physical units.

    Its columns are learned around their median and in units of their spread, so that quantities
    of different units weigh alike. NaN in a target counts for nothing in the loss.
    """

    center: Tensor
    scale: Tensor

    def __init__(
        self, tensor: TensorSpec, features: int, targets: Array, settings: LoopSettings
    ) -> None:
        super().__init__()
        self._shape = [int(size or 0) for size in tensor.shape[1:]]
        columns = targets.reshape(len(targets), -1).T
        stats = np.array([center_and_scale(column) for column in columns], np.float32)
        self.register_buffer("center", torch.from_numpy(stats[:, 0].copy()))
        self.register_buffer("scale", torch.from_numpy(stats[:, 1].copy()))
        self._loss = _LOSSES[settings.loss]
        self._layer = nn.Linear(features, prod(self._shape))

    def forward(self, features: Tensor) -> Tensor:
        """(n, columns) in units of the spread, which the loss takes."""
        return self._layer(features)  # type: ignore[no-any-return]

    def physical(self, raw: Tensor) -> Tensor:
        """The quantity in its unit and shape."""
        return (raw * self.scale + self.center).reshape(-1, *self._shape)

    def target(self, values: Array) -> Tensor:
        """(n, columns) float32."""
        return torch.tensor(values.reshape(len(values), -1), dtype=torch.float32)

    def loss(self, raw: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of the losses of the known values, and their number."""
        known = torch.isfinite(target)
        wanted = torch.where(known, (target - self.center) / self.scale, raw.detach())
        return self._loss(raw, wanted), known.sum()


Answer = ClassAnswer | QuantityAnswer

_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mae": partial(functional.l1_loss, reduction="sum"),
    "mse": partial(functional.mse_loss, reduction="sum"),
    "huber": partial(functional.huber_loss, reduction="sum"),
}


def check_targets(signature: Signature, targets: Arrays) -> None:
    """Refuse a training set that a network cannot learn from.

    Raises
    ------
    StadionError
        INVALID, naming the target: absent, of a class that has no label, of one class only,
        without any value, of a free shape or of another datatype than FP32.
    """
    for tensor in signature.outputs:
        if tensor.name not in targets:
            raise StadionError(
                Code.INVALID, f"there is no target {tensor.name!r}; there is {sorted(targets)}"
            )
        if tensor.datatype != "FP32" or None in tensor.shape[1:]:
            raise StadionError(
                Code.INVALID,
                f"output {tensor.name!r} is {tensor.datatype} {tensor.wire_shape}; "
                "expected FP32 with every axis after the rows fixed",
            )
        labels = signature.labels.get(tensor.name)
        if labels is None:
            _check_quantity(tensor, targets[tensor.name])
        else:
            _check_classes(tensor, labels, targets[tensor.name])


def _check_classes(tensor: TensorSpec, labels: tuple[str, ...], values: Array) -> None:
    if tensor.shape[1:] != (len(labels),):
        problem = f"output has shape {tensor.wire_shape}; expected [-1, {len(labels)}]"
    elif values.dtype.kind not in "iu" or values.ndim != 1:
        problem = f"target is {values.dtype} {list(values.shape)}; expected int64 class indices"
    elif len(values) and not (values.min() >= 0 and values.max() < len(labels)):
        problem = f"target holds {values.min()} to {values.max()}; expected 0 to {len(labels) - 1}"
    elif len(np.unique(values)) < 2:
        problem = f"target holds {len(np.unique(values))} class; expected at least two"
    else:
        return
    raise StadionError(Code.INVALID, f"{tensor.name!r}: {problem}")


def _check_quantity(tensor: TensorSpec, values: Array) -> None:
    if values.shape[1:] != tensor.shape[1:]:
        problem = f"target has shape {list(values.shape)}; expected {tensor.wire_shape}"
    elif values.dtype.kind not in "fiu":
        problem = f"target is {values.dtype}; expected numbers"
    elif not np.isfinite(values).any():
        problem = "target holds no value; expected at least one row with one"
    else:
        return
    raise StadionError(Code.INVALID, f"{tensor.name!r}: {problem}")
