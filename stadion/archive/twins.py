"""Two recordings in, whether they are of one workout out, and by how much their clocks differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stadion.archive.clocks import Pace, common, copied_share, metres_apart, near_shift, wide_shifts
from stadion.core.arrays import Array, FloatArray

__all__ = ["About", "Verdict", "compared", "may_be_one"]

_ENOUGH_S = 30
"""Seconds known in both before anything is said."""
_SHARE = 0.5
"""Of the shorter recording that must lie within the other."""
_SAME = {"heart_rate": 0.5, "power": 0.5, "speed": 0.02, "altitude": 0.3}
"""Differences that rounding to another format makes; of cadence, chance makes as many."""
_WHOLE_NUMBERS = frozenset(("heart_rate",))
"""Channels of few different values, of which chance makes some equal."""
_SURE_SHARE = 0.8
_SHARED = frozenset(("x", "cadence", *_SAME))
_SAME_M = 3.0
_COPIED = 0.95
_CLOSE_M, _CLOSE_MOST_M, _FAR_M = 25.0, 80.0, 200.0
_FAMILIES = (
    ("running", "walking", "hiking", "trail_running", "mountaineering", "snowshoeing"),
    ("cycling", "e_biking", "road_biking", "mountain_biking", "biking"),
    ("swimming", "open_water", "lap_swimming", "open_water_swimming"),
    ("rowing", "kayaking", "paddling", "stand_up_paddleboarding"),
    ("cross_country_skiing", "alpine_skiing", "snowboarding", "skiing"),
)
_ANY_SPORT = frozenset(
    ("", "generic", "other", "all", "multisport", "fitness_equipment", "training", "transition")
)


@dataclass(frozen=True, slots=True)
class About:
    """What must fit before the streams of two recordings are compared.

    Parameters
    ----------
    source
        Digest of the file: parts of one file are not twins of each other.
    start_s, duration_s
        Seconds since 1970, and seconds.
    """

    source: str
    athlete: str
    sport: str
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """How two recordings compare.

    Parameters
    ----------
    is_twin, is_other
        Certainly of one workout; certainly of two people or occasions. Neither: nobody knows.
    shift_s
        Seconds to add to the second one's clock.
    score
        From 0 to 1, to choose among several.
    why
        For a person to read.
    """

    is_twin: bool
    is_other: bool
    shift_s: float = 0.0
    score: float = 0.0
    why: str = ""


_Pairs = dict[str, tuple[FloatArray, FloatArray]]
_UNKNOWN = Verdict(is_twin=False, is_other=False)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is seen at one shift; None = no channel shared that could tell."""

    shared: bool
    exact: float = 0.0
    exact_channel: str = ""
    body: bool | None = None
    is_contradicted: bool = False
    place: bool | None = None
    is_far: bool = False
    score: float = 0.0


def may_be_one(one: About, other: About) -> bool:
    """Whether it is worth comparing the streams: athlete, sport and file allow it."""
    if one.source == other.source or (
        one.athlete and other.athlete and one.athlete != other.athlete
    ):
        return False
    return _family(one.sport) in ("", _family(other.sport)) or not _family(other.sport)


def compared(one: Pace, other: Pace, about_one: About, about_other: About) -> Verdict:
    """Whether two recordings are of one workout, from what their streams say.

    The rule stands in docs/decisions/0018-twins.md.
    """
    as_told = _seen(one, other, 0)
    if not as_told.shared:
        return _by_times(about_one, about_other)
    copied = copied_share(one, other)
    if copied >= _COPIED and not as_told.is_contradicted:
        return Verdict(True, False, 0.0, copied, f"{copied:.0%} of the samples are the same")
    near = near_shift(one, other)
    seen = _seen(one, other, near) if near else as_told
    if _is_twin(seen):
        return Verdict(True, False, float(near), seen.score, _why(seen, near))
    is_other = seen.is_contradicted or seen.is_far
    if seen.place:
        return Verdict(False, is_other)  # at one place at one time: the clocks are right
    for shift in wide_shifts(one, other):
        seen = _seen(one, other, shift)
        if not seen.is_contradicted and seen.exact >= _SHARE:
            return Verdict(True, False, float(shift), seen.score, _why(seen, shift))
    return Verdict(False, is_other)


def _is_twin(seen: _Seen) -> bool:
    if seen.is_contradicted or seen.is_far:
        return False
    return seen.exact >= _SHARE or bool(seen.body) or (seen.body is None and bool(seen.place))


def _by_times(one: About, other: About) -> Verdict:
    """Without a shared channel: the same athlete cannot begin and end two things at once."""
    within_s = 5.0
    is_one = (
        bool(one.athlete)
        and one.athlete == other.athlete
        and abs(one.start_s - other.start_s) <= within_s
        and abs(one.duration_s - other.duration_s) <= within_s
    )
    return (
        Verdict(True, False, 0.0, 0.1, "same athlete, start and duration") if is_one else _UNKNOWN
    )


def _seen(one: Pace, other: Pace, shift: int) -> _Seen:
    mine, theirs = common(one, other, shift)
    count = mine.stop - mine.start
    if count < max(_ENOUGH_S, _SHARE * min(one.seconds, other.seconds)):
        return _Seen(not _SHARED.isdisjoint(one.values.keys() & other.values.keys()))
    pairs = {
        name: (one.values[name][mine], other.values[name][theirs])
        for name in one.values.keys() & other.values.keys()
    }
    pairs = {name: pair for name, pair in pairs.items() if _known(*pair).sum() >= _ENOUGH_S}
    exact = {name: _equal_share(name, *pairs[name]) for name in sorted(pairs) if name in _SAME}
    metres = metres_apart(one, other, shift) if {"x", "y"} <= pairs.keys() else None
    place, is_far = _by_place(pairs, metres)
    if metres is not None:
        told = metres[np.isfinite(metres)]
        exact["position"] = float(np.mean(told < _SAME_M)) if _moves(pairs) else 0.0
    body, is_contradicted = _by_body(pairs)
    if place is None:
        place = _by_motion(pairs)
    best = max(exact, key=exact.__getitem__, default="")
    score = max(exact.get(best, 0.0), 0.6 * bool(body), 0.4 * bool(place))
    return _Seen(
        bool(pairs), exact.get(best, 0.0), best, body, is_contradicted, place, is_far, score
    )


def _equal_share(channel: str, one: FloatArray, other: FloatArray) -> float:
    """Share of seconds with equal values, where there is something to tell; 0 for mere chance."""
    # Steady stretches (coasting at 0 W, a flat road) are equal for anybody.
    within = _SAME[channel]
    known = _known(one, other)
    moving = np.zeros(len(known), np.bool_)
    moving[1:] = (np.abs(np.diff(one)) > within) | (np.abs(np.diff(other)) > within)
    told = known & moving
    if told.sum() < 20:
        return 0.0
    share = float(np.mean(np.abs(one - other)[told] <= within))
    return 0.0 if channel in _WHOLE_NUMBERS and share < _SURE_SHARE else share


def _by_place(pairs: _Pairs, apart: FloatArray | None) -> tuple[bool | None, bool]:
    """Whether they are close, None where that tells nothing; and whether they are far apart."""
    metres = np.empty(0) if apart is None else apart[np.isfinite(apart)]
    if len(metres) < _ENOUGH_S:
        return None, False
    middle, most = np.percentile(metres, (50, 90))
    if middle > _FAR_M:
        return False, True
    if not _moves(pairs):
        return None, False  # two people in one gym are at one place
    return bool(middle <= _CLOSE_M and most <= _CLOSE_MOST_M), False


def _moves(pairs: _Pairs) -> bool:
    return bool(max(np.nanstd(pairs[name][0]) for name in ("x", "y")) > 50.0)


def _by_body(pairs: _Pairs) -> tuple[bool | None, bool]:
    """Whether heart rate and power are of one body; whether certainly of two."""
    verdicts: list[bool] = []
    is_other = False
    for name, window, close, far in (("heart_rate", 15, 4.0, 8.0), ("power", 30, 0.1, 0.35)):
        if name not in pairs:
            continue
        one, other = (_smooth(values, window) for values in pairs[name])
        known = _known(one, other)
        one, other = one[known], other[known]
        level = max(float(np.mean(np.abs(one))), 1.0) if name == "power" else 1.0
        apart = float(np.median(np.abs(one - other))) / level
        along = _correlation(one, other)
        if apart > far or (along < 0.3 and apart > close / 2):
            is_other = True
        verdicts.append(apart <= close and along >= 0.8)
    return (all(verdicts) if verdicts else None), is_other


def _by_motion(pairs: _Pairs) -> bool | None:
    """Whether speed and height go together, where one of them has no positions."""
    verdicts: list[bool] = []
    for name, window, close in (("speed", 15, 0.05), ("altitude", 15, 30.0)):
        if name not in pairs:
            continue
        one, other = (_smooth(values, window) for values in pairs[name])
        known = _known(one, other)
        one, other = one[known], other[known]
        level = max(float(np.mean(np.abs(one))), 0.5) if name == "speed" else 1.0
        apart = float(np.median(np.abs(one - other))) / level
        if min(np.std(one), np.std(other)) > (0.2 if name == "speed" else 5.0):
            verdicts.append(apart <= close and _correlation(one, other) >= 0.9)
    return all(verdicts) if verdicts else None


def _smooth(values: FloatArray, window: int) -> FloatArray:
    """(n,) means of the values around each, NaN where none is known."""
    known = np.isfinite(values)
    ends = np.minimum(np.arange(len(values)) + window // 2 + 1, len(values))
    begins = np.maximum(np.arange(len(values)) - window // 2, 0)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    number = counts[ends] - counts[begins]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, (sums[ends] - sums[begins]) / number, np.nan)


def _correlation(one: FloatArray, other: FloatArray) -> float:
    """Pearson's; 1 for two that both hardly move."""
    if len(one) < _ENOUGH_S:
        return 0.0
    if max(np.std(one), np.std(other)) < 2.0:
        return 1.0
    if min(np.std(one), np.std(other)) < 1e-6:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _known(one: FloatArray, other: FloatArray) -> Array:
    both: Array = np.isfinite(one) & np.isfinite(other)
    return both


def _family(sport: str) -> str:
    plain = sport.strip().lower().replace(" ", "_")
    if plain in _ANY_SPORT or plain.isdigit():
        return ""
    return next((family[0] for family in _FAMILIES if plain in family), plain)


def _why(seen: _Seen, shift: int) -> str:
    if seen.exact >= _SHARE:
        why = f"{seen.exact_channel} is equal in {seen.exact:.0%} of the seconds that tell"
    elif seen.body:
        why = "heart rate or power go together"
    else:
        why = "positions or motion go together"
    return why + (f"; the clocks differ by {shift} s" if shift else "")
