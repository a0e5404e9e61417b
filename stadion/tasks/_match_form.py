"""One side's matches in, what they say of its form, its rest and its workload out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Appearance", "Form", "mean_of"]

_KEPT = 60
_LONGEST_DAYS = 400.0


class Appearance(NamedTuple):
    """One match of one side.

    Parameters
    ----------
    surprise
        Score (1, 0.5 or 0) minus what the ratings expected.
    margin, half_margin
        Goals or share of games beyond the other's; NaN where not known.
    load
        Games played.
    """

    day: int
    score: float
    surprise: float
    margin: float
    half_margin: float
    load: float
    place: str
    ended_early: bool


class Form:
    """The last 60 matches of one side."""

    __slots__ = ("matches", "ranks")

    def __init__(self) -> None:
        self.matches: deque[Appearance] = deque(maxlen=_KEPT)
        self.ranks: deque[tuple[int, float]] = deque(maxlen=_KEPT)

    def add(self, appearance: Appearance, rank: float = math.nan) -> None:
        """Remember a match."""
        self.matches.append(appearance)
        if rank >= 1.0:
            self.ranks.append((appearance.day, rank))

    def days_off(self, day: int) -> float:
        """Since the last match, at most 400; NaN before the first."""
        return min(day - self.matches[-1].day, _LONGEST_DAYS) if self.matches else math.nan

    def last(self, count: int, place: str = "") -> list[Appearance]:
        """The latest first, of one place where one is named."""
        found: list[Appearance] = []
        for one in reversed(self.matches):
            if not place or one.place == place:
                found.append(one)
                if len(found) == count:
                    break
        return found

    def within(self, day: int, days: int) -> list[Appearance]:
        """All of the last `days` days, the latest first."""
        found: list[Appearance] = []
        for one in reversed(self.matches):
            if day - one.day > days:
                break
            found.append(one)
        return found

    def rank_gain(self, day: int, rank: float, ago: tuple[int, int]) -> float:
        """Logarithm of the rank some days ago over the rank now; NaN where one is not known."""
        for then, before in self.ranks:
            if ago[0] <= day - then <= ago[1]:
                return math.log(before / rank) if rank >= 1.0 else math.nan
        return math.nan


def mean_of(values: Sequence[float], at_least: int = 1) -> float:
    """Mean of what is known, over no fewer than `at_least`; NaN where nothing is."""
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / max(len(known), at_least) if known else math.nan
