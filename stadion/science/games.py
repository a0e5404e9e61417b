"""Games won in matches in, one strength per player and surface out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = ["GamesTable"]

_FINEST = 1 / 900.0  # least step; about 45 matches of 20 games
_FIRST, _FIRST_HERE = 40.0, 80.0  # games a newcomer's strength counts for
_PER_MATCH = 8.0
_PACE = 1.5
_RANK_STEP, _USUAL_RANK = -0.12, 100.0


@dataclass(slots=True, eq=False)
class GamesTable:
    """Log-odds to win a game against an average player: overall, and what a surface adds.

    Every match moves both players by the games beyond expectation; the more one has played the
    less. This is the gradient of a Bradley-Terry model of games, taken one match at a time.

    References
    ----------
    R. A. Bradley, M. E. Terry, Rank analysis of incomplete block designs, Biometrika 39 (1952);
    I. McHale, A. Morton, A Bradley-Terry type model for forecasting tennis match results, Int. J.
    Forecasting 27 (2011) 619-630 (games instead of matches, time and surface).
    """

    overall: dict[str, float] = field(default_factory=dict)
    here: dict[tuple[str, str], float] = field(default_factory=dict)
    played: dict[str, int] = field(default_factory=dict)
    played_here: dict[tuple[str, str], int] = field(default_factory=dict)

    def start(self, name: str, rank: float) -> None:
        """A newcomer's strength as the ranking suggests; NaN for one without rank."""
        if name not in self.overall:
            known = math.isfinite(rank) and rank >= 1.0
            self.overall[name] = _RANK_STEP * math.log(rank / _USUAL_RANK) if known else 0.0

    def strength(self, name: str, surface: str = "") -> float:
        """Overall, or on a surface."""
        added = self.here.get((name, surface), 0.0) if surface else 0.0
        return self.overall.get(name, 0.0) + added

    def update(self, name: str, other: str, surface: str, games: float, against: float) -> None:
        """Learn one match: games `name` won and lost."""
        gap = self.strength(name, surface) - self.strength(other, surface)
        beyond = games - (games + against) / (1.0 + math.exp(-gap))
        for one, sign in ((name, 1.0), (other, -1.0)):
            place = (one, surface)
            count, count_here = self.played.get(one, 0), self.played_here.get(place, 0)
            step = max(1.0 / (count * _PER_MATCH + _FIRST), _FINEST)
            step_here = max(1.0 / (count_here * _PER_MATCH + _FIRST_HERE), _FINEST)
            self.overall[one] = self.overall.get(one, 0.0) + sign * _PACE * step * beyond
            self.here[place] = self.here.get(place, 0.0) + sign * step_here * beyond
            self.played[one], self.played_here[place] = count + 1, count_here + 1
