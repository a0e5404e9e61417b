"""A library that is not installed in, the extra that brings it out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from stadion.core.errors import Code, StadionError

__all__ = ["from_extra"]

_BRINGS = {"train": {"torch", "lightning", "lightgbm", "onnx", "optuna"}}


@contextmanager
def from_extra(extra: str) -> Iterator[None]:
    """Inside, a missing library of that extra is UNSUPPORTED with how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _BRINGS[extra]:
            raise
        raise StadionError(
            Code.UNSUPPORTED,
            f"this needs {library}, which is not installed",
            f"pip install 'stadion[{extra}]'",
        ) from None
