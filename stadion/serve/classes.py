"""Scores in, the best classes out, as Triton's classification extension writes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError

__all__ = ["best_classes"]


def best_classes(array: Array, count: int, labels: tuple[str, ...], name: str) -> Array:
    """(..., k) scores -> (..., count) texts 'value:index:label', best first.

    Parameters
    ----------
    labels
        Names of the classes; without one, the text ends with the index.
    name
        Of the output, for the error.

    Raises
    ------
    StadionError
        INVALID when the output is no row of scores for each row of the request.
    """
    if array.ndim < 2 or array.dtype == object:
        raise StadionError(
            Code.INVALID,
            f"output {name!r} has shape {list(array.shape)}; classification needs a row "
            "of scores for each row of the request",
        )
    rows = array.reshape(-1, array.shape[-1])
    best = np.argsort(-rows.astype(np.float64), axis=1, kind="stable")[:, :count]
    found = np.empty(best.shape, object)
    for row, (scores, order) in enumerate(zip(rows, best, strict=True)):
        found[row] = [_class(scores[index], int(index), labels) for index in order]
    return found.reshape(*array.shape[:-1], best.shape[1])


def _class(score: Any, index: int, labels: tuple[str, ...]) -> bytes:
    label = f":{labels[index]}" if index < len(labels) else ""
    return f"{score}:{index}{label}".encode()
