"""A moment of a badminton rally and a stroke to come in; who wins it, and what to play, out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Recording, Table
from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature
from stadion.science.badminton import ANSWERS, DEPTHS, STROKE_TYPES, court_zones
from stadion.tasks._moments import (
    players_known,
    seen,
    side_at,
    signature_of,
    stacked,
    state_at,
    stroke,
)
from stadion.tasks._rallies import Rally, made_up, players_of, rallies_in
from stadion.tasks.base import Task, one_table, tables_of

__all__ = ["PLUGIN", "Advice", "RallyWinner", "WinnerSettings", "recommend"]

_KINDS = len(STROKE_TYPES)
_COLUMNS = 3
"""Zones side by side."""


@dataclass(frozen=True, slots=True)
class WinnerSettings:
    """`players` makes the names of both inputs: for many matches of a few players."""

    players: bool = False


class RallyWinner(Task):
    """The chance that the one who plays the next stroke wins the rally, by what is played.

    Every stroke but the service is asked about up to three times: with nothing known of it, with
    its type, and, where it was no error, with where it comes down as well. So the answer without
    a landing point counts the risk of an error, and the one with it does not; `error` is that
    risk. Of a stroke that was an error nobody knows where it was meant to land.

    Everything is seen by the one who plays: their half of the court is that of positive y.
    What is known is what was known when the shuttle came: the two strokes before, and where both
    stood then. The points are no input, and the players' names only where the settings ask for
    them: all strokes of a rally share them, so trees learn by them who won which rally, and
    matches unseen are told worse than without.
    """

    name = "rally_winner"
    question = "Will the player who hits next win this rally, if this stroke is played?"
    tables = ("strokes",)
    metric = "log_loss"
    reference = (
        "W.-Y. Wang et al., ShuttleSet, KDD 2023, arXiv:2306.04948; T. Decroos et al., Actions "
        "speak louder than goals (VAEP), KDD 2019: an action is worth what it changes"
    )
    learners = ("boosting",)
    Settings = WinnerSettings

    def dataset(self, recordings: Sequence[Recording], settings: WinnerSettings) -> Dataset:
        """Rows for every stroke but the service of all rallies whose winner is known."""
        rallies = rallies_in(tables_of(recordings, "strokes"))
        told = [rally for rally in rallies if _winner(rally) and len(rally) > 1]
        if not told:
            raise StadionError(
                Code.INVALID,
                f"none of {len(rallies)} rallies in {len(recordings)} recordings has a winner and "
                "more than a service",
            )
        players = players_of(told) if settings.players else ()
        signature = signature_of(players)
        rows: list[Mapping[str, Array]] = []
        won, error, groups, kinds = [], [], [], []
        for rally in told:
            for at in range(1, len(rally)):
                for row, is_error in _rows_at(rally, at, players):
                    rows.append(row)
                    won.append(int(rally.columns["player"][at] == _winner(rally)))
                    error.append(int(is_error))
                    groups.append(rally.match)
                    kinds.append(str(rally.columns["type"][at]))
        return Dataset(
            self.name,
            signature,
            stacked(rows),
            {"win": np.array(won, np.int64), "error": np.array(error, np.int64)},
            np.array(groups),
            {"players": settings.players},
            strata={"stroke": np.array(kinds)},
        )

    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """A row for what follows the last stroke of every rally, nothing known of it."""
        rallies = rallies_in([one_table(recording, "strokes")])
        if not rallies:
            raise StadionError(Code.INVALID, "the table holds no stroke; expected one at least")
        players = players_known(signature)
        return stacked(
            [state_at(rally, len(rally), players) | stroke(-1, None) for rally in rallies]
        )

    def recommend(
        self,
        predict: Callable[[Arrays], Mapping[str, Array]],
        signature: Signature,
        recording: Recording,
    ) -> list[Advice]:
        """Strokes to play after the table's last one; see `recommend` of this file."""
        return recommend(predict, signature, recording)

    def baselines(self, train: Dataset, test: Dataset) -> dict[str, dict[str, Array]]:
        """Frequencies by the type to be played and the one that comes in, by the type, of all."""
        keys = {
            "both strokes": ("incoming_type", "stroke_type"),
            "stroke type": ("stroke_type",),
            "base rate": (),
        }
        answers: dict[str, dict[str, Array]] = {}
        for name, inputs in keys.items():
            known, asked = _keys(train, inputs), _keys(test, inputs)
            answers[name] = {
                output: _rates(known, train.targets[output], asked) for output in ("win", "error")
            }
        return answers

    def examples(self, seed: int) -> list[Table]:
        """Six matches of four players; strokes follow what can be played."""
        return made_up(seed, rallies=8)


@dataclass(frozen=True, slots=True)
class Advice:
    """A stroke that can be played next.

    `landing_m` are metres from the centre of the court, across and along; `win` is the chance to
    win the rally with it, the risk of an error included; `gain` is that chance less the one
    without knowing what will be played; `error` is the risk of an error.
    """

    type: str
    landing_m: tuple[float, float]
    win: float
    gain: float
    error: float


def recommend(
    predict: Callable[[Arrays], Mapping[str, Array]], signature: Signature, recording: Recording
) -> list[Advice]:
    """What to play after the last stroke of the table's last rally, the best first.

    Types are those that can be played at the stroke that comes in, places the zones of the other
    half that they are aimed at. The chance is that of an average stroke of the kind by players
    like these in the matches the model knows: what was played was chosen, so it is no proof that
    another choice would have changed the rally.

    Parameters
    ----------
    predict
        A `rally_winner` model's answers by its inputs.
    signature
        The model's.

    Raises
    ------
    StadionError
        INVALID when the table holds no stroke of a known type.
    """
    rallies = rallies_in([one_table(recording, "strokes")])
    if not rallies or rallies[-1].types[-1] < 0:
        raise StadionError(Code.INVALID, "the table's last stroke is of no known type")
    rally = rallies[-1]
    state = state_at(rally, len(rally), players_known(signature))
    zones = court_zones(_COLUMNS, 3)
    kinds = [STROKE_TYPES.index(kind) for kind in ANSWERS[STROKE_TYPES[rally.types[-1]]]]
    wanted = [
        (kind, zones[row * _COLUMNS + column])
        for kind in kinds
        for row in DEPTHS[STROKE_TYPES[kind]]
        for column in range(_COLUMNS)
    ]
    rows = [state | stroke(-1, None)]
    rows += [state | stroke(kind, None) for kind in kinds]
    rows += [state | stroke(kind, seen(zone, -1.0)) for kind, zone in wanted]
    answers = predict(stacked(rows))
    win, error = np.asarray(answers["win"])[:, 1], np.asarray(answers["error"])[:, 1]
    risk = dict(zip(kinds, error[1 : 1 + len(kinds)].tolist(), strict=True))
    usual, landed = float(win[0]), win[1 + len(kinds) :].tolist()
    side = side_at(rally, len(rally))
    advice = []
    for (kind, zone), chance in zip(wanted, landed, strict=True):
        total = (1.0 - risk[kind]) * chance
        place = zone * -side
        advice.append(
            Advice(STROKE_TYPES[kind], (float(place[0]), float(place[1])), total, total - usual,
                   risk[kind])
        )  # fmt: skip
    return sorted(advice, key=lambda each: -each.win)


def _winner(rally: Rally) -> str:
    return str(rally.columns["winner"][0])


def _rows_at(
    rally: Rally, at: int, players: tuple[str, ...]
) -> Iterator[tuple[dict[str, Array], bool]]:
    """What is asked about stroke `at`, and whether it was an error."""
    state = state_at(rally, at, players)
    hitter, kind = str(rally.columns["player"][at]), int(rally.types[at])
    is_last = at + 1 == len(rally) and not rally.length > len(rally)
    is_error = is_last and hitter != _winner(rally)
    yield state | stroke(-1, None), is_error
    if kind < 0:
        return
    yield state | stroke(kind, None), is_error
    landing = rally.place_m("landing")[at]
    if not is_error and np.isfinite(landing).all():
        yield state | stroke(kind, seen(landing, side_at(rally, at))), is_error


def _keys(data: Dataset, inputs: Sequence[str]) -> Array:
    """(n,) one number for each combination of classes; an unknown one counts as a class."""
    key = np.zeros(len(data), np.int64)
    for name in inputs:
        values = data.inputs[name]
        known = np.isfinite(values).all(axis=1)
        key = key * (_KINDS + 1) + np.where(known, np.nan_to_num(values).argmax(axis=1), _KINDS)
    return key


def _rates(known: Array, truth: Array, asked: Array) -> FloatArray:
    """(n, 2) share of each answer among the training rows of the same key, drawn to that of all."""
    overall, weight = truth.mean(), 20.0
    size = int(max(known.max(), asked.max())) + 1
    count = np.bincount(known, minlength=size)
    hits = np.bincount(known, truth, minlength=size)
    rate = ((hits + weight * overall) / (count + weight))[asked]
    return np.stack([1.0 - rate, rate], axis=1).astype(np.float32)


PLUGIN = RallyWinner()
