"""A recording of players and a ball in; what each player sees and does, step by step, out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stadion.core.activity import Activity, Track
from stadion.core.arrays import Array, FloatArray
from stadion.science.resample import interpolate

__all__ = ["AHEAD", "OTHERS", "PAST", "STEP_S", "Court", "Scene", "inputs_at", "scene_of"]

STEP_S = 0.12
PAST, AHEAD = 8, 12
"""Steps that are seen, and that are asked for."""
OTHERS = 9
"""Players around the one that is asked about."""
_LONGEST_S = 3_600.0
_BALL = "ball"


class Court(NamedTuple):
    """Metres: length and width, and how far the basket hangs from the baseline."""

    length: float
    width: float
    basket: float


class Scene(NamedTuple):
    """All on one clock of T steps.

    Parameters
    ----------
    players
        (T, m, 2) metres from the court's corner, NaN = not there.
    ball
        (T, 2).
    teams
        (m,) text, '' = unknown.
    """

    players: FloatArray
    ball: FloatArray
    teams: Array


def scene_of(activity: Activity) -> Scene:
    """The tracks that have positions, one per player; subjects are `TEAM:player` or `ball`."""
    steps = int(min(activity.duration_s, _LONGEST_S) / STEP_S + 0.5) + 1
    tracks = [t for t in activity.tracks if {"position_x", "position_y"} <= set(t.channels)]
    players = [track for track in tracks if track.subject != _BALL]
    balls = [track for track in tracks if track.subject == _BALL]
    places = np.full((steps, len(players), 2), np.nan)
    for index, track in enumerate(players):
        places[:, index] = _on_grid(track, steps)
    ball = _on_grid(balls[0], steps) if balls else np.full((steps, 2), np.nan)
    teams = [t.subject.partition(":")[0] if ":" in t.subject else "" for t in players]
    return Scene(places, ball, np.array(teams, dtype="U"))


def inputs_at(
    scene: Scene, step: int, players: Array, court: Court
) -> tuple[dict[str, FloatArray], FloatArray]:
    """What these players see at a step, and where they are: the origin of all they see.

    Parameters
    ----------
    step
        The last step that is seen.
    players
        (k,) indices of players; each has a known position in one of the steps seen.

    Returns
    -------
    Inputs of k rows, named as in the task's signature, and (k, 2) metres from the court's corner.
    """
    seen = _seen(np.concatenate([scene.players, scene.ball[:, None]], axis=1), step)
    own, ball = seen[:, players].transpose(1, 0, 2), seen[:, -1]
    origin = _last_known(own)
    others = _others(seen[:, :-1], players, scene.teams, origin)
    middle = np.array([court.length, court.width]) / 2
    attacked = np.array([_attacked_x(seen[-1, :-1, 0], court), court.width / 2])
    return {
        "path": own - origin[:, None],
        "others": others[0] - origin[:, None, None],
        "ball": ball[None] - origin[:, None],
        "teammate": others[1],
        "basket": attacked - origin,
        "place": origin - middle,
    }, origin


def _on_grid(track: Track, steps: int) -> FloatArray:
    grid = np.arange(steps) * STEP_S
    channels = (track.channels["position_x"], track.channels["position_y"])
    return np.stack([interpolate(track.time_s, c, grid, 1.5 * STEP_S) for c in channels], axis=1)


def _seen(places: FloatArray, step: int) -> FloatArray:
    """(8, ...) the steps up to this one; NaN before the first."""
    first = step - PAST + 1
    before = np.full((max(0, -first), *places.shape[1:]), np.nan)
    return np.concatenate([before, places[max(0, first) : step + 1]])


def _last_known(paths: FloatArray) -> FloatArray:
    """(k, 2) of (k, 8, 2)."""
    known = np.asarray(np.isfinite(paths).all(axis=2))
    last = paths.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    found: FloatArray = paths[np.arange(len(paths)), last]
    return found


def _others(
    seen: FloatArray, players: Array, teams: Array, origin: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(k, 8, 9, 2) the nearest other players, and (k, 9) 1 teammate, 0 opponent, NaN unknown."""
    rows, count = len(players), seen.shape[1]
    apart = np.linalg.norm(seen[-1][None] - origin[:, None], axis=2)
    apart[~np.isfinite(apart)] = np.inf
    apart[np.arange(rows), players] = np.inf
    order = np.argsort(apart, axis=1, kind="stable")
    # the player himself comes behind all others, whether they are seen in the last step or not
    order = order[order != np.asarray(players)[:, None]].reshape(rows, count - 1)[:, :OTHERS]
    nearest = np.full((rows, PAST, OTHERS, 2), np.nan)
    nearest[:, :, : order.shape[1]] = seen[:, order].transpose(1, 0, 2, 3)
    mate = np.full((rows, OTHERS), np.nan)
    own, their = teams[players][:, None], teams[order]
    mate[:, : order.shape[1]] = np.where((own != "") & (their != ""), own == their, np.nan)
    return nearest, mate


def _attacked_x(x: FloatArray, court: Court) -> float:
    """Where the basket is that most of the players stand at; NaN when nobody is seen."""
    known = x[np.isfinite(x)]
    if not len(known):
        return float("nan")
    right = known.mean() > court.length / 2
    return court.length - court.basket if right else court.basket
