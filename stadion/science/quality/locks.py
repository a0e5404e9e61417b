"""Heart rate and cadence in, stretches in which the sensor counts steps instead of beats out."""

from __future__ import annotations

import numpy as np

from stadion.core.activity import Flag, Track
from stadion.core.arrays import FloatArray, IntArray
from stadion.science.quality.limits import FOOT_SPORTS
from stadion.science.quality.runs import BoolArray, flags_of_runs, runs_of

__all__ = ["lock_flags"]

_NEAR_BPM = 4.0
_LEAST_S = 150.0
_SHARE = 0.9
_SMOOTH = 15
_ALIKE, _VARIES_BPM = 0.75, 1.5
_JUMP_BPM, _TIGHT_BPM = 12.0, 2.0
_ONSET_S, _BEFORE_S = 10.0, 30.0


def lock_flags(track: Track, sport: str, step_s: float) -> list[Flag]:
    """Minutes in which heart rate equals the steps, and did not before or follows each change.

    Optical sensors mistake the arm's swing for the pulse. A runner's heart may well beat as
    often as the feet fall; so equality alone is no sign. It is one where the heart rate follows
    the cadence's own ups and downs, or where it jumped onto the cadence within seconds.

    Only for sports on foot; cadence counted per leg or in steps.
    """
    heart, cadence = track.channels.get("heart_rate"), track.channels.get("cadence")
    if heart is None or cadence is None or sport not in (*FOOT_SPORTS, ""):
        return []
    if not 0 < step_s <= 6:
        return []
    flags: list[Flag] = []
    for legs in (2, 1):
        steps = legs * cadence
        with np.errstate(invalid="ignore"):
            near = (np.abs(heart - steps) <= _NEAR_BPM) & (cadence > 0)
        width = max(round(_LEAST_S / 2 / step_s), 10)
        if np.count_nonzero(near) < 2 * width * _SHARE:
            continue
        runs = _long_runs(near, track.time_s, width)
        kept = [
            _is_lock(heart, steps, track.time_s, a, b, step_s)
            for a, b in zip(*(edges.tolist() for edges in runs), strict=True)
        ]
        starts, stops = runs[0][kept], runs[1][kept]

        def detail(a: int, b: int, steps: FloatArray = steps) -> str:
            apart = float(np.nanmean(np.abs(heart[a:b] - steps[a:b])))
            return f"heart rate within {apart:.1f} of the steps for minutes"

        flags += flags_of_runs(
            "cadence_lock", (starts, stops), track.time_s, "heart_rate", track.subject, detail
        )
    return flags


def _long_runs(near: BoolArray, time_s: FloatArray, width: int) -> tuple[IntArray, IntArray]:
    """Stretches [start, stop) of two and a half minutes or more with nine of ten records near."""
    total = np.concatenate([[0], np.cumsum(near)])
    share = (total[width:] - total[:-width]) / width
    full = np.zeros(len(near), np.bool_)
    for a, b in zip(*(edges.tolist() for edges in runs_of(share >= _SHARE)), strict=True):
        rows = a + np.flatnonzero(near[a : b - 1 + width])
        full[rows[0] : rows[-1] + 1] = True
    starts, stops = runs_of(full)
    long = time_s[stops - 1] - time_s[starts] >= _LEAST_S
    return starts[long], stops[long]


def _is_lock(
    heart: FloatArray, steps: FloatArray, time_s: FloatArray, start: int, stop: int, step_s: float
) -> bool:
    rate, beat = heart[start:stop].astype(np.float64), steps[start:stop].astype(np.float64)
    both = np.isfinite(rate) & np.isfinite(beat)
    rate, beat = rate[both], beat[both]
    width = max(round(_SMOOTH / step_s), 1)
    kernel = np.full(width, 1 / width)
    if len(rate) < 3 * width:
        return False
    smooth, goal = (np.convolve(values, kernel, "valid") for values in (rate, beat))
    spread = float(goal.std())
    if spread >= _VARIES_BPM and smooth.std() > 0:
        alike = float(np.corrcoef(smooth, goal)[0, 1])
        if alike >= _ALIKE and float((smooth - goal).std()) < 0.75 * spread:
            return True
    return float((smooth - goal).std()) < _TIGHT_BPM and _jumped(heart, steps, time_s, start)


def _jumped(heart: FloatArray, steps: FloatArray, time_s: FloatArray, start: int) -> bool:
    """True when heart rate was well away from the steps and went onto them at once."""
    at = time_s[start]
    first, last = np.searchsorted(time_s, [at - _ONSET_S - _BEFORE_S, at - _ONSET_S])
    after = int(np.searchsorted(time_s, at + _ONSET_S))
    before, then = heart[first:last], heart[start:after]
    before, then = before[np.isfinite(before)], then[np.isfinite(then)]
    if len(before) < 3 or not len(then):
        return False
    change = float(np.median(then) - np.median(before))
    away = float(np.nanmedian(np.abs(heart[first:last] - steps[first:last])))
    return abs(change) >= _JUMP_BPM and away >= _JUMP_BPM
