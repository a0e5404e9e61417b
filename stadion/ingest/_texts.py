"""Texts of a column in, an array of them out, which one endless cell cannot blow up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stadion.core.arrays import Array

__all__ = ["texts_of"]

_MOST_CHARACTERS = 1_000_000  # of a column; an array gives each cell the room of the longest
_LEAST, _MOST = 100, 4000  # of a cell


def texts_of(values: Sequence[str]) -> Array:
    """(n,) texts; what is far too long for so many rows is cut and ends in '…'.

    Examples
    --------
    >>> texts_of(["run", "swim"]).tolist()
    ['run', 'swim']
    """
    most = min(max(_MOST_CHARACTERS // max(len(values), 1), _LEAST), _MOST)
    cut = [value if len(value) <= most else f"{value[: most - 1]}…" for value in values]
    return np.array(cut, np.str_)
