"""Tables of strokes in; rallies, each an ordered run of strokes, out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Source, Table
from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.science.badminton import ANSWERS, STROKE_TYPES

__all__ = ["PLACES", "Rally", "made_up", "one_hot", "players_of", "rallies_in"]

PLACES = ("landing", "player", "opponent")
_NUMBERS = ("set", "stroke", "rally_length", "backhand", "around_head", "landing_high",
            "player_points", "opponent_points", "time")  # fmt: skip
_KIND_OF = {name: index for index, name in enumerate(STROKE_TYPES)}


@dataclass(frozen=True, slots=True, eq=False)
class Rally:
    """Strokes of one rally in their order.

    `columns` are those of a table of strokes, each (strokes,).
    """

    match: str
    name: str
    columns: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.columns["stroke"])

    @property
    def length(self) -> float:
        """Strokes of the whole rally, also of those that are not here; NaN = unknown."""
        stated = self.columns["rally_length"]
        return float(stated[0])

    @property
    def types(self) -> IntArray:
        """(strokes,) index in `STROKE_TYPES`; -1 = unknown."""
        return np.array([_KIND_OF.get(kind, -1) for kind in self.columns["type"]], np.int64)

    def place_m(self, of: str) -> FloatArray:
        """(strokes, 2) metres: where the shuttle came down, the player or the opponent stood."""
        return np.stack([self.columns[f"{of}_x"], self.columns[f"{of}_y"]], axis=1)


def rallies_in(tables: Sequence[Table]) -> list[Rally]:
    """Every rally once, in the order in which they come; of equal ones the first counts.

    A rally is told by its match and its name within it. Strokes without a number stay where they
    stand in the file, after the others.
    """
    found: dict[tuple[str, str], Rally] = {}
    for table in tables:
        for rally in _of_table(table):
            found.setdefault((rally.match, rally.name), rally)
    return list(found.values())


def players_of(rallies: Sequence[Rally]) -> tuple[str, ...]:
    """Names of all players, sorted."""
    names = {str(name) for rally in rallies for name in rally.columns["player"]}
    return tuple(sorted(names - {""}))


def one_hot(index: int, size: int) -> FloatArray:
    """(size,) 1 at the index; all NaN for -1, which means unknown."""
    row = np.zeros(size, np.float32)
    if index < 0:
        row[:] = np.nan
    else:
        row[index] = 1.0
    return row


def _of_table(table: Table) -> Iterator[Rally]:
    columns = {name: _column(table, name) for name in ("match", "rally", "type", "player",
                                                       "opponent", "winner", "ending")}  # fmt: skip
    columns |= {name: _column(table, name, np.nan) for name in _NUMBERS}
    for place in PLACES:
        columns |= {f"{place}_{axis}": _column(table, f"{place}_{axis}", np.nan) for axis in "xy"}
    rows_of: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(columns["match"].tolist(), columns["rally"].tolist(),
                                  strict=True)):  # fmt: skip
        rows_of.setdefault(key, []).append(row)
    for (match, name), rows in rows_of.items():
        order = np.array(rows)[np.argsort(columns["stroke"][rows], kind="stable")]
        yield Rally(match, name, {key: values[order] for key, values in columns.items()})


def _column(table: Table, name: str, missing: str | float = "") -> Array:
    if name in table.columns:
        return table.columns[name]
    return np.full(len(table), missing)


def made_up(seed: int, matches: int = 6, rallies: int = 12) -> list[Table]:
    """Matches of four players whose strokes follow what can be played; the same for equal seeds."""
    chance = np.random.default_rng(seed)
    names = ("Ann", "Bo", "Cem", "Dea")
    return [
        _match(
            chance, f"match-{seed}-{number}", names[number % 4], names[(number + 1) % 4], rallies
        )
        for number in range(matches)
    ]


def _match(chance: np.random.Generator, match: str, first: str, second: str, rallies: int) -> Table:
    rows: list[dict[str, object]] = []
    points = {first: 0, second: 0}
    for number in range(1, rallies + 1):
        length = int(chance.integers(5, 13))
        turn = int(chance.integers(2))
        both = ((first, second), (second, first))[turn]
        winner = both[(length + int(chance.random() < 0.5)) % 2]
        kind = "short service"
        for stroke in range(1, length + 1):
            side = 1.0 if (stroke + turn) % 2 else -1.0
            deep = kind in ("lob", "clear", "push/rush", "long service")
            rows.append({
                "match": match, "rally": f"1/{number}", "type": kind, "winner": winner,
                "player": both[(stroke - 1) % 2], "opponent": both[stroke % 2],
                "ending": "out" if stroke == length else "", "set": 1.0, "stroke": float(stroke),
                "rally_length": float(length), "backhand": float(chance.random() < 0.3),
                "around_head": 0.0, "landing_high": float(deep), "time": 1.1 * stroke,
                "player_points": points[both[(stroke - 1) % 2]],
                "opponent_points": points[both[stroke % 2]],
                "landing_x": chance.normal(0, 1.5), "player_x": chance.normal(0, 1),
                "landing_y": -side * (5.5 if deep else 2.0) + chance.normal(0, 0.3),
                "player_y": side * chance.uniform(2, 5), "opponent_x": chance.normal(0, 1),
                "opponent_y": -side * chance.uniform(2, 5),
            })  # fmt: skip
            kind = str(chance.choice(ANSWERS[kind]))
        points[winner] += 1
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    columns = {k: v if v.dtype.kind == "U" else v.astype(np.float64) for k, v in columns.items()}
    return Table("strokes", columns, dict.fromkeys(columns, ""), Source("example", match, match))
