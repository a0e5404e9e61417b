"""What a trained model can do, whatever trained it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from stadion.core.arrays import Array, Arrays
from stadion.core.signature import Signature

__all__ = ["Model"]


class Model(Protocol):
    """A trained model over physical units, NaN = missing."""

    @property
    def signature(self) -> Signature:
        """What it takes and gives: the data set's outputs first; it may give more after them."""
        ...

    def predict(self, inputs: Arrays) -> dict[str, Array]:
        """Outputs by name for (n, ...) inputs; changes nothing."""
        ...

    def to_onnx(self, path: Path) -> None:
        """Write the whole answer, from physical units to outputs, as one ONNX graph."""
        ...
