"""Goal differences in, strengths at home and away out: the pi-rating."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = ["PiTable"]

_BASE = 10.0
_SCALE = 3.0
_LEARNED = 0.05
_CARRIED = 0.6  # over to the strength at the other place


def _goals(rating: float) -> float:
    """Goal difference a rating stands for against an average team."""
    return math.copysign(math.pow(_BASE, abs(rating) / _SCALE) - 1.0, rating)


@dataclass(slots=True, eq=False)
class PiTable:
    """Per team a rating at home and one away; on neutral ground their mean.

    References
    ----------
    A. Constantinou, N. Fenton, Determining the level of ability of football teams by dynamic
    ratings based on the relative discrepancies in scores between adversaries, J. Quant. Anal.
    Sports 9 (2013) 37-50, equations 1-8 (lambda 0.05 and gamma 0.6 here).
    """

    ratings: dict[str, list[float]] = field(default_factory=dict)

    def rating(self, name: str, home: float) -> float:
        """Where the team is at home (1), away (-1) or neither (0)."""
        at_home, away = self.ratings.get(name, (0.0, 0.0))
        return at_home if home > 0 else away if home < 0 else (at_home + away) / 2.0

    def expected(self, name: str, other: str, home: float) -> float:
        """Goal difference to expect."""
        return _goals(self.rating(name, home)) - _goals(self.rating(other, -home))

    def start(self, name: str, rating: float) -> None:
        """Give a newcomer another rating than 0."""
        self.ratings.setdefault(name, [rating, rating])

    def update(self, name: str, other: str, home: float, difference: float) -> None:
        """Learn one match: goals of `name` minus those of `other`."""
        error = difference - self.expected(name, other, home)
        gain = math.copysign(_SCALE * math.log10(1.0 + abs(error)), error) * _LEARNED
        for one, place, change in ((name, home, gain), (other, -home, -gain)):
            both = self.ratings.setdefault(one, [0.0, 0.0])
            shares = (1.0, _CARRIED) if place > 0 else (_CARRIED, 1.0) if place < 0 else (0.8, 0.8)
            both[0] += change * shares[0]
            both[1] += change * shares[1]
