"""Season sheets of football leagues with goals and odds in, a table of matches out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from stadion.core.activity import Activity, Table
from stadion.core.arrays import Array, FloatArray
from stadion.ingest._matches import claimed_by_header, matches_table, sheet_of
from stadion.ingest.base import Member

__all__ = ["PLUGIN", "FootballOddsReader", "results_of"]

_HEADER = b"Date,country,league,Season,HomeTeam,AwayTeam,FTHG,FTAG,HTHG,HTAG,"
_NEEDED = ("Date", "country", "league", "HomeTeam", "AwayTeam", "FTHG", "FTAG")


class FootballOddsReader:
    """Matches of a league: goals at the end and at half time, opening and closing odds.

    `player` is the team at home. Times are those of the file, which names no zone.
    """

    name = "football_odds"
    layout = "A league's matches as CSV: Date, country, league, Season, teams, goals, mean odds."
    guesses = False

    def example(self) -> list[Member]:
        """One match played and one to come."""
        header = (
            "Date,country,league,Season,HomeTeam,AwayTeam,FTHG,FTAG,HTHG,HTAG,home_close,home_open,"
            "draw_close,draw_open,away_close,away_open"
        )
        played = "2024-05-05 20:00:00,norway,first,2024,Able,Best,2,1,1,1,1.9,2.0,3.4,3.3,4.1,3.8"
        to_come = "2024-05-12 18:00:00,norway,first,2024,Best,Able,,,,,2.5,2.6,3.2,3.2,2.8,2.7"
        return [Member.of("norway_first.csv", "\n".join([header, played, to_come, ""]).encode())]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Each file with this header."""
        return claimed_by_header(members, [_HEADER])

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One table; matches without goals are scheduled."""
        (member,) = group
        sheet = sheet_of(member, _NEEDED)
        dates = _moments(sheet.texts("Date"))
        goals = sheet.numbers("FTHG"), sheet.numbers("FTAG")
        competition = np.char.add(np.char.add(sheet.texts("country"), " "), sheet.texts("league"))
        columns: dict[str, Array] = {
            "date": dates,
            "sport": np.full(sheet.rows, "football"),
            "competition": competition,
            "season": sheet.texts("Season"),
            "home_side": np.ones(sheet.rows),
            "player": sheet.texts("HomeTeam"),
            "opponent": sheet.texts("AwayTeam"),
            "player_score": goals[0],
            "opponent_score": goals[1],
            "player_half_score": sheet.numbers("HTHG"),
            "opponent_half_score": sheet.numbers("HTAG"),
            **results_of(*goals),
            "player_odds": sheet.numbers("home_close"),
            "odds_draw": sheet.numbers("draw_close"),
            "opponent_odds": sheet.numbers("away_close"),
            "player_odds_open": sheet.numbers("home_open"),
            "odds_open_draw": sheet.numbers("draw_open"),
            "opponent_odds_open": sheet.numbers("away_open"),
        }
        repairs = {
            "rows of another length dropped": sheet.ragged,
            "matches without a date": int(np.isnat(dates).sum()),
        }
        return [matches_table(self.name, member, columns, repairs)]


def results_of(goals: FloatArray, against: FloatArray) -> dict[str, Array]:
    """`result` of the side named first and `status`, from the goals of both; NaN = not played."""
    known = np.isfinite(goals) & np.isfinite(against)
    result = np.select([~known, goals > against, goals < against], ["", "win", "loss"], "draw")
    return {"result": result, "status": np.where(known, "completed", "scheduled")}


def _moments(texts: Array) -> Array:
    found: list[np.datetime64] = []
    for text in texts.tolist():
        try:
            moment = datetime.fromisoformat(text).replace(tzinfo=None)
            found.append(np.datetime64(moment, "s"))
        except ValueError:
            found.append(np.datetime64("NaT", "s"))
    return np.array(found, "datetime64[s]")


PLUGIN = FootballOddsReader()
