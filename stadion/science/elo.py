"""Results of matches in, one strength per player out: Elo's rating and its weighted cousins."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = [
    "EloTable",
    "MarketTable",
    "experience_step",
    "football_step",
    "goal_step",
    "win_probability",
]

_SCALE = 400.0
_START = 1500.0
_MARKET_FIRST, _MARKET_LAST = 400.0, 120.0


def win_probability(rating: float, other: float, advantage: float = 0.0) -> float:
    """Elo's expected score of `rating` against `other`, 0 to 1.

    Parameters
    ----------
    advantage
        Points the first side has besides, such as for playing at home.

    Examples
    --------
    >>> round(win_probability(1700.0, 1500.0), 4)
    0.7597

    References
    ----------
    A. Elo, The Rating of Chessplayers, Past and Present, 1978.
    """
    return 1.0 / (1.0 + math.pow(10.0, (other - rating - advantage) / _SCALE))


def experience_step(matches: int) -> float:
    """Points at stake for one who has played `matches`: 250 / (matches + 5) ** 0.4.

    References
    ----------
    S. Kovalchik, Searching for the GOAT of tennis win prediction, J. Quant. Anal. Sports 12
    (2016) 127-138 (FiveThirtyEight's Elo).

    Examples
    --------
    >>> round(experience_step(0), 1), round(experience_step(500), 1)
    (131.3, 20.7)
    """
    return 250.0 / math.pow(matches + 5.0, 0.4)


def goal_step(base: float, margin: float) -> float:
    """Points at stake that grow with the margin: base * (1 + margin) ** 0.5, halved for draws.

    References
    ----------
    L. M. Hvattum, H. Arntzen, Using ELO ratings for match result prediction in association
    football, Int. J. Forecasting 26 (2010) 460-470: K = K0 (1 + margin) ** lambda.
    """
    return base * math.sqrt(1.0 + abs(margin)) / math.sqrt(2.0)


def football_step(importance: float, margin: float) -> float:
    """Points at stake in a match of national teams, as the World Football Elo Ratings count them.

    Parameters
    ----------
    importance
        60 World Cup finals, 50 continental finals, 40 qualifiers, 30 other tournaments, 20
        friendlies.
    margin
        Difference of goals: one and a half times the points for two, (11 + margin) / 8 beyond.

    References
    ----------
    World Football Elo Ratings, eloratings.net/about.

    Examples
    --------
    >>> football_step(60, 1), football_step(20, 2), football_step(40, 5)
    (60.0, 30.0, 80.0)
    """
    margin = abs(margin)
    return importance * (1.0 if margin < 2 else 1.5 if margin < 3 else (11.0 + margin) / 8.0)


@dataclass(slots=True, eq=False)
class EloTable:
    """Ratings that follow match by match: whoever is new starts at 1500.

    Parameters
    ----------
    is_weighted
        True weighs the winner's gain by the share of games won and the loser's loss by the
        share of games not won (WElo): a narrow win moves both less.

    References
    ----------
    G. Angelini, V. Candila, L. De Angelis, Weighted Elo rating for tennis match predictions,
    European J. of Operational Research 297 (2022) 120-132, equation 5.
    """

    is_weighted: bool = False
    ratings: dict[str, float] = field(default_factory=dict)
    matches: dict[str, int] = field(default_factory=dict)

    def rating(self, name: str) -> float:
        """The strength now."""
        return self.ratings.get(name, _START)

    def played(self, name: str) -> int:
        """How many matches the strength rests on."""
        return self.matches.get(name, 0)

    def probability(self, name: str, other: str, advantage: float = 0.0) -> float:
        """That `name` beats `other` in their next match."""
        return win_probability(self.rating(name), self.rating(other), advantage)

    def start(self, name: str, rating: float) -> None:
        """Give a newcomer another strength than 1500; one who has one keeps it."""
        self.ratings.setdefault(name, rating)

    def update(self, winner: str, loser: str, share: float = 1.0, weight: float = 1.0) -> float:
        """Learn one result; the surprise, 1 - the winner's probability, is given back.

        Parameters
        ----------
        share
            Games won by the winner over all games, 0 to 1; counts when `is_weighted`.
        weight
            Of this match: below 1 for one that ended early.
        """
        surprise = 1.0 - self.probability(winner, loser)
        factor = weight * (share if self.is_weighted else 1.0)
        for name, sign in ((winner, 1.0), (loser, -1.0)):
            step = experience_step(self.played(name))
            self.ratings[name] = self.rating(name) + sign * step * surprise * factor
        for name in (winner, loser):
            self.matches[name] = self.played(name) + 1
        return surprise


@dataclass(slots=True, eq=False)
class MarketTable:
    """Ratings that follow what bookmakers thought of matches that are over.

    Each match moves both ratings towards those that would explain the odds it was offered at.

    References
    ----------
    F. Wunderlich, D. Memmert, The betting odds rating system: Using soccer forecasts to forecast
    soccer, PLoS ONE 13 (2018) e0198668 (one step of 175; here 400 for newcomers, falling to 120).
    """

    ratings: dict[str, float] = field(default_factory=dict)
    matches: dict[str, int] = field(default_factory=dict)

    def rating(self, name: str) -> float:
        """The strength now; NaN without any odds yet."""
        return self.ratings.get(name, math.nan)

    def probability(self, name: str, other: str, advantage: float = 0.0) -> float:
        """Expected score of `name` against `other`; NaN where one is not rated."""
        return win_probability(self.rating(name), self.rating(other), advantage)

    def update(self, name: str, other: str, expected: float, advantage: float = 0.0) -> None:
        """Learn the score that the odds of a match expected of `name`, 0 to 1."""
        pair = [self.ratings.get(one, _START) for one in (name, other)]
        beyond = expected - win_probability(pair[0], pair[1], advantage)
        for one, rating, sign in zip((name, other), pair, (1.0, -1.0), strict=True):
            count = self.matches.get(one, 0)
            step = max(_MARKET_FIRST / (1.0 + count / 4.0), _MARKET_LAST)
            self.ratings[one] = rating + sign * step * beyond
            self.matches[one] = count + 1
