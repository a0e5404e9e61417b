"""Recordings and what the sciences say of them in, plain dictionaries out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stadion.core.activity import Activity, Track
from stadion.platform.views import nulls, plain
from stadion.science.summary import ZoneTimes, laps_of
from stadion.science.times import local_date, zone_named

if TYPE_CHECKING:
    from datetime import datetime

    from stadion.archive import ActivitySummary

__all__ = ["activity_view", "listed_view", "track_view"]

_ZONE_UNITS = {"heart_rate": "bpm", "power": "W", "speed": "m/s"}


def listed_view(summary: ActivitySummary) -> dict[str, Any]:
    """A recording in a list, with its own clock's start."""
    view: dict[str, Any] = plain(summary)
    return view | {"local_start": _local(summary.start, summary.zone)}


def activity_view(
    activity: Activity,
    summary: Mapping[str, float],
    zones: Mapping[str, ZoneTimes],
    recordings: Sequence[str],
) -> dict[str, Any]:
    """A recording without its samples.

    Parameters
    ----------
    summary, zones
        As `science.summary` tells them.
    recordings
        Ids of the recordings it was merged from, the leading one first.
    """
    day = local_date(activity)
    return {
        "id": activity.id,
        "athlete": activity.athlete,
        "sport": activity.sport,
        "sub_sport": activity.sub_sport,
        "title": activity.title,
        "device": activity.device,
        "start": activity.start.isoformat() if activity.start else None,
        "zone": activity.zone,
        "local_start": _local(activity.start, activity.zone),
        "day": day.isoformat() if day else None,
        "duration_s": activity.duration_s,
        "summary": dict(summary),
        "zones": [
            {
                "name": name,
                "rests_on": each.zones.name,
                "unit": _ZONE_UNITS[name],
                "bounds": list(each.zones.bounds),
                "seconds": each.seconds.tolist(),
            }
            for name, each in zones.items()
        ],
        "tracks": [
            {"subject": t.subject, "samples": len(t), "channels": list(t.channels)}
            for t in activity.tracks
        ],
        "laps": plain(laps_of(activity)),
        "events": plain(activity.events),
        "flags": plain(activity.flags),
        "crs": activity.crs,
        "profile": activity.profile.known,
        "recordings": list(recordings),
        "source": plain(activity.source),
    }


def track_view(track: Track) -> dict[str, Any]:
    """The samples of one subject, null = missing."""
    return {
        "subject": track.subject,
        "time_s": (track.time_s + 0.0).tolist(),  # no -0.0
        "channels": {name: nulls(values) for name, values in track.channels.items()},
    }


def _local(start: datetime | None, zone: str) -> str | None:
    """The start by the clock on the wall where it was made; UTC's where that is unknown."""
    known = zone_named(zone)
    if start is None:
        return None
    try:
        return (start if known is None else start.astimezone(known)).isoformat()
    except OverflowError:
        return start.isoformat()
