"""Fitbit's files of an account export or a Takeout in, days, sessions and heart rate out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import numpy as np

from stadion.core.activity import Activity, Repair, Table
from stadion.core.channels import CHANNELS
from stadion.core.errors import Code, StadionError
from stadion.ingest._exercises import Session, sessions_table
from stadion.ingest._export_json import entries_in, read_each
from stadion.ingest._fitbit_days import FitbitDays, written_moment
from stadion.ingest._fitbit_logs import exercises_in, is_log, nights_in, tabled_exercises_in
from stadion.ingest.base import Member, digest_of, source_of

__all__ = ["PLUGIN", "FitbitExportReader"]

_DATED = r"(?P<kind>[a-z_]+)-\d{1,4}(?:-\d\d-\d\d)?\.json"
_TABLE = r"(?P<table>[A-Za-z][A-Za-z0-9_ ()]*?)(?:[ _-]+\d{4}-\d\d-\d\d.*|[ _-]+\d{4}-\d\d)?\.csv"
_FOLDERS = (
    "Global Export Data|Physical Activity|Physical Activity_GoogleData|Sleep|Sleep Score|"
    "Health Fitness Data_GoogleData|Heart Rate|Heart Rate Variability|Temperature|Body|Stress|"
    r"Oxygen Saturation \(SpO2\)|Stress Score|Biometrics|user-site-export"
)
_PATH = re.compile(rf"(?P<root>(?:.*?/)?)(?:(?:{_FOLDERS})/(?:[^/]+/)?)?(?:{_DATED}|{_TABLE})")
_CLEAR_BPM = CHANNELS["heart_rate"].high


class FitbitExportReader:
    """Takeout/Fitbit and Fitbit's own export, old JSON files and newer tables.

    A quantity told by both counts once, by the JSON. Sums of minutes count for the day that the
    file writes: Fitbit's minutes are in UTC, so that a day far from Greenwich begins hours off.
    Heart rate of every five seconds is a table of kind `monitoring`, a file each.
    """

    name = "fitbit_export"
    layout = "Fitbit in a Google Takeout or an account export: steps-*.json, sleep-*.json, *.csv."
    guesses = False

    def example(self) -> list[Member]:
        """Some steps, a night, an exercise and heart beats."""
        folder = "Takeout/Fitbit/Global Export Data"
        return [
            Member.of(f"{folder}/steps-2020-01-01.json", _STEPS),
            Member.of(f"{folder}/sleep-2020-01-01.json", _SLEEP),
            Member.of(f"{folder}/exercise-0.json", _EXERCISE),
            Member.of(f"{folder}/heart_rate-2020-01-01.json", _BEATS),
        ]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """The files of one export together, those of heart rate each for itself."""
        roots: dict[str, list[Member]] = {}
        alone: list[list[Member]] = []
        for member in members:
            place = _place(member)
            if place is None:
                continue
            if place["kind"] == "heart_rate":
                alone.append([member])
            else:
                roots.setdefault(place["root"], []).append(member)
        return [*roots.values(), *alone]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """Tables of kinds `days` and `sessions`, or one of kind `monitoring`."""
        place = _PATH.fullmatch(group[0].path)
        if len(group) == 1 and place and place["kind"] == "heart_rate":
            return [_heart_rate(group[0])]
        found = FitbitDays()
        sessions: dict[str, Session] = {}

        def read(path: str, data: bytes) -> None:
            place = _PATH.fullmatch(path)
            if place is None:
                raise StadionError(Code.INVALID, "a name that is none of a Fitbit export")
            if place["kind"] == "exercise":
                sessions.update(exercises_in(data, found.rows.mended))
            elif (place["table"] or "").lower() == "userexercises":
                for id_, session in tabled_exercises_in(data, found.rows.mended).items():
                    sessions.setdefault(id_, session)
            elif (place["table"] or "").lower() == "usersleeps":
                found.late_nights.extend(nights_in(data))
            else:
                found.take(place["kind"] or "", place["table"] or "", data)

        digest = read_each(group, read, found.rows.mended)
        found.finish()
        for session in sessions.values():
            minutes = session.values["duration"] / 60.0
            found.rows.add("", session.start.date(), "exercise_time", minutes)
        source = source_of(self.name, group[0].path, digest)
        tables: list[Activity | Table] = []
        if any(found.rows.values.values()):
            tables.append(found.rows.table(source))
        if sessions:
            by_time = sorted(sessions.values(), key=lambda session: session.start)
            tables.append(sessions_table(by_time, {}, source))
        if not tables:
            lost = "; ".join(found.rows.mended)
            raise StadionError(Code.INVALID, f"no day and no exercise in it{lost and '; '}{lost}")
        return tables


def _place(member: Member) -> re.Match[str] | None:
    """The match of a name that is Fitbit's and whose beginning fits it."""
    place = _PATH.fullmatch(member.path)
    if place is None:
        return None
    head = member.head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if place["kind"]:
        is_known = place["kind"] in {*FitbitDays.KINDS, "exercise", "heart_rate"}
        has_entries = b'"dateTime"' in head or b'"logId"' in head
        return place if is_known and head.startswith(b"[") and has_entries else None
    header = head.partition(b"\n")[0].decode("utf-8", "replace").strip()
    is_known = FitbitDays.is_table(place["table"], header) or is_log(place["table"], header)
    return place if is_known else None


class _Beats(msgspec.Struct):
    bpm: float
    confidence: float = 0


class _Moment(msgspec.Struct, rename="camel"):
    date_time: str
    value: _Beats


def _heart_rate(member: Member) -> Table:
    data = member.data
    entries = entries_in(data, _Moment)
    moments = [written_moment(entry.date_time) for entry in entries]
    rates = np.array([entry.value.bpm for entry in entries], np.float64)
    timed = np.array([moment is not None for moment in moments], bool)
    good = timed & (rates > 0) & (rates <= _CLEAR_BPM)
    if not good.any():
        raise StadionError(Code.INVALID, "no heart rate with a time in it")
    time = np.array(
        [m for m, is_good in zip(moments, good, strict=True) if is_good], "datetime64[s]"
    )
    order = np.argsort(time, kind="stable")
    lost = int((~good).sum())
    repairs = [Repair("heart rates without a time or out of bounds dropped", lost)] if lost else []
    return Table(
        "monitoring",
        {"time": time[order], "heart_rate": rates[good][order]},
        {"time": "", "heart_rate": "bpm"},
        source_of(FitbitExportReader.name, member.path, digest_of([data]), repairs),
    )


_STEPS = (
    b'[{"dateTime": "01/01/20 08:00:00", "value": "620"}, '
    b'{"dateTime": "01/01/20 08:01:00", "value": "31"}]'
)
_SLEEP = (
    b'[{"logId": 1, "dateOfSleep": "2020-01-01", "startTime": "2019-12-31T23:40:30.000", '
    b'"minutesAsleep": 402, "timeInBed": 450, "efficiency": 93, "levels": {"summary": '
    b'{"deep": {"minutes": 71}, "light": {"minutes": 240}, "rem": {"minutes": 91}}}}]'
)
_EXERCISE = (
    b'[{"logId": 7, "activityName": "Run", "averageHeartRate": 150, "duration": 1331000, '
    b'"startTime": "01/01/20 14:56:32"}]'
)
_BEATS = (
    b'[{"dateTime": "01/01/20 08:00:05", "value": {"bpm": 71, "confidence": 2}}, '
    b'{"dateTime": "01/01/20 08:00:10", "value": {"bpm": 72, "confidence": 3}}]'
)

PLUGIN = FitbitExportReader()
