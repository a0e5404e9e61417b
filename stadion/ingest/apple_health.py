"""The export of Apple Health in, its workouts and one table of days out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from stadion.core.activity import Activity, Repair, Source, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest._clock import Timeline
from stadion.ingest.base import Member, activity_id, source_of
from stadion.ingest.markup.gpx_tracks import read_tracks
from stadion.ingest.markup.health_days import Days
from stadion.ingest.markup.health_export import Export, read_export
from stadion.ingest.markup.health_names import QUANTITIES
from stadion.ingest.markup.health_workouts import Joined, Session
from stadion.ingest.markup.scan import root_of

__all__ = ["PLUGIN", "AppleHealthReader"]

_ROUTES = "workout-routes/"
_TWICE = "records told twice, one kept"
_NEAR_S = 60.0


class AppleHealthReader:
    """Everything that watch, phone and other apps put into Apple Health.

    A record of a few hundred bytes is kept in twenty, so that an export of gigabytes fits; each
    workout gets the records of its time, of its own device first, and its route. What watch and
    phone both counted counts once, by Apple's own rule. Names of devices are their owners'
    words and stay in the file; so does the day of birth.
    """

    name = "apple_health"
    layout = "export.xml of Apple Health, its root HealthData, with workout-routes/*.gpx beside it."
    guesses = False

    def example(self) -> list[Member]:
        """A run with its route, and a day."""
        return [
            Member.of("apple_health_export/export.xml", _EXAMPLE),
            Member.of("apple_health_export/workout-routes/route_1.gpx", _ROUTE),
        ]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Each export with the routes of its folder; its medical twin, to be refused kindly."""
        roots = {id(member): root_of(member.head) for member in members}
        groups: list[list[Member]] = []
        for member in members:
            if roots[id(member)] == "healthdata":
                folder = member.path.rpartition("/")[0]
                beside = f"{folder}/{_ROUTES}" if folder else _ROUTES
                routes = [
                    each
                    for each in members
                    if roots[id(each)] == "gpx" and each.path.startswith(beside)
                ]
                groups.append([member, *routes])
            elif roots[id(member)] == "clinicaldocument":
                groups.append([member])
        return groups

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """Workouts in the order of time, routes without one, and the table of days."""
        main = next((m for m in group if root_of(m.head) == "healthdata"), group[0])
        if root_of(main.head) == "clinicaldocument":
            raise StadionError(
                Code.INVALID,
                "the medical summary of a health export; expected export.xml, which lies beside it "
                "and holds the same records with all their times",
            )
        with main.stream() as stream:
            export = read_export(stream)
        routes = _Routes([member for member in group if member is not main])
        digest = _joined([export.digest, *routes.digests])
        joined, days = Joined(export), Days(export.records.sources)
        for name in _quantities():
            samples = export.records.samples(name)
            days.take(name, samples)
            joined.take(name, samples)
        dropped = {what: count for what, count in export.records.dropped.items() if count}
        if joined.crowded:
            export.broken["workouts over others left without their records"] = joined.crowded
        repairs = [*_told(export.broken), *_told(routes.broken)]
        repairs += _told({what: count for what, count in dropped.items() if what != _TWICE})
        source = source_of(self.name, main.path, digest, repairs)
        values: list[Activity | Table] = list(_activities(joined, routes, export, source))
        # That a record was told twice says nothing of a single workout.
        twice = _told({_TWICE: dropped.get(_TWICE, 0)})
        table = days.table(
            export.person, source_of(self.name, main.path, digest, (*repairs, *twice))
        )
        if table is not None:
            values.append(table)
        if not values:
            raise StadionError(
                Code.INVALID, "a health export without workouts, steps, sleep or heart rates"
            )
        return values


def _quantities() -> list[str]:
    """Sleep first: what is measured at night is looked up in its nights."""
    names = dict.fromkeys(quantity.name for quantity in QUANTITIES.values())
    return sorted(names, key=lambda name: name != "sleep")


def _joined(digests: Sequence[str]) -> str:
    """The digest of several files from theirs, as `base.digest_of` makes it."""
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def _told(counts: dict[str, int]) -> list[Repair]:
    return [Repair(what, count) for what, count in sorted(counts.items()) if count]


class _Routes:
    """The routes of an export, found by their files' names or by their time."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.digests: list[str] = []
        self.broken: dict[str, int] = {}
        self._left: dict[str, list[Timeline]] = {}
        for member in members:
            data = member.data
            self.digests.append(hashlib.sha256(data).hexdigest())
            lines = self._lines(data)
            if lines:
                self._left.setdefault(_file_name(member.path), []).extend(lines)
            else:
                what = "routes without a timed point left out"
                self.broken[what] = self.broken.get(what, 0) + 1

    def of(self, session: Session) -> list[Timeline]:
        """Those of one workout; no other gets them."""
        names = [_file_name(path) for path in session.workout.routes]
        if not names:
            start, end = session.workout.start_s - _NEAR_S, session.workout.end_s
            names = [name for name, lines in self._left.items() if start <= lines[0].zero_s < end]
        return [line for name in names for line in self._left.pop(name, [])]

    def rest(self) -> list[Timeline]:
        """Those that no workout asked for, in the order of time."""
        lines = (line for lines in self._left.values() for line in lines)
        return sorted(lines, key=lambda line: line.zero_s)

    def _lines(self, data: bytes) -> list[Timeline]:
        try:
            found, repairs = read_tracks(data)
        except StadionError:
            return []
        for repair in repairs:
            what = f"routes: {repair.what}"
            self.broken[what] = self.broken.get(what, 0) + repair.count
        lines = [track.points.timeline() for track in found.tracks if track.points]
        return [line for line in lines if line is not None]


def _file_name(path: str) -> str:
    return path.rpartition("/")[2].lower()


def _activities(
    joined: Joined, routes: _Routes, export: Export, source: Source
) -> Iterator[Activity]:
    # Routes that are named go to the workouts that name them before time is asked.
    named = {id(each): routes.of(each) for each in joined.sessions if each.workout.routes}
    index = 0
    for session in joined.sessions:
        lines = named.pop(id(session), None) or routes.of(session)
        zero, tracks = session.tracks(lines)
        has_place = any("position_lat" in track.channels for track in tracks)
        yield Activity(
            id=activity_id(source.digest, index),
            athlete="",
            sport=session.sport,
            sub_sport=session.sub_sport,
            start=datetime.fromtimestamp(zero, UTC),
            zone=session.zone(has_place),
            tracks=tracks,
            source=source,
            laps=session.laps(zero),
            events=session.events(zero),
            device=session.device,
            profile=session.profile(export.person.birth_year, export.person.sex),
        )
        index += 1
    for line in routes.rest():
        yield Activity(
            id=activity_id(source.digest, index),
            athlete="",
            sport="",
            start=datetime.fromtimestamp(line.zero_s, UTC),
            tracks=(line.track,),
            source=source,
        )
        index += 1


_EXAMPLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE HealthData [ <!ELEMENT HealthData (ExportDate,Me,(Record|Workout)*)> ]>
<HealthData locale="en_GB"><ExportDate value="2024-05-02 09:00:00 +0200"/>
<Me HKCharacteristicTypeIdentifierDateOfBirth="1990-01-01"
 HKCharacteristicTypeIdentifierBiologicalSex="HKBiologicalSexFemale"/>
<Record type="HKQuantityTypeIdentifierStepCount" sourceName="A Watch" unit="count"
 startDate="2024-05-01 09:00:00 +0200" endDate="2024-05-01 09:00:10 +0200" value="28"/>
<Record type="HKQuantityTypeIdentifierHeartRate" sourceName="A Watch" unit="count/min"
 startDate="2024-05-01 09:00:05 +0200" endDate="2024-05-01 09:00:05 +0200" value="131"/>
<Workout workoutActivityType="HKWorkoutActivityTypeRunning" duration="0.5" durationUnit="min"
 totalDistance="0.1" totalDistanceUnit="km" sourceName="A Watch"
 startDate="2024-05-01 09:00:00 +0200" endDate="2024-05-01 09:00:30 +0200">
<WorkoutRoute><FileReference path="/workout-routes/route_1.gpx"/></WorkoutRoute></Workout>
</HealthData>
"""
_ROUTE = b"""<?xml version="1.0"?>
<gpx version="1.1" creator="Apple Health Export" xmlns="http://www.topografix.com/GPX/1/1">
<metadata><time>2024-05-02T07:00:00Z</time></metadata><trk><trkseg>
<trkpt lon="4.3" lat="52.1"><ele>1.5</ele><time>2024-05-01T07:00:00Z</time>
<extensions><speed>2.8</speed><course>12.5</course></extensions></trkpt>
<trkpt lon="4.4" lat="52.2"><ele>2.5</ele><time>2024-05-01T07:00:10Z</time></trkpt>
</trkseg></trk></gpx>
"""

PLUGIN = AppleHealthReader()
