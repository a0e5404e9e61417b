"""A map of InferParameter in, plain values out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stadion.core.dataset import Scalar
from stadion.core.errors import Code, StadionError

__all__ = ["read_parameters"]


def read_parameters(given: Mapping[str, Any]) -> dict[str, Scalar]:
    """Name -> truth, whole number, number or text, whichever field is set.

    Raises
    ------
    StadionError
        INVALID when none is.
    """
    found: dict[str, Scalar] = {}
    for name, value in given.items():
        kind = value.WhichOneof("parameter_choice")
        if kind is None:
            raise StadionError(
                Code.INVALID, f"parameter {name[:80]!r} has no value; expected one of its fields"
            )
        found[name] = getattr(value, kind)
    return found
