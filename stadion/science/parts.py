"""A recording of several sports in, each of them as an activity of its own out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stadion.core.activity import Activity, Event, Flag, Lap, Track

__all__ = ["parts_of"]

_MOST_PARTS = 32


def parts_of(activity: Activity) -> tuple[Activity, ...]:
    """One activity per session that names its sport; nothing unless there are several.

    Moments go on counting from the whole recording's start. Changes between two sports, as in
    a triathlon, are no sport.

    Examples
    --------
    >>> from stadion.core.activity import Source
    >>> track = Track("", np.arange(20.0), {"heart_rate": np.full(20, 130.0)})
    >>> laps = (Lap(0, 9, "session", "swimming"), Lap(10, 19, "session", "cycling"))
    >>> whole = Activity("", "", "multisport", None, (track,), Source("", ""), laps=laps)
    >>> [(part.sport, len(part.tracks[0])) for part in parts_of(whole)]
    [('swimming', 10), ('cycling', 10)]
    """
    sessions = [lap for lap in activity.laps if lap.kind == "session" and lap.label]
    named = [lap for lap in sessions if lap.label not in ("transition", "multisport")]
    if len(sessions) < 2:
        return ()
    return tuple(_part(activity, session) for session in named[:_MOST_PARTS])


def _part(activity: Activity, session: Lap) -> Activity:
    def holds(thing: Lap | Event | Flag) -> bool:
        start = thing.time_s if isinstance(thing, Event) else thing.start_s
        return session.start_s <= start <= session.end_s

    laps = [lap for lap in activity.laps if lap.kind != "session" and holds(lap)]
    return replace(
        activity,
        sport=session.label,
        sub_sport="",
        tracks=tuple(_cut(track, session) for track in activity.tracks),
        laps=(session, *laps),
        events=tuple(event for event in activity.events if holds(event)),
        flags=tuple(
            flag
            for flag in activity.flags
            if flag.start_s <= session.end_s and flag.end_s >= session.start_s
        ),
    )


def _cut(track: Track, session: Lap) -> Track:
    first = int(np.searchsorted(track.time_s, session.start_s, side="left"))
    last = int(np.searchsorted(track.time_s, session.end_s, side="right"))
    channels = {name: values[first:last] for name, values in track.channels.items()}
    return Track(track.subject, track.time_s[first:last], channels)
