"""A GPX document in, its tracks as points out."""

from __future__ import annotations

from dataclasses import dataclass, field

from stadion.core.activity import Repair
from stadion.ingest.markup.points import Points
from stadion.ingest.markup.runs import Layout, Run
from stadion.ingest.markup.scan import scan_points

__all__ = ["GpxTracks", "Trk", "read_tracks"]

_TEXTS = frozenset(
    {"name", "desc", "cmt", "src", "sym", "type", "url", "urlname", "link", "text", "fix"}
)
_MOST_TITLE = 200
_MOST_TRACKS = 2_000
"""Of one file: each costs far more than the few bytes that it may be written in."""

_GPX_LAYOUT = Layout(
    point="trkpt",
    attributes=("lat", "lon"),
    structural=frozenset({"gpx", "trk", "trkseg", "rtept", "wpt"}),
    ignored=_TEXTS,
)
"""How GPX writes points."""


@dataclass(slots=True, eq=False)
class Trk:
    """One track: its points, the numbers of those that begin a segment, and what it is called."""

    points: Points = field(default_factory=Points)
    starts: list[int] = field(default_factory=list)
    sport: str = ""
    title: str = ""


class GpxTracks:
    """Takes the elements of a GPX file."""

    def __init__(self) -> None:
        self.tracks: list[Trk] = []
        self.beyond = 0
        self.routes = 0
        self.creator = ""
        self.title = ""
        self._path: list[str] = []
        self._point: dict[str, str] | None = None

    def open(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._path.append(name)
        if name == "trkpt":
            if self.tracks:
                self._point = {key: attributes[key] for key in ("lat", "lon") if key in attributes}
        elif name == "trk":
            # A million empty tracks would fill the memory and tell nothing.
            if self.tracks and not self.tracks[-1].points:
                self.tracks.pop()
            if len(self.tracks) >= _MOST_TRACKS:
                self.tracks.pop()
                self.beyond += 1
            self.tracks.append(Trk())
        elif name == "trkseg" and self.tracks:
            self.tracks[-1].starts.append(len(self.tracks[-1].points))
        elif name in ("rtept", "wpt"):
            self.routes += 1
        elif name == "gpx" and len(self._path) == 1:
            self.creator = attributes.get("creator", "").strip()[:_MOST_TITLE]

    def close(self, name: str, text: str) -> None:
        """An element ends."""
        self._path.pop()
        if self._point is None:
            if name in ("type", "name") and text:
                self._told(name, text[:_MOST_TITLE])
        elif name == "trkpt":
            self.tracks[-1].points.add(self._point)
            self._point = None
        elif text and name not in _TEXTS:
            self._point.setdefault(name, text)

    def run(self, run: Run) -> bool:
        """Points of one shape; False where a point cannot stand."""
        if not self.tracks or self._point is not None:
            return False
        self.tracks[-1].points.add_run(run)
        return True

    def _told(self, name: str, text: str) -> None:
        around = self._path[-1] if self._path else ""
        if around == "trk" and self.tracks:
            if name == "type":
                self.tracks[-1].sport = text
            else:
                self.tracks[-1].title = text
        elif name == "name" and self._path in (["gpx"], ["gpx", "metadata"]):
            self.title = text


def read_tracks(data: bytes) -> tuple[GpxTracks, list[Repair]]:
    """All tracks of a file, and what had to be mended; raises as `scan.scan` does."""
    found, repairs = scan_points(data, _GPX_LAYOUT, GpxTracks)
    if found.beyond:
        repairs.append(Repair(f"tracks beyond {_MOST_TRACKS} left out", found.beyond))
    return found, repairs
