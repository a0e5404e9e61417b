"""A rally and a moment of it in; what the one who plays next knows, as a model's inputs, out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stadion.core.arrays import Array, FloatArray
from stadion.core.signature import Signature, Tensor
from stadion.science.badminton import STROKE_TYPES
from stadion.tasks._rallies import Rally, one_hot

__all__ = ["players_known", "seen", "side_at", "signature_of", "stacked", "state_at", "stroke"]

_KINDS = len(STROKE_TYPES)


def players_known(signature: Signature) -> tuple[str, ...]:
    """Names of the players that a model knows; none where they are no input."""
    found = (tensor.columns for tensor in signature.inputs if tensor.name == "hitter")
    return next(found, ())


def state_at(rally: Rally, at: int, players: tuple[str, ...]) -> dict[str, Array]:
    """What the one who plays stroke `at` knows of the strokes before it."""
    side, last, own = side_at(rally, at), at - 1, at - 2
    columns = rally.columns
    names = (str(columns["opponent"][last]), str(columns["player"][last]))
    row: dict[str, Array] = {
        "incoming_type": one_hot(int(rally.types[last]), _KINDS),
        "incoming_landing": seen(rally.place_m("landing")[last], side),
        "incoming_high": columns["landing_high"][last],
        "incoming_backhand": columns["backhand"][last],
        "hitter_place": seen(rally.place_m("opponent")[last], side),
        "rival_place": seen(rally.place_m("player")[last], side),
        "own_type": one_hot(int(rally.types[own]) if own >= 0 else -1, _KINDS),
        "own_landing": seen(rally.place_m("landing")[own], side) if own >= 0 else _NOWHERE,
        "gap": np.array(columns["time"][last] - columns["time"][own] if own >= 0 else np.nan),
        "stroke": np.array(columns["stroke"][last] + 1.0),
    }
    for key, name in zip(_WHO, names, strict=True) if players else ():
        row[key] = one_hot(players.index(name) if name in players else -1, len(players))
    return row


def stroke(kind: int, landing: FloatArray | None) -> dict[str, Array]:
    """What is known of the stroke to be played: -1 and None = nothing."""
    return {
        "stroke_type": one_hot(kind, _KINDS),
        "stroke_landing": _NOWHERE if landing is None else landing,
    }


_NOWHERE = np.full(2, np.nan)
_WHO = ("hitter", "rival")


def side_at(rally: Rally, at: int) -> float:
    """1 where the one who plays stroke `at` stands at positive y, else -1."""
    last = at - 1
    votes = (
        rally.columns["opponent_y"][last],
        -rally.columns["player_y"][last],
        rally.columns["landing_y"][last],
    )
    return 1.0 if np.nansum(votes) >= 0 else -1.0


def seen(place_m: FloatArray, side: float) -> FloatArray:
    """The place as one sees it who stands at positive y (side 1), or at negative y (side -1)."""
    place: FloatArray = place_m * side
    return place


def stacked(rows: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The rows as a request."""
    return {name: np.stack([row[name] for row in rows]).astype(np.float32) for name in rows[0]}


def signature_of(players: tuple[str, ...]) -> Signature:
    """What a model takes and gives; the names are inputs where there are any."""
    view = "metres from the centre of the court, seen by the one who plays (own half: positive y)"
    axes = ("x", "y")

    def place(name: str, meaning: str) -> Tensor:
        return Tensor(name, "FP32", (None, 2), "m", f"{meaning}, {view}", axes, None, -15.0, 15.0)

    def kind(name: str, meaning: str) -> Tensor:
        return Tensor(name, "FP32", (None, _KINDS), "1", f"1 for the type of {meaning}",
                      STROKE_TYPES, None, 0.0, 1.0)  # fmt: skip

    def number(name: str, unit: str, meaning: str, high: float) -> Tensor:
        return Tensor(name, "FP32", (None,), unit, meaning, low=0.0, high=high)

    def who(name: str, meaning: str) -> Tensor:
        return Tensor(name, "FP32", (None, len(players)), "1", f"1 for {meaning}", players, None,
                      0.0, 1.0)  # fmt: skip

    named = (who("hitter", "who plays; all NaN = somebody else"), who("rival", "the other one"))
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
            *(named if players else ()),
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
