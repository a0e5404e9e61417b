"""JSON text of plain numbers in, their values out, or None where it is anything else."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import simdjson

from stadion.core.arrays import Array

__all__ = ["read_floats"]

_LONGEST = 4 << 20  # the parser's own memory is eight times the text


class _Parsers(threading.local):
    """A parser keeps its memory from one text to the next, and serves one thread."""

    def __init__(self) -> None:
        self.own = simdjson.Parser()


_parsers = _Parsers()


def read_floats(text: bytes) -> Array | None:
    """The numbers of a JSON list, nested or not, in their order: (n,) float64.

    Four times as fast as making a Python float of each. A text with null or anything else that
    is no number is left to who can say what is wrong with it.
    """
    if len(text) > _LONGEST:
        return None
    try:
        parsed: Any = _parsers.own.parse(text)
        return np.frombuffer(parsed.as_buffer(of_type="d"))
    except (ValueError, TypeError, RuntimeError, AttributeError):
        return None
