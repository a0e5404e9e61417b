"""Sheets of tennis-data.co.uk, also joined with J. Sackmann's statistics, in; a table out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from stadion.core.activity import Activity, Table
from stadion.core.arrays import Array, FloatArray
from stadion.ingest._matches import Sheet, claimed_by_header, matches_table, sheet_of
from stadion.ingest._tennis import dates_in, order_of, statistics_of
from stadion.ingest.base import Member

__all__ = ["PLUGIN", "TennisOddsReader"]

_HEADERS = [
    before + tour + b",Location,Tournament,Date,"
    for before in (b"ID,", b"")
    for tour in (b"ATP", b"WTA")
]
_NEEDED = ("Date", "Winner", "Loser", "Comment")
_STATUS = {"full time": "completed", "awarded": "walkover", "sched": "walkover",
           "nsy": "walkover", "disqualified": "retired", "r_bag": "retired"}  # fmt: skip
_ROUNDS = {"Round Robin": "RR", "Quarterfinals": "QF", "Semifinals": "SF", "The Final": "F"}
_EARLY = {"1st Round": 1.0, "2nd Round": 2.0, "3rd Round": 3.0, "4th Round": 4.0}
_EARLIEST_DAYS, _LATEST_DAYS = -3, 16
"""When a match may lie against the first day of the event it was joined with."""


class TennisOddsReader:
    """Matches of a tour with ranks, sets, games and decimal odds of Bet365 and the market.

    The winner is named first, as in the file. Where the sheet was joined with Sackmann's files
    the players carry their full names and the matches their serve statistics. A row that was
    joined with another match keeps what tennis-data says and loses the rest.

    References
    ----------
    tennis-data.co.uk, notes.txt; G. Angelini, V. Candila, L. De Angelis, Weighted Elo rating for
    tennis match predictions, European J. of Operational Research 297 (2022) 120-132.
    """

    name = "tennis_odds"
    layout = "Sheets of tennis-data.co.uk as CSV, plain or joined with J. Sackmann's columns."
    guesses = False

    def example(self) -> list[Member]:
        """A match, its double, one that ended early, and one that was not played."""
        header = (
            "ATP,Location,Tournament,Date,Series,Court,Surface,Round,Best.of,Winner,Loser,WRank,"
            "LRank,WPts,LPts,W1,L1,W2,L2,W3,L3,Wsets,Lsets,Comment,B365W,B365L,AvgW,AvgL"
        )
        match = (
            "1,Oslo,Example Open,05/05/2024,ATP250,Outdoor,Clay,1st Round,3,Able A.,Best B.,4,130,"
            "2400,410,6,4,3,6,7,6,2,1,Completed,1.2,4.5,1.21,4.4"
        )
        early = (
            "1,Oslo,Example Open,06/05/2024,ATP250,Outdoor,Clay,2nd Round,3,Able A.,Cool C.,4,9,"
            "2400,1700,6,2,1,0,,,1,0,Retied,1.5,2.6,1.52,2.55"
        )
        none = (
            "1,Oslo,Example Open,07/05/2024,ATP250,Outdoor,Clay,The Final,3,Able A.,Dear D.,4,11,"
            "2400,1600,,,,,,,,,Walkover,NA,,,"
        )
        lines = [header, match, match, early, none, ""]
        return [Member.of("2024.csv", "\n".join(lines).encode())]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Each sheet with tennis-data's header."""
        return claimed_by_header(members, _HEADERS)

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One table without doubles; `competition` is ATP or WTA as the header says."""
        (member,) = group
        sheet = sheet_of(member, _NEEDED)
        dates = dates_in(sheet.texts("Date"), "%d/%m/%Y")
        away, is_joined = _days_from_event(sheet, dates), "winner_name" in sheet.columns
        winners, swapped = _names(sheet, "Winner", "winner_name", "loser_name")
        losers, _ = _names(sheet, "Loser", "loser_name", "winner_name")
        is_strange = (swapped | ~np.isfinite(away)) & is_joined
        status, labels = _statuses(sheet.texts("Comment"))
        columns: dict[str, Array] = {
            "date": dates,
            "sport": np.full(sheet.rows, "tennis"),
            "competition": np.full(sheet.rows, "WTA" if "WTA" in sheet.columns else "ATP"),
            "event": _first_of(sheet.texts("tourney_name"), sheet.texts("Tournament")),
            "event_id": _kept(sheet.texts("tourney_id"), ~is_strange),
            "level": sheet.texts("tourney_level"),
            "surface": np.char.lower(sheet.texts("Surface")),
            "indoor": _indoor(sheet.texts("Court")),
            "best_of": _best_of(sheet),
            "draw_size": sheet.numbers("draw_size"),
            "status": status,
            "result": np.where(status == "scheduled", "", "win"),
            "home_side": np.zeros(sheet.rows),
            "player": winners,
            "opponent": losers,
            **{name: _kept(values, ~is_strange) for name, values in statistics_of(sheet).items()},
            **_rounds(sheet, is_strange),
            **_sides(sheet),
        }
        doubles = _doubles(sheet, dates, np.where(np.isfinite(away), away, 1_000.0))
        kept = ~doubles
        repairs = {
            "rows of another length dropped": sheet.ragged,
            "matches given twice": int(doubles.sum()),
            "labels of the end misspelt or unusual": int(labels[kept].sum()),
            "statistics of another match left out": int(is_strange[kept].sum()),
            "matches without a date": int(np.isnat(dates[kept]).sum()),
        }
        columns = {name: values[kept] for name, values in columns.items()}
        return [matches_table(self.name, member, columns, repairs)]


def _names(sheet: Sheet, own: str, full: str, others: str) -> tuple[Array, Array]:
    """(n,) full names where the sheet has them; True where the row was joined the wrong way."""
    short, long = sheet.texts(own), sheet.texts(full)
    if full not in sheet.columns:
        return short, np.zeros(sheet.rows, np.bool_)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, known in zip(short.tolist(), long.tolist(), strict=True):
        counts[name][known] += 1
    usual = np.array([counts[name].most_common(1)[0][0] for name in short.tolist()])
    swapped = (usual == sheet.texts(others)) & (usual != long)
    return np.where(swapped | (long == ""), usual, long), swapped


def _days_from_event(sheet: Sheet, dates: Array) -> FloatArray:
    """(n,) days from the event's first day; NaN where the match cannot be one of this event."""
    begun = dates_in(sheet.texts("tourney_date"), "%Y%m%d")
    days = (dates - begun).astype("timedelta64[D]")
    away = np.where(np.isnat(days), np.nan, days.astype(np.float64))
    return np.where((away >= _EARLIEST_DAYS) & (away <= _LATEST_DAYS), np.abs(away), np.nan)


def _statuses(comments: Array) -> tuple[Array, Array]:
    """(n,) status, and True where the sheet has another word for it; '' is a match to come."""
    found: list[str] = []
    for comment in comments.tolist():
        text = comment.lower()
        if not text:
            found.append("scheduled")
            continue
        beginning = {"c": "completed", "r": "retired", "w": "walkover"}.get(text[:1], "walkover")
        found.append(_STATUS.get(text, beginning))
    status = np.array(found)
    usual = {"completed": "Completed", "retired": "Retired", "walkover": "Walkover",
             "scheduled": ""}  # fmt: skip
    return status, np.array([usual[s] for s in found]) != comments


def _indoor(court: Array) -> FloatArray:
    known = np.where(court == "Indoor", 1.0, 0.0)
    return np.where(court == "", np.nan, known)


def _best_of(sheet: Sheet) -> FloatArray:
    stated, joined = sheet.numbers("Best.of"), sheet.numbers("best_of")
    stated = np.where(np.isfinite(stated), stated, sheet.numbers("Best of"))
    return np.where(np.isin(joined, (3, 5)), joined, np.where(stated == 5, 5.0, 3.0))


def _rounds(sheet: Sheet, is_strange: Array) -> dict[str, Array]:
    own = np.array([_ROUNDS.get(text, text) for text in sheet.texts("Round").tolist()])
    name = _first_of(_kept(sheet.texts("round"), ~is_strange), own)
    order = order_of(name)
    early = np.array([_EARLY.get(text, np.nan) for text in own.tolist()])
    return {"round": name, "order": np.where(np.isfinite(order), order, early)}


def _sides(sheet: Sheet) -> dict[str, Array]:
    columns: dict[str, Array] = {}
    for side, letter in (("player", "W"), ("opponent", "L")):
        sets = np.stack([sheet.numbers(f"{letter}{k}") for k in range(1, 6)])
        games = np.where(np.isfinite(sets).any(axis=0), np.nansum(sets, axis=0), np.nan)
        columns |= {
            f"{side}_score": sheet.numbers(f"{letter}sets"),
            f"{side}_games": games,
            f"{side}_rank": sheet.numbers(f"{letter}Rank"),
            f"{side}_points": sheet.numbers(f"{letter}Pts"),
            f"{side}_odds": sheet.numbers(f"B365{letter}"),
            f"{side}_odds_mean": sheet.numbers(f"Avg{letter}"),
        }
    return columns


def _doubles(sheet: Sheet, dates: Array, away: FloatArray) -> Array:
    """(n,) True for all but the best joined row of one match."""
    winners, losers = sheet.texts("Winner").tolist(), sheet.texts("Loser").tolist()
    best: dict[tuple[str, str, str], int] = {}
    for row in np.argsort(away, kind="stable").tolist():
        best.setdefault((str(dates[row]), winners[row], losers[row]), row)
    doubles = ~np.isnat(dates)
    doubles[list(best.values())] = False
    return doubles


def _first_of(values: Array, others: Array) -> Array:
    found: Array = np.where(values != "", values, others)
    return found


def _kept(values: Array, rows: Array) -> Array:
    kept: Array = np.where(rows, values, "" if values.dtype.kind == "U" else np.nan)
    return kept


PLUGIN = TennisOddsReader()
