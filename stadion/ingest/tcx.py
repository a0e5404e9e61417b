"""Training Center XML in, activities out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from stadion.core.activity import Activity, Lap, Repair, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest._sports import sport_named
from stadion.ingest.base import Member, activity_id, digest_of, source_of
from stadion.ingest.markup.points import Points, epoch_seconds, number_in
from stadion.ingest.markup.scan import root_of, scan

__all__ = ["PLUGIN", "TcxReader"]

_LAP_VALUES = {
    "totaltimeseconds": "timer_s",
    "distancemeters": "distance_m",
    "maximumspeed": "speed_max_mps",
    "calories": "energy_kcal",
    "averageheartratebpm": "heart_rate_bpm",
    "maximumheartratebpm": "heart_rate_max_bpm",
    "cadence": "cadence_rpm",
    "avgspeed": "speed_mps",
    "avgwatts": "power_w",
    "maxwatts": "power_max_w",
}


class TcxReader:
    """Activities and multi-sport sessions, with the extensions of any maker, found by name."""

    name = "tcx"
    layout = "An XML file whose root is TrainingCenterDatabase, with activities, laps and points."
    guesses = False

    def example(self) -> list[Member]:
        """One lap of two points."""
        return [Member.of("ride.tcx", _EXAMPLE)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Files whose first element is TrainingCenterDatabase."""
        return [[m] for m in members if root_of(m.head) == "trainingcenterdatabase"]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity per Activity element that has timed points."""
        (member,) = group
        data = member.data
        found = _Activities()
        repairs = scan(data, found)
        timed = [(each, line) for each in found.activities if (line := each.points.timeline())]
        if not timed:
            raise StadionError(Code.INVALID, _reason(found, repairs))
        if len(timed) < len(found.activities):
            lost = len(found.activities) - len(timed)
            repairs.append(Repair("activities without any timed point dropped", lost))
        digest = digest_of([data])
        activities: list[Activity | Table] = []
        for index, (each, line) in enumerate(timed):
            source = source_of(self.name, member.path, digest, (*repairs, *line.repairs))
            activities.append(
                Activity(
                    id=activity_id(digest, index),
                    athlete="",
                    sport=sport_named(each.sport),
                    start=datetime.fromtimestamp(line.zero_s, UTC),
                    tracks=(line.track,),
                    source=source,
                    laps=tuple(_lap(lap, line.zero_s) for lap in each.laps if lap.is_timed),
                )
            )
        return activities


@dataclass(slots=True, eq=False)
class _Lap:
    start: float
    values: dict[str, float] = field(default_factory=dict)

    @property
    def is_timed(self) -> bool:
        return math.isfinite(self.start)


@dataclass(slots=True, eq=False)
class _Activity:
    sport: str
    points: Points = field(default_factory=Points)
    laps: list[_Lap] = field(default_factory=list)


class _Activities:
    """Takes the elements of a TCX file."""

    def __init__(self) -> None:
        self.activities: list[_Activity] = []
        self.courses = 0
        self._path: list[str] = []
        self._point: dict[str, str] | None = None

    def open(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if name == "activity":
            self.activities.append(_Activity(attributes.get("Sport", "")))
        elif name == "course":
            self.courses += 1
        elif name == "lap" and "activity" in self._path:
            start = epoch_seconds(attributes.get("StartTime", ""))
            self.activities[-1].laps.append(_Lap(start))
        elif name == "trackpoint" and "activity" in self._path:
            self._point = {}

    def close(self, name: str, text: str) -> None:
        self._path.pop()
        if name == "trackpoint" and self._point is not None:
            self.activities[-1].points.rows.append(self._point)
            self._point = None
            return
        # The number of a heart rate stands in a Value element of its own.
        key = self._path[-1] if name == "value" and self._path else name
        if self._point is not None:
            if text:
                self._point.setdefault(key, text)
        elif text and key in _LAP_VALUES and "lap" in self._path and "track" not in self._path:
            number = number_in(text)
            if math.isfinite(number) and self.activities and self.activities[-1].laps:
                self.activities[-1].laps[-1].values.setdefault(_LAP_VALUES[key], number)


def _lap(lap: _Lap, zero_s: float) -> Lap:
    start = round(lap.start - zero_s, 6)
    return Lap(start, start + lap.values.get("timer_s", 0.0), values=dict(lap.values))


def _reason(found: _Activities, repairs: Sequence[Repair]) -> str:
    broken = "".join(f"; {repair.what}" for repair in repairs)
    if found.courses:
        return f"a TCX file of {found.courses} courses; expected recorded activities{broken}"
    points = sum(len(each.points) for each in found.activities)
    return f"a TCX file of {points} points, none of which has a time{broken}"


_EXAMPLE = b"""<?xml version="1.0"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2">
<Activities><Activity Sport="Biking"><Id>2024-05-01T07:00:00Z</Id>
<Lap StartTime="2024-05-01T07:00:00Z"><TotalTimeSeconds>2</TotalTimeSeconds><Track>
<Trackpoint><Time>2024-05-01T07:00:00Z</Time><HeartRateBpm><Value>121</Value></HeartRateBpm>
<Extensions><n:TPX><n:Watts>201</n:Watts></n:TPX></Extensions></Trackpoint>
<Trackpoint><Time>2024-05-01T07:00:01Z</Time><Cadence>88</Cadence></Trackpoint>
</Track></Lap></Activity></Activities></TrainingCenterDatabase>
"""

PLUGIN = TcxReader()
