"""Measured values in, the same with a share of them blanked as sensors lose them out."""

from __future__ import annotations

import zlib

import numpy as np

from stadion.core.arrays import Array, Arrays
from stadion.core.signature import FRACTIONS, Signature

__all__ = ["blanked"]


def blanked(
    inputs: Arrays, share: float, seed: int, signature: Signature | None = None
) -> dict[str, Array]:
    """Blank a share of the values: whole channels, blocks of time and single values.

    Each of the three takes its part independently of the others, with the chance
    ``1 - (1 - share) ** (1 / 3)`` for any one value, so that a value is lost with the chance
    ``share`` whatever is missing already. A block runs over ``sqrt(chance)`` of the time, where
    it occurs; in half of the rows it takes all channels of a tensor at once, as a sensor that
    falls silent does. Values without a time axis are lost one by one. Numbers that hold no NaN
    (whole numbers, text) stay as they are.

    Parameters
    ----------
    inputs
        Name -> (n rows, ...) as a signature says. The arrays are not changed.
    share
        0 to 1: chance of each value to be blanked.
    seed
        Equal seed and inputs, equal holes; the order of the names does not count.
    signature
        Which tensors have a time axis, and which may not be missing (those stay whole). Without
        it the second axis of an array of two axes or more is taken for time.

    Examples
    --------
    >>> found = blanked({"speed": np.ones((400, 50))}, 0.3, seed=1)
    >>> bool(abs(np.isnan(found["speed"]).mean() - 0.3) < 0.03)
    True
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share is {share}; expected 0 to 1")
    known = {tensor.name: tensor for tensor in signature.inputs} if signature else {}
    result: dict[str, Array] = {}
    for name, values in inputs.items():
        tensor = known.get(name)
        if values.dtype.kind not in FRACTIONS or (tensor is not None and not tensor.missing):
            result[name] = values
            continue
        is_series = values.ndim > 1 and (tensor is None or tensor.step_s is not None)
        chance = np.random.default_rng([seed % 2**63, zlib.crc32(name.encode())])
        lost = _series_holes if is_series else _single_holes
        holed = values.copy()
        holed[lost(values.shape, share, chance)] = np.nan
        result[name] = holed
    return result


def _single_holes(shape: tuple[int, ...], share: float, chance: np.random.Generator) -> Array:
    return chance.random(shape, dtype=np.float32) < share


def _series_holes(shape: tuple[int, ...], share: float, chance: np.random.Generator) -> Array:
    """True where lost: (n, T) or (n, T, ...), whose channels are all axes after time."""
    rows, steps = shape[:2]
    channels = int(np.prod(shape[2:], dtype=np.int64))
    each = 1.0 - (1.0 - share) ** (1.0 / 3.0)
    lost = _single_holes((rows, steps, channels), each, chance)
    lost |= chance.random((rows, 1, channels)) < each
    lost |= _blocks(rows, steps, channels, each, chance)
    return lost.reshape(shape)


def _blocks(
    rows: int, steps: int, channels: int, share: float, chance: np.random.Generator
) -> Array:
    """(n, T, C); a block that runs out of the end goes on at the start, so no step is spared."""
    part = np.sqrt(share)
    hit, start, more = chance.random((3, rows, 1, channels))
    together = chance.random((rows, 1, 1)) < 0.5
    hit, start, more = (np.where(together, one[:, :, :1], one) for one in (hit, start, more))
    length = np.floor(part * steps + more)  # of this length on average
    place = np.arange(steps)[None, :, None]
    lost: Array = ((place - np.floor(start * steps)) % steps < length) & (hit < part)
    return lost
