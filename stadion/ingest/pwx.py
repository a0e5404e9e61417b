"""PWX files of TrainingPeaks in, activities out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from stadion.core.activity import Activity, Event, Lap, Repair, Source, Table
from stadion.core.arrays import FloatArray
from stadion.core.channels import dtype_of
from stadion.core.errors import Code, StadionError
from stadion.core.profile import LIMITS, Profile
from stadion.ingest._clock import build_timeline
from stadion.ingest._numbers import number_or_nan
from stadion.ingest._sports import sport_named
from stadion.ingest.base import Member, activity_id, digest_of, source_of
from stadion.ingest.markup.moments import moment_in
from stadion.ingest.markup.scan import root_of, scan

__all__ = ["PLUGIN", "PwxReader"]

_MOST_NAMES = 64
_CHANNELS = {
    "hr": "heart_rate", "spd": "speed", "pwr": "power", "torq": "torque", "cad": "cadence",
    "dist": "distance", "lat": "position_lat", "lon": "position_long", "alt": "altitude",
    "temp": "temperature", "pwrright": "power_right",
}  # fmt: skip
_SUMMARIES = {"hr": "heart_rate_bpm", "spd": "speed_mps", "pwr": "power_w", "cad": "cadence_rpm",
              "temp": "temperature_degc", "alt": "altitude_m", "torq": "torque_nm"}  # fmt: skip
_NUMBERS = {
    "duration": "elapsed_s", "dist": "distance_m", "climbingelevation": "ascent_m",
    "descendingelevation": "descent_m", "work": "work_kj", "normalizedpower": "weighted_power_w",
}  # fmt: skip
_SPORTS = {"mountain bike": ("cycling", "mountain"), "xc-ski": ("cross_country_skiing", ""),
           "brick": ("multisport", ""), "strength": ("training", "strength_training"),
           "cross train": ("training", "")}  # fmt: skip
_TIMERS = {"starting": "start", "start": "start", "stopping": "stop", "stop": "stop",
           "pausing": "stop", "resuming": "start"}  # fmt: skip


class PwxReader:
    """Workouts with their samples, segments and summaries; several in a file."""

    name = "pwx"
    layout = "An XML file whose root is pwx, with workouts of samples at their time offsets."
    guesses = False

    def example(self) -> list[Member]:
        """Two seconds of a ride."""
        return [Member.of("ride.pwx", _EXAMPLE)]

    def claim(self, members: Sequence[Member]) -> list[list[Member]]:
        """Files whose first element is pwx."""
        return [[member] for member in members if root_of(member.head) == "pwx"]

    def read(self, group: Sequence[Member]) -> list[Activity | Table]:
        """One activity per workout that has samples or segments."""
        (member,) = group
        data = member.data
        found = _Workouts()
        repairs = scan(data, found)
        digest = digest_of([data])
        activities: list[Activity | Table] = []
        for workout in found.workouts:
            if workout.samples or workout.segments or workout.summary:
                source = source_of(self.name, member.path, digest, repairs)
                activities.append(workout.activity(activity_id(digest, len(activities)), source))
        if not activities:
            broken = "".join(f"; {repair.what}" for repair in repairs)
            raise StadionError(Code.INVALID, f"a PWX file without any recorded workout{broken}")
        return activities


@dataclass(slots=True, eq=False)
class _Segment:
    name: str = ""
    values: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Workout:
    texts: dict[str, str] = field(default_factory=dict)
    summary: dict[str, float] = field(default_factory=dict)
    segments: list[_Segment] = field(default_factory=list)
    samples: list[dict[str, str]] = field(default_factory=list)
    events: list[tuple[float, str]] = field(default_factory=list)

    def activity(self, identity: str, source: Source) -> Activity:
        start_s, ahead = moment_in(self.texts.get("time", ""))
        timeline = build_timeline(*self._columns(start_s))
        zero = timeline.zero_s if timeline else 0.0
        mended = list(timeline.repairs) if timeline else []
        if math.isnan(ahead) and math.isfinite(start_s):
            mended.append(Repair("times without a zone taken as UTC"))
        end = float(timeline.track.time_s[-1]) + zero if timeline else 0.0
        sport, sub_sport = _sport(self.texts.get("sporttype", ""))
        begin = None if math.isnan(start_s) else datetime.fromtimestamp(start_s + zero, UTC)
        return Activity(
            id=identity,
            athlete="",
            sport=sport,
            start=begin,
            tracks=(timeline.track,) if timeline and timeline.track.channels else (),
            source=source_of(source.reader, source.name, source.digest, (*source.repairs, *mended)),
            laps=tuple(self._laps(sport, zero, end)),
            events=tuple(self._events(zero)),
            sub_sport=sub_sport,
            device=" ".join(t for k in ("make", "model") if (t := self.texts.get(k, ""))),
            title=self.texts.get("title", "")[:200],
            profile=_profile(self.texts.get("weight", "")),
        )

    def _columns(self, start_s: float) -> tuple[FloatArray, dict[str, FloatArray]]:
        clock = np.array([_offset(sample, start_s) for sample in self.samples], np.float64)
        names = list(dict.fromkeys(name for sample in self.samples for name in sample))
        columns: dict[str, FloatArray] = {}
        for name in names[:_MOST_NAMES]:
            if name not in ("timeoffset", "time"):
                channel = _CHANNELS.get(name, name)
                with np.errstate(over="ignore"):
                    columns[channel] = np.array(
                        [_number(sample.get(name, "")) for sample in self.samples],
                        dtype_of(channel),
                    )
        return clock, columns

    def _laps(self, sport: str, zero: float, end: float) -> list[Lap]:
        laps = [_lap(s.values, "lap", s.name, zero, end) for s in self.segments]
        if self.summary:
            laps.append(_lap(self.summary, "session", sport, zero, end))
        return [lap for lap in laps if lap is not None]

    def _events(self, zero: float) -> list[Event]:
        found = []
        for time_s, kind in self.events:
            label = _TIMERS.get(kind.lower())
            name = "timer" if label else "marker"
            found.append(Event(max(time_s - zero, 0.0), name, label or kind[:80]))
        return found


class _Workouts:
    """Takes the elements of a PWX file."""

    def __init__(self) -> None:
        self.workouts: list[_Workout] = []
        self._path: list[str] = []
        self._sample: dict[str, str] | None = None
        self._event: dict[str, str] = {}

    def open(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if name == "workout":
            self.workouts.append(_Workout())
        elif not self.workouts:
            return
        elif name == "sample":
            self._sample = {}
        elif name == "event":
            self._event = {}
        elif name == "segment":
            self.workouts[-1].segments.append(_Segment())
        elif len(self._path) > 1 and self._path[-2] == "summarydata":
            self._summary_of(name, attributes)

    def close(self, name: str, text: str) -> None:
        if self._path:
            self._path.pop()
        if not self.workouts:
            return
        workout = self.workouts[-1]
        parent = self._path[-1] if self._path else ""
        if name == "sample" and self._sample is not None:
            workout.samples.append(self._sample)
            self._sample = None
        elif self._sample is not None:
            self._sample.setdefault(name, text)
        elif parent == "event":
            self._event[name] = text
        elif name == "event":
            time_s = _number(self._event.get("timeoffset", ""))
            if math.isfinite(time_s) and len(workout.events) < 10_000:
                workout.events.append((time_s, self._event.get("type", "")))
        elif parent == "summarydata":
            self._put(name, _number(text))
        elif parent == "segment" and name == "name":
            workout.segments[-1].name = text[:80]
        elif parent in ("workout", "device", "athlete") and text:
            workout.texts.setdefault(name, text)

    def _summary_of(self, name: str, attributes: Mapping[str, str]) -> None:
        stem = _SUMMARIES.get(name)
        if stem is not None and attributes:
            quantity, _, unit = stem.rpartition("_")
            self._put_as(stem, _number(attributes.get("avg", "")))
            self._put_as(f"{quantity}_max_{unit}", _number(attributes.get("max", "")))

    def _put(self, name: str, value: float) -> None:
        if name in ("beginning", "durationstopped"):
            self._put_as(name, value)
        elif name in _NUMBERS:
            self._put_as(_NUMBERS[name], value)

    def _put_as(self, name: str, value: float) -> None:
        workout = self.workouts[-1]
        in_segment = "segment" in self._path and workout.segments
        values = workout.segments[-1].values if in_segment else workout.summary
        if math.isfinite(value):
            values[name] = value


def _lap(told: Mapping[str, float], kind: str, label: str, zero: float, end: float) -> Lap | None:
    values = dict(told)
    begin = values.pop("beginning", math.nan)
    stopped = values.pop("durationstopped", math.nan)
    elapsed = values.get("elapsed_s", math.nan)
    if math.isfinite(elapsed) and math.isfinite(stopped):
        values["timer_s"] = elapsed - stopped
    start = max(begin - zero, 0.0) if math.isfinite(begin) else 0.0
    stop = start + elapsed if math.isfinite(elapsed) else end - zero
    return Lap(start, stop, kind, label, values) if stop >= start else None


def _sport(word: str) -> tuple[str, str]:
    return _SPORTS.get(word.strip().lower()) or (sport_named(word), "")


def _profile(weight: str) -> Profile:
    mass = _number(weight)
    low, high, _ = LIMITS["mass_kg"]
    return Profile(mass_kg=mass) if low <= mass <= high else Profile()


def _offset(sample: Mapping[str, str], start_s: float) -> float:
    offset = _number(sample.get("timeoffset", ""))
    if math.isnan(offset) and math.isfinite(start_s):
        return moment_in(sample.get("time", ""))[0] - start_s
    return offset


def _number(text: str) -> float:
    return number_or_nan(text, most=1e12)


_EXAMPLE = b"""<?xml version="1.0"?>
<pwx xmlns="http://www.peaksware.com/PWX/1/0" version="1.0"><workout>
<sportType>Bike</sportType><device><make>Maker</make><model>Model</model></device>
<time>2024-05-01T07:00:00</time>
<summarydata><beginning>0</beginning><duration>2</duration><hr max="121" min="120" avg="120"/>
<dist>14</dist></summarydata>
<segment><name>Lap 1</name><summarydata><beginning>0</beginning><duration>1</duration>
</summarydata></segment>
<sample><timeoffset>0</timeoffset><hr>120</hr><spd>7.0</spd><pwr>210</pwr><dist>0</dist></sample>
<sample><timeoffset>1</timeoffset><hr>121</hr><spd>7.1</spd><pwr>0</pwr><dist>7</dist></sample>
</workout></pwx>
"""

PLUGIN = PwxReader()
