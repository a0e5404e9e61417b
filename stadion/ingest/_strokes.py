"""Stroke records of badminton, one line each, in; one table of kind `strokes` out."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Source, Table
from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.ingest._texts import texts_of
from stadion.science.badminton import COURT_LENGTH_M, COURT_WIDTH_M

__all__ = ["COLUMNS", "ERRORS", "Match", "Record", "before_and_winner", "court_m", "matches_in",
           "number", "rallies_of", "rally_rows", "records_in", "seconds_in", "stroke_number",
           "strokes_table"]  # fmt: skip

_TEXTS = ("match", "rally", "player", "opponent", "type", "fine_type", "winner", "ending")
_PLACES = ("landing_x", "landing_y", "player_x", "player_y", "opponent_x", "opponent_y")
_PLAIN = ("set", "stroke", "rally_length", "backhand", "around_head", "landing_high",
          "player_points", "opponent_points")  # fmt: skip
COLUMNS: dict[str, str] = {
    **dict.fromkeys(_TEXTS, ""), "date": "", **dict.fromkeys(_PLAIN, "1"), "time": "s",
    **dict.fromkeys(_PLACES, "m"),
}  # fmt: skip
"""Columns of a table of strokes and their units.

Places are metres from the centre of the court: x across it, y along it. `player` hits, `type` is
one of `science.badminton.STROKE_TYPES`, `fine_type` what the annotators called it. `rally` is its
set and its number in it, so match and rally together tell one. Points are those before the rally:
the files give those after it, which tell who won. `ending` is said of a rally's last stroke:
`winner`, `out`, `net`, `short`, `misjudged`. '' and NaN = unknown."""

_MOST_STROKES = 2_000_000
_COURT = (175.0, 480.0, COURT_WIDTH_M / 300.0, COURT_LENGTH_M / 660.0)
"""Centre and metres per unit of the courts that the annotators' homographies lead to: the corners
of every one of them are (25, 150) and (325, 810)."""

ERRORS = ("out", "net", "short")
"""Endings by which the one who hit last lost the rally."""

Record = Mapping[str, str]
_UNKNOWN = (np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class Match:
    """One line of a list of matches; A in the records is the winner."""

    number: str
    name: str
    date: str
    winner: str
    loser: str


def records_in(data: bytes, path: str, needed: Sequence[str]) -> list[Record]:
    """The lines below the header, as mappings of its names.

    Raises
    ------
    StadionError
        INVALID when a needed column is not there, or the text is no table.
    """
    text = io.StringIO(data.decode("utf-8-sig", "replace"), newline="")
    lines = csv.DictReader(text, restval="")
    try:
        names = lines.fieldnames or ()
        if lacking := [name for name in needed if name not in names]:
            raise StadionError(Code.INVALID, f"{path} has no column {', '.join(lacking[:5])}")
        found: list[Record] = list(itertools.islice(lines, _MOST_STROKES))
    except csv.Error as error:
        raise StadionError(Code.INVALID, f"{path} is a table that breaks off: {error}") from error
    return found


def matches_in(data: bytes, path: str) -> list[Match]:
    """The list of matches, in its order."""
    return [
        Match(
            r["id"].strip(), r["video"].strip(), _date(r), r["winner"].strip(), r["loser"].strip()
        )
        for r in records_in(data, path, ("id", "video", "winner", "loser"))
    ]


def number(record: Record, name: str) -> float:
    """The number in a field; NaN where there is none."""
    try:
        return float(record.get(name) or "nan")
    except ValueError:
        return float("nan")


def court_m(x: float, y: float) -> tuple[float, float]:
    """Metres from the centre of the court of a point in the units of the homographies."""
    center_x, center_y, across, along = _COURT
    return (x - center_x) * across, (y - center_y) * along


def rallies_of(records: Sequence[Record], key: Callable[[Record], str]) -> Iterator[list[Record]]:
    """The records of each rally in the order of their strokes; rallies in that of the file."""
    rallies: dict[str, list[Record]] = {}
    for record in records:
        rallies.setdefault(key(record), []).append(record)
    for rally in rallies.values():
        yield sorted(rally, key=stroke_number)


def stroke_number(record: Record) -> float:
    """Place of the stroke in its rally, from 1; infinite where the record has none."""
    value = number(record, "ball_round")
    return float("inf") if np.isnan(value) else value


def before_and_winner(
    after: Mapping[tuple[float, float], tuple[float, float]],
    place: tuple[float, float],
    ended: str,
) -> tuple[tuple[float, float], str]:
    """Points of A and B before a rally, and who won it ('A', 'B', '' = unknown).

    Parameters
    ----------
    after
        (set, number of the rally in it) -> points of A and of B after that rally.
    ended
        Who won it by the way it ended; asked where the rally before it is not there.
    """
    game, rally = place
    now = after.get(place, (np.nan, np.nan))
    before = after.get((game, rally - 1), (0.0, 0.0) if rally == 1 else (np.nan, np.nan))
    gained = (now[0] - before[0], now[1] - before[1])
    if gained in ((1.0, 0.0), (0.0, 1.0)):
        return before, "A" if gained[0] else "B"
    return (now[0] - (ended == "A"), now[1] - (ended == "B")) if ended else _UNKNOWN, ended


def rally_rows(
    facts: Mapping[str, object],
    strokes: Sequence[Mapping[str, object]],
    points: Mapping[str, float],
) -> list[dict[str, object]]:
    """Rows of one rally: what holds for all of it, each stroke, and how the two stand in it.

    Parameters
    ----------
    points
        Player -> points before the rally.
    """
    players = list(dict.fromkeys(str(stroke.get("player", "")) for stroke in strokes))
    other = dict(zip(players, players[::-1], strict=True)) if len(players) == 2 else {}
    rows = []
    for stroke in strokes:
        player = str(stroke.get("player", ""))
        opponent = other.get(player, "")
        row = {**facts, **stroke, "opponent": opponent}
        row["player_points"] = points.get(player, np.nan)
        row["opponent_points"] = points.get(opponent, np.nan)
        rows.append(row)
    return rows


def seconds_in(records: Sequence[Record]) -> list[float]:
    """Seconds since the start of one match's film, from the frames where a rate of them shows.

    The clock of the records has whole seconds; the rate is the median of frames by seconds.
    """
    clock = np.array([_clock(record.get("time") or "") for record in records])
    frame = np.array([number(record, "frame_num") for record in records])
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = frame / clock
    known = rates[np.isfinite(rates) & (rates > 1.0) & (rates < 1_000.0)]
    if not len(known):
        return [float(second) for second in clock]
    seconds = np.where(np.isfinite(frame), frame / np.median(known), clock)
    return [float(second) for second in seconds]


def strokes_table(rows: Sequence[Mapping[str, object]], source: Source) -> Table:
    """The table of these strokes; what a row does not say is missing.

    Raises
    ------
    StadionError
        INVALID for no rows.
    """
    if not rows:
        raise StadionError(Code.INVALID, f"{source.name} holds no rally that can be used")
    columns: dict[str, Array] = {}
    for name, unit in COLUMNS.items():
        if name == "date":
            columns[name] = np.array([r.get(name) or "NaT" for r in rows], "datetime64[D]")
        elif unit:
            columns[name] = np.array([r.get(name, np.nan) for r in rows], np.float64)
        else:
            columns[name] = texts_of([str(r.get(name) or "") for r in rows])
    return Table("strokes", _sound(columns), dict(COLUMNS), source)


def _sound(columns: dict[str, Array]) -> dict[str, Array]:
    """Numbers a court cannot hold are missing: a broken file must not reach a model."""
    for name in _PLACES:
        columns[name] = _inside(columns[name], 30.0)
    for name in (*_PLAIN, "time"):
        columns[name] = _inside(columns[name], 1e6)
    return columns


def _inside(values: FloatArray, farthest: float) -> FloatArray:
    with np.errstate(invalid="ignore"):
        inside: FloatArray = np.where(np.abs(values) <= farthest, values, np.nan)
    return inside


def _clock(text: str) -> float:
    """Seconds of h:mm:ss."""
    try:
        hours, minutes, seconds = text.split(":")
        return int(hours) * 3600.0 + int(minutes) * 60.0 + float(seconds)
    except (ValueError, OverflowError):
        return float("nan")


def _date(record: Record) -> str:
    year, month, day = (number(record, part) for part in ("year", "month", "day"))
    text = f"{year:04.0f}-{month:02.0f}-{day:02.0f}"
    try:
        return str(np.datetime64(text, "D"))
    except ValueError:
        return ""
