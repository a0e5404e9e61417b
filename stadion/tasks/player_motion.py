"""Eight steps of the players and the ball in; where each player goes in the next twelve out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

import numpy as np

from stadion.core.activity import Activity, Lap, Recording, Source, Track
from stadion.core.arrays import Array, FloatArray
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.science.paths import motion_of
from stadion.tasks._scenes import (
    AHEAD,
    OTHERS,
    PAST,
    STEP_S,
    Court,
    Scene,
    inputs_at,
    scene_of,
)
from stadion.tasks.base import Task, activities_of, one_activity

__all__ = ["MOVING_MPS", "PLUGIN", "MotionSettings", "PlayerMotion"]

MOVING_MPS = 0.9144
"""3 ft/s: a slower player has no direction to speak of."""
_COURTS = {"nba": Court(28.65, 15.24, 1.6), "fiba": Court(28.0, 15.0, 1.575)}


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """What counts as a row.

    Parameters
    ----------
    every
        Steps of 0.12 s between one row of a player and the next; 1 takes every moment there is,
        which are many rows alike.
    court
        Whose rules the court was built by: where the baskets are.
    """

    every: int = field(default=4, metadata={"low": 1, "high": 1_000})
    court: Literal["nba", "fiba"] = "nba"


class PlayerMotion(Task):
    """Position, speed, acceleration and turn rate of a player from what he and the others did.

    All positions are relative to the player's last known one, so that a model need not learn the
    court anew for each place; where that is, and where the basket is, stands beside them.
    """

    name = "player_motion"
    question = "Where will each player be in the next one and a half seconds, and how fast?"
    channels = ("position_x", "position_y")
    metric = "mae"
    reference = "P. Xu, J.-B. Hayet, I. Karamouzas, SocialVAE, ECCV 2022: 8 steps seen, 12 asked"
    interval = 0.9
    learners = ("trajectory",)
    Settings = MotionSettings

    def dataset(self, recordings: Sequence[Recording], settings: MotionSettings) -> Dataset:
        """A row for each player and moment with 8 known positions up to it and 12 after it."""
        activities = activities_of(recordings)
        court = _COURTS[settings.court]
        inputs: list[dict[str, Array]] = []
        targets: list[dict[str, Array]] = []
        groups: list[str] = []
        for activity in activities:
            scene = scene_of(activity)
            for seen, answers in _windows(scene, settings.every, court):
                inputs.append(seen)
                targets.append(answers)
                groups += [_match(activity)] * len(seen["place"])
        if not inputs:
            raise StadionError(
                Code.INVALID,
                f"none of {len(recordings)} recordings follows a player's position_x and "
                f"position_y for {PAST + AHEAD} steps of {STEP_S} s",
            )
        return Dataset(
            self.name,
            _SIGNATURE,
            _joined(inputs),
            _joined(targets),
            np.array(groups),
            {"every": settings.every, "court": settings.court},
        )

    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """A row for each player seen in the last 8 steps, in the order of the tracks."""
        scene = scene_of(one_activity(recording))
        last = len(scene.ball) - 1
        seen = np.isfinite(scene.players[-PAST:]).all(axis=2).any(axis=0)
        if not seen.any():
            raise StadionError(
                Code.INVALID,
                f"no player has a position_x and position_y in the last {PAST * STEP_S:.2f} s",
            )
        court = _COURTS[str(settings.get("court") or "nba")]
        return _single(inputs_at(scene, last, np.flatnonzero(seen), court)[0])

    def baselines(self, train: Dataset, test: Dataset) -> dict[str, dict[str, Array]]:
        """Everyone goes on as in the last step; everyone stands still."""
        step = test.inputs["path"][:, -1] - test.inputs["path"][:, -2]
        step = np.nan_to_num(step)
        ahead = np.arange(1, AHEAD + 1, dtype=np.float32)
        speed = np.hypot(step[:, 0], step[:, 1]) / np.float32(STEP_S)
        nothing = np.zeros((len(test), AHEAD), np.float32)
        rest = {"acceleration": nothing, "turn_rate": nothing}
        return {
            "constant velocity": {
                "position": step[:, None] * ahead[None, :, None],
                "speed": np.repeat(speed[:, None], AHEAD, axis=1),
                **rest,
            },
            "stand still": {
                "position": np.zeros((len(test), AHEAD, 2), np.float32), "speed": nothing, **rest,
            },
        }  # fmt: skip

    def examples(self, seed: int) -> list[Activity]:
        """Six made-up scenes of three matches: ten players and a ball that run in arcs."""
        rng = np.random.default_rng(seed)
        return [_example(rng, f"match-{index // 2}") for index in range(6)]


def _windows(
    scene: Scene, every: int, court: Court
) -> list[tuple[dict[str, Array], dict[str, Array]]]:
    """Inputs and targets of the players that are there all the time, moment by moment."""
    rows = []
    there = np.asarray(np.isfinite(scene.players).all(axis=2))
    for first in range(0, len(there) - PAST - AHEAD + 1, every):
        players = np.flatnonzero(there[first : first + PAST + AHEAD].all(axis=0))
        if len(players):
            now = first + PAST - 1
            seen, origin = inputs_at(scene, now, players, court)
            after = scene.players[now + 1 : now + 1 + AHEAD, players].transpose(1, 0, 2)
            answers = _answers(seen["path"], after - origin[:, None])
            rows.append((_single(seen), _single(answers)))
    return rows


def _answers(path: FloatArray, position: FloatArray) -> dict[str, FloatArray]:
    """Targets of (k, 8, 2) steps seen and (k, 12, 2) steps after them."""
    motion = motion_of(np.concatenate([path[:, -2:], position], axis=1), STEP_S, MOVING_MPS)
    return {
        "position": position,
        "speed": motion.speed[:, 1:],
        "acceleration": motion.acceleration,
        "turn_rate": motion.turn_rate,
    }


def _match(activity: Activity) -> str:
    """The match it belongs to, else the recording itself: its scenes never part."""
    matches = [lap.label for lap in activity.laps if lap.kind == "match" and lap.label]
    return matches[0] if matches else activity.id


def _single(values: Mapping[str, FloatArray]) -> dict[str, Array]:
    return {name: value.astype(np.float32) for name, value in values.items()}


def _joined(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _example(rng: np.random.Generator, match: str) -> Activity:
    time_s = np.round(np.arange(30) * STEP_S, 6)
    tracks = []
    for player in range(10):
        turn, pace = rng.uniform(-1.0, 1.0), rng.uniform(1.0, 5.0)
        angle = rng.uniform(0, 2 * np.pi) + turn * time_s
        tracks.append(_example_track(f"{'AB'[player // 5]}:{player}", time_s, pace, angle, rng))
    tracks.append(_example_track("ball", time_s, 6.0, np.full(30, rng.uniform(0, 6)), rng))
    digest = sha256(b"".join(track.channels["position_x"].tobytes() for track in tracks))
    name = digest.hexdigest()
    laps = (Lap(0.0, float(time_s[-1]), "match", match),)
    return Activity(name, "", "basketball", None, tuple(tracks), Source("example", name), laps=laps)


def _example_track(
    subject: str, time_s: FloatArray, pace: float, angle: FloatArray, rng: np.random.Generator
) -> Track:
    x, y = np.cumsum([np.cos(angle), np.sin(angle)], axis=1) * pace * STEP_S
    start_x, start_y = rng.uniform(2.0, 12.0), rng.uniform(2.0, 13.0)
    return Track(subject, time_s, {"position_x": start_x + x, "position_y": start_y + y})


_XY = ("x", "y")
_SIGNATURE = Signature(
    inputs=(
        Tensor("path", "FP32", (None, PAST, 2), "m",
               "the player's positions from his last known one, along and across the court",
               _XY, STEP_S, -40.0, 40.0),
        Tensor("others", "FP32", (None, PAST, OTHERS, 2), "m",
               "positions of the nine nearest other players, from the same origin",
               _XY, STEP_S, -60.0, 60.0),
        Tensor("ball", "FP32", (None, PAST, 2), "m", "positions of the ball, from the same origin",
               _XY, STEP_S, -60.0, 60.0),
        Tensor("teammate", "FP32", (None, OTHERS), "1", "1 for each other one of his team, else 0",
               low=0.0, high=1.0),
        Tensor("basket", "FP32", (None, 2), "m",
               "the basket that most players are near, from the same origin", _XY,
               low=-40.0, high=40.0),
        Tensor("place", "FP32", (None, 2), "m",
               "the player's last known position, from the middle of the court", _XY,
               low=-20.0, high=20.0),
    ),
    outputs=(
        Tensor("position", "FP32", (None, AHEAD, 2), "m",
               "where he will be, from his last known position", _XY, STEP_S, -40.0, 40.0,
               missing=False),
        Tensor("speed", "FP32", (None, AHEAD), "m/s", "how fast he will be",
               step_s=STEP_S, low=0.0, high=15.0, missing=False),
        Tensor("acceleration", "FP32", (None, AHEAD), "m/s^2", "how his speed will change",
               step_s=STEP_S, low=-100.0, high=100.0, missing=False),
        Tensor("turn_rate", "FP32", (None, AHEAD), "rad/s",
               "how his direction will change, counterclockwise, where he moves",
               step_s=STEP_S, low=-26.2, high=26.2, missing=False),
    ),
)  # fmt: skip

PLUGIN = PlayerMotion()
