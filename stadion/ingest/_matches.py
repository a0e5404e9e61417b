"""Result sheets in, the columns of a table of matches out: what the readers of leagues share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Repair, Table
from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest._texts import texts_of
from stadion.ingest.base import Member, digest_of, source_of
from stadion.ingest.tabular.layout import find_layout, rows_of
from stadion.ingest.tabular.numbers import numbers_in

__all__ = ["BOTH_SIDES", "ONCE", "SIDES", "Sheet", "claimed_by_header", "matches_table", "sheet_of"]

SIDES = ("player", "opponent")

ONCE: dict[str, str] = {
    "date": "",  # when it was played; NaT where the file does not say
    "sport": "",
    "competition": "",  # who plays whom here: a tour, a league, the national teams
    "event": "",  # the tournament or cup
    "event_id": "",  # one edition of it
    "season": "",
    "level": "",  # tennis: G, M, A, F, D as in the data dictionary of tennis_atp
    "round": "",
    "order": "1",  # of the rounds of one event
    "surface": "",
    "indoor": "1",  # 1 in a hall, 0 in the open
    "best_of": "1",
    "draw_size": "1",
    "status": "",  # completed, retired, walkover, scheduled
    "result": "",  # win, draw, loss of the side named first; '' = not known
    "home_side": "1",  # 1: the side named first plays at home, -1: the other, 0: nobody
    "minutes": "min",
    "odds_draw": "1",
    "odds_open_draw": "1",
}
"""Columns that a match has once, and their units ('' for text and dates)."""

BOTH_SIDES: dict[str, str] = {
    "": "",  # the name: columns `player` and `opponent`
    "score": "1",  # goals, or sets
    "games": "1",
    "half_score": "1",
    "rank": "1",
    "points": "1",
    "age": "years",
    "height": "cm",
    "hand": "",
    "country": "",
    "seed": "1",
    "entry": "",
    "serve_points": "1",
    "serve_points_won": "1",
    "odds": "1",
    "odds_mean": "1",
    "odds_open": "1",
}
"""Columns there are twice, such as `player_rank` and `opponent_rank`; odds are decimal."""

_BLANKS = {"NA", "N/A", "NaN", "nan", "None", "-"}


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A delimited file's columns as texts, and how many lines had another length."""

    columns: Mapping[str, Sequence[str]]
    rows: int
    ragged: int

    def texts(self, name: str) -> Array:
        """(n,) text without blanks around it; '' where the column or the value is missing."""
        values = [value.strip() for value in self.columns.get(name, [""] * self.rows)]
        return texts_of(["" if value in _BLANKS else value for value in values])

    def numbers(self, name: str) -> FloatArray:
        """(n,) float64; NaN where the column or the value is missing or no number."""
        if name not in self.columns:
            return np.full(self.rows, np.nan)
        values = numbers_in(self.texts(name).tolist(), False).values
        return np.where(np.abs(values) < 1e12, values, np.nan)


def sheet_of(member: Member, needed: Iterable[str]) -> Sheet:
    """The file's columns; each by the first heading of that name.

    Raises
    ------
    StadionError
        INVALID where there is no table, or one without the needed columns.
    """
    data = member.data
    layout = find_layout(data)
    if layout is None:
        raise StadionError(Code.INVALID, "no header with a row of as many fields below it")
    names = [heading.name for heading in layout.columns]
    lacking = [name for name in needed if name not in names]
    if lacking:
        raise StadionError(Code.INVALID, f"the header lacks {', '.join(lacking)}")
    rows: list[list[str]] = []
    ragged = 0
    for chunk in rows_of(data, layout):
        whole = [row for row in chunk if len(row) == len(names)]
        ragged += len(chunk) - len(whole)
        rows += whole
    if not rows:
        raise StadionError(Code.INVALID, "a header without any row of its length")
    columns: dict[str, Sequence[str]] = {}
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        columns.setdefault(name, values)
    return Sheet(columns, len(rows), ragged)


def claimed_by_header(members: Sequence[Member], beginnings: Sequence[bytes]) -> list[list[Member]]:
    """A group for each member whose header begins with one of these."""
    return [
        [member]
        for member in members
        if member.head.removeprefix(b"\xef\xbb\xbf").startswith(tuple(beginnings))
    ]


def matches_table(
    reader: str, member: Member, columns: Mapping[str, Array], repairs: Mapping[str, int]
) -> Table:
    """A table of kind `matches`; columns that hold nothing are left out.

    Parameters
    ----------
    columns
        Names of `ONCE`, or of `BOTH_SIDES` behind `player_` and `opponent_`.
    repairs
        What was mended, and in how many rows.
    """
    units = dict(ONCE)
    for side in SIDES:
        units |= {f"{side}_{name}" if name else side: unit for name, unit in BOTH_SIDES.items()}
    held = {name: values for name, values in columns.items() if _holds_something(values)}
    mended = [Repair(what, count) for what, count in repairs.items() if count]
    source = source_of(reader, member.path, digest_of([member.data]), mended)
    return Table("matches", held, {name: units[name] for name in held}, source)


def _holds_something(values: Array) -> bool:
    if values.dtype.kind == "U":
        return bool((values != "").any())
    if values.dtype.kind == "M":
        return bool((~np.isnat(values)).any())
    return bool(np.isfinite(values).any())
