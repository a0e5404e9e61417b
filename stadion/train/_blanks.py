"""A training set in; the same rows, and after them copies with holes, out."""

from __future__ import annotations

import dataclasses

import numpy as np

from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.science.missing import blanked
from stadion.train.network.chance import seed_of

__all__ = ["with_blanked_copies"]

_PURPOSE = 0xB1A7  # what this seed is drawn for
_PARTS = (0.5, 1.0, 1.5)  # of the share: little is missing in some rows, much in others
_MOST = 0.9
_FRACTIONS = ("FP", "BF")


def with_blanked_copies(data: Dataset, rate: float, seed: int, rows: Array) -> Dataset:
    """The set, followed by one blanked copy of each of some rows.

    Parameters
    ----------
    rate
        Share of the values that the copies lose, counted over rows and copies together: a copy of
        every row loses twice as much. A third of the copies loses half of that, a third half as
        much again.
    rows
        (k,) indices of the rows to copy. A copy keeps its row's targets, group and time.

    Returns
    -------
    Dataset
        (n + k) rows, of which the first n are the given ones; the given set where none of its
        inputs may be missing.
    """
    if not any(t.missing and t.datatype.startswith(_FRACTIONS) for t in data.signature.inputs):
        return data
    mean = rate * (len(data) + len(rows)) / max(1, len(rows))
    copies = data.take(rows)
    order = np.random.default_rng(seed_of(seed, _PURPOSE)).permutation(len(rows))
    inputs = {name: values.copy() for name, values in copies.inputs.items()}
    for number, part in enumerate(np.array_split(order, len(_PARTS))):
        share = min(mean * _PARTS[number], _MOST)
        some = {name: values[part] for name, values in copies.inputs.items()}
        holed = blanked(some, share, seed_of(seed, _PURPOSE, number), data.signature)
        for name, values in holed.items():
            inputs[name][part] = values
    both = data.take(np.concatenate([np.arange(len(data)), rows]))
    joined = {name: np.concatenate([data.inputs[name], inputs[name]]) for name in inputs}
    return dataclasses.replace(both, inputs=joined)
