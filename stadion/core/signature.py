"""What a model takes and gives: tensors with units, meaning and the values they may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np

from stadion.core.arrays import Array, Arrays
from stadion.core.errors import Code, StadionError

__all__ = ["DATATYPES", "FRACTIONS", "Signature", "Tensor"]

DATATYPES: dict[str, np.dtype[np.generic]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(np.object_),
}

FRACTIONS = "fV"
"""Kinds of the datatypes that hold NaN; numpy counts bfloat16 among the voids."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One named array at the model's door.

    Parameters
    ----------
    shape
        One entry per axis; None = free. The first axis is the rows of the request.
    columns
        Names along the last axis (sensor axes, class labels); empty where there are none.
    step_s
        Seconds between entries of axis 1 when that axis is time; None when it is not.
    low, high
        The values that make sense; the model was not trained outside them.
    missing
        True when NaN (null in JSON) is allowed and means 'not measured'.
    """

    name: str
    datatype: str
    shape: tuple[int | None, ...]
    unit: str = "1"
    meaning: str = ""
    columns: tuple[str, ...] = ()
    step_s: float | None = None
    low: float | None = None
    high: float | None = None
    missing: bool = True

    def __post_init__(self) -> None:
        for name in ("step_s", "low", "high"):  # a whole number is written 3.0 like its kind
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, float(value))

    def check(self, array: Array) -> None:
        """Refuse an array of another datatype or shape, naming tensor, expected and received."""
        expected = DATATYPES[self.datatype]
        if array.dtype != expected:
            raise StadionError(
                Code.INVALID,
                f"tensor {self.name!r} has datatype {_datatype_of(array)}; "
                f"expected {self.datatype}",
            )
        fits = len(array.shape) == len(self.shape) and all(
            want is None or want == got for want, got in zip(self.shape, array.shape, strict=True)
        )
        if not fits:
            raise StadionError(
                Code.INVALID,
                f"tensor {self.name!r} has shape {list(array.shape)}; "
                f"expected {self.wire_shape} (-1 = free)",
            )
        if not self.missing and array.dtype.kind in FRACTIONS and np.isnan(array).any():
            raise StadionError(
                Code.INVALID, f"tensor {self.name!r} holds missing values; expected none"
            )

    @property
    def wire_shape(self) -> list[int]:
        """The shape as protocols write it: -1 for a free axis."""
        return [-1 if size is None else size for size in self.shape]


def _datatype_of(array: Array) -> str:
    names = (name for name, dtype in DATATYPES.items() if dtype == array.dtype)
    return next(names, str(array.dtype))


@dataclass(frozen=True, slots=True)
class Signature:
    """All inputs and outputs of a model.

    `labels` maps an output that holds class probabilities to the names of its classes; an
    output that is not in it is a quantity. A target of the training set has its output's name.
    `selected` tells what the model chose to read, in words ('speed: mean'); empty = everything.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    selected: tuple[str, ...] = ()

    def check_inputs(self, arrays: Arrays) -> int:
        """Refuse missing, unknown or ill-shaped inputs; return the number of rows.

        Raises
        ------
        StadionError
            INVALID, naming the tensor, what was expected and what was received.
        """
        expected = [tensor.name for tensor in self.inputs]
        for name in arrays:
            if name not in expected:
                raise StadionError(
                    Code.INVALID, f"there is no input tensor {name!r}; expected {expected}"
                )
        rows: int | None = None
        for tensor in self.inputs:
            if tensor.name not in arrays:
                raise StadionError(
                    Code.INVALID,
                    f"input tensor {tensor.name!r} is missing; expected {expected}, "
                    f"received {sorted(arrays)}",
                )
            array = arrays[tensor.name]
            tensor.check(array)
            if tensor.shape and tensor.shape[0] is None:
                if rows is not None and array.shape[0] != rows:
                    raise StadionError(
                        Code.INVALID,
                        f"tensor {tensor.name!r} has {array.shape[0]} rows; "
                        f"expected {rows} as in the tensors before it",
                    )
                rows = array.shape[0]
        return 1 if rows is None else rows

    def input(self, name: str) -> Tensor:
        """The input of that name; KeyError otherwise."""
        return _named(self.inputs, name)

    def output(self, name: str) -> Tensor:
        """The output of that name; KeyError otherwise."""
        return _named(self.outputs, name)


def _named(tensors: tuple[Tensor, ...], name: str) -> Tensor:
    """The tensor of that name; KeyError otherwise."""
    for tensor in tensors:
        if tensor.name == name:
            return tensor
    raise KeyError(name)
