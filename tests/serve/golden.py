"""The golden tensors: for every datatype the values at its edges, which all protocols must return.

Each is two-dimensional, so that one identity graph per datatype, `graphs.identity`, takes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np

from stadion.core.arrays import Array
from stadion.core.signature import DATATYPES

__all__ = ["BINARY_ONLY", "GOLDEN", "NO_JSON", "assert_same"]


def _integers(datatype: str) -> Array:
    dtype: Any = DATATYPES[datatype]
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return np.array([[low, low + 1, 0], [1, high - 1, high]], dtype)


def _fractions(datatype: str) -> Array:
    """Zeroes, denormals, the smallest and the largest, what no power of two divides, NaN."""
    dtype = DATATYPES[datatype]
    limits: Any = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]  # knows all four
    denormal, tiny, most = limits.smallest_subnormal, limits.tiny, limits.max
    values = [0.0, -0.0, denormal, -denormal, tiny, -tiny, most, -most, 0.1, -1 / 3, 1.0, np.nan]
    return np.array(values, dtype).reshape(3, 4)


def _infinite(datatype: str) -> Array:
    return np.array([[np.inf, -np.inf, np.nan, 1.5]], DATATYPES[datatype])


def _strings(rows: Sequence[Sequence[bytes]]) -> Array:
    found = np.empty((len(rows), len(rows[0])), object)
    for at, row in enumerate(rows):
        found[at] = list(row)
    return found


_INTEGERS = [name for name, dtype in DATATYPES.items() if dtype.kind in "iu"]
_FRACTIONS = ["FP16", "BF16", "FP32", "FP64"]
_TEXTS = [
    [b"", b"a", "Zürich".encode(), "走る🏃".encode()],
    [b'"quoted", [x] {y}', b"back\\slash", b"line\nend\ttab", b"nul\x00inside"],
]
_OPAQUE = [
    [b"\xff\xd8\xff\xe0", b"\x80", b"half \xc3", bytes(range(256))],
    ["\U0010ffff".encode(), "\U0010ff80 \U0010fffe".encode(), b"\xed\xa0\x80", b""],
]

GOLDEN: dict[str, tuple[str, Array]] = {
    "BOOL": ("BOOL", np.array([[True, False], [False, True], [True, True]])),
    **{name: (name, _integers(name)) for name in _INTEGERS},
    **{name: (name, _fractions(name)) for name in _FRACTIONS},
    **{f"{name} infinite": (name, _infinite(name)) for name in _FRACTIONS},
    "BYTES": ("BYTES", _strings(_TEXTS)),
    "BYTES empty": ("BYTES", _strings([[b""]])),
    "BYTES opaque": ("BYTES", _strings(_OPAQUE)),
}
"""Name -> (datatype, array); BYTES are arrays of bytes objects."""

NO_JSON = frozenset({*(f"{name} infinite" for name in _FRACTIONS)})
"""What no JSON has a value for."""

BINARY_ONLY = NO_JSON | {"FP16", "BF16", "BYTES opaque"}
"""What the Open Inference Protocol carries in binary form only."""


def assert_same(found: Array, wanted: Array) -> None:
    """Equal in datatype, shape and every bit; any NaN is as good as another."""
    assert found.dtype == wanted.dtype, (found.dtype, wanted.dtype)
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    if wanted.dtype == object:
        assert found.tolist() == wanted.tolist()
        return
    same = found.view(f"V{found.itemsize}") == wanted.view(f"V{wanted.itemsize}")
    if wanted.dtype.kind in "fV":
        same |= np.isnan(found) & np.isnan(wanted)
    assert same.all(), (found[~same], wanted[~same])
