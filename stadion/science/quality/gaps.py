"""Moments of the records in, the gaps between them and their reasons out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Activity, Flag, Track
from stadion.core.arrays import FloatArray, IntArray
from stadion.science.quality.ground import metres_across
from stadion.science.quality.runs import MOST_STRETCHES, BoolArray, typical_step

__all__ = ["SMART_S", "Stops", "end_flags", "gap_flags", "known_timer_s", "stops_of"]

SMART_S = 25.0
"""Devices that write only what changes write at least about this often."""
_IRREGULAR = 0.05
_STANDS_M, _STANDS_MPS = 30.0, 0.3
_LOSSES = ("damaged records", "out of place", "cannot be read")
_ENDS = ("cut off", "cut short", "ends early", "breaks off")


@dataclass(frozen=True, slots=True, eq=False)
class Stops:
    """Stretches in which the timer stood: starts and ends, (k,) s, in order and apart.

    `is_auto[k]` is true where the device says that it paused by itself.
    """

    start_s: FloatArray
    end_s: FloatArray
    is_auto: BoolArray

    def stopped_by(self, time_s: FloatArray) -> FloatArray:
        """Seconds for which the timer stood before each moment."""
        if not len(self.start_s):
            return np.zeros(len(time_s))
        before = np.concatenate([[0.0], np.cumsum(self.end_s - self.start_s)])
        at = np.searchsorted(self.start_s, time_s, side="right") - 1
        within = np.minimum(time_s, self.end_s[at]) - self.start_s[at]
        stopped: FloatArray = np.where(at < 0, 0.0, before[at] + within)
        return stopped


def stops_of(activity: Activity) -> Stops:
    """From each stop of the timer to the next start, as the events tell it.

    The last stop has no start after it: the recording ends there.
    """
    timer = sorted((e for e in activity.events if e.kind == "timer"), key=lambda e: e.time_s)
    by_itself = {
        e.time_s for e in activity.events if e.kind == "timer_trigger" and e.label == "auto"
    }
    found: list[tuple[float, float, bool]] = []
    stopped: tuple[float, bool] | None = None
    for event in timer:
        if event.label.startswith(("stop", "pause")) and stopped is None:
            stopped = event.time_s, event.label == "pause" or event.time_s in by_itself
        elif event.label.startswith(("start", "resume")) and stopped is not None:
            if event.time_s > stopped[0]:
                found.append((stopped[0], event.time_s, stopped[1]))
            stopped = None
    rows = np.array(found, np.float64).reshape(-1, 3)
    return Stops(rows[:, 0], rows[:, 1], rows[:, 2] > 0)


def known_timer_s(activity: Activity) -> float:
    """Seconds the timer ran as sessions, else laps, say; NaN when they do not."""
    for kind in ("session", "lap"):
        values = [lap.values.get("timer_s", math.nan) for lap in activity.laps if lap.kind == kind]
        if values and not math.isnan(sum(values)):
            return sum(values)
    return math.nan


def gap_flags(activity: Activity, track: Track, stops: Stops) -> list[Flag]:
    """Gaps longer than the recording's own step, each with why it is there.

    A stop or pause of the timer explains a gap; so does standing still. Records were lost where
    neither does and the athlete moved on. A recording that writes only what changes gets one
    flag for all of its short gaps.
    """
    steps = np.diff(track.time_s)
    if len(steps) < 2:
        return []
    typical = typical_step(track.time_s)
    odd = (np.abs(steps - typical) > 0.5 * typical) & (steps > 1.5)
    short = odd & (steps <= SMART_S)
    is_smart = np.count_nonzero(short) > _IRREGULAR * len(steps)
    stopped = np.diff(stops.stopped_by(track.time_s))
    lengths = np.diff(_lengths_of(activity).stopped_by(track.time_s))
    is_stopped = odd & (steps > typical) & (stopped > 0.5 * steps)
    longest = max(SMART_S, 5.0 * typical) if is_smart else 3.0 * max(1.0, typical)
    # Pool watches write a record per length: there is no gap in it.
    rows = np.flatnonzero(is_stopped | ((steps > longest) & (lengths < 0.5 * steps)))
    rows = rows[is_stopped[rows] | (steps[rows] > 3.0 * _local_step(steps, rows))]
    flags = _smart_flag(track, steps, short & ~is_stopped) if is_smart else []
    if len(rows) > MOST_STRETCHES:  # what has gaps everywhere is told by its longest ones
        rows = np.sort(rows[np.argpartition(-steps[rows], MOST_STRETCHES)[:MOST_STRETCHES]])
    return flags + _classified(activity, track, stops, rows, is_stopped)


def end_flags(activity: Activity) -> list[Flag]:
    """One flag at the last moment of a recording whose file was cut off: there was more."""
    lost = [r for r in activity.source.repairs if any(word in r.what for word in _ENDS)]
    if not lost or not activity.tracks:
        return []
    track, end = activity.tracks[0], activity.duration_s
    return [Flag("corruption", end, end, "", track.subject, f"{lost[0].what}: {lost[0].count}")]


def _lengths_of(activity: Activity) -> Stops:
    """The pool lengths, as stretches of time that follow each other."""
    rows = sorted((x.start_s, x.end_s) for x in activity.laps if x.kind == "length")
    spans = np.array(rows, np.float64).reshape(-1, 2)
    start, end = spans[:, 0], spans[:, 1]
    end = np.minimum(end, np.append(start[1:], np.inf))
    return Stops(start, np.maximum(end, start), np.zeros(len(start), np.bool_))


def _local_step(steps: FloatArray, rows: IntArray) -> FloatArray:
    """(k,) s, the median of the five steps around each row: some sports of several are slow."""
    around = (rows[:, None] + np.arange(-2, 3)).clip(0, len(steps) - 1)
    local: FloatArray = np.median(steps[around], axis=1)
    return local


def _smart_flag(track: Track, steps: FloatArray, short: BoolArray) -> list[Flag]:
    rows = np.flatnonzero(short)
    if not len(rows):
        return []
    start, end = track.time_s[rows[0]], track.time_s[rows[-1] + 1]
    detail = f"{len(rows)} steps of up to {steps[rows].max():g} s"
    return [Flag("smart_recording", float(start), float(end), "", track.subject, detail)]


def _classified(
    activity: Activity, track: Track, stops: Stops, rows: IntArray, is_stopped: BoolArray
) -> list[Flag]:
    time_s = track.time_s
    gaps = time_s[rows + 1] - time_s[rows]
    metres = metres_across(track, rows, rows + 1)
    with np.errstate(invalid="ignore"):
        moved = (metres > _STANDS_M) & (metres > _STANDS_MPS * gaps)
    lost = any(word in repair.what for repair in activity.source.repairs for word in _LOSSES)
    open_s = float(gaps[moved & ~is_stopped[rows] & (gaps > SMART_S)].sum())
    # A summary that counts less time than went by knows of a stop that no event tells.
    untold = activity.duration_s - known_timer_s(activity) - float(gaps[is_stopped[rows]].sum())
    is_told = math.isfinite(untold) and untold > 0.7 * open_s
    flags = []
    for row, gap, way, has_moved in zip(
        rows.tolist(), gaps.tolist(), metres.tolist(), moved.tolist(), strict=True
    ):
        kind, why = _reason(gap, way, has_moved and not is_told, lost)
        if is_stopped[row]:
            at = np.searchsorted(stops.end_s, time_s[row], side="right")
            kind, why = ("pause" if stops.is_auto[at] else "stop"), "the timer stood"
        flags.append(
            Flag(
                kind, float(time_s[row]), float(time_s[row + 1]), "", track.subject,
                f"{gap:.0f} s: {why}",
            )
        )  # fmt: skip
    return flags


def _reason(gap_s: float, metres: float, has_moved: bool, lost: bool) -> tuple[str, str]:
    way = "" if math.isnan(metres) else f", {metres:.0f} m"
    if lost and (has_moved or gap_s <= SMART_S or math.isnan(metres)):
        return "corruption", f"records are lost{way}"
    if gap_s <= SMART_S:
        return "smart_recording", f"nothing written{way}"
    if has_moved:
        return "corruption", f"no stop is told{way}"
    return "pause", f"nothing written{way}"
