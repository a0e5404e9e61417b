"""An activity in, the text that says all but its streams out; and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stadion.core.activity import Activity, Event, Flag, Lap, Repair, Source, Track
from stadion.core.profile import Profile

__all__ = ["activity_from", "document_of"]

_VERSION = 1


def document_of(activity: Activity) -> str:
    """JSON of everything that is no stream; numbers come back bit for bit, NaN included."""
    source = activity.source
    return json.dumps(
        {
            "version": _VERSION,
            "id": activity.id,
            "athlete": activity.athlete,
            "sport": activity.sport,
            "start": activity.start.isoformat() if activity.start else None,
            "zone": activity.zone,
            "laps": [
                [lap.start_s, lap.end_s, lap.kind, lap.label, dict(lap.values)]
                for lap in activity.laps
            ],
            "events": [[event.time_s, event.kind, event.label] for event in activity.events],
            "sub_sport": activity.sub_sport,
            "device": activity.device,
            "title": activity.title,
            "flags": [
                [flag.kind, flag.start_s, flag.end_s, flag.channel, flag.subject, flag.detail]
                for flag in activity.flags
            ],
            "profile": activity.profile.known,
            "crs": activity.crs,
            "source": {
                "reader": source.reader,
                "digest": source.digest,
                "name": source.name,
                "repairs": [[repair.what, repair.count] for repair in source.repairs],
            },
        }
    )


def activity_from(document: str, tracks: Sequence[Track]) -> Activity:
    """The activity of a document and its tracks.

    Raises
    ------
    ValueError, KeyError, TypeError
        When the document is not one that `document_of` wrote.
    """
    known: dict[str, Any] = json.loads(document)
    if known["version"] != _VERSION:
        raise ValueError(f"document has version {known['version']}; expected {_VERSION}")
    source = known["source"]
    return Activity(
        id=known["id"],
        athlete=known["athlete"],
        sport=known["sport"],
        start=datetime.fromisoformat(known["start"]) if known["start"] else None,
        tracks=tuple(tracks),
        source=Source(
            source["reader"],
            source["digest"],
            source["name"],
            tuple(Repair(what, count) for what, count in source["repairs"]),
        ),
        zone=known["zone"],
        laps=tuple(Lap(*lap) for lap in known["laps"]),
        events=tuple(Event(*event) for event in known["events"]),
        # What documents of earlier Stadions do not have yet.
        sub_sport=known.get("sub_sport", ""),
        device=known.get("device", ""),
        title=known.get("title", ""),
        flags=tuple(Flag(*flag) for flag in known.get("flags", ())),
        profile=Profile(**known.get("profile", {})),
        crs=known.get("crs", "WGS84"),
    )
