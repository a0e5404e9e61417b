"""A badminton court, its strokes and rallies: places in metres, what can follow what, scores."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.errors import Code, StadionError

__all__ = [
    "ANSWERS",
    "COURT_LENGTH_M",
    "COURT_WIDTH_M",
    "DEPTHS",
    "LANDING_SPREAD_M",
    "SINGLES_WIDTH_M",
    "STROKE_TYPES",
    "BestOf",
    "best_of",
    "court_zones",
    "mirrored",
    "side_of_first",
]

COURT_LENGTH_M, COURT_WIDTH_M, SINGLES_WIDTH_M = 13.40, 6.10, 5.18
"""Laws of Badminton (BWF), law 1 and diagram A; the width of 6.10 m is that of doubles."""

STROKE_TYPES = (
    "short service", "net shot", "lob", "clear", "drop",
    "push/rush", "smash", "defensive shot", "drive", "long service",
)  # fmt: skip
"""The ten types of the CoachAI Badminton Challenge, in its order."""

_HIGH = ("clear", "drop", "smash", "drive")
_LOW = ("net shot", "lob", "push/rush")
ANSWERS: dict[str, tuple[str, ...]] = {
    "short service": _LOW,
    "long service": _HIGH[:3],
    "clear": _HIGH[:3],
    "lob": _HIGH,
    "net shot": _LOW,
    "drop": (*_LOW, "defensive shot"),
    "smash": ("defensive shot",),
    "push/rush": (*_HIGH, "defensive shot"),
    "defensive shot": (*_LOW, *_HIGH),
    "drive": ("defensive shot", "drive", "push/rush", "net shot", "smash"),
}
"""Which types can be played at a shuttle that comes in as the key: a shuttle below the net cannot
be smashed, one at the back line not rushed. 97 of 100 strokes of 44 professional matches obey."""

DEPTHS: dict[str, tuple[int, ...]] = {
    "short service": (0, 1),
    "long service": (2,),
    "net shot": (0,),
    "lob": (2,),
    "clear": (2,),
    "drop": (0, 1),
    "push/rush": (1, 2),
    "smash": (1, 2),
    "defensive shot": (0, 1, 2),
    "drive": (1, 2),
}
"""Thirds of the other half, 0 at the net, that each type is aimed at: those in which at least 5 of
100 strokes of the type come down or are met in the same matches."""

LANDING_SPREAD_M = (82.0 * COURT_WIDTH_M / 300.0, 192.0 * COURT_LENGTH_M / 660.0)
"""Metres of one unit of the challenge's landing points, across and along the court.

Its court measures 300 x 660 units of the picture; landing points are divided by 82 and by 192."""


class BestOf(NamedTuple):
    """Of each rally, the cross entropy and the landing error of its best future, both (n,)."""

    types: FloatArray
    landing: FloatArray

    @property
    def score(self) -> float:
        """The challenge's score: mean over the rallies of the sum of both."""
        return float((self.types + self.landing).mean())


def best_of(types: IntArray, landing_m: FloatArray, chances: Array, points_m: Array) -> BestOf:
    """Score of several futures per rally: the one with the least sum of both errors counts.

    A future's cross entropy and its landing error are means over the strokes of the rally; the
    landing error is that of both axes, each in the challenge's units, and their mean.

    Parameters
    ----------
    types
        (n, T) true classes; -1 where there was no stroke.
    landing_m
        (n, T, 2) true landing points in metres; NaN does not count.
    chances
        (n, K, T, C) probabilities of the types in each of K futures.
    points_m
        (n, K, T, 2) landing points of each future.

    References
    ----------
    W.-Y. Wang et al., ShuttleSet22: benchmarking stroke forecasting, arXiv:2306.15664, section 4,
    and the evaluation program of the CoachAI Badminton Challenge, track 2 (IJCAI 2023).
    """
    there = types >= 0
    if not there.any(axis=1).all():
        raise StadionError(Code.INVALID, "a rally without a stroke to forecast; leave it out")
    of_truth = np.take_along_axis(chances, types.clip(0)[:, None, :, None], axis=3)[..., 0]
    surprise = -np.log(np.clip(of_truth.astype(np.float64), 1e-15, 1.0))
    apart = np.abs(points_m - landing_m[:, None]) / np.array(LANDING_SPREAD_M)
    entropy = _mean(surprise, np.broadcast_to(there[:, None], surprise.shape))
    known = there[:, None] & np.isfinite(apart).all(axis=3)
    distance = _mean(apart.mean(axis=3), known)
    best = (entropy + distance).argmin(axis=1)
    rows = np.arange(len(best))
    return BestOf(entropy[rows, best], distance[rows, best])


def mirrored(places_m: FloatArray, side: FloatArray) -> FloatArray:
    """Places seen from the other end of the court where `side` is -1: both axes change sign.

    Parameters
    ----------
    places_m
        (n, ..., 2) metres from the centre of the court.
    side
        (n,) 1 or -1.
    """
    return places_m * side.reshape(-1, *[1] * (places_m.ndim - 1))


def side_of_first(
    player_m: FloatArray, opponent_m: FloatArray, landing_m: FloatArray
) -> FloatArray:
    """(n,) 1 where the one who hits the first stroke stands at positive y, else -1.

    Every place that is known has a vote, as players and landing points change sides with each
    stroke; 1 where nothing is known.

    Parameters
    ----------
    player_m, opponent_m, landing_m
        (n, strokes, 2) metres from the centre of the court; NaN = unknown.
    """
    turn = 1.0 - 2.0 * (np.arange(player_m.shape[1]) % 2)
    along = player_m[..., 1] - opponent_m[..., 1], -landing_m[..., 1]
    votes = np.nansum([part * turn for part in along], axis=(0, 2))
    return np.where(votes >= 0, 1.0, -1.0)


def court_zones(columns: int = 3, rows: int = 3) -> FloatArray:
    """Centres of the zones of the singles court beyond the net, (columns * rows, 2) metres.

    From the left of the one who looks at it over the net, the zones nearest to the net first.
    """
    across = (np.arange(columns) + 0.5) / columns - 0.5
    along = (np.arange(rows) + 0.5) / rows
    x, y = np.meshgrid(across * SINGLES_WIDTH_M, along * COURT_LENGTH_M / 2)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def _mean(values: FloatArray, known: Array) -> FloatArray:
    """Mean over the last axis of what is known; 0 where nothing is."""
    total = np.where(known, values, 0.0).sum(axis=-1)
    mean: FloatArray = total / np.maximum(known.sum(axis=-1), 1)
    return mean
