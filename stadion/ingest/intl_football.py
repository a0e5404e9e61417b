"""The results of national football teams since 1872 in, a table of matches out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stadion.core.activity import Activity, Table
from stadion.core.arrays import Array
from stadion.ingest._matches import claimed_by_header, matches_table, sheet_of
from stadion.ingest._tennis import dates_in
from stadion.ingest.base import Member
from stadion.ingest.football_odds import results_of

__all__ = ["PLUGIN", "IntlFootballReader"]

_HEADER = b"date,home_team,away_team,home_score,away_score,tournament,"
_NEEDED = ("date", "home_team", "away_team", "home_score", "away_score", "tournament")


class IntlFootballReader:
    """Full internationals with the tournament and whether the ground was neutral.

    `player` is the team named first; it plays at home unless the ground is neutral. The score is
    that after extra time, without a shoot-out.

    References
    ----------
    M. Jürisoo, International football results from 1872, github.com/martj42 (CC0).
    """

    name = "intl_football"
    layout = "results.csv of martj42/international_results: date, teams, goals, tournament, place."
    guesses = False

    def example(self) -> list[Member]:
        """A match at home, one on neutral ground, one to come."""
        rows = (
            "date,home_team,away_team,home_score,away_score,tournament,city,country,neutral",
            "1990-05-05,Scotland,England,2,1,Friendly,Glasgow,Scotland,FALSE",
            "1990-06-05,Scotland,Wales,0,0,FIFA World Cup,Rome,Italy,TRUE",
            "2030-06-05,Scotland,Italy,NA,NA,FIFA World Cup,Rome,Italy,FALSE",
        )
        return [Member.of("results.csv", "\n".join([*rows, ""]).encode())]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Each file with this header."""
        return claimed_by_header(members, [_HEADER])

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One table; matches without goals are scheduled."""
        (member,) = group
        sheet = sheet_of(member, _NEEDED)
        dates = dates_in(sheet.texts("date"), "%Y-%m-%d")
        goals = sheet.numbers("home_score"), sheet.numbers("away_score")
        columns: dict[str, Array] = {
            "date": dates,
            "sport": np.full(sheet.rows, "football"),
            "competition": np.full(sheet.rows, "national teams"),
            "event": sheet.texts("tournament"),
            "home_side": _home_side(sheet.texts("neutral"), sheet.texts("country"),
                                    sheet.texts("home_team"), sheet.texts("away_team")),
            "player": sheet.texts("home_team"),
            "opponent": sheet.texts("away_team"),
            "player_score": goals[0],
            "opponent_score": goals[1],
            **results_of(*goals),
        }  # fmt: skip
        repairs = {
            "rows of another length dropped": sheet.ragged,
            "matches without a date": int(np.isnat(dates).sum()),
        }
        return [matches_table(self.name, member, columns, repairs)]


def _home_side(neutral: Array, country: Array, first: Array, second: Array) -> Array:
    """1 and -1 where one of the two is at home; 0 on neutral ground."""
    is_neutral = np.char.upper(neutral) == "TRUE"
    return np.select([(country == second) & (country != first), is_neutral], [-1.0, 0.0], 1.0)


PLUGIN = IntlFootballReader()
