"""An activity in, every doubt about its streams out, and masks of the values free of doubt."""

from __future__ import annotations

import numpy as np

from stadion.core.activity import Activity, Flag, Track
from stadion.core.channels import CHANNELS
from stadion.science.quality.gaps import Stops, end_flags, gap_flags, stops_of
from stadion.science.quality.jumps import jump_flags
from stadion.science.quality.locks import lock_flags
from stadion.science.quality.places import indoor_flags, shift_flags
from stadion.science.quality.runs import BoolArray, typical_step
from stadion.science.quality.spikes import spike_flags
from stadion.science.quality.stuck import stuck_flags
from stadion.science.quality.zeros import zero_flags

__all__ = ["WRONG", "find_flags", "valid"]

WRONG = frozenset({"spike", "stuck", "cadence_lock", "gps_jump", "zero_for_null"})
"""Kinds of flags whose values are no measurement."""
_BACKWARDS = ("records out of order sorted", "times out of place dropped")
_PLACE = ("position_lat", "position_long")


def find_flags(activity: Activity) -> tuple[Flag, ...]:
    """Everything that is doubtful about an activity's streams, in the order of time.

    Nothing is changed or filled. Flags of positions are on `position_lat` and mean both
    coordinates. Flags that an activity already has are not looked at.

    Examples
    --------
    >>> from stadion.core.activity import Source
    >>> moments = np.array([0.0, 1, 2, 3, 4, 60, 61, 62])
    >>> heart = np.array([99.0, 0, 98, 99, 99, 80, 81, 82])
    >>> track = Track("", moments, {"heart_rate": heart})
    >>> activity = Activity("", "", "", None, (track,), Source("", ""))
    >>> [flag.kind for flag in find_flags(activity)]
    ['indoor', 'zero_for_null', 'pause']
    """
    stops = stops_of(activity)
    flags = _backwards(activity) + end_flags(activity)
    for index, track in enumerate(activity.tracks):
        if len(track):
            flags += _flags_of(activity, track, stops, is_main=index == 0)
    return tuple(sorted(flags, key=lambda flag: (flag.start_s, flag.kind, flag.channel)))


def valid(activity: Activity, track: Track, channel: str) -> BoolArray:
    """(n,) true where a channel is there, possible and not called wrong by `activity.flags`.

    Possible is what lies within the bounds of `core.channels`, not infinite in any case.
    Flags that leave the values doubtful but true to their sensor, such as a gap, do not count.
    """
    values = track.channels.get(channel)
    if values is None:
        return np.zeros(len(track), np.bool_)
    known = CHANNELS.get(channel)
    mask: BoolArray = np.isfinite(values)
    if known is not None:
        mask &= (values >= known.low) & (values <= known.high)
    names = _PLACE if channel in _PLACE else (channel,)
    for flag in activity.flags:
        if flag.kind in WRONG and flag.subject == track.subject and flag.channel in names:
            first = np.searchsorted(track.time_s, flag.start_s, side="left")
            last = np.searchsorted(track.time_s, flag.end_s, side="right")
            mask[first:last] = False
    return mask


def _flags_of(activity: Activity, track: Track, stops: Stops, is_main: bool) -> list[Flag]:
    if set(track.channels) == {"rr"}:
        return []  # beats come when they come; wrong ones are corrected by `science.beats`
    flags = zero_flags(track, activity.sport) + shift_flags(activity, track)
    if is_main:
        flags += indoor_flags(activity, track)
    if len(track) > 2:
        step_s = typical_step(track.time_s)
        flags += gap_flags(activity, track, stops)
        flags += spike_flags(track, activity.sport, step_s)
        flags += stuck_flags(track)
        flags += lock_flags(track, activity.sport, step_s)
        flags += jump_flags(track, activity.sport)
    return flags


def _backwards(activity: Activity) -> list[Flag]:
    return [
        Flag("time_backwards", 0.0, activity.duration_s, detail=f"{repair.what}: {repair.count}")
        for repair in activity.source.repairs
        if repair.what in _BACKWARDS
    ]
