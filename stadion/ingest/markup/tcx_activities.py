"""A Training Center document in, its activities, laps and points out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from stadion.core.activity import Repair
from stadion.ingest._numbers import number_or_nan
from stadion.ingest.markup.moments import epoch_seconds
from stadion.ingest.markup.points import Points
from stadion.ingest.markup.runs import Layout, Run
from stadion.ingest.markup.scan import scan_points

__all__ = ["TcxActivities", "TcxActivity", "TcxLap", "read_activities"]

_LAP_VALUES = {
    "totaltimeseconds": "timer_s",
    "distancemeters": "distance_m",
    "maximumspeed": "speed_max_mps",
    "calories": "energy_kcal",
    "averageheartratebpm": "heart_rate_bpm",
    "maximumheartratebpm": "heart_rate_max_bpm",
    "cadence": "cadence_rpm",
    "avgruncadence": "cadence_rpm",
    "maxruncadence": "cadence_max_rpm",
    "maxbikecadence": "cadence_max_rpm",
    "avgspeed": "speed_mps",
    "avgwatts": "power_w",
    "maxwatts": "power_max_w",
}
_MOST_LAP_VALUES = 64
_MOST_TITLE = 200
_MOST_ACTIVITIES = 2_000

_TCX_LAYOUT = Layout(
    point="Trackpoint",
    structural=frozenset({"activity", "course", "lap", "track", "workout"}),
    wrapped=frozenset({"value"}),
)
"""How TCX writes points: the number of a heart rate stands in a Value element of its own."""


@dataclass(slots=True, eq=False)
class TcxLap:
    """One lap; values under names that end in their unit, others under the maker's name."""

    start: float
    values: dict[str, float] = field(default_factory=dict)
    intensity: str = ""
    trigger: str = ""
    tracks: int = 0

    @property
    def is_timed(self) -> bool:
        """True when the file says when it began."""
        return math.isfinite(self.start)


@dataclass(slots=True, eq=False)
class TcxActivity:
    """One activity; `starts` are the points at which a lap goes on after a break."""

    sport: str
    points: Points = field(default_factory=Points)
    laps: list[TcxLap] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    device: str = ""
    title: str = ""


class TcxActivities:
    """Takes the elements of a TCX file."""

    def __init__(self) -> None:
        self.activities: list[TcxActivity] = []
        self.empty = 0
        self.beyond = 0
        self.courses = 0
        self.workouts = 0
        self.author = ""
        self._path: list[str] = []
        self._point: dict[str, str] | None = None
        self._lap = TcxLap(math.nan)

    def open(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._path.append(name)
        if name == "activity":
            self._begin(attributes)
        elif name == "course":
            self.courses += 1
        elif name == "workout":
            self.workouts += 1
        elif "activity" not in self._path:
            return
        elif name == "lap":
            self._lap = TcxLap(epoch_seconds(attributes.get("StartTime", "")))
            if self._lap.is_timed:
                self.activities[-1].laps.append(self._lap)
        elif name == "track":
            self._take_up()
        elif name == "trackpoint":
            self._point = {}

    def close(self, name: str, text: str) -> None:
        """An element ends."""
        self._path.pop()
        if name == "trackpoint" and self._point is not None:
            self.activities[-1].points.add(self._point)
            self._point = None
        elif text:
            around = self._path[-1] if self._path else ""
            key = around if name == "value" and self._path else name
            if self._point is not None:
                self._point.setdefault(key, text)
            elif "lap" in self._path and "track" not in self._path:
                self._tell_lap(key, text)
            elif name == "name":
                self._tell(around, text)

    def run(self, run: Run) -> bool:
        """Points of one shape; False where a point cannot stand."""
        if "activity" not in self._path or self._point is not None:
            return False
        self.activities[-1].points.add_run(run)
        return True

    def _begin(self, attributes: dict[str, str]) -> None:
        # A million empty activities would fill the memory and tell nothing.
        if self.activities and not self.activities[-1].points:
            self.activities.pop()
            self.empty += 1
        if len(self.activities) >= _MOST_ACTIVITIES:
            self.activities.pop()
            self.beyond += 1
        self.activities.append(TcxActivity(attributes.get("Sport", "")[:_MOST_TITLE]))
        self._lap = TcxLap(math.nan)

    def _take_up(self) -> None:
        self._lap.tracks += 1
        if self._lap.tracks > 1:
            self.activities[-1].starts.append(len(self.activities[-1].points))

    def _tell_lap(self, key: str, text: str) -> None:
        if key == "intensity":
            self._lap.intensity = text.lower()[:40]
        elif key == "triggermethod":
            self._lap.trigger = text.lower()[:40]
        else:
            number = number_or_nan(text)
            if math.isfinite(number) and len(self._lap.values) < _MOST_LAP_VALUES:
                self._lap.values.setdefault(_LAP_VALUES.get(key, key), number)

    def _tell(self, around: str, text: str) -> None:
        """What the activity is called and what recorded it.

        The serial number is left alone, and so are notes: they say how somebody felt.
        """
        if around == "author":
            self.author = text[:_MOST_TITLE]
        elif not self.activities or "activity" not in self._path:
            return
        elif around == "creator":
            self.activities[-1].device = text[:_MOST_TITLE]
        elif around == "plan":
            self.activities[-1].title = text[:_MOST_TITLE]


def read_activities(data: bytes) -> tuple[TcxActivities, list[Repair]]:
    """All activities of a file, and what had to be mended; raises as `scan.scan` does."""
    found, repairs = scan_points(data, _TCX_LAYOUT, TcxActivities)
    if found.beyond:
        repairs.append(Repair(f"activities beyond {_MOST_ACTIVITIES} left out", found.beyond))
    return found, repairs
