"""An activity in, how long it took by three clocks and on which day it was out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from stadion.core.activity import Activity, Lap, Track
from stadion.core.arrays import FloatArray
from stadion.science.quality.gaps import gap_flags, known_timer_s, stops_of
from stadion.science.quality.limits import pace_of
from stadion.science.quality.runs import BoolArray
from stadion.science.quality.speeds import step_speeds

__all__ = ["Times", "local_date", "moving_steps", "times_of", "zone_named"]

_AGREE_S = 3.0
_MARGIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds by the wall's clock, by the device's timer, and on the move.

    `elapsed_s` >= `timer_s` >= `moving_s`.
    """

    elapsed_s: float
    timer_s: float
    moving_s: float


def times_of(activity: Activity) -> Times:
    """Three durations of an activity, none of which is another's substitute.

    Elapsed: the sessions' own span where it holds the records, else from the first to the last
    of them. Timer: what the summaries say, unless that is all of elapsed although the timer was
    stopped; else elapsed without the stops, or without the gaps in which the athlete stood.
    Moving: the steps between records in which the athlete goes faster than
    `science.quality.limits` calls standing, outside of stops; the active lengths in a pool; all
    of the timer where nothing tells movement.

    Examples
    --------
    >>> from stadion.core.activity import Source
    >>> track = Track("", np.arange(5.0), {"speed": np.array([3.0, 3, 0, 0, 0])})
    >>> times_of(Activity("", "", "running", None, (track,), Source("", "")))
    Times(elapsed_s=4.0, timer_s=4.0, moving_s=2.0)
    """
    elapsed = _elapsed_s(activity)
    timer = min(_timer_s(activity, elapsed), elapsed)
    moving = _moving_s(activity)
    return Times(elapsed, timer, timer if math.isnan(moving) else min(moving, timer))


def local_date(activity: Activity) -> date | None:
    """The day an activity began where it was made; UTC's day where the zone is unknown.

    Returns
    -------
    None when the recording carries no date.
    """
    start = activity.start
    if start is None:
        return None
    zone = zone_named(activity.zone)
    try:
        return start.date() if zone is None else start.astimezone(zone).date()
    except OverflowError:  # the first and the last day of the calendar
        return start.date()


@lru_cache(maxsize=256)
def zone_named(name: str) -> tzinfo | None:
    """The time zone of an IANA name; None when there is none of that name.

    Examples
    --------
    >>> zone_named("Europe/Rome"), zone_named("../Rome")
    (zoneinfo.ZoneInfo(key='Europe/Rome'), None)
    """
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def moving_steps(activity: Activity, track: Track) -> BoolArray | None:
    """(n - 1,) true for steps between records in which the athlete moves; None = cannot be told.

    By speed, distance or positions, in this order, against the threshold of the sport of the
    session; by pedals and oars where none of these shows anything, as indoors.
    """
    speed = step_speeds(track)
    if speed is None or not (speed > 0).any():
        return _turning(track)
    with np.errstate(invalid="ignore"):
        moving: BoolArray = speed >= _thresholds(activity, track.time_s[:-1])
    return moving


def _elapsed_s(activity: Activity) -> float:
    # Heart beats are a track of their own, whose clock is the sum of the beats: it drifts.
    time_s = activity.tracks[0].time_s if activity.tracks else np.empty(0)
    recorded = float(time_s[-1] - time_s[0]) if len(time_s) else 0.0
    spans = [lap for lap in activity.laps if lap.kind == "session"]
    if not spans and not recorded:
        spans = [lap for lap in activity.laps if lap.kind in ("lap", "length")]
    start = min((s.start_s for s in spans), default=0.0)
    end = max((s.end_s for s in spans), default=0.0)
    told = end - start
    if not 0 < told < math.inf or (recorded and told > 2.0 * recorded + 3600.0):
        return recorded
    # What leaves out a tenth of the records is a summary of another recording.
    first, last = np.searchsorted(time_s, [start - _MARGIN_S, end + _MARGIN_S])
    return told if last - first >= 0.9 * len(time_s) else recorded


def _timer_s(activity: Activity, elapsed_s: float) -> float:
    told = known_timer_s(activity)
    stops = stops_of(activity)
    stopped = float((stops.end_s - stops.start_s).sum())
    is_told = math.isfinite(told) and told > 0
    # Some watches count all of elapsed although their own timer's events tell of stops.
    if is_told and not (told > elapsed_s - _AGREE_S and stopped > _AGREE_S):
        return told
    if not stopped and activity.tracks and not is_told:
        flags = gap_flags(activity, activity.tracks[0], stops)
        stopped = sum(f.end_s - f.start_s for f in flags if f.kind in ("pause", "stop"))
    return elapsed_s - stopped if 0 < stopped < elapsed_s else elapsed_s


def _moving_s(activity: Activity) -> float:
    lengths = [lap for lap in activity.laps if lap.kind == "length" and lap.label != "idle"]
    if lengths:
        return sum(_length_s(lap) for lap in lengths)
    if not activity.tracks or len(activity.tracks[0]) < 2:
        return math.nan
    track = activity.tracks[0]
    moving = moving_steps(activity, track)
    if moving is None:
        return math.nan
    running = np.diff(track.time_s - stops_of(activity).stopped_by(track.time_s))
    return float(running[moving].sum())


def _length_s(lap: Lap) -> float:
    return lap.values.get("timer_s", lap.values.get("elapsed_s", lap.end_s - lap.start_s))


def _turning(track: Track) -> BoolArray | None:
    """True where pedals, oars or legs go; None where nothing counts them."""
    going = np.zeros(max(len(track) - 1, 0), np.bool_)
    for name in ("power", "cadence"):
        if name in track.channels:
            going |= track.channels[name][1:] > 0
    return going if going.any() else None


def _thresholds(activity: Activity, time_s: FloatArray) -> FloatArray:
    """(n,) m/s below which an athlete stands, by the sport of the session at each moment."""
    found: FloatArray = np.full(len(time_s), pace_of(activity.sport).moving_mps)
    sessions = [lap for lap in activity.laps if lap.kind == "session" and lap.label]
    for lap in sessions if len(sessions) > 1 else ():
        first, last = np.searchsorted(time_s, [lap.start_s, lap.end_s])
        found[first:last] = pace_of(lap.label).moving_mps
    return found
