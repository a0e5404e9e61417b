"""GPX files in, activities out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from stadion.core.activity import Activity, Event, Repair, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest._sports import sport_named
from stadion.ingest.base import Member, activity_id, digest_of, source_of
from stadion.ingest.markup.points import Points, epoch_seconds
from stadion.ingest.markup.scan import root_of, scan

__all__ = ["PLUGIN", "GpxReader"]

_TEXTS = {"name", "desc", "cmt", "src", "sym", "type", "url", "urlname", "link", "text", "fix"}


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
        found = _Tracks()
        repairs = scan(data, found)
        timelines = [(track, track.points.timeline()) for track in found.tracks if track.points]
        timed = [(track, timeline) for track, timeline in timelines if timeline]
        if not timed:
            raise StadionError(Code.INVALID, _reason(found, repairs))
        if len(timed) < len(timelines):
            lost = len(timelines) - len(timed)
            repairs.append(Repair("tracks without any time dropped", lost))
        digest = digest_of([data])
        activities: list[Activity | Table] = []
        for index, (track, timeline) in enumerate(timed):
            source = source_of(self.name, member.path, digest, (*repairs, *timeline.repairs))
            activities.append(
                Activity(
                    id=activity_id(digest, index),
                    athlete="",
                    sport=sport_named(track.sport),
                    start=datetime.fromtimestamp(timeline.zero_s, UTC),
                    tracks=(timeline.track,),
                    source=source,
                    events=_segments(track, timeline.zero_s),
                )
            )
        return activities


@dataclass(slots=True, eq=False)
class _Trk:
    points: Points = field(default_factory=Points)
    starts: list[int] = field(default_factory=list)
    sport: str = ""


class _Tracks:
    """Takes the elements of a GPX file."""

    def __init__(self) -> None:
        self.tracks: list[_Trk] = []
        self.routes = 0
        self._path: list[str] = []
        self._point: dict[str, str] | None = None

    def open(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if name == "trk":
            self.tracks.append(_Trk())
        elif name == "trkseg" and self.tracks:
            self.tracks[-1].starts.append(len(self.tracks[-1].points))
        elif name == "trkpt" and self.tracks:
            self._point = {key: attributes[key] for key in ("lat", "lon") if key in attributes}
        elif name in ("rtept", "wpt"):
            self.routes += 1

    def close(self, name: str, text: str) -> None:
        self._path.pop()
        if name == "trkpt" and self._point is not None:
            self.tracks[-1].points.rows.append(self._point)
            self._point = None
        elif self._point is not None:
            if text and name not in _TEXTS:
                self._point.setdefault(name, text)
        elif name == "type" and self._path and self._path[-1] == "trk":
            self.tracks[-1].sport = text


def _segments(track: _Trk, zero_s: float) -> tuple[Event, ...]:
    """Where the recording was taken up again."""
    starts = [start for start in track.starts[1:] if 0 < start < len(track.points)]
    times = [epoch_seconds(track.points.rows[start].get("time", "")) for start in starts]
    return tuple(
        Event(round(time - zero_s, 6), "segment", "start")
        for time in dict.fromkeys(times)
        if math.isfinite(time)
    )


def _reason(found: _Tracks, repairs: Sequence[Repair]) -> str:
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
