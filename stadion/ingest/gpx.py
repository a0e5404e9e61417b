"""GPX files in, activities out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from stadion.core.activity import Activity, Event, Repair, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest._clock import Timeline
from stadion.ingest._sports import sport_named, sub_sport_named
from stadion.ingest.base import Member, activity_id, digest_of, source_of
from stadion.ingest.markup.gpx_tracks import GpxTracks, Trk, read_tracks
from stadion.ingest.markup.scan import root_of

__all__ = ["PLUGIN", "GpxReader"]


class GpxReader:
    """GPX 1.0 and 1.1 with the extensions of any maker, found by name."""

    name = "gpx"
    layout = "An XML file whose root is gpx, with tracks (trk) of timed points (trkpt)."
    guesses = False

    def example(self) -> list[Member]:
        """Two points of a run."""
        return [Member.of("run.gpx", _EXAMPLE)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Files whose first element is gpx."""
        return [[member] for member in members if root_of(member.head) == "gpx"]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity per track that has timed points."""
        (member,) = group
        data = member.data
        found, repairs = read_tracks(data)
        timelines = [(track, track.points.timeline()) for track in found.tracks if track.points]
        timed = [(track, timeline) for track, timeline in timelines if timeline]
        if not timed:
            raise StadionError(Code.INVALID, _reason(found, repairs))
        if len(timed) < len(timelines):
            lost = len(timelines) - len(timed)
            repairs.append(Repair("tracks without any time dropped", lost))
        digest = digest_of([data])
        activities: list[Activity | Table] = []
        for index, (track, line) in enumerate(timed):
            source = source_of(self.name, member.path, digest, (*repairs, *line.repairs))
            activities.append(
                Activity(
                    id=activity_id(digest, index),
                    athlete="",
                    sport=sport_named(track.sport),
                    sub_sport=sub_sport_named(track.sport),
                    # The file's own time is that of its export.
                    start=datetime.fromtimestamp(line.zero_s, UTC),
                    tracks=(line.track,),
                    source=source,
                    events=_segments(track, line),
                    device=found.creator,
                    title=track.title or found.title,
                )
            )
        return activities


def _segments(track: Trk, line: Timeline) -> tuple[Event, ...]:
    """Where the recording was taken up again."""
    starts = [start for start in track.starts[1:] if 0 < start < len(track.points)]
    if not starts:
        return ()
    times = track.points.clock()[0][starts] - line.zero_s
    known = times[np.isfinite(times)].round(6).tolist()
    return tuple(Event(time, "segment", "start") for time in dict.fromkeys(known))


def _reason(found: GpxTracks, repairs: Sequence[Repair]) -> str:
    points = sum(len(track.points) for track in found.tracks)
    if points:
        return f"a GPX file of {points} points without times: a drawn line; expected a recording"
    broken = "".join(f"; {repair.what}" for repair in repairs)
    if found.routes:
        return (
            f"a GPX file of {found.routes} route or way points; expected a recorded track{broken}"
        )
    return f"a GPX file without any track point{broken}"


_EXAMPLE = b"""<?xml version="1.0"?>
<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><type>running</type><trkseg>
<trkpt lat="52.1" lon="4.3"><ele>1.5</ele><time>2024-05-01T07:00:00Z</time>
<extensions><g:hr>121</g:hr></extensions></trkpt>
<trkpt lat="52.2" lon="4.4"><ele>2.5</ele><time>2024-05-01T07:00:01Z</time></trkpt>
</trkseg></trk></gpx>
"""

PLUGIN = GpxReader()
