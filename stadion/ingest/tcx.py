"""Training Center XML in, activities out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from stadion.core.activity import Activity, Event, Lap, Repair, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest._clock import Timeline
from stadion.ingest._sports import sport_named, sub_sport_named
from stadion.ingest.base import Member, activity_id, digest_of, source_of
from stadion.ingest.markup.scan import root_of
from stadion.ingest.markup.tcx_activities import TcxActivities, TcxActivity, TcxLap, read_activities

__all__ = ["PLUGIN", "TcxReader"]


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
        found, repairs = read_activities(data)
        timed = [(each, line) for each in found.activities if (line := each.points.timeline())]
        if not timed:
            raise StadionError(Code.INVALID, _reason(found, repairs))
        lost = found.empty + len(found.activities) - len(timed)
        if lost:
            repairs.append(Repair("activities without any timed point dropped", lost))
        digest = digest_of([data])
        activities: list[Activity | Table] = []
        for index, (each, line) in enumerate(timed):
            source = source_of(self.name, member.path, digest, (*repairs, *line.repairs))
            laps = tuple(_lap(lap, line.zero_s) for lap in each.laps)
            activities.append(
                Activity(
                    id=activity_id(digest, index),
                    athlete="",
                    sport=sport_named(each.sport),
                    sub_sport=sub_sport_named(each.sport),
                    start=datetime.fromtimestamp(line.zero_s, UTC),
                    tracks=(line.track,),
                    source=source,
                    laps=laps,
                    events=_events(each, line, laps),
                    device=each.device or found.author,
                    title=each.title,
                )
            )
        return activities


def _lap(lap: TcxLap, zero_s: float) -> Lap:
    start = round(lap.start - zero_s, 6)
    values = dict(lap.values)
    return Lap(start, start + values.get("timer_s", 0.0), label=lap.intensity, values=values)


def _events(each: TcxActivity, line: Timeline, laps: Sequence[Lap]) -> tuple[Event, ...]:
    """What ended each lap, and where the recording was taken up again within one."""
    triggers = [lap.trigger for lap in each.laps]
    events = [
        Event(lap.end_s, "lap", trigger)
        for lap, trigger in zip(laps, triggers, strict=True)
        if trigger
    ]
    starts = [start for start in each.starts if 0 < start < len(each.points)]
    times = each.points.clock()[0][starts] - line.zero_s if starts else np.zeros(0)
    known = times[np.isfinite(times)].round(6).tolist()
    events += [Event(time, "segment", "start") for time in dict.fromkeys(known)]
    return tuple(sorted(events, key=lambda event: event.time_s))


def _reason(found: TcxActivities, repairs: Sequence[Repair]) -> str:
    broken = "".join(f"; {repair.what}" for repair in repairs)
    if found.courses:
        return f"a TCX file of {found.courses} courses; expected recorded activities{broken}"
    if found.workouts:
        return f"a TCX file of {found.workouts} planned workouts; expected recordings{broken}"
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
