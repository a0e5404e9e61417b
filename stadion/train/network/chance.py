"""A seed, an epoch and a step in; the order of the rows and the seed of that step out.

Nothing here has a state: what a step sees and draws depends on these numbers alone, so a run
continued from any checkpoint draws what the undisturbed one would have drawn.
"""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import IntArray

__all__ = ["batches_of", "batches_per_epoch", "seed_of"]

_SMALLEST, _LARGEST = 16, 32  # of the batches nobody chose: a twentieth of the rows between them


def seed_of(*numbers: int) -> int:
    """One 63-bit seed out of several numbers; (1, 2) and (2, 1) give unrelated ones."""
    state = np.random.SeedSequence([number % 2**64 for number in numbers])
    return int(state.generate_state(1, np.uint64)[0] >> 1)


def batches_per_epoch(rows: int, batch_size: int | None) -> int:
    """Number of batches of nearly equal size; none has fewer than two of two or more rows."""
    size = batch_size or min(max(rows // 20, _SMALLEST), _LARGEST)
    return max(1, min(round(rows / size), rows // 2))


def batches_of(rows: int, batch_size: int | None, seed: int, epoch: int) -> list[IntArray]:
    """Row numbers of every batch of one epoch, shuffled."""
    order = np.random.default_rng(seed_of(seed, epoch)).permutation(rows)
    return np.array_split(order, batches_per_epoch(rows, batch_size))
