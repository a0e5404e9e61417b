"""The JSON files of a Garmin export in, a table of days, one of sessions, and titles out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from stadion.core.activity import Activity, Table
from stadion.core.errors import Code, StadionError
from stadion.ingest._days import number_in
from stadion.ingest._exercises import Session, sessions_table
from stadion.ingest._export_json import entries_in, read_each
from stadion.ingest._garmin_days import GarminDays
from stadion.ingest._sports import sport_named, sub_sport_named
from stadion.ingest.base import Member, Note, Notes, source_of

__all__ = ["PLUGIN", "GarminExportReader"]

_PATH = re.compile(
    r"(?P<root>(?:.*?/)?)(?:DI[-_]CONNECT/)?(?:DI-Connect-[\w-]+/)?[^/]*?"
    r"(?P<kind>UDSFile|sleepData|healthStatusData|summarizedActivities|userBioMetrics)"
    r"[^/]*\.json",
    re.IGNORECASE,
)
_FIRST_S, _LAST_S = 315_964_800, 4_102_444_800
_KCAL = 4.184


class GarminExportReader:
    """What Garmin Connect kept beside the FIT files of "export your data".

    The FIT files, in zips of their own inside the export, are read by the FIT reader; the
    titles that their owner gave them come from here, by their start. Nights count for the day
    of waking up, as Garmin counts them. Distances and heights are told in centimetres there,
    times in milliseconds, energies of activities in kilojoules; stress is turned so that 100
    is least, as in all tables of days.
    """

    name = "garmin_export"
    layout = "DI_CONNECT of a Garmin export: UDSFile, sleepData and summarizedActivities JSON."
    guesses = False

    def example(self) -> list[Member]:
        """A day, its night, and a run."""
        root = "1/DI_CONNECT/"
        return [
            Member.of(f"{root}DI-Connect-Aggregator/UDSFile_2024-05-01.json", _DAY),
            Member.of(f"{root}DI-Connect-Wellness/2024_1_sleepData.json", _NIGHT),
            Member.of(f"{root}DI-Connect-Fitness/me_0_summarizedActivities.json", _RUN),
        ]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """The files of one export together."""
        roots: dict[str, list[Member]] = {}
        for member in members:
            place = _PATH.fullmatch(member.path)
            if place and member.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
                roots.setdefault(place["root"], []).append(member)
        return list(roots.values())

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """A table of kind `days`, one of kind `sessions`, where there is anything to tell."""
        days = GarminDays()
        sessions: list[Session] = []
        readers: Mapping[str, Callable[[bytes], None]] = {
            "udsfile": days.summaries,
            "sleepdata": days.nights,
            "healthstatusdata": days.health,
            "userbiometrics": days.bodies,
            "summarizedactivities": lambda data: sessions.extend(_sessions(data)),
        }
        digest = read_each(
            group, lambda path, data: readers[_kind_of(path)](data), days.rows.mended
        )
        days.finish()
        source = source_of(self.name, group[0].path, digest)
        tables: list[Activity | Table] = []
        if any(days.rows.values.values()):
            tables.append(days.rows.table(source))
        if sessions:
            sessions.sort(key=lambda session: session.start)
            tables.append(sessions_table(sessions, {}, source))
        if not tables:
            lost = "; ".join(days.rows.mended)
            raise StadionError(Code.INVALID, f"no day and no activity in it{lost and '; '}{lost}")
        return tables

    def notes(self, group: Sequence[Member]) -> Notes:
        """Titles and sports of recordings, by their start."""
        notes: dict[int, Note] = {}
        for member in group:
            if _kind_of(member.path) == "summarizedactivities":
                for activity in _activities(member.data):
                    start = _start_s(activity)
                    if start is not None:
                        notes[int(start)] = _note(activity)
        place = _PATH.fullmatch(group[0].path)
        return Notes(place["root"] if place else "", by_start=notes)


def _kind_of(path: str) -> str:
    place = _PATH.fullmatch(path)
    if place is None:
        raise StadionError(Code.INVALID, "a name that is none of a Garmin export")
    return place["kind"].lower()


class _Activity(msgspec.Struct, rename="camel"):
    """An activity as the list tells it; what Garmin leaves out is None."""

    name: Any = None
    activity_type: Any = None
    sport_type: Any = None
    begin_timestamp: Any = None
    start_time_gmt: Any = None
    start_time_local: Any = None
    duration: Any = None
    moving_duration: Any = None
    distance: Any = None
    elevation_gain: Any = None
    avg_speed: Any = None
    avg_hr: Any = None
    calories: Any = None
    steps: Any = None
    description: Any = None


class _Page(_Activity, rename="camel"):
    """An element of the list: pages of activities, or in some exports an activity itself."""

    summarized_activities_export: list[_Activity] | None = None


def _activities(data: bytes) -> Iterator[_Activity]:
    for page in entries_in(data, _Page):
        if page.summarized_activities_export is None:
            yield page
        else:
            yield from page.summarized_activities_export


def _start_s(activity: _Activity) -> float | None:
    """Seconds since 1970, UTC."""
    return _moment_s(activity.begin_timestamp) or _moment_s(activity.start_time_gmt)


def _moment_s(told: object) -> float | None:
    """Seconds since 1970 of milliseconds; None for what is no moment."""
    if isinstance(told, int | float) and _FIRST_S <= told / 1_000.0 < _LAST_S:
        return told / 1_000.0
    return None


def _note(activity: _Activity) -> Note:
    word = activity.activity_type if isinstance(activity.activity_type, str) else ""
    title = activity.name if isinstance(activity.name, str) else ""
    sport = sport_named(word)
    return Note(title.strip(), sport, sub_sport_named(word) if sport else "")


def _sessions(data: bytes) -> Iterator[Session]:
    for activity in _activities(data):
        start = _moment_s(activity.start_time_local) or _start_s(activity)
        duration = number_in(activity.duration) / 1_000.0
        if start is None or not duration > 0:
            continue
        values = {
            "duration": duration,
            "active_duration": number_in(activity.moving_duration) / 1_000.0,
            "distance": number_in(activity.distance) / 100.0,
            "climb": number_in(activity.elevation_gain) / 100.0,
            "speed": number_in(activity.avg_speed) * 10.0,
            "heart_rate": number_in(activity.avg_hr),
            "energy": number_in(activity.calories) / _KCAL,
            "steps": number_in(activity.steps),
        }
        note = _note(activity)
        word = activity.activity_type if isinstance(activity.activity_type, str) else ""
        texts = {"title": note.title} if note.title else {}
        known = {name: value for name, value in values.items() if value > 0}
        moment = datetime.fromtimestamp(start, UTC).replace(tzinfo=None, microsecond=0)
        yield Session("", moment, note.sport or word, "tracker", known, texts)


_DAY = (
    b'[{"calendarDate": "2024-05-01", "totalSteps": 9120, "totalDistanceMeters": 7300, '
    b'"restingHeartRate": 49, "wellnessStartTimeLocal": "2024-05-01T00:00:00.0", '
    b'"wellnessStartTimeGmt": "2024-04-30T22:00:00.0", "allDayStress": {"aggregatorList": '
    b'[{"type": "TOTAL", "averageStressLevel": 31}]}}]'
)
_NIGHT = (
    b'[{"calendarDate": "2024-05-01", "sleepStartTimestampGMT": "2024-04-30T21:10:00.0", '
    b'"sleepEndTimestampGMT": "2024-05-01T04:50:00.0", "deepSleepSeconds": 5400, '
    b'"lightSleepSeconds": 14400, "remSleepSeconds": 6000, "awakeSleepSeconds": 1800, '
    b'"sleepScores": {"overallScore": 82}}]'
)
_RUN = (
    b'[{"summarizedActivitiesExport": [{"activityId": 1, "name": "Along the river", '
    b'"activityType": "running", "beginTimestamp": 1714546800000, "duration": 1810000.0, '
    b'"startTimeLocal": 1714554000000, "distance": 500320.0, "avgHr": 148.0}]}]'
)

PLUGIN = GarminExportReader()
