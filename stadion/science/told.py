"""An activity in, what its device itself counted out: sums, means, pool lengths."""

from __future__ import annotations

import math

import numpy as np

from stadion.core.activity import Activity, Lap, Track
from stadion.science.quality import valid
from stadion.science.quality.ground import has_positions, metres_apart
from stadion.science.quality.speeds import step_speeds
from stadion.science.swim import swolf
from stadion.science.times import moving_steps

__all__ = ["length_measures", "told_by_device", "way_of"]

_SUMS = ("distance_m", "ascent_m", "descent_m", "energy_kcal")
_MEANS = (
    "speed_max_mps", "heart_rate_bpm", "heart_rate_max_bpm", "power_w", "power_max_w",
    "cadence_rpm", "cadence_max_rpm",
)  # fmt: skip


def told_by_device(activity: Activity) -> dict[str, float]:
    """Sums of the sessions, else of the laps where all have them; means of an only session.

    0 m, 0 W and the like are not told: they stand for no sensor.
    """
    sessions = [lap for lap in activity.laps if lap.kind == "session"]
    parts = sessions or [lap for lap in activity.laps if lap.kind == "lap"]
    found = {name: _sum(parts, name) for name in _SUMS}
    if len(sessions) == 1:
        found |= {name: sessions[0].values.get(name, math.nan) for name in _MEANS}
    # A watch without the sensor writes 0 for it; only a way up or down may well be none.
    return {
        name: value
        for name, value in found.items()
        if value > 0 or (value == 0 and name in ("ascent_m", "descent_m"))
    }


def length_measures(activity: Activity, found: dict[str, float]) -> dict[str, float]:
    """What a pool watch counted: lengths, strokes, time and strokes of a length together.

    Parameters
    ----------
    found
        `distance_m` and `moving_s`, where they are known.
    """
    lengths = [lap for lap in activity.laps if lap.kind == "length" and lap.label != "idle"]
    if not lengths:
        return {}
    result = {"lengths": float(len(lengths))}
    strokes = np.array([lap.values.get("strokes", math.nan) for lap in lengths])
    took = np.array([_seconds(lap) for lap in lengths])
    counted = (strokes > 0) & (took > 0)
    if counted.any():
        result["strokes"] = float(strokes[counted].sum())
        result["stroke_rate_per_min"] = 60.0 * result["strokes"] / float(took[counted].sum())
        result["swolf"] = swolf(float(took[counted].mean()), float(strokes[counted].mean()))
    pools = [lap.values["pool_length_m"] for lap in activity.laps if "pool_length_m" in lap.values]
    distance = found.get("distance_m", math.nan)
    result["pool_length_m"] = pools[0] if pools else distance / len(lengths)
    return result


def way_of(activity: Activity, track: Track) -> float:
    """Metres by the counter, else between the fixes on the move, else by the speed; NaN = unknown.

    A counter that starts again within a recording goes on from where it was.
    """
    rows = valid(activity, track, "distance")
    if rows.any():
        values = track.channels["distance"][rows]
        way = float(np.maximum(np.diff(values), 0.0).sum())
        if way > 0:
            return way
    way = _way_of_fixes(activity, track)
    speeds = step_speeds(track) if math.isnan(way) else None
    return way if speeds is None else float(np.nansum(speeds * np.diff(track.time_s)))


def _way_of_fixes(activity: Activity, track: Track) -> float:
    if not has_positions(track):
        return math.nan
    rows = np.flatnonzero(
        valid(activity, track, "position_lat") & valid(activity, track, "position_long")
    )
    if len(rows) < 2:
        return math.nan
    lat, long = (track.channels[name][rows] for name in ("position_lat", "position_long"))
    metres = metres_apart(lat[:-1], long[:-1], lat[1:], long[1:])
    moving = moving_steps(activity, track)
    if moving is not None:
        # Fixes of somebody who stands wander about.
        metres = metres[moving[rows[1:] - 1]]
    return float(metres.sum())


def _sum(parts: list[Lap], name: str) -> float:
    values = [lap.values.get(name, math.nan) for lap in parts]
    return sum(values) if values else math.nan


def _seconds(lap: Lap) -> float:
    return lap.values.get("timer_s", lap.values.get("elapsed_s", lap.end_s - lap.start_s))
