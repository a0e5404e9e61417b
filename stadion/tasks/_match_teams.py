"""Matches of teams that score goals in; what was known of both before the next one, out."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.science.elo import MarketTable, goal_step, win_probability
from stadion.science.goals import (
    GoalHistory,
    GoalStrengths,
    expected_goals,
    fit_goals,
    outcome_chances,
)
from stadion.science.pi import PiTable
from stadion.tasks._match_duels import log_odds
from stadion.tasks._match_form import Appearance, Form, mean_of
from stadion.tasks._match_log import Match, Side

__all__ = ["TeamPast"]

_FITS = (("100", 100.0, 14.0), ("250", 250.0, 12.0), ("500", 500.0, 12.0),
         ("1000", 1_000.0, 12.0), ("half", 400.0, 10.0))  # fmt: skip
"""Name, half-life in days and precision of the prior; `half` sees the first halves."""
_EVERY_DAYS = 4
_TEAMS_A_DAY = 8
"""The strengths are fitted anew every 4 days, of n teams every n / 8 days."""
_LEAST_MATCHES = 8
_NEW_AFTER_DAYS, _NEWCOMER = 150, -0.18  # a team that comes later was promoted
_NEW_ELO, _NEW_PI, _START = 1420.0, -0.35, 1500.0
_LEVEL, _HALF_LEVEL, _HOME = 0.3, -0.5, 0.15
_ELO_STEP, _ELO_HOME, _KEPT_OVER_SUMMER = 18.0, 65.0, 0.93
_SLOW = 0.004
_FRIENDLY = "Friendly"
_LONGEST_REST = 30.0


@dataclass(slots=True, eq=False)
class _Team:
    elo: float
    season: str
    form: Form = field(default_factory=Form)
    season_matches: int = 0
    seasons: int = 1
    played: int = 0

    def over_summer(self, season: str) -> None:
        """Players come and go: what set the team apart is a little less."""
        self.season, self.season_matches = season, 0
        self.seasons += 1
        self.elo = _START + (self.elo - _START) * _KEPT_OVER_SUMMER


@dataclass(slots=True, eq=False)
class _League:
    """All matches of one competition, and the strengths as last fitted."""

    first_day: int
    numbers: dict[str, int] = field(default_factory=dict)
    is_new: list[bool] = field(default_factory=list)
    rows: FloatArray = field(default_factory=lambda: np.zeros((1024, 8)))
    size: int = 0
    fitted: dict[str, tuple[int, GoalStrengths]] = field(default_factory=dict)
    usual: list[float] = field(default_factory=lambda: [0.45, 0.27, 2.6])

    def number(self, name: str, day: int) -> int:
        if name not in self.numbers:
            self.numbers[name] = len(self.numbers)
            self.is_new.append(day - self.first_day > _NEW_AFTER_DAYS)
        return self.numbers[name]

    def add(self, values: list[float]) -> None:
        if self.size == len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        self.rows[self.size] = values
        self.size += 1

    def strengths(self, day: int, fit: tuple[str, float, float]) -> GoalStrengths:
        """As of the last day of the grid, from the matches before it."""
        name, half_life, precision = fit
        teams = len(self.numbers)
        every = max(_EVERY_DAYS, teams // _TEAMS_A_DAY)
        today = day // every * every
        known = self.fitted.get(name)
        if known and known[0] == today and len(known[1].attack) == teams:
            return known[1]
        start = np.where(self.is_new, _NEWCOMER, 0.0)
        level = _HALF_LEVEL if name == "half" else _LEVEL
        prior = GoalStrengths(start, start, level, _HOME)
        rows = self.rows[: self.size]
        rows = rows[: np.searchsorted(rows[:, 0], today)]
        goals = rows[:, 6:8] if name == "half" else rows[:, 4:6]
        rows, goals = rows[np.isfinite(goals).all(axis=1)], goals[np.isfinite(goals).all(axis=1)]
        found = prior
        if len(rows) >= _LEAST_MATCHES:
            pairs = rows[:, 1:3].astype(np.int64)
            past = GoalHistory(
                pairs[:, 0], pairs[:, 1], goals[:, 0], goals[:, 1], rows[:, 3], rows[:, 0]
            )
            before = known[1] if known and len(known[1].attack) == teams else None
            found = fit_goals(past, float(today), half_life, prior, precision, before)
        self.fitted[name] = (today, found)
        return found


class TeamPast:
    """Ratings, strengths and form of all teams, match by match; see `DuelPast`."""

    side = (
        "elo", "pi", "pi_other_place", "experience", "days_off", "form_5", "margin_5", "form_12",
        "margin_12", "margin_38", "half_margin_38", "form_here", "matches_14", "season_matches",
        "seasons", "market_rating", *(f"goals_{name}" for name, _, _ in _FITS),
    )  # fmt: skip
    edge = (
        "meetings_surprise", "elo_odds", "pi_edge", "market_odds",
        *(f"odds_{name}" for name, _, _ in _FITS),
        *(f"goals_edge_{name}" for name, _, _ in _FITS),
    )  # fmt: skip
    match = (
        "usual_wins", "usual_draws", "usual_goals", "is_friendly", "month",
        *(f"draw_odds_{name}" for name, _, _ in _FITS),
        *(f"all_goals_{name}" for name, _, _ in _FITS),
    )  # fmt: skip

    def __init__(self, uses_odds: bool = False) -> None:
        self._market = defaultdict[str, MarketTable](MarketTable) if uses_odds else None
        self._leagues: dict[str, _League] = {}
        self._teams: dict[tuple[str, str], _Team] = {}
        self._pi: dict[str, PiTable] = defaultdict(PiTable)
        self._meetings: dict[tuple[str, str, str], list[float]] = defaultdict(list)

    def facts(self, match: Match) -> tuple[list[float], list[float], list[float], list[float]]:
        """Values named by `side` of the first and the second team, by `edge` and by `match`."""
        league, (one, other) = self._meet(match), match.sides
        pair = [np.array([league.number(side.name, match.day)]) for side in match.sides]
        home = np.array([match.home])
        means = [
            expected_goals(league.strengths(match.day, fit), pair[0], pair[1], home)
            for fit in _FITS
        ]
        ours = np.log(np.concatenate([mean[0] for mean in means]))
        theirs = np.log(np.concatenate([mean[1] for mean in means]))
        chances = outcome_chances(np.exp(ours), np.exp(theirs))
        log_odds = np.log(chances[:, 0] / chances[:, 2])
        draws = np.log(chances[:, 1] / (1.0 - chances[:, 1]))
        month = float(np.datetime64(match.day, "D").astype("datetime64[M]").astype(int) % 12 + 1)
        return (
            [*self._side(match, one, match.home), *ours.tolist()],
            [*self._side(match, other, -match.home), *theirs.tolist()],
            [*self._edge(match), *log_odds.tolist(), *(ours - theirs).tolist()],
            [*league.usual, float(match.event == _FRIENDLY), month, *draws.tolist(),
             *(ours + theirs).tolist()],
        )  # fmt: skip

    def learn(self, match: Match) -> None:
        """Take the result of a match that was played."""
        league = self._meet(match)
        match = match.fairly_named()
        one, other = match.sides
        margin = one.score - other.score
        score = 1.0 - match.result / 2.0
        if not math.isfinite(margin):
            margin = 2.0 * score - 1.0
        teams = [self._teams[match.competition, side.name] for side in match.sides]
        surprise = score - self._elo_chance(match)
        step = goal_step(_ELO_STEP, margin) * (1.6 if min(t.played for t in teams) < 20 else 1.0)
        half = one.half_score - other.half_score
        for team, sign in zip(teams, (1.0, -1.0), strict=True):
            team.elo += sign * step * surprise
            own, place = score if sign > 0 else 1.0 - score, _place(sign * match.home)
            team.form.add(
                Appearance(match.day, own, sign * surprise, sign * margin, sign * half, 1.0,
                           place, False)
            )  # fmt: skip
            team.season_matches += 1
            team.played += 1
        self._pi[match.competition].update(one.name, other.name, match.home, margin)
        if self._market is not None and math.isfinite(match.market):
            rated = self._market[match.competition]
            rated.update(one.name, other.name, match.market, _ELO_HOME * match.home)
        numbers = [float(league.number(side.name, match.day)) for side in match.sides]
        scores = (one.score, other.score, one.half_score, other.half_score)
        league.add([float(match.day), *numbers, match.home, *scores])
        told = (float(margin > 0), float(margin == 0), one.score + other.score)
        if math.isfinite(told[2]):
            league.usual = [u + _SLOW * (t - u) for u, t in zip(league.usual, told, strict=True)]
        self._meetings[match.competition, one.name, other.name].append(surprise)

    def _meet(self, match: Match) -> _League:
        """Newcomers of a running competition start below the others."""
        league = self._leagues.setdefault(match.competition, _League(match.day))
        for side in match.sides:
            league.number(side.name, match.day)
            is_new = league.is_new[league.numbers[side.name]]
            key = (match.competition, side.name)
            if key not in self._teams:
                self._teams[key] = _Team(_NEW_ELO if is_new else _START, season=match.season)
                self._pi[match.competition].start(side.name, _NEW_PI if is_new else 0.0)
            if self._teams[key].season != match.season:
                self._teams[key].over_summer(match.season)
        return league

    def _side(self, match: Match, side: Side, home: float) -> list[float]:
        team, pi = self._teams[match.competition, side.name], self._pi[match.competition]
        form, place = team.form, _place(home)
        market = self._market[match.competition] if self._market is not None else None
        last = form.last(38)
        return [
            team.elo / 100.0,
            pi.rating(side.name, home),
            pi.rating(side.name, -home),
            math.log1p(team.played),
            min(form.days_off(match.day), _LONGEST_REST),
            mean_of([one.surprise for one in last[:5]]),
            mean_of([one.margin for one in last[:5]]),
            mean_of([one.surprise for one in last[:12]]),
            mean_of([one.margin for one in last[:12]]),
            mean_of([one.margin for one in last]),
            mean_of([one.half_margin for one in last]),
            mean_of([one.surprise for one in form.last(19, place)]),
            float(len(form.within(match.day, 14))),
            float(team.season_matches),
            float(team.seasons),
            market.rating(side.name) / 100.0 if market else math.nan,
        ]

    def _edge(self, match: Match) -> list[float]:
        one, other = (side.name for side in match.sides)
        meetings = self._meetings.get((match.competition, one, other), [])
        chance, market = self._elo_chance(match), math.nan
        if self._market is not None:
            rated = self._market[match.competition]
            market = log_odds(rated.probability(one, other, _ELO_HOME * match.home))
        return [
            mean_of([*meetings[-4:], *(-s for s in self._back(match)[-4:])]),
            math.log(chance / (1.0 - chance)),
            self._pi[match.competition].expected(one, other, match.home),
            market,
        ]

    def _back(self, match: Match) -> list[float]:
        """Surprises of the meetings in which the other side was named first."""
        one, other = (side.name for side in match.sides)
        return self._meetings.get((match.competition, other, one), [])

    def _elo_chance(self, match: Match) -> float:
        one, other = (self._teams[match.competition, side.name].elo for side in match.sides)
        return win_probability(one, other, _ELO_HOME * match.home)


def _place(home: float) -> str:
    return "home" if home > 0 else "away" if home < 0 else "neutral"
