"""Array types and the digest of a set of arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Arrays", "FloatArray", "IntArray", "digest_of_arrays"]

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]
Arrays = Mapping[str, Array]


def digest_of_arrays(arrays: Arrays) -> str:
    """SHA-256 over names, datatypes, shapes and bytes, independent of the mapping's order.

    Examples
    --------
    >>> a = {"x": np.zeros(2), "y": np.ones(1)}
    >>> digest_of_arrays(a) == digest_of_arrays(dict(reversed(a.items())))
    True
    """
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        state.update(array.astype("U").tobytes() if array.dtype == object else array.tobytes())
    return state.hexdigest()
