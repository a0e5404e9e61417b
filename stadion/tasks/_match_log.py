"""Tables of matches in, one list of matches in the order they were played out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from stadion.core.activity import Table
from stadion.core.arrays import Array

__all__ = ["Match", "Side", "matches_of", "units_of"]

_RESULTS = {"win": 0, "draw": 1, "loss": 2}
_LAST_ORDER = 99.0  # a round without a known place comes last on its day
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two: who, what was known before, and how they did (NaN = not known)."""

    name: str
    rank: float
    points: float
    age: float
    height: float
    seed: float
    hand: str
    country: str
    entry: str
    score: float
    games: float
    half_score: float
    serve_points: float
    serve_points_won: float
    odds: float


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """One match.

    Parameters
    ----------
    row
        Place in the tables as they were given, one after the other.
    day
        Days since 1970.
    result
        0 win, 1 draw, 2 loss of the first side; -1 = not known yet.
    home
        1 where the first side is at home, -1 the second, 0 nobody.
    """

    row: int
    day: int
    order: float
    competition: str
    season: str
    event: str
    event_id: str
    level: str
    surface: str
    status: str
    indoor: float
    best_of: float
    draw_size: float
    home: float
    odds_draw: float
    result: int
    sides: tuple[Side, Side]

    @property
    def is_played(self) -> bool:
        """True where the result says something about the two."""
        return self.result >= 0 and self.status in ("completed", "retired", "")

    @property
    def market(self) -> float:
        """Score that the odds expect of the first side, 0 to 1; NaN without odds."""
        shares = [1.0 / odds if odds >= 1.0 else math.nan for odds in (s.odds for s in self.sides)]
        draw = 1.0 / self.odds_draw if self.odds_draw >= 1.0 else 0.0
        return (shares[0] + draw / 2.0) / (sum(shares) + draw)

    @property
    def key(self) -> str:
        """The match, whichever side is named first."""
        day = np.datetime64(self.day, "D")
        names = " - ".join(sorted(side.name for side in self.sides))
        return f"{self.competition} {day} {self.event_id} {names}"

    def turned(self) -> Match:
        """The same match with the other side named first."""
        result = 2 - self.result if self.result >= 0 else -1
        own = {name: getattr(self, name) for name in self.__slots__}
        return Match(**own | {"sides": self.sides[::-1], "home": -self.home, "result": result})

    def fairly_named(self) -> Match:
        """The home side first; without one, the side that a digest of the match picks.

        Files of results name the winner first: a model must not learn from the order.
        """
        if self.home:
            return self if self.home > 0 else self.turned()
        names = sorted(side.name for side in self.sides)
        picked = names[sha256(self.key.encode()).digest()[0] % 2]
        return self if self.sides[0].name == picked else self.turned()


def matches_of(tables: Sequence[Table]) -> list[Match]:
    """All matches with two names, each once, in order of day and round.

    The order does not depend on that of the rows. A match without a date that is still to come
    lies on the day after the last one; other matches without a date are left out. Of a known
    match that is there several times the row that knows most is taken.
    """
    found: list[Match] = []
    first = 0
    for table in tables:
        found += _matches(table, first)
        first += len(table)
    last = max((match.day for match in found if match.day > _NO_DAY), default=0)
    dated = [_dated(match, last + 1) for match in found if match.day > _NO_DAY or match.result < 0]
    return _unique(sorted(dated, key=_place))


def units_of(matches: Sequence[Match]) -> Iterator[Sequence[Match]]:
    """Runs of matches that were played at the same time: one day, one round."""
    start = 0
    for at in range(1, len(matches) + 1):
        if at == len(matches) or _moment(matches[at]) != _moment(matches[start]):
            yield matches[start:at]
            start = at


_NO_DAY = np.iinfo(np.int64).min


def _moment(match: Match) -> tuple[int, float]:
    return match.day, match.order


def _place(match: Match) -> tuple[int, float, str, int]:
    return match.day, match.order, match.key, -_known(match)


def _known(match: Match) -> int:
    numbers = [getattr(side, name) for side in match.sides for name in Side.__slots__]
    told = [value != "" if isinstance(value, str) else math.isfinite(value) for value in numbers]
    return sum(told) + int(math.isfinite(match.indoor))


def _unique(matches: Sequence[Match]) -> list[Match]:
    best: dict[tuple[object, ...], Match] = {}
    for match in matches:
        pair = tuple(sorted(side.name for side in match.sides))
        where = (match.event_id, match.order) if match.event_id else (match.day, match.order)
        key = (match.competition, pair, *where) if match.result >= 0 else (match.row,)
        if key not in best or _known(match) > _known(best[key]):
            best[key] = match
    return sorted(best.values(), key=_place)


def _dated(match: Match, day: int) -> Match:
    if match.day > _NO_DAY:
        return match
    own = {name: getattr(match, name) for name in match.__slots__}
    return Match(**own | {"day": day})


def _matches(table: Table, first: int) -> list[Match]:
    size = len(table)

    def texts(name: str) -> list[str]:
        values = table.columns.get(name, np.full(size, ""))
        return [str(value) for value in values.tolist()]

    def numbers(name: str, missing: float = np.nan) -> list[float]:
        values = np.asarray(table.columns.get(name, np.full(size, np.nan)), np.float64)
        return [missing if math.isnan(value) else value for value in values.tolist()]

    def sides(prefix: str) -> list[Side]:
        named = (f"{prefix}_{name}" for name in Side.__slots__[1:6])
        worded = (f"{prefix}_{name}" for name in Side.__slots__[6:9])
        done = (f"{prefix}_{name}" for name in Side.__slots__[9:])
        columns = (texts(prefix), *map(numbers, named), *map(texts, worded), *map(numbers, done))
        return [Side(*values) for values in zip(*columns, strict=True)]

    results = [_RESULTS.get(text, -1) for text in texts("result")]
    columns = (
        _days(table), numbers("order", _LAST_ORDER), texts("competition"), texts("season"),
        texts("event"), texts("event_id"), texts("level"), texts("surface"), texts("status"),
        numbers("indoor"), numbers("best_of"), numbers("draw_size"), numbers("home_side", 0.0),
        numbers("odds_draw"), results, list(zip(sides("player"), sides("opponent"), strict=True)),
    )  # fmt: skip
    rows = (Match(first + row, *values) for row, values in enumerate(zip(*columns, strict=True)))
    return [m for m in rows if m.sides[0].name and m.sides[1].name]


def _days(table: Table) -> list[int]:
    dates: Array = np.asarray(table.columns.get("date", np.full(len(table), "NaT")))
    days: list[int] = dates.astype("datetime64[D]").astype(np.int64).tolist()
    return days
