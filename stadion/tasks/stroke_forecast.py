"""The first four strokes of badminton rallies in; types and landing points of the rest out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stadion.core.activity import Recording, Table
from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.science.badminton import COURT_LENGTH_M, STROKE_TYPES, mirrored, side_of_first
from stadion.tasks._rallies import (
    PLACES,
    Rally,
    made_up,
    one_hot,
    players_of,
    rallies_in,
)
from stadion.tasks.base import Task, one_table, tables_of

__all__ = ["PLUGIN", "ForecastSettings", "StrokeForecast"]

GIVEN = 4
"""Strokes that are known."""
_FLAGS = ("backhand", "around_head", "landing_high")
_KINDS = len(STROKE_TYPES)


@dataclass(frozen=True, slots=True)
class ForecastSettings:
    """`horizon` is how many strokes after the fourth are forecast at most."""

    horizon: int = field(default=66, metadata={"low": 1, "high": 500})


class StrokeForecast(Task):
    """How a rally goes on: the kind of every stroke, and where the shuttle comes down.

    One row a rally, whole matches unseen. How long the rally will be may be given, as the
    challenge gives it; NaN = not known. Strokes beyond the rally's end have no target.
    """

    name = "stroke_forecast"
    question = "Which strokes follow the first four of this rally, and where do they land?"
    tables = ("strokes",)
    metric = "log_loss"
    reference = "W.-Y. Wang et al., ShuttleSet22, arXiv:2306.15664; CoachAI challenge, track 2"
    interval = 0.9
    learners = ("rally_futures",)
    Settings = ForecastSettings

    def dataset(self, recordings: Sequence[Recording], settings: ForecastSettings) -> Dataset:
        """A row for every rally of which a fifth stroke is known."""
        rallies = rallies_in(tables_of(recordings, "strokes"))
        asked = [rally for rally in rallies if len(rally) > GIVEN and _is_played(rally, settings)]
        if not asked:
            raise StadionError(
                Code.INVALID,
                f"none of {len(rallies)} rallies in {len(recordings)} recordings has a fifth "
                "stroke of a known type",
            )
        signature = _signature(players_of(asked), settings.horizon)
        return Dataset(
            self.name,
            signature,
            _inputs(asked, signature),
            {
                "type": np.stack([_types(rally, settings.horizon) for rally in asked]),
                "landing": np.stack([_landings(rally, settings.horizon) for rally in asked]),
            },
            np.array([rally.match for rally in asked]),
            {"horizon": settings.horizon},
            strata={
                "rally_length": np.array([_length_class(rally.length) for rally in asked]),
                "server": np.array([str(rally.columns["player"][0]) for rally in asked]),
            },
        )

    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """A row for every rally of which four strokes are there."""
        rallies = rallies_in([one_table(recording, "strokes")])
        asked = [rally for rally in rallies if len(rally) >= GIVEN]
        if not asked:
            raise StadionError(
                Code.INVALID, f"none of {len(rallies)} rallies has four strokes to go on from"
            )
        return _inputs(asked, signature)

    def baselines(self, train: Dataset, test: Dataset) -> dict[str, dict[str, Array]]:
        """A Markov chain of types from the fourth stroke on, and frequencies with the medians."""
        chain, kinds = _chain(train)
        places = _places_by_type(train)
        steps = test.targets["type"].shape[1]
        now = np.nan_to_num(test.inputs["past_type"][:, -1].astype(np.float64))
        now = np.where(now.sum(axis=1, keepdims=True) > 0, now, kinds)
        types = np.empty((len(test), steps, _KINDS))
        for step in range(steps):
            now = now @ chain
            types[:, step] = now
        usual = np.broadcast_to(kinds, types.shape)
        return {
            "Markov chain": _answer(test, types, types @ places),
            "marginals": _answer(test, usual, usual @ places),
        }

    def examples(self, seed: int) -> list[Table]:
        """Six matches of four players; strokes follow what can be played."""
        return made_up(seed)


def _answer(test: Dataset, types: FloatArray, places: FloatArray) -> dict[str, Array]:
    """Types as they are; places as seen by the hitter turned to the court's own axes."""
    turn = 1.0 - 2.0 * (np.arange(types.shape[1]) % 2)
    seen = places * turn[None, :, None]
    landing = mirrored(seen, _side(test.inputs))
    return {"type": types.astype(np.float32), "landing": landing.astype(np.float32)}


def _side(inputs: Mapping[str, Array]) -> FloatArray:
    player, opponent, landing = (inputs[f"past_{of}"] for of in ("player", "opponent", "landing"))
    return side_of_first(player, opponent, landing)


def _chain(train: Dataset) -> tuple[FloatArray, FloatArray]:
    """(10, 10) chance of the next type by the last one, and (10,) of types after the fourth."""
    last = np.nan_to_num(train.inputs["past_type"][:, -1]).argmax(axis=1)
    known = np.isfinite(train.inputs["past_type"][:, -1]).any(axis=1)
    runs = np.concatenate([np.where(known, last, -1)[:, None], train.targets["type"]], axis=1)
    before, after = runs[:, :-1].ravel(), runs[:, 1:].ravel()
    both = (before >= 0) & (after >= 0)
    counts = np.full((_KINDS, _KINDS), 0.1)
    np.add.at(counts, (before[both], after[both]), 1.0)
    kinds = np.bincount(after[after >= 0], minlength=_KINDS) + 0.1
    return counts / counts.sum(axis=1, keepdims=True), kinds / kinds.sum()


def _places_by_type(train: Dataset) -> FloatArray:
    """(10, 2) median landing point of each type, seen by one who plays from positive y."""
    turn = 1.0 - 2.0 * (np.arange(train.targets["type"].shape[1]) % 2)
    seen = mirrored(train.targets["landing"], _side(train.inputs)) * turn[None, :, None]
    types = train.targets["type"]
    usual = np.array([0.0, -COURT_LENGTH_M / 4])
    places = np.tile(usual, (_KINDS, 1))
    for kind in range(_KINDS):
        found = seen[types == kind]
        found = found[np.isfinite(found).all(axis=1)]
        if len(found):
            places[kind] = np.median(found, axis=0)
    return places


def _is_played(rally: Rally, settings: ForecastSettings) -> bool:
    return bool((rally.types[GIVEN : GIVEN + settings.horizon] >= 0).any())


def _types(rally: Rally, horizon: int) -> IntArray:
    types = np.full(horizon, -1, np.int64)
    later = rally.types[GIVEN : GIVEN + horizon]
    types[: len(later)] = later
    return types


def _landings(rally: Rally, horizon: int) -> FloatArray:
    landings = np.full((horizon, 2), np.nan, np.float32)
    later = rally.place_m("landing")[GIVEN : GIVEN + horizon]
    landings[: len(later)] = later
    return landings


def _inputs(rallies: Sequence[Rally], signature: Signature) -> dict[str, Array]:
    """What is known after four strokes, (rallies, ...)."""
    players = signature.input("first_player").columns
    rows = [_row(rally, players) for rally in rallies]
    return {name: np.stack([row[name] for row in rows]).astype(np.float32) for name in rows[0]}


def _row(rally: Rally, players: tuple[str, ...]) -> dict[str, Array]:
    given = slice(0, GIVEN)
    columns = rally.columns
    row: dict[str, Array] = {
        "past_type": np.stack([one_hot(int(kind), _KINDS) for kind in rally.types[given]])
    }
    for place in PLACES:
        row[f"past_{place}"] = rally.place_m(place)[given]
    for flag in _FLAGS:
        row[f"past_{flag}"] = columns[flag][given]
    row["past_gap"] = np.diff(columns["time"][given], prepend=np.nan)
    row["points"] = np.array([columns["player_points"][0], columns["opponent_points"][0]])
    for turn, name in enumerate(("first_player", "second_player")):
        player = str(columns["player"][turn])
        index = players.index(player) if player in players else -1
        row[name] = one_hot(index, len(players))
    row["first_stroke"] = columns["stroke"][0]
    row["rally_length"] = np.array(rally.length)
    return row


def _length_class(length: float) -> str:
    if not np.isfinite(length):
        return ""
    return "5 to 7" if length < 8 else "8 to 15" if length < 16 else "16 and more"


def _signature(players: tuple[str, ...], horizon: int) -> Signature:
    court = "metres from the centre of the court, across and along"
    return Signature(
        inputs=(
            Tensor("past_type", "FP32", (None, GIVEN, _KINDS), "1", "1 for the type of the stroke",
                   STROKE_TYPES, low=0.0, high=1.0),
            Tensor("past_landing", "FP32", (None, GIVEN, 2), "m",
                   f"where the shuttle came down or was met, {court}", ("x", "y"),
                   low=-15.0, high=15.0),
            Tensor("past_player", "FP32", (None, GIVEN, 2), "m",
                   "where the one who hits stood", ("x", "y"),
                   low=-15.0, high=15.0),
            Tensor("past_opponent", "FP32", (None, GIVEN, 2), "m",
                   "where the other one stood", ("x", "y"),
                   low=-15.0, high=15.0),
            Tensor("past_backhand", "FP32", (None, GIVEN), "1", "1 = backhand", low=0.0, high=1.0),
            Tensor("past_around_head", "FP32", (None, GIVEN), "1", "1 = around the head",
                   low=0.0, high=1.0),
            Tensor("past_landing_high", "FP32", (None, GIVEN), "1",
                   "1 = the shuttle was met above the height of the net", low=0.0, high=1.0),
            Tensor("past_gap", "FP32", (None, GIVEN), "s", "time since the stroke before",
                   low=0.0, high=10.0),
            Tensor("points", "FP32", (None, 2), "1",
                   "points before the rally of who hits first, and of the other",
                   ("first", "second"), low=0.0, high=30.0),
            Tensor("first_player", "FP32", (None, len(players)), "1",
                   "1 for who hits the first of the strokes; all NaN = somebody else", players,
                   low=0.0, high=1.0),
            Tensor("second_player", "FP32", (None, len(players)), "1",
                   "1 for who hits the second", players, low=0.0, high=1.0),
            Tensor("first_stroke", "FP32", (None,), "1",
                   "number of the first of these strokes in the rally", low=1.0, high=100.0),
            Tensor("rally_length", "FP32", (None,), "1", "strokes of the whole rally, if known",
                   low=float(GIVEN + 1), high=100.0),
        ),
        outputs=(
            Tensor("type", "FP32", (None, horizon, _KINDS), "1",
                   "chance of each type, stroke by stroke after the fourth", STROKE_TYPES,
                   low=0.0, high=1.0, missing=False),
            Tensor("landing", "FP32", (None, horizon, 2), "m",
                   f"where the shuttle comes down or is met, {court}", ("x", "y"), low=-15.0,
                   high=15.0, missing=False),
        ),
        labels={"type": STROKE_TYPES},
    )  # fmt: skip


PLUGIN = StrokeForecast()
