"""Season files of J. Sackmann's tennis archives in, tables of matches out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stadion.core.activity import Activity, Table
from stadion.core.arrays import Array, FloatArray
from stadion.ingest._matches import Sheet, claimed_by_header, matches_table, sheet_of
from stadion.ingest._tennis import dates_in, order_of, score_in, statistics_of
from stadion.ingest.base import Member

__all__ = ["PLUGIN", "TennisAtpReader"]

_HEADER = b"tourney_id,tourney_name,surface,draw_size,tourney_level,tourney_date,match_num,"
_NEEDED = ("tourney_id", "tourney_date", "winner_name", "loser_name", "score")
_TWO_WEEKS = 96  # players in the draw
_DAYS_IN_A_WEEK = (0, 0, 0, 0, 2, 4, 5, 6)  # by the order of the round
_DAYS_IN_TWO_WEEKS = (0, 0, 2, 4, 6, 8, 10, 13)


class TennisAtpReader:
    """Matches of one season of a tour, with ranks, ages and serve statistics.

    The files give the day an event began. The day of a match is estimated from its round: the
    first four rounds of a week on the first two days, its final on the last; events of 96 players
    and more last two weeks. The winner is named first, as in the file; a match without a score is
    still to come.

    References
    ----------
    J. Sackmann, Tennis databases, github.com/JeffSackmann (matches_data_dictionary.txt).
    """

    name = "tennis_atp"
    layout = "Files atp_matches_YEAR.csv or wta_matches_YEAR.csv of J. Sackmann's archives."
    guesses = False

    def example(self) -> list[Member]:
        """A semifinal, and a final that was not played to its end."""
        header = (
            "tourney_id,tourney_name,surface,draw_size,tourney_level,tourney_date,match_num,"
            "winner_id,winner_seed,winner_entry,winner_name,winner_hand,winner_ht,winner_ioc,"
            "winner_age,loser_id,loser_seed,loser_entry,loser_name,loser_hand,loser_ht,loser_ioc,"
            "loser_age,score,best_of,round,minutes,w_svpt,w_1stWon,w_2ndWon,l_svpt,l_1stWon,"
            "l_2ndWon,winner_rank,winner_rank_points,loser_rank,loser_rank_points"
        )
        rows = (
            "2024-1,Example Open,Clay,32,A,20240506,30,1,1,,Ann Able,R,180,SUI,24.5,2,,Q,Bea Best,"
            "L,175,FRA,19.1,6-4 3-6 7-6(5),3,SF,150,95,50,20,101,48,19,4,2400,130,410",
            "2024-1,Example Open,Clay,32,A,20240506,31,1,1,,Ann Able,R,180,SUI,24.5,3,2,,Cat Cool,"
            "R,,ITA,30.0,6-2 1-0 RET,3,F,40,30,20,5,28,12,4,4,2400,9,1700",
        )
        return [Member.of("wta_matches_2024.csv", "\n".join([header, *rows, ""]).encode())]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Each file with the archives' header."""
        return claimed_by_header(members, [_HEADER])

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One table; `competition` is WTA where the file's name says so, else ATP."""
        (member,) = group
        sheet = sheet_of(member, _NEEDED)
        scores = [score_in(text) for text in sheet.texts("score").tolist()]
        tour = "WTA" if "wta" in member.path.rpartition("/")[2].lower() else "ATP"
        dates, estimated = _dates(sheet)
        columns: dict[str, Array] = {
            "date": dates,
            "sport": np.full(sheet.rows, "tennis"),
            "competition": np.full(sheet.rows, tour),
            "event": sheet.texts("tourney_name"),
            "event_id": sheet.texts("tourney_id"),
            "level": sheet.texts("tourney_level"),
            "round": sheet.texts("round"),
            "order": order_of(sheet.texts("round")),
            "surface": np.char.lower(sheet.texts("surface")),
            "best_of": sheet.numbers("best_of"),
            "draw_size": sheet.numbers("draw_size"),
            "status": np.array([score.status for score in scores]),
            "result": np.array(["" if s.status == "scheduled" else "win" for s in scores]),
            "home_side": np.zeros(sheet.rows),
            "player": sheet.texts("winner_name"),
            "opponent": sheet.texts("loser_name"),
            **statistics_of(sheet),
        }
        for place, side in enumerate(("player", "opponent")):
            columns[f"{side}_score"] = np.array([score.sets[place] for score in scores])
            columns[f"{side}_games"] = np.array([score.games[place] for score in scores])
        repairs = {
            "rows of another length dropped": sheet.ragged,
            "days inside an event estimated from the round": estimated,
            "matches without a date": int(np.isnat(dates).sum()),
        }
        return [matches_table(self.name, member, columns, repairs)]


def _dates(sheet: Sheet) -> tuple[Array, int]:
    """(n,) days, and how many of them were moved from the day the event began."""
    begun = dates_in(sheet.texts("tourney_date"), "%Y%m%d")
    after = _days_after(order_of(sheet.texts("round")), sheet.numbers("draw_size"))
    return begun + after.astype("timedelta64[D]"), int((after > 0).sum())


def _days_after(order: FloatArray, draw: FloatArray) -> Array:
    place = np.nan_to_num(order).astype(int).clip(0, 7)
    short, long = np.array(_DAYS_IN_A_WEEK), np.array(_DAYS_IN_TWO_WEEKS)
    days: Array = np.where(draw >= _TWO_WEEKS, long[place], short[place])
    return days


PLUGIN = TennisAtpReader()
