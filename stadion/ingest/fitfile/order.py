"""Times of a damaged file in, those that cannot be right out."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray

__all__ = ["out_of_order"]

_BLOCK = 3  # so many in a row that agree with each other are a block that was moved, no damage
_MOST_STEP_S = 60.0
_ALONE_S = 6 * 3600.0


def out_of_order(times: FloatArray) -> IntArray:
    """Places of the times that jump out of the order which most of the others keep.

    Parameters
    ----------
    times
        (n,) finite seconds, in the order of the file.

    Examples
    --------
    >>> import numpy as np
    >>> out_of_order(np.array([1.0, 2.0, 5.0, 4.0, 5.0, 6.0]))
    array([2])
    """
    kept: IntArray = np.array(_longest_rise(times.tolist()), np.int64)
    if not len(kept):
        return kept
    kept = _evened(times, kept)
    # Times that repeat their neighbour's are in order as well.
    place = np.searchsorted(kept, np.arange(len(times)), side="right")
    before = times[kept[np.maximum(place - 1, 0)]]
    after = times[kept[np.minimum(place, len(kept) - 1)]]
    odd = ((place > 0) & (times < before)) | ((place < len(kept)) & (times > after))
    steps = np.diff(times, prepend=np.nan)
    is_joined = odd & np.roll(odd, 1) & (steps >= 0) & (steps <= _MOST_STEP_S)
    for start, end in _runs(is_joined):  # the first of a block is joined to none
        if end - start + 1 >= _BLOCK:
            odd[start - 1 : end] = False
    rest = times[~odd]
    if len(rest) > _BLOCK:
        gaps = np.diff(rest)
        places = np.flatnonzero(~odd)
        odd[places[0]] = _is_alone(gaps[0], gaps[1:])
        odd[places[-1]] = _is_alone(gaps[-1], gaps[:-1])
    return np.flatnonzero(odd)


def _evened(times: FloatArray, kept: IntArray) -> IntArray:
    """The same rise with the one of two neighbours that stands nearer the middle.

    When one of them could be left out as well as the other, the rise itself takes the later.
    """
    if len(kept) < 3:
        return kept
    before, own, after = kept[:-2], kept[1:-1], kept[2:]
    other = own - 1
    could_be = (before < other) & (times[before] < times[other]) & (times[other] < times[after])
    middle = (times[before] + times[after]) / 2
    is_nearer = np.abs(times[other] - middle) < np.abs(times[own] - middle)
    evened = kept.copy()
    evened[1:-1] = np.where(could_be & is_nearer, other, own)
    return evened


def _is_alone(gap: float, others: FloatArray) -> bool:
    """True for the first or last of a recording that is hours away from all the rest."""
    return bool(gap > _ALONE_S and gap > 10 * others.max())


def _runs(is_in: Array) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(is_in, prepend=False, append=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _longest_rise(times: list[float]) -> list[int]:
    """Places of a longest sequence that rises, or of all when none falls (patience sorting)."""
    if all(a <= b for a, b in pairwise(times)):
        return list(range(len(times)))
    tops: list[float] = []
    at: list[int] = []
    before: list[int] = []
    for place, time in enumerate(times):
        pile = bisect_left(tops, time)
        before.append(at[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [time]
        at[pile : pile + 1] = [place]
    chain: list[int] = []
    place = at[-1]
    while place >= 0:
        chain.append(place)
        place = before[place]
    return chain[::-1]
