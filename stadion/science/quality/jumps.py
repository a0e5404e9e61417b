"""Positions in, those that nobody can have reached out."""

from __future__ import annotations

import numpy as np

from stadion.core.activity import Flag, Track
from stadion.core.arrays import FloatArray, IntArray
from stadion.science.quality.ground import known_fixes, metres_apart
from stadion.science.quality.limits import pace_of
from stadion.science.quality.runs import BoolArray, flags_of_runs, runs_of

__all__ = ["jump_flags"]

_NOISE_M = 30.0
_AWAY_S = 180.0


def jump_flags(track: Track, sport: str) -> list[Flag]:
    """Fixes reached faster than the sport allows, from where the way back is as impossible.

    Of a jump that comes back within three minutes the fixes away are flagged; of one that does
    not, the two records around it: which side is wrong cannot be told.
    """
    fixes = known_fixes(track)
    if np.count_nonzero(fixes) < 3:
        return []
    all_known = bool(fixes.all())
    lat, long = track.channels["position_lat"], track.channels["position_long"]
    time_s = track.time_s
    if not all_known:
        lat, long, time_s = lat[fixes], long[fixes], time_s[fixes]
    top = pace_of(sport).top_mps
    metres = metres_apart(lat[:-1], long[:-1], lat[1:], long[1:])
    far = metres > _NOISE_M + top * np.diff(time_s)
    if not far.any():
        return []
    away = _away(lat, long, time_s, np.flatnonzero(far), top)

    def detail(a: int, b: int) -> str:
        before = max(a - 1, 0)
        steps = metres[before : max(b, before + 1)]
        at = before + int(np.argmax(steps))
        return f"{metres[at]:.0f} m in {time_s[at + 1] - time_s[at]:g} s"

    return flags_of_runs("gps_jump", runs_of(away), time_s, "position_lat", track.subject, detail)


def _away(
    lat: FloatArray, long: FloatArray, time_s: FloatArray, jumps: IntArray, top_mps: float
) -> BoolArray:
    """(n,) true for fixes between two jumps when the way around them is possible."""
    away = np.zeros(len(lat), np.bool_)
    returned = np.zeros(len(jumps), np.bool_)
    out, back = jumps[:-1], jumps[1:] + 1  # the last fix before, the first one after
    around_s = time_s[back] - time_s[out]
    around = metres_apart(lat[out], long[out], lat[back], long[back])
    possible = (around <= _NOISE_M + top_mps * around_s) & (around_s <= _AWAY_S)
    # Two jumps make one excursion: what lies between two of them is the way itself.
    free = True
    for k in range(len(out)):
        if possible[k] and free:
            away[out[k] + 1 : back[k]] = True
            returned[k] = returned[k + 1] = True
        free = not (possible[k] and free)
    stay = jumps[~returned]
    away[stay] = away[stay + 1] = True
    return away
