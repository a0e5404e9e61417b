"""Scores, rounds and the columns of J. Sackmann's tennis files, as two readers need them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

import numpy as np

from stadion.core.arrays import Array, FloatArray
from stadion.ingest._matches import Sheet

__all__ = ["ROUNDS", "Score", "dates_in", "order_of", "score_in", "statistics_of"]

ROUNDS = {
    "ER": 0, "Q1": 0, "Q2": 0, "Q3": 0, "R128": 1, "R64": 2, "R32": 3, "RR": 4, "R16": 4, "QF": 5,
    "SF": 6, "BR": 6, "F": 7,
}  # fmt: skip
"""Order of the rounds inside an event; of every round here the later one has the higher number."""

_SET = re.compile(r"(?<![\[\d])(\d{1,2})-(\d{1,2})(?!\d)")  # a tie-break in brackets is no set
_MOST_GAMES = 80  # 70-68 was played
_ENDED_EARLY = re.compile(r"\b(RET|DEF|ABD|ABN|unfinished|Default)", re.IGNORECASE)
_NOT_PLAYED = re.compile(r"\b(W/?O|walkover|NA)\b", re.IGNORECASE)


class Score(NamedTuple):
    """Sets and games of the winner and the loser, and how the match ended."""

    sets: tuple[float, float]
    games: tuple[float, float]
    status: str


def score_in(text: str) -> Score:
    """A score line of the winner's view.

    Examples
    --------
    >>> score_in("6-4 3-6 7-6(5)").games
    (16.0, 16.0)
    >>> score_in("6-4 2-1 RET").status, score_in("W/O").status, score_in("").status
    ('retired', 'walkover', 'scheduled')
    """
    if not text:
        return Score((np.nan, np.nan), (np.nan, np.nan), "scheduled")
    sets = [(int(won), int(lost)) for won, lost in _SET.findall(text)]
    sets = [(won, lost) for won, lost in sets if max(won, lost) <= _MOST_GAMES]
    if not sets:
        early = _ENDED_EARLY.search(text)
        return Score((np.nan, np.nan), (np.nan, np.nan), "retired" if early else "walkover")
    status = "retired" if _ENDED_EARLY.search(text) or _NOT_PLAYED.search(text) else "completed"
    won = sum(a > b for a, b in sets)
    return Score(
        (float(won), float(sum(a < b for a, b in sets))),
        (float(sum(a for a, _ in sets)), float(sum(b for _, b in sets))),
        status,
    )


def order_of(rounds: Array) -> FloatArray:
    """(n,) place of each round inside its event; NaN for a round without a known place."""
    return np.array([ROUNDS.get(str(name), np.nan) for name in rounds], np.float64)


def dates_in(texts: Array, pattern: str) -> Array:
    """(n,) datetime64[D] of texts such as 20240131 or 31/01/2024; NaT where they are none."""
    known: dict[str, np.datetime64] = {}
    for text in set(texts.tolist()):
        try:
            known[text] = np.datetime64(datetime.strptime(text, pattern).date(), "D")
        except ValueError:
            known[text] = np.datetime64("NaT", "D")
    return np.array([known[text] for text in texts.tolist()], "datetime64[D]")


def statistics_of(sheet: Sheet) -> dict[str, Array]:
    """Who the two were and how they served: the columns that both layouts have."""
    columns: dict[str, Array] = {"minutes": sheet.numbers("minutes")}
    for side, name, letter in (("player", "winner", "w"), ("opponent", "loser", "l")):
        first, second = sheet.numbers(f"{letter}_1stWon"), sheet.numbers(f"{letter}_2ndWon")
        columns |= {
            f"{side}_age": sheet.numbers(f"{name}_age"),
            f"{side}_height": sheet.numbers(f"{name}_ht"),
            f"{side}_hand": sheet.texts(f"{name}_hand"),
            f"{side}_country": sheet.texts(f"{name}_ioc"),
            f"{side}_seed": sheet.numbers(f"{name}_seed"),
            f"{side}_entry": sheet.texts(f"{name}_entry"),
            f"{side}_rank": sheet.numbers(f"{name}_rank"),
            f"{side}_points": sheet.numbers(f"{name}_rank_points"),
            f"{side}_serve_points": sheet.numbers(f"{letter}_svpt"),
            f"{side}_serve_points_won": first + second,
        }
    return columns
