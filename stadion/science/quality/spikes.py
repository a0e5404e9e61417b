"""A stream in, values that its neighbours make impossible out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Flag, Track
from stadion.core.arrays import FloatArray
from stadion.core.channels import CHANNELS
from stadion.science.quality.limits import Pace, pace_of
from stadion.science.quality.runs import BoolArray, flags_of_runs, runs_of, sliding

__all__ = ["excursions", "spike_flags"]

_MOST_WIDTH = 64
_LEAST_USUAL = 75.0  # rpm: legs turn faster than that at times, whatever they do else


@dataclass(frozen=True, slots=True)
class _Rule:
    """A stream cannot go `up` or `down` by more and come back within `longest_s`."""

    up: float
    down: float
    longest_s: float
    low: float = float("-inf")
    high: float = float("inf")
    times_median: float = 0.0
    """Hills that stay below so many times the usual value (of those over 0) are none."""


_NEVER = float("inf")
_RULES: dict[str, _Rule] = {
    # A heart takes some 10 s for 25 beats up and twice that for the way back.
    "heart_rate": _Rule(25, 25, 12, 25, 240),
    # A sprint lasts longer than two seconds, and soft-pedalling may last one.
    "power": _Rule(700, _NEVER, 2, high=2500),
    # Barometer and receiver: 30 m up and down again in seconds is no hill.
    "altitude": _Rule(30, 30, 6, -450, 9000),
    # Two turns between coasting and coasting are natural; faster than ever else they are not.
    "cadence": _Rule(60, _NEVER, 4, high=400, times_median=1.6),
    # Distance never falls. A treadmill's correction at the end rises and stays: no spike.
    "distance": _Rule(50, 50, 6),
    "temperature": _Rule(8, 8, 10),
}
_AIRBORNE = frozenset({"flying", "sky_diving", "hang_gliding", "jumpmaster"})


def spike_flags(track: Track, sport: str, step_s: float) -> list[Flag]:
    """Short excursions and impossible values of every stream that has a rule.

    Parameters
    ----------
    step_s
        Seconds between the track's records.
    """
    flags: list[Flag] = []
    for name, values in track.channels.items():
        rule = _rule_for(name, pace_of(sport))
        if rule is None or (name == "altitude" and sport in _AIRBORNE):
            continue
        known = np.isfinite(values)
        if name == "heart_rate":
            known &= values != 0  # zeros of a sensor that lost contact are told apart
        all_known = bool(known.all())
        time_s = track.time_s if all_known else track.time_s[known]
        row = values if all_known else values[known]
        if len(row):
            flags += _spikes(name, row, time_s, rule, step_s, track.subject)
    return flags


def excursions(values: FloatArray, width: int, up: float, down: float) -> BoolArray:
    """(n,) true where at most `width` values in a row rise or fall by more than allowed.

    What is left when hills narrower than the window are cut off and hollows are filled (the
    morphological top hat): a step that stays, and a slope, are none. So is whatever touches
    the first or last value.

    Parameters
    ----------
    values
        (n,) without NaN.

    References
    ----------
    J. Serra, Image Analysis and Mathematical Morphology, 1982, chapter on top hats.

    Examples
    --------
    >>> excursions(np.array([1.0, 1, 9, 1, 9, 9, 9]), 1, up=5, down=5).tolist()
    [False, False, True, True, False, False, False]
    """
    none = np.zeros(len(values), np.bool_)
    if len(values) < width + 2:
        return none
    with np.errstate(over="ignore"):  # a made-up file holds 1e308, too: beyond it is beyond `up`
        steps = np.diff(values)
        size = width + 1
        # Cheap first: no chain of `width` steps reaches the limit in almost every recording.
        highest, lowest = steps.max() * width, -steps.min() * width
        if highest > up and lowest > up:
            none |= values - _without_hills(values, size) > up
        if highest > down and lowest > down:
            none |= -values - _without_hills(-values, size) > down
    return none


def _without_hills(values: FloatArray, size: int) -> FloatArray:
    lows = sliding(np.minimum, values, size)
    edge = np.full(size - 1, np.inf, values.dtype)
    return sliding(np.maximum, np.concatenate([edge, lows, edge]), size)


def _rule_for(name: str, pace: Pace) -> _Rule | None:
    if name == "speed":
        return _Rule(pace.jolt_mps, pace.jolt_mps, 4, high=pace.top_mps)
    return _RULES.get(name)


def _spikes(
    name: str, values: FloatArray, time_s: FloatArray, rule: _Rule, step_s: float, subject: str
) -> list[Flag]:
    width = int(np.clip(rule.longest_s / max(step_s, 1e-3), 1, _MOST_WIDTH))
    mask = excursions(values, width, rule.up, rule.down)
    starts, stops = runs_of(mask)
    if len(starts):
        last = len(values) - 1
        # Across a gap there was time enough to come back.
        took = time_s[np.minimum(stops, last)] - time_s[np.maximum(starts - 1, 0)]
        slow = took > rule.longest_s + 3.0 * step_s
        for a, b in zip(starts[slow].tolist(), stops[slow].tolist(), strict=True):
            mask[a:b] = False
        if rule.times_median and mask.any():
            usual = max(float(np.median(values[values > 0])), _LEAST_USUAL)
            mask &= values > rule.times_median * usual
    mask |= (values > rule.high) | (values < rule.low)
    if not mask.any():
        return []
    channel = CHANNELS[name]

    def detail(a: int, b: int) -> str:
        before, after = values[max(a - 1, 0)], values[min(b, len(values) - 1)]
        inside = values[a:b]
        far = inside[np.argmax(np.abs(inside - (before + after) / 2))]
        return f"{far:.4g} {channel.unit} between {before:.4g} and {after:.4g}"

    return flags_of_runs("spike", runs_of(mask), time_s, name, subject, detail)
