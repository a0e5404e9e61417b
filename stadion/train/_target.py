"""A training set in; what each output has to learn, checked and ready for numpy, out."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Tensor

__all__ = ["Target", "answerable", "targets_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One output's truth.

    Parameters
    ----------
    labels
        (n,) int64 class indices, -1 = unknown; None for a quantity.
    values
        (n, size) float64: 1 in the column of the true class and 0 elsewhere, or the quantity
        with all its axes in one row; NaN = unknown.
    shape
        The output's axes after the rows; `size` is their product.
    """

    name: str
    labels: IntArray | None
    values: FloatArray
    shape: tuple[int, ...]

    def take(self, rows: IntArray) -> Target:
        """The truth of some of the rows."""
        labels = None if self.labels is None else self.labels[rows]
        return Target(self.name, labels, self.values[rows], self.shape)

    @property
    def known(self) -> Array:
        """(n,) True for the rows whose truth is known in every column."""
        return np.asarray(np.isfinite(self.values).all(axis=1))

    @property
    def size(self) -> int:
        """Number of columns."""
        return prod(self.shape)


def answerable(data: Dataset) -> Dataset:
    """The rows that any target can be learned from: one value of its truth is known at least."""
    known = np.zeros(len(data), np.bool_)
    for values in data.targets.values():
        told = values >= 0 if values.dtype.kind in "iu" else np.isfinite(values)
        known |= told.any(axis=tuple(range(1, told.ndim)))
    return data if known.all() else data.take(known)


def targets_of(data: Dataset) -> tuple[Target, ...]:
    """What the outputs of the signature have to learn, in its order.

    Each is known in some of the rows: who learns it takes those.

    Raises
    ------
    StadionError
        INVALID for a target that is missing, has another shape than its output or a column
        without any value, for one class only, and when there are no rows (left by `answerable`).
    """
    if not len(data):
        raise StadionError(Code.INVALID, "the training set has no row whose target is known")
    return tuple(_target(data, output) for output in data.signature.outputs)


def _target(data: Dataset, output: Tensor) -> Target:
    if output.name not in data.targets:
        raise StadionError(
            Code.INVALID,
            f"the training set has no target {output.name!r}; it has {', '.join(data.targets)}",
        )
    values = np.asarray(data.targets[output.name])
    if output.name in data.signature.labels:
        return _classes(output.name, values, len(data.signature.labels[output.name]))
    return _quantity(output, values)


def _classes(name: str, labels: Array, classes: int) -> Target:
    if labels.dtype.kind not in "iu" or labels.ndim != 1 or not _inside(labels, classes):
        raise StadionError(
            Code.INVALID,
            f"target {name!r} is {labels.dtype} {list(labels.shape)}; expected one class index "
            f"from 0 to {classes - 1} per row, or -1 for unknown",
        )
    known = labels >= 0
    if len(np.unique(labels[known])) < 2:
        raise StadionError(
            Code.INVALID, f"target {name!r} holds one class only; expected two or more"
        )
    values = np.where(known[:, None], np.eye(classes)[labels], np.nan)
    return Target(name, labels.astype(np.int64), values, (classes,))


def _inside(labels: Array, classes: int) -> bool:
    return bool(labels.min() >= -1 and labels.max() < classes)


def _quantity(output: Tensor, values: Array) -> Target:
    sizes = tuple(size for size in output.shape[1:] if size is not None)
    if values.dtype.kind not in "iuf" or values.shape[1:] != sizes:
        raise StadionError(
            Code.INVALID,
            f"target {output.name!r} is {values.dtype} {list(values.shape)}; expected numbers of "
            f"shape {output.wire_shape}",
        )
    if len(sizes) != len(output.shape) - 1:
        raise StadionError(
            Code.UNSUPPORTED,
            f"output {output.name!r} has shape {output.wire_shape}; only rows may be free",
        )
    flat = values.reshape(len(values), -1).astype(np.float64)
    if not np.isfinite(flat).any(axis=0).all():
        raise StadionError(
            Code.INVALID, f"target {output.name!r} has a column without any value; expected some"
        )
    return Target(output.name, None, flat, sizes)
