"""What a tracker saw and what people reported of their training in, one table of sessions out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from stadion.core.activity import Source, Table
from stadion.core.arrays import Array
from stadion.core.days import SESSIONS
from stadion.ingest._days import moment_in, number_in, table_of
from stadion.ingest._texts import texts_of

__all__ = ["Session", "joined", "sessions_table", "tracker_session"]

_ZONES = {"Out of Range": "below_zone_1", "Fat Burn": "zone_1", "Cardio": "zone_2",
          "Peak": "zone_3"}  # fmt: skip
_LEVELS = {"sedentary": "sedentary", "lightly": "lightly_active", "fairly": "moderately_active",
           "very": "very_active"}  # fmt: skip
_DISTANCES = {"Kilometer": 1_000.0, "Mile": 1_609.344, "Meter": 1.0}


@dataclass(slots=True, eq=False)
class Session:
    """One training: who, when on their own clock, what, by whom told, and its numbers."""

    person: str
    start: datetime
    activity: str
    source: str
    values: dict[str, float] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """What its owner wrote, such as a title."""

    @property
    def end(self) -> datetime:
        """The start and the duration."""
        return self.start + timedelta(seconds=self.values.get("duration", 0.0))


def tracker_session(person: str, entry: Mapping[str, Any]) -> Session | None:
    """A session of Fitbit's exercise.json; None without a start and a duration."""
    start = moment_in(entry.get("startTime"))
    duration = number_in(entry.get("duration")) / 1_000.0
    if start is None or not 0 < duration <= SESSIONS["duration"].high:
        return None
    scale = _DISTANCES.get(str(entry.get("distanceUnit")), math.nan)
    values = {
        "duration": duration,
        "active_duration": number_in(entry.get("activeDuration")) / 1_000.0,
        "heart_rate": number_in(entry.get("averageHeartRate")),
        "energy": number_in(entry.get("calories")),
        "steps": number_in(entry.get("steps")),
        "distance": number_in(entry.get("distance")) * scale,
        "speed": number_in(entry.get("speed")) * scale / 3_600.0,
        "climb": number_in(entry.get("elevationGain")),
    }
    values |= _minutes(entry.get("heartRateZones"), _ZONES)
    values |= _minutes(entry.get("activityLevel"), _LEVELS)
    known = {name: value for name, value in values.items() if math.isfinite(value)}
    return Session(person, start, str(entry.get("activityName") or ""), "tracker", known)


def _minutes(entries: object, names: Mapping[str, str]) -> dict[str, float]:
    told = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    return {
        names[str(entry.get("name"))]: number_in(entry.get("minutes"))
        for entry in told
        if str(entry.get("name")) in names
    }


def joined(seen: Sequence[Session], told: Sequence[Session]) -> list[Session]:
    """All sessions; a report lends its exertion to the session it overlaps most, if any does."""
    left: list[Session] = []
    for report in told:
        mine = [session for session in seen if session.person == report.person]
        best = max(mine, key=lambda session: _overlap_s(session, report), default=None)
        if best is None or _overlap_s(best, report) <= 0 or "rpe" in best.values:
            left.append(report)
        elif "rpe" in report.values:
            best.values["rpe"] = report.values["rpe"]
    return sorted([*seen, *left], key=lambda session: (session.person, session.start))


def _overlap_s(one: Session, other: Session) -> float:
    return (min(one.end, other.end) - max(one.start, other.start)).total_seconds()


def sessions_table(
    sessions: Sequence[Session],
    people: Mapping[str, Mapping[str, float | str]],
    source: Source,
) -> Table:
    """The table of kind `sessions`; texts that any session has are columns of their own."""
    columns: dict[str, Array] = {
        "person": texts_of([session.person for session in sessions]),
        "start": np.array([session.start for session in sessions], "datetime64[s]"),
        "activity": texts_of([session.activity for session in sessions]),
        "source": texts_of([session.source for session in sessions]),
        "sex": texts_of([str(people.get(s.person, {}).get("sex", "")) for s in sessions]),
    }
    for name in dict.fromkeys(name for session in sessions for name in session.texts):
        columns[name] = texts_of([session.texts.get(name, "") for session in sessions])
    facts = [
        {k: v for k, v in people.get(s.person, {}).items() if isinstance(v, float)} | s.values
        for s in sessions
    ]
    return table_of("sessions", columns, facts, SESSIONS, source, Counter())
