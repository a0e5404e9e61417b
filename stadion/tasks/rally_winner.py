"""A moment of a badminton rally and a stroke to come in; who wins it, and what to play, out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Recording, Table
from stadion.core.arrays import Array, Arrays, FloatArray
from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.science.badminton import ANSWERS, DEPTHS, STROKE_TYPES, court_zones
from stadion.tasks._rallies import Rally, made_up, one_hot, players_of, rallies_in
from stadion.tasks.base import NoSettings, Task, one_table, tables_of

__all__ = ["PLUGIN", "Advice", "RallyWinner", "recommend"]

_KINDS = len(STROKE_TYPES)
_COLUMNS = 3
"""Zones side by side."""


class RallyWinner(Task):
    """The chance that the one who plays the next stroke wins the rally, by what is played.

    Every stroke but the service is asked about up to three times: with nothing known of it, with
    its type, and, where it was no error, with where it comes down as well. So the answer without
    a landing point counts the risk of an error, and the one with it does not; `error` is that
    risk. Of a stroke that was an error nobody knows where it was meant to land.

    Everything is seen by the one who plays: their half of the court is that of positive y.
    What is known is what was known when the shuttle came: the two strokes before, and where both
    stood then. The players' names are inputs, as some win more than others. The points are not:
    all strokes of a rally share them, so trees learn by them who won which rally, and whole
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

    def dataset(self, recordings: Sequence[Recording], settings: NoSettings) -> Dataset:
        """Rows for every stroke but the service of all rallies whose winner is known."""
        rallies = rallies_in(tables_of(recordings, "strokes"))
        told = [rally for rally in rallies if _winner(rally) and len(rally) > 1]
        if not told:
            raise StadionError(
                Code.INVALID,
                f"none of {len(rallies)} rallies in {len(recordings)} recordings has a winner and "
                "more than a service",
            )
        signature = _signature(players_of(told))
        players = signature.input("hitter").columns
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
            _stacked(rows),
            {"win": np.array(won, np.int64), "error": np.array(error, np.int64)},
            np.array(groups),
            strata={"stroke": np.array(kinds)},
        )

    def features(
        self, recording: Recording, signature: Signature, settings: Mapping[str, Scalar]
    ) -> dict[str, Array]:
        """A row for what follows the last stroke of every rally, nothing known of it."""
        rallies = rallies_in([one_table(recording, "strokes")])
        if not rallies:
            raise StadionError(Code.INVALID, "the table holds no stroke; expected one at least")
        players = signature.input("hitter").columns
        return _stacked(
            [_state(rally, len(rally), players) | _stroke(-1, None) for rally in rallies]
        )

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
    state = _state(rally, len(rally), signature.input("hitter").columns)
    zones = court_zones(_COLUMNS, 3)
    kinds = [STROKE_TYPES.index(kind) for kind in ANSWERS[STROKE_TYPES[rally.types[-1]]]]
    wanted = [
        (kind, zones[row * _COLUMNS + column])
        for kind in kinds
        for row in DEPTHS[STROKE_TYPES[kind]]
        for column in range(_COLUMNS)
    ]
    rows = [state | _stroke(-1, None)]
    rows += [state | _stroke(kind, None) for kind in kinds]
    rows += [state | _stroke(kind, _seen(zone, -1.0)) for kind, zone in wanted]
    answers = predict(_stacked(rows))
    win, error = np.asarray(answers["win"])[:, 1], np.asarray(answers["error"])[:, 1]
    risk = dict(zip(kinds, error[1 : 1 + len(kinds)].tolist(), strict=True))
    usual, landed = float(win[0]), win[1 + len(kinds) :].tolist()
    side = _side(rally, len(rally))
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
    state = _state(rally, at, players)
    hitter, kind = str(rally.columns["player"][at]), int(rally.types[at])
    is_last = at + 1 == len(rally) and not rally.length > len(rally)
    is_error = is_last and hitter != _winner(rally)
    yield state | _stroke(-1, None), is_error
    if kind < 0:
        return
    yield state | _stroke(kind, None), is_error
    landing = rally.place_m("landing")[at]
    if not is_error and np.isfinite(landing).all():
        yield state | _stroke(kind, _seen(landing, _side(rally, at))), is_error


def _state(rally: Rally, at: int, players: tuple[str, ...]) -> dict[str, Array]:
    """What the one who plays stroke `at` knows of the strokes before it."""
    side, last, own = _side(rally, at), at - 1, at - 2
    columns = rally.columns
    names = (str(columns["opponent"][last]), str(columns["player"][last]))
    row: dict[str, Array] = {
        "incoming_type": one_hot(int(rally.types[last]), _KINDS),
        "incoming_landing": _seen(rally.place_m("landing")[last], side),
        "incoming_high": columns["landing_high"][last],
        "incoming_backhand": columns["backhand"][last],
        "hitter_place": _seen(rally.place_m("opponent")[last], side),
        "rival_place": _seen(rally.place_m("player")[last], side),
        "own_type": one_hot(int(rally.types[own]) if own >= 0 else -1, _KINDS),
        "own_landing": _seen(rally.place_m("landing")[own], side) if own >= 0 else _NOWHERE,
        "gap": np.array(columns["time"][last] - columns["time"][own] if own >= 0 else np.nan),
        "stroke": np.array(columns["stroke"][last] + 1.0),
    }
    for key, name in zip(("hitter", "rival"), names, strict=True):
        row[key] = one_hot(players.index(name) if name in players else -1, len(players))
    return row


def _stroke(kind: int, landing: FloatArray | None) -> dict[str, Array]:
    return {
        "stroke_type": one_hot(kind, _KINDS),
        "stroke_landing": _NOWHERE if landing is None else landing,
    }


_NOWHERE = np.full(2, np.nan)


def _side(rally: Rally, at: int) -> float:
    """1 where the one who plays stroke `at` stands at positive y, else -1."""
    last = at - 1
    votes = (
        rally.columns["opponent_y"][last],
        -rally.columns["player_y"][last],
        rally.columns["landing_y"][last],
    )
    return 1.0 if np.nansum(votes) >= 0 else -1.0


def _seen(place_m: FloatArray, side: float) -> FloatArray:
    seen: FloatArray = place_m * side
    return seen


def _stacked(rows: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    return {name: np.stack([row[name] for row in rows]).astype(np.float32) for name in rows[0]}


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


def _signature(players: tuple[str, ...]) -> Signature:
    seen = "metres from the centre of the court, seen by the one who plays (own half: positive y)"
    axes = ("x", "y")

    def place(name: str, meaning: str) -> Tensor:
        return Tensor(name, "FP32", (None, 2), "m", f"{meaning}, {seen}", axes, None, -15.0, 15.0)

    def kind(name: str, meaning: str) -> Tensor:
        return Tensor(name, "FP32", (None, _KINDS), "1", f"1 for the type of {meaning}",
                      STROKE_TYPES, None, 0.0, 1.0)  # fmt: skip

    def number(name: str, unit: str, meaning: str, high: float) -> Tensor:
        return Tensor(name, "FP32", (None,), unit, meaning, low=0.0, high=high)

    def who(name: str, meaning: str) -> Tensor:
        return Tensor(name, "FP32", (None, len(players)), "1", f"1 for {meaning}", players, None,
                      0.0, 1.0)  # fmt: skip

    return Signature(
        inputs=(
            kind("incoming_type", "the stroke that comes in"),
            place("incoming_landing", "where it comes down or is met"),
            number("incoming_high", "1", "1 = it is met above the height of the net", 1.0),
            number("incoming_backhand", "1", "1 = it was played with the backhand", 1.0),
            place("hitter_place", "where the one who plays next stood when it was hit"),
            place("rival_place", "where the other one stood when hitting it"),
            kind("own_type", "the own stroke before it; all NaN after a service"),
            place("own_landing", "where that one came down or was met"),
            number("gap", "s", "time between those two strokes", 10.0),
            number("stroke", "1", "number of the stroke to be played in the rally", 100.0),
            who("hitter", "who plays; all NaN = somebody else"),
            who("rival", "the other one"),
            kind("stroke_type", "the stroke to be played; all NaN = any"),
            place("stroke_landing", "where it comes down, if it is no error; NaN = anywhere"),
        ),
        outputs=(
            Tensor("win", "FP32", (None, 2), "1", "chance that the one who plays wins the rally",
                   ("lost", "won"), low=0.0, high=1.0, missing=False),
            Tensor("error", "FP32", (None, 2), "1", "chance that this stroke ends it as an error",
                   ("in play", "error"), low=0.0, high=1.0, missing=False),
        ),
        labels={"win": ("lost", "won"), "error": ("in play", "error")},
    )  # fmt: skip


PLUGIN = RallyWinner()
