"""Matches of two players in; what was known of both before the next one, out."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import NamedTuple

from stadion.science.elo import EloTable, MarketTable
from stadion.science.games import GamesTable
from stadion.science.glicko import Glicko, after_days, after_period, beats
from stadion.science.serve import ServeTable, game_probability
from stadion.tasks._match_form import Appearance, Form, mean_of
from stadion.tasks._match_log import Match, Side

__all__ = ["DuelPast", "log_odds"]

_SURFACES = ("hard", "clay", "grass")
_LEVELS = {"G": 4.0, "M": 3.0, "PM": 3.0, "F": 3.0, "T1": 3.0, "D": 1.0}
_ENTRIES = {"Q": 1.0, "LL": 2.0}
_RANK_STEP, _USUAL_RANK, _START = 60.0, 100.0, 1500.0
_EARLY_WEIGHT = 0.5  # of a match that ended early
_LEAST_GAMES, _LEAST_POINTS = 6, 15
_YEAR, _SEASON = 365, 90


class _Meeting(NamedTuple):
    winner: str
    surprise: float
    surface: str


class DuelPast:
    """Ratings, form and meetings of all players, match by match.

    `facts` speaks of a match before it is played and changes nothing; `learn` takes its result.
    With `uses_odds` the odds of earlier matches are known too, never those of the match itself.
    """

    side = (
        "elo", "surface_elo", "margin_elo", "glicko", "glicko_deviation", "experience",
        "surface_experience", "games_rating", "games_rating_here", "serve", "return",
        "serve_here", "return_here", "served_matches", "days_off", "matches_7", "matches_14",
        "matches_30", "matches_90", "matches_365", "games_3", "games_7", "form_10",
        "form_surface", "form_90", "form_365", "wins_365", "margin_8", "last_margin",
        "ended_early", "below_peak", "rank_gain_3_months", "rank_gain_1_year", "log_rank",
        "log_points", "age", "height", "is_left", "seed", "qualified", "has_wildcard",
        "is_protected", "host_share", "event_surprise", "event_matches", "market_rating",
    )  # fmt: skip
    edge = (
        "meetings_won", "meetings_surprise", "meetings_here", "point_edge", "game_edge",
        "elo_odds", "surface_elo_odds", "margin_elo_odds", "glicko_odds", "market_odds",
    )  # fmt: skip
    match = (
        "is_clay", "is_grass", "indoor", "best_of", "level", "order", "draw_size",
        "usual_serve", "meetings",
    )  # fmt: skip

    def __init__(self, uses_odds: bool = False) -> None:
        self._market = MarketTable() if uses_odds else None
        self._elo = EloTable()
        self._margin_elo = EloTable(is_weighted=True)
        self._surface_elo = {surface: EloTable() for surface in _SURFACES}
        self._glicko: dict[str, tuple[Glicko, int]] = {}
        self._games = GamesTable()
        self._serve = ServeTable()
        self._forms: dict[str, Form] = {}
        self._peaks: dict[str, float] = {}
        self._meetings: dict[tuple[str, str], list[_Meeting]] = defaultdict(list)
        self._hosts: dict[str, Counter[str]] = defaultdict(Counter)
        self._events: dict[tuple[str, str], list[float]] = defaultdict(list)

    def facts(self, match: Match) -> tuple[list[float], list[float], list[float], list[float]]:
        """Values named by `side` of the first and the second player, by `edge` and by `match`."""
        self._meet(match)
        one, other = match.sides
        return (
            self._side(match, one), self._side(match, other), self._edge(match), self._match(match)
        )  # fmt: skip

    def learn(self, match: Match) -> None:
        """Take the result of a match that was played; a draw says nothing here."""
        self._meet(match)
        if match.result == 1:
            return
        match = match if match.result == 0 else match.turned()
        winner, loser = match.sides
        names, surface = (winner.name, loser.name), _surface(match)
        weight = _EARLY_WEIGHT if match.status == "retired" else 1.0
        games = winner.games + loser.games
        share = winner.games / games if games > 0 else 0.6
        self._learn_glicko(match)
        if self._market and math.isfinite(match.market):
            self._market.update(*names, match.market)
        surprise = self._elo.update(*names, weight=weight)
        self._surface_elo[surface].update(*names, weight=weight)
        self._margin_elo.update(*names, share=share, weight=weight)
        if games >= _LEAST_GAMES:
            self._games.update(*names, surface, winner.games, loser.games)
        if min(winner.serve_points, loser.serve_points) > _LEAST_POINTS:
            self._serve.update(
                names,
                (winner.serve_points_won, loser.serve_points_won),
                (winner.serve_points, loser.serve_points),
                match.event,
                surface,
                weight,
            )
        self._remember(match, surprise, surface)

    def _meet(self, match: Match) -> None:
        """Newcomers start where the ranking suggests."""
        for side in match.sides:
            if side.name in self._forms:
                continue
            rank = side.rank if side.rank >= 1.0 else _USUAL_RANK
            start = _START - _RANK_STEP * math.log(rank / _USUAL_RANK)
            for table in (self._elo, self._margin_elo, *self._surface_elo.values()):
                table.start(side.name, start)
            self._games.start(side.name, side.rank)
            self._glicko[side.name] = (Glicko(start, 200.0), match.day)
            self._forms[side.name] = Form()
            self._peaks[side.name] = _START

    def _glicko_now(self, name: str, day: int) -> Glicko:
        known, then = self._glicko[name]
        return after_days(known, day - then)

    def _learn_glicko(self, match: Match) -> None:
        winner, loser = (self._glicko_now(side.name, match.day) for side in match.sides)
        after = after_period(winner, [(loser, 1.0)]), after_period(loser, [(winner, 0.0)])
        for side, known in zip(match.sides, after, strict=True):
            self._glicko[side.name] = (known, match.day)

    def _remember(self, match: Match, surprise: float, surface: str) -> None:
        winner, loser = match.sides
        games = winner.games + loser.games
        margin = (winner.games - loser.games) / games if games > 0 else math.nan
        load = games if games > 0 else 0.0
        for side, sign in ((winner, 1.0), (loser, -1.0)):
            early = match.status == "retired" and sign < 0
            self._forms[side.name].add(
                Appearance(match.day, max(sign, 0.0), sign * surprise, sign * margin, math.nan,
                           load, surface, early),
                side.rank,
            )  # fmt: skip
            self._peaks[side.name] = max(self._peaks[side.name], self._elo.rating(side.name))
            self._events[side.name, match.event].append(sign * surprise)
            if side.entry == "WC":
                self._hosts[match.event][side.country] += 1
        pair = (min(winner.name, loser.name), max(winner.name, loser.name))
        self._meetings[pair].append(_Meeting(winner.name, surprise, surface))

    def _side(self, match: Match, side: Side) -> list[float]:
        name, day, surface = side.name, match.day, _surface(match)
        glicko, form = self._glicko_now(name, day), self._forms[name]
        serving, elo = self._serve.of(name), self._elo.rating(name)
        serve, back, _ = serving.on(surface)
        year = form.within(day, _YEAR)
        week = [one for one in year if day - one.day <= 7]
        last = form.last(10)
        return [
            elo / 100.0,
            self._surface_elo[surface].rating(name) / 100.0,
            self._margin_elo.rating(name) / 100.0,
            glicko.rating / 100.0,
            glicko.deviation / 100.0,
            math.log1p(self._elo.played(name)),
            math.log1p(self._surface_elo[surface].played(name)),
            self._games.strength(name),
            self._games.strength(name, surface),
            serving.serve,
            serving.back,
            serve,
            back,
            math.log1p(serving.matches),
            form.days_off(day),
            float(len(week)),
            *(float(sum(day - one.day <= days for one in year)) for days in (14, 30, _SEASON)),
            float(len(year)),
            sum(one.load for one in week if day - one.day <= 3),
            sum(one.load for one in week),
            sum(one.surprise for one in last),
            sum(one.surprise for one in form.last(15, surface)),
            sum(one.surprise for one in year if day - one.day <= _SEASON),
            sum(one.surprise for one in year),
            (sum(one.score for one in year) + 3.0) / (len(year) + 6.0),
            mean_of([one.margin for one in last[:8]], 3),
            last[0].margin if last else math.nan,
            float(last[0].ended_early) if last else 0.0,
            (elo - self._peaks[name]) / 100.0,
            form.rank_gain(day, side.rank, (60, 150)),
            form.rank_gain(day, side.rank, (300, 430)),
            math.log(side.rank) if side.rank >= 1.0 else math.nan,
            math.log(side.points + 5.0) if side.points >= 0.0 else math.nan,
            side.age,
            side.height,
            float(side.hand == "L") if side.hand else math.nan,
            side.seed,
            _ENTRIES.get(side.entry, 0.0),
            float(side.entry == "WC"),
            float(side.entry in ("PR", "SE")),
            self._host_share(match.event, side.country),
            sum(self._events.get((name, match.event), ())),
            float(len(self._events.get((name, match.event), ()))),
            self._market.rating(name) / 100.0 if self._market else math.nan,
        ]

    def _host_share(self, event: str, country: str) -> float:
        """Of the wild cards this event gave so far: those for players of this country."""
        given = self._hosts.get(event)
        return given[country] / (given.total() + 2.0) if given else 0.0

    def _edge(self, match: Match) -> list[float]:
        one, other = (side.name for side in match.sides)
        surface = _surface(match)
        meetings = self._between(match)
        signed = [(1.0 if m.winner == one else -1.0, m) for m in meetings]
        ours = self._serve.point(one, other, match.event, surface)
        theirs = self._serve.point(other, one, match.event, surface)
        tables = (self._elo, self._surface_elo[surface], self._margin_elo)
        glickos = (self._glicko_now(name, match.day) for name in (one, other))
        return [
            sum(sign for sign, _ in signed),
            sum(sign * m.surprise for sign, m in signed),
            sum(sign for sign, m in signed if m.surface == surface),
            ours - theirs,
            game_probability(ours) - game_probability(theirs),
            *(log_odds(table.probability(one, other)) for table in tables),
            log_odds(beats(*glickos)),
            log_odds(self._market.probability(one, other)) if self._market else math.nan,
        ]

    def _match(self, match: Match) -> list[float]:
        surface = _surface(match)
        return [
            float(surface == "clay"),
            float(surface == "grass"),
            match.indoor,
            match.best_of,
            _LEVELS.get(match.level, 2.0),
            match.order,
            match.draw_size,
            self._serve.base(match.event, surface),
            float(len(self._between(match))),
        ]

    def _between(self, match: Match) -> list[_Meeting]:
        one, other = sorted(side.name for side in match.sides)
        return self._meetings.get((one, other), [])


def _surface(match: Match) -> str:
    """Carpet is long gone and played like the hard courts in halls."""
    return match.surface if match.surface in _SURFACES else _SURFACES[0]


def log_odds(probability: float) -> float:
    """Of a probability, no further out than a millionth; NaN of NaN."""
    if math.isnan(probability):
        return probability
    inside = min(max(probability, 1e-6), 1.0 - 1e-6)
    return math.log(inside / (1.0 - inside))
