"""Shots, goals and moves with the ball in; what each place of a pitch is worth, in goals, out.

Everything is in metres with the origin in the corner at the left of the goal one defends, x along
the pitch and y across it, and **every team plays towards larger x**: turn the other half first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import above, positive, same_length, series

__all__ = ["Moves", "Shots", "ThreatSurface", "fit_threat", "threat_of"]

_COLUMNS, _ROWS = 16, 12
_ENOUGH = 1e-9
_MOST_ROUNDS = 1_000
_MOST_CELLS = 2_500  # 50 x 50: the moves between all pairs of them are 50 MB


@dataclass(frozen=True, slots=True, eq=False)
class Shots:
    """(n,) places of shots, and 1 where one was a goal."""

    x_m: npt.ArrayLike
    y_m: npt.ArrayLike
    is_goal: npt.ArrayLike


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """(n,) starts and ends of passes, crosses and dribbles, and 1 where the ball stayed with us.

    A failed move ends the possession: it counts among what a place led to, and leads nowhere.
    """

    x_m: npt.ArrayLike
    y_m: npt.ArrayLike
    end_x_m: npt.ArrayLike
    end_y_m: npt.ArrayLike
    is_kept: npt.ArrayLike


@dataclass(frozen=True, slots=True, eq=False)
class ThreatSurface:
    """Chance of a goal by this possession, for each cell.

    Parameters
    ----------
    threat
        (columns, rows): cell [i, j] holds x from i / columns of the length on and y from j / rows
        of the width on. NaN where nothing was ever done.
    shot, goal
        (columns, rows) how often a shot is tried there, and how often it is a goal.
    rounds
        Actions looked ahead until nothing changed.
    """

    threat: FloatArray
    shot: FloatArray
    goal: FloatArray
    length_m: float
    width_m: float
    rounds: int

    def at(self, x_m: npt.ArrayLike, y_m: npt.ArrayLike) -> FloatArray:
        """(n,) threat of places; those outside of the pitch count as on its edge."""
        xs, ys = series("x_m", x_m), series("y_m", y_m)
        same_length(x_m=xs, y_m=ys)
        values = np.full(len(xs), np.nan)
        known = np.isfinite(xs) & np.isfinite(ys)
        columns, rows = self.threat.shape
        cells = _cells(xs[known], ys[known], (self.length_m, self.width_m), (columns, rows))
        values[known] = self.threat.ravel()[cells]
        return values


def fit_threat(
    shots: Shots,
    moves: Moves,
    length_m: float = 105.0,
    width_m: float = 68.0,
    columns: int = _COLUMNS,
    rows: int = _ROWS,
    prior_shots: float = 0.0,
) -> ThreatSurface:
    """Expected threat: xT = s g + m sum T xT, from the last action backwards until it stays.

    For each cell s is the share of shots among its actions, g the share of goals among its shots,
    m = 1 - s the share of moves and T where those lead; a move that lost the ball leads nowhere.
    Places in no order: a place is worth what usually comes of it.

    Parameters
    ----------
    prior_shots
        Shots of the whole pitch's success added to each cell: steadies cells with few shots.

    Returns
    -------
    The surface; a cell from which nothing was tried is NaN, and worth 0 to a move that ends there.

    References
    ----------
    K. Singh, Introducing expected threat (xT), 2018, karun.in/blog/expected-threat.html.

    Examples
    --------
    Two cells: from the first half every second move reaches the other, from there one shot in
    four is a goal and nothing else is tried.

    >>> shots = Shots([80.0] * 4, [30.0] * 4, [1, 0, 0, 0])
    >>> moves = Moves([20.0] * 2, [30.0] * 2, [80.0] * 2, [30.0] * 2, [1, 0])
    >>> fit_threat(shots, moves, columns=2, rows=1).threat.tolist()
    [[0.125], [0.25]]
    """
    pitch = (positive("length_m", length_m, "m"), positive("width_m", width_m, "m"))
    grid = _grid(columns, rows)
    above("prior_shots", prior_shots, -1e-12, "shots")
    shot_x, shot_y, goals = _known(x_m=shots.x_m, y_m=shots.y_m, is_goal=shots.is_goal)
    move_x, move_y, end_x, end_y, kept = _known(
        x_m=moves.x_m, y_m=moves.y_m, end_x_m=moves.end_x_m, end_y_m=moves.end_y_m,
        is_kept=moves.is_kept,
    )  # fmt: skip
    size = columns * rows
    at_shot = _cells(shot_x, shot_y, pitch, grid)
    start, end = _cells(move_x, move_y, pitch, grid), _cells(end_x, end_y, pitch, grid)
    shot_count, goal_count, move_count = (
        np.bincount(at_shot, minlength=size), np.bincount(at_shot, goals > 0, size),
        np.bincount(start, minlength=size),
    )  # fmt: skip
    is_kept = kept > 0
    leads = np.bincount(start[is_kept] * size + end[is_kept], minlength=size * size)
    usual = goal_count.sum() / max(shot_count.sum(), 1)
    goal = _share(goal_count + prior_shots * usual, shot_count + prior_shots)
    shot = _share(shot_count, shot_count + move_count)
    onward = _share(leads.reshape(size, size), (shot_count + move_count)[:, None])
    threat, rounds = _iterated(shot * goal, onward)
    threat[shot_count + move_count == 0] = np.nan
    return ThreatSurface(
        threat.reshape(grid), shot.reshape(grid), goal.reshape(grid), *pitch, rounds
    )


def threat_of(surface: ThreatSurface, moves: Moves) -> FloatArray:
    """(n,) goals by which each move changed what the possession promises.

    The difference of threat between its end and its start; NaN for one that lost the ball, whose
    price is another question, and where a cell is not known.

    Examples
    --------
    >>> surface = ThreatSurface(np.array([[0.1], [0.3]]), *[np.zeros((2, 1))] * 2, 105, 68, 1)
    >>> threat_of(surface, Moves([10, 10], [5, 5], [90, 90], [5, 5], [1, 0])).round(3)
    array([0.2, nan])
    """
    kept = series("is_kept", moves.is_kept)
    gained = surface.at(moves.end_x_m, moves.end_y_m) - surface.at(moves.x_m, moves.y_m)
    if len(kept) != len(gained):
        raise StadionError(
            Code.INVALID, f"is_kept has {len(kept)} values; expected one for each of {len(gained)}"
        )
    return np.where(kept > 0, gained, np.nan)


def _grid(columns: int, rows: int) -> tuple[int, int]:
    if columns < 1 or rows < 1 or columns * rows > _MOST_CELLS:
        raise StadionError(
            Code.INVALID,
            f"the grid is {columns} x {rows}; expected 1 x 1 to {_MOST_CELLS} cells, usual 16 x 12",
        )
    return columns, rows


def _known(**columns: npt.ArrayLike) -> list[FloatArray]:
    """The columns without the rows in which one is missing."""
    arrays = {name: series(name, values) for name, values in columns.items()}
    same_length(**arrays)
    stacked = np.stack(list(arrays.values()))
    return list(stacked[:, np.isfinite(stacked).all(axis=0)])


def _cells(
    x_m: FloatArray, y_m: FloatArray, pitch: tuple[float, float], grid: tuple[int, int]
) -> IntArray:
    column, row = (
        np.clip(np.floor(place / size * count), 0, count - 1).astype(np.int64)
        for place, size, count in zip((x_m, y_m), pitch, grid, strict=True)
    )
    return np.asarray(column * grid[1] + row)


def _share(part: Array, whole: Array) -> FloatArray:
    """Part per whole, 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) > 0)


def _iterated(by_shot: FloatArray, onward: FloatArray) -> tuple[FloatArray, int]:
    """Value iteration: each round looks one action further ahead."""
    threat, change, rounds = np.zeros(len(by_shot)), np.inf, 0
    while change > _ENOUGH and rounds < _MOST_ROUNDS:
        after = by_shot + onward @ threat
        change, threat, rounds = np.abs(after - threat).max(initial=0.0), after, rounds + 1
    return threat, rounds
