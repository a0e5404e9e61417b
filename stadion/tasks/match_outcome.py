"""Dated results of two sides in; the chances of the next match out, win and loss or with draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, NamedTuple

import numpy as np

from stadion.core.activity import Recording, Source, Table
from stadion.core.arrays import Array
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.tasks._match_duels import DuelPast
from stadion.tasks._match_log import Match, matches_of, units_of
from stadion.tasks._match_teams import TeamPast
from stadion.tasks.base import Task, one_table, tables_of

__all__ = ["PLUGIN", "MatchOutcome", "MatchSettings"]

_DAY_S = 86_400.0
_TWO, _THREE = ("win", "loss"), ("win", "draw", "loss")
_SEVERAL_DRAWS = 0.02  # of the results; fewer are slips of the pen


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """What is asked of which matches.

    `outcomes` is `two` for win and loss (tennis: players, surfaces, serve), `three` with draws
    (football: teams, goals); `auto` takes three where draws occur. Matches before `first_year`
    only feed the ratings. `earlier_odds` also rates by the odds of matches that are over, where
    the tables hold odds; those of the match itself are never looked at.
    """

    outcomes: Literal["auto", "two", "three"] = "auto"
    first_year: int = field(default=0, metadata={"low": 0, "high": 3_000})
    earlier_odds: bool = False


class MatchOutcome(Task):
    """The first side's chances against the second, from results strictly before the match.

    Ratings, form, rest and meetings are followed match by match; rows speak of the state before
    the match's day and round. A table with matches whose result is missing is a request: those
    are asked, and the others are the history.
    """

    name = "match_outcome"
    question = "Who wins this match, and how likely is it?"
    tables = ("matches",)
    metric = "log_loss"
    reference = (
        "G. Angelini, V. Candila, L. De Angelis, Weighted Elo rating for tennis match predictions, "
        "EJOR 297 (2022); A. Constantinou, N. Fenton, J. Quant. Anal. Sports 8 (2012) for football"
    )
    split = "time"
    interval = 0.9
    learners = ("paired",)
    Settings = MatchSettings

    def dataset(self, recordings: Sequence[Recording], settings: MatchSettings) -> Dataset:
        """One row per match that was played to its end, the home side or a random one first."""
        tables = tables_of(recordings, "matches")
        matches = [match.fairly_named() for match in matches_of(tables)]
        played = [match for match in matches if match.is_played]
        if not played:
            raise StadionError(
                Code.INVALID,
                f"none of {len(recordings)} recordings is a table of matches with date, player, "
                "opponent and result",
            )
        is_three = _has_draws(played, settings.outcomes)
        asked = {
            match.row
            for match in played
            if match.status != "retired" and (is_three or match.result != 1)
            and _year(match) >= settings.first_year
        }  # fmt: skip
        rows = _rows(played, asked, is_three, settings.earlier_odds)
        if not rows.matches:
            raise StadionError(
                Code.INVALID, f"no match was played to its end from {settings.first_year} on"
            )
        results = np.array([match.result for match in rows.matches], np.int64)
        return Dataset(
            self.name,
            _SIGNATURES[is_three],
            rows.inputs,
            {"outcome": results if is_three else results // 2},
            np.array([match.key for match in rows.matches]),
            {
                "outcomes": "three" if is_three else "two",
                "first_year": settings.first_year,
                "earlier_odds": settings.earlier_odds,
            },
            np.array([match.day * _DAY_S for match in rows.matches]),
            {
                "competition": np.array([match.competition for match in rows.matches]),
                "surface": np.array([match.surface for match in rows.matches]),
            },
        )

    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """A row per match without result, in the table's order; per match where all are known."""
        matches = matches_of([one_table(recording, "matches")])
        asked = {match.row for match in matches if match.result < 0}
        asked = asked or {match.row for match in matches}
        if not asked:
            raise StadionError(
                Code.INVALID, "the table holds no match with player and opponent; expected one"
            )
        is_three = len(signature.labels["outcome"]) == len(_THREE)
        rows = _rows(matches, asked, is_three, bool(settings.get("earlier_odds")))
        order = np.argsort([match.row for match in rows.matches])
        return {name: values[order] for name, values in rows.inputs.items()}

    def baselines(self, train: Dataset, test: Dataset) -> dict[str, dict[str, Array]]:
        """Elo's expectation, and how often each outcome came before."""
        classes = len(test.signature.labels["outcome"])
        shares = np.bincount(train.targets["outcome"].clip(0), minlength=classes) + 1.0
        usual = np.tile(shares / shares.sum(), (len(test), 1))
        names = test.signature.input("edge").columns
        odds = test.inputs["edge"][:, names.index("elo_odds")].astype(np.float64)
        wins = 1.0 / (1.0 + np.exp(-np.nan_to_num(odds)))
        elo = np.stack([wins, 1.0 - wins], axis=1)
        if classes == len(_THREE):
            draw = usual[:, 1] * 4.0 * wins * (1.0 - wins)
            elo = np.stack([wins - draw / 2.0, draw, 1.0 - wins - draw / 2.0], axis=1)
            elo = elo.clip(1e-3) / elo.clip(1e-3).sum(axis=1, keepdims=True)
        return {
            "Elo": {"outcome": elo.astype(np.float32)},
            "base rates": {"outcome": usual.astype(np.float32)},
        }

    def examples(self, seed: int) -> list[Table]:
        """A season of eight players of different strength, of which one match is to come."""
        rng = np.random.default_rng(seed)
        names = np.array([f"player-{number}" for number in range(8)])
        pairs = np.array([rng.permutation(8)[:2] for _ in range(160)])
        strength = np.linspace(-1.5, 1.5, 8)
        chance = 1.0 / (1.0 + np.exp(strength[pairs[:, 1]] - strength[pairs[:, 0]]))
        won = rng.random(len(pairs)) < chance
        days = np.datetime64("2020-01-01") + np.sort(rng.integers(0, 300, len(pairs)))
        games = np.where(won, 12.0, rng.integers(2, 11, len(pairs)))
        against = np.where(won, rng.integers(2, 11, len(pairs)), 12.0)
        result = np.where(won, "win", "loss")
        result[-1] = ""
        columns = {
            "date": days,
            "competition": np.full(len(pairs), "club"),
            "player": names[pairs[:, 0]],
            "opponent": names[pairs[:, 1]],
            "surface": rng.choice(["hard", "clay"], len(pairs)),
            "result": result,
            "player_games": games,
            "opponent_games": against,
        }
        units = {name: "1" if name.endswith("_games") else "" for name in columns}
        digest = sha256(won.tobytes() + pairs.tobytes()).hexdigest()
        return [Table("matches", columns, units, Source("example", digest))]


class _Rows(NamedTuple):
    matches: list[Match]
    inputs: dict[str, Array]


def _rows(matches: Sequence[Match], asked: set[int], is_three: bool, uses_odds: bool) -> _Rows:
    """What was known before each match whose row is asked; all that were played are learned."""
    past = TeamPast(uses_odds) if is_three else DuelPast(uses_odds)
    rows: list[Match] = []
    facts: list[tuple[list[float], list[float], list[float], list[float]]] = []
    for unit in units_of(matches):
        for match in unit:
            if match.row in asked:
                rows.append(match)
                facts.append(past.facts(match))
        for match in unit:
            if match.is_played:
                past.learn(match)
    parts = zip(*facts, strict=True) if facts else [()] * 4
    names = ("player", "opponent", "edge", "match")
    inputs = {name: np.array(part, np.float32) for name, part in zip(names, parts, strict=True)}
    return _Rows(rows, inputs | {"home_side": np.array([m.home for m in rows], np.float32)})


def _has_draws(matches: Sequence[Match], outcomes: str) -> bool:
    if outcomes == "auto":
        return sum(match.result == 1 for match in matches) > _SEVERAL_DRAWS * len(matches)
    return outcomes == "three"


def _year(match: Match) -> int:
    return int(np.datetime64(match.day, "D").astype("datetime64[Y]").astype(int)) + 1970


def _signature(past: type[DuelPast] | type[TeamPast], labels: tuple[str, ...]) -> Signature:
    def tensor(name: str, columns: tuple[str, ...], meaning: str) -> Tensor:
        return Tensor(name, "FP32", (None, len(columns)), "1", meaning, columns)

    return Signature(
        (
            tensor("player", past.side, "ratings, form and rest of the side named first"),
            tensor("opponent", past.side, "the same of the other side"),
            tensor("edge", past.edge, "what changes its sign when the sides change places"),
            tensor("match", past.match, "what both sides share: place, round, usual values"),
            Tensor("home_side", "FP32", (None,), "1",
                   "1: the side named first plays at home, -1: the other, 0: nobody",
                   low=-1.0, high=1.0),
        ),
        (
            Tensor("outcome", "FP32", (None, len(labels)), "1", "chances of the side named first",
                   labels, low=0.0, high=1.0, missing=False),
        ),
        {"outcome": labels},
    )  # fmt: skip


_SIGNATURES = {False: _signature(DuelPast, _TWO), True: _signature(TeamPast, _THREE)}

PLUGIN = MatchOutcome()
