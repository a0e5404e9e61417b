"""Chances of matches, refitted every year on the years before: tennis, leagues, national teams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evaluation.protocol import TASKS, Answered, answer_split, joined, summary
from evaluation.results import Result, result
from stadion.core.activity import Table
from stadion.core.arrays import Array, FloatArray
from stadion.core.dataset import Dataset
from stadion.ingest import open_path
from stadion.platform.measuring import scores_of
from stadion.science.elo import EloTable
from stadion.tasks._match_log import matches_of, units_of
from stadion.tasks.match_outcome import MatchSettings

__all__ = ["evaluate"]

LEARNER = "paired"
TENNIS: Mapping[str, Any] = {"linear_share": 0.3, "ridge": 30.0, "half_life_years": 8.0}
FOOTBALL: Mapping[str, Any] = {"ridge": 3_000.0}
"""Settings chosen on ATP 2003-2006 and on the leagues' 2011; no test year was looked at."""
_YEARS_KEPT = 12
"""A model learns from the rows of the twelve years before; the ratings know all the past."""


class _Question(NamedTuple):
    """Which rows of which years are asked, and with which settings."""

    data: str
    protocol: str
    metric: str
    anchor: str
    tables: list[Table]
    first_year: int
    years: range
    settings: Mapping[str, Any]
    is_asked: Callable[[str], bool]
    earlier_odds: bool = False


def evaluate(data: Path, seeds: Sequence[int]) -> list[Result]:
    """ATP and the eight leagues with every seed; the others with the first."""
    folder = data / "D_match_results"
    leagues = _leagues(folder)
    informed = leagues._replace(
        protocol="refitted yearly on the past, rated also by the odds of earlier matches",
        earlier_odds=True,
    )
    return [
        _answer(_atp(folder), seeds),
        _answer(leagues, seeds),
        _answer(informed, seeds[:1]),
        _answer(_wta(folder), seeds[:1]),
        _answer(_national_teams(folder), seeds[:1]),
    ]


def _atp(folder: Path) -> _Question:
    tables = _tables(folder / "tennis_odds" / "atp_2005_2020.csv.gz")
    odds = _odds(tables, "odds")
    both = odds.keys() & _odds(tables, "odds_mean").keys()
    for year in range(1985, 2007):
        tables += _tables(folder / "tennis_atp" / f"atp_matches_{year}.csv.gz")
    return _Question(
        "ATP 2007-2020", "refitted yearly on the past, without odds", "log_loss",
        "Elo .6009/.2069/.676, WElo .5965/.2054/.676 (Angelini et al. 2022, on these files), "
        "Bet365 .5610/.1906/.706 (log-loss/Brier of the winner/accuracy)",
        tables, 1995, range(2007, 2021), TENNIS, both.__contains__,
    )  # fmt: skip


def _wta(folder: Path) -> _Question:
    tables = _tables(folder / "tennis_odds" / "wta_2007_2020.csv.gz")
    odds = _odds(tables, "odds")
    return _Question(
        "WTA 2015-2020", "refitted yearly on the past, without odds", "log_loss",
        "none found on these files; Bet365 beside it",
        tables, 2007, range(2015, 2021), TENNIS, odds.__contains__,
    )  # fmt: skip


def _leagues(folder: Path) -> _Question:
    tables = _tables(folder / "football_odds")
    return _Question(
        "8 football leagues 2012-2023", "refitted yearly on the past, without odds", "rps",
        "base rates .2280, closing odds .1943 on a longer list; closing odds beside it",
        tables, 2010, range(2012, 2024), FOOTBALL, lambda _: True,
    )  # fmt: skip


def _national_teams(folder: Path) -> _Question:
    tables = _tables(folder / "intl_football" / "results.csv.gz")
    return _Question(
        "national football teams 2018-2024", "refitted yearly on the past", "rps",
        "none found on these matches",
        tables, 1995, range(2018, 2025), FOOTBALL, lambda _: True,
    )  # fmt: skip


def _answer(question: _Question, seeds: Sequence[int]) -> Result:
    task = TASKS.get("match_outcome")
    settings = MatchSettings("auto", question.first_year, question.earlier_odds)
    rows = task.dataset(question.tables, settings)
    assert rows.times is not None
    years = _years(rows.times)
    asked = np.array([question.is_asked(key) for key in rows.groups.tolist()])
    parts = [np.flatnonzero((years == year) & asked) for year in question.years]
    everyone: list[Answered] = []
    for seed in seeds:
        answers = []
        for year, part in zip(question.years, parts, strict=True):
            known = rows.take((years < year) & (years >= year - _YEARS_KEPT))
            answers.append(
                answer_split(task, known, rows.take(part), seed, LEARNER, 1, question.settings)
            )
        everyone.append(joined(answers, rows, parts))
    scores = [_scores(one.test, one.outputs["outcome"]) for one in everyone]
    values = [score[question.metric] for score in scores]
    others = _others(question, rows, parts)
    details: dict[str, Any] = {
        name: float(np.mean([score[name] for score in scores])) for name in scores[0]
    }
    details["each year"] = _each_year(question, rows, parts, everyone[0])
    return result(
        summary(everyone, question.metric),
        task=task.name,
        data=question.data,
        protocol=f"{question.protocol}, {len(seeds)} seeds",
        metric=question.metric,
        value=float(np.mean(values)),
        spread=float(np.std(values)),
        baselines={name: found[question.metric] for name, found in others.items()},
        anchor=question.anchor,
        test_rows=sum(map(len, parts)),
        details=details | {f"{name}: all scores": found for name, found in others.items()},
    )


def _each_year(
    question: _Question, rows: Dataset, parts: Sequence[Array], answered: Answered
) -> dict[int, float]:
    """The metric of the first seed by year."""
    ends = np.cumsum([len(part) for part in parts])
    given = np.split(answered.outputs["outcome"], ends[:-1])
    return {
        year: round(_scores(rows.take(part), chances)[question.metric], 4)
        for year, part, chances in zip(question.years, parts, given, strict=True)
    }


def _others(
    question: _Question, rows: Dataset, parts: Sequence[Array]
) -> dict[str, dict[str, float]]:
    """Baselines that know the same past, published ratings and the bookmakers, on the same rows."""
    task = TASKS.get("match_outcome")
    assert rows.times is not None
    answers: dict[str, list[Array]] = {}
    for part in parts:
        before = rows.take(rows.times < rows.times[part].min())
        for name, outputs in task.baselines(before, rows.take(part)).items():
            answers.setdefault(name, []).append(outputs["outcome"])
    test = rows.take(np.concatenate(parts))
    found = {name: _scores(test, np.concatenate(given)) for name, given in answers.items()}
    if len(rows.signature.labels["outcome"]) == 2:
        played = [table for table in question.tables if "player_odds" in table.columns]
        found |= {
            name: _scores(test, _ordered(test, chances))
            for name, chances in _published(played).items()
        }
    for name, column in (("bookmakers, closing", "odds"), ("bookmakers, opening", "odds_open")):
        chances = _odds(question.tables, column)
        known = np.array([key in chances for key in test.groups.tolist()])
        if known.any():
            quoted = test.take(known)
            found[name] = _scores(quoted, _ordered(quoted, chances)) | {"rows": float(known.sum())}
    return found


def _scores(test: Dataset, chances: Array) -> dict[str, float]:
    """The scores of one outcome; Brier's of two classes counts the winner alone, as published."""
    scores = scores_of(test, {"outcome": chances})
    halves = 2.0 if chances.shape[1] == 2 else 1.0
    wanted = ("log_loss", "brier", "accuracy", "rps", "calibration_error")
    return {name: scores[name] / (halves if name == "brier" else 1.0) for name in wanted}


def _ordered(test: Dataset, chances: Mapping[str, FloatArray]) -> Array:
    return np.stack([chances[key] for key in test.groups.tolist()])


def _odds(tables: Sequence[Table], name: str) -> dict[str, FloatArray]:
    """Match -> chances of the side that a data set names first, from decimal odds, margin off."""
    columns = [f"player_{name}", f"{name}_draw", f"opponent_{name}"]
    tables = [table for table in tables if columns[0] in table.columns]
    if not tables:
        return {}
    is_three = any(columns[1] in table.columns for table in tables)
    used = columns if is_three else [columns[0], columns[2]]
    rows = np.concatenate(
        [np.stack([_column(table, column) for column in used], axis=1) for table in tables]
    )
    found: dict[str, FloatArray] = {}
    for match in matches_of(tables):
        shares = 1.0 / rows[match.row]
        if np.isfinite(shares).all():
            fair = match.fairly_named()
            turned = fair.sides[0].name != match.sides[0].name
            found[fair.key] = (shares[::-1] if turned else shares) / shares.sum()
    return found


def _column(table: Table, name: str) -> FloatArray:
    return np.asarray(table.columns.get(name, np.full(len(table), np.nan)), np.float64)


def _published(tables: Sequence[Table]) -> dict[str, dict[str, FloatArray]]:
    """Elo and WElo as published: from 1500, on the matches of these tables that were completed."""
    ratings = {"Elo": EloTable(), "WElo": EloTable(is_weighted=True)}
    found: dict[str, dict[str, FloatArray]] = {f"{name} as published": {} for name in ratings}
    played = [m for m in matches_of(tables) if m.is_played and m.status != "retired"]
    for unit in units_of([match.fairly_named() for match in played]):
        for name, table in ratings.items():
            for match in unit:
                chance = table.probability(match.sides[0].name, match.sides[1].name)
                found[f"{name} as published"][match.key] = np.array([chance, 1.0 - chance])
            for match in unit:
                winner, loser = match.sides if match.result == 0 else match.sides[::-1]
                games = winner.games + loser.games
                share = winner.games / games if games > 0 else 1.0
                table.update(winner.name, loser.name, share)
    return found


def _tables(path: Path) -> list[Table]:
    return list(open_path(path).tables)


def _years(times: FloatArray) -> Array:
    seconds = times.astype("datetime64[s]")
    years: Array = seconds.astype("datetime64[Y]").astype(np.int64) + 1970
    return years
