"""Workouts of a health export, their records and routes in, activities out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from stadion.core.activity import Event, Lap, Track
from stadion.core.arrays import FloatArray
from stadion.core.channels import dtype_of
from stadion.core.profile import LIMITS, Profile
from stadion.ingest._clock import Timeline
from stadion.ingest.markup.health_export import Export, Workout, amount_in
from stadion.ingest.markup.health_names import QUANTITIES, scale_of, sport_of, sub_sport_of
from stadion.ingest.markup.health_records import Samples, Source
from stadion.ingest.markup.health_sources import believed
from stadion.ingest.markup.moments import epoch_seconds

__all__ = ["Joined", "Session"]

_BY_NAME = {quantity.name: quantity for quantity in QUANTITIES.values()}
_DISTANCES = {"cycling": "distance_cycling", "swimming": "distance_swimming"}
_ON_FOOT = ("running", "walking", "hiking")
_LONGEST_STEPS_S = 120.0
_LONGEST_S = 7 * 86_400.0
_MOST_TIMES = 4
"""How often one record may be told as part of a workout."""
_EVENTS = {"Pause": "stop", "Resume": "start", "MotionPaused": "stop", "MotionResumed": "start"}
_DEVICES = ("Apple Watch", "iPhone", "iPad")
_STATISTICS = {
    "heart_rate": {"average": "heart_rate_bpm", "maximum": "heart_rate_max_bpm",
                   "minimum": "heart_rate_min_bpm"},
    "running_speed": {"average": "speed_mps", "maximum": "speed_max_mps"},
    "cycling_speed": {"average": "speed_mps", "maximum": "speed_max_mps"},
    "running_power": {"average": "power_w", "maximum": "power_max_w"},
    "cycling_power": {"average": "power_w", "maximum": "power_max_w"},
    "cycling_cadence": {"average": "cadence_rpm", "maximum": "cadence_max_rpm"},
    "active_energy": {"sum": "active_energy_kcal"},
    "basal_energy": {"sum": "basal_energy_kcal"},
    "distance": {"sum": "distance_m"},
    "distance_cycling": {"sum": "distance_m"},
    "distance_swimming": {"sum": "distance_m"},
    "steps": {"sum": "steps"},
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Session:
    """One workout with the streams that were found for it: (times, values) by channel."""

    workout: Workout
    sport: str
    streams: dict[str, tuple[FloatArray, FloatArray]] = field(default_factory=dict)
    beats: tuple[FloatArray, FloatArray] = (np.zeros(0), np.zeros(0))
    mass_kg: float = math.nan
    height_m: float = math.nan

    @property
    def sub_sport(self) -> str:
        """FIT's word for the kind of sport."""
        facts = self.workout.facts
        waters = {"1": False, "2": True}  # HKWorkoutSwimmingLocationType: pool, open water
        return sub_sport_of(
            self.workout.told.get("workoutActivityType", ""),
            self.sport,
            facts.get("HKIndoorWorkout") == "1",
            waters.get(facts.get("HKSwimmingLocationType", "")),
        )

    @property
    def device(self) -> str:
        """Maker's name and model; what the owner calls it says who the owner is."""
        parts = dict(
            part.partition(":")[::2]
            for part in self.workout.told.get("device", "").strip("<>").split(", ")
        )
        name, hardware = parts.get("name", ""), parts.get("hardware", "")
        return f"{name if name in _DEVICES else ''} {hardware}".strip()[:80]

    def zone(self, has_place: bool) -> str:
        """The zone that is told, else that of the offset where no place can tell it better."""
        told = self.workout.facts.get("HKTimeZone", "")
        try:
            return ZoneInfo(told).key if told else self._offset_zone(has_place)
        except (ValueError, OSError, KeyError):
            return self._offset_zone(has_place)

    def _offset_zone(self, has_place: bool) -> str:
        hours = self.workout.ahead_min / 60
        if has_place or not hours.is_integer() or abs(hours) > 12:
            return ""
        # Names of these zones count westwards.
        return f"Etc/GMT{-int(hours):+d}" if hours else "Etc/UTC"

    def tracks(self, routes: Sequence[Timeline]) -> tuple[float, tuple[Track, ...]]:
        """The activity's start, and its streams on one clock; beats are a track of their own."""
        parts = [(name, *stream) for name, stream in self.streams.items()]
        for route in routes:
            times = route.zero_s + route.track.time_s
            parts += [(name, times, values) for name, values in route.track.channels.items()]
        firsts = (float(times[0]) for _, times, _ in parts if len(times))
        zero = min([self.workout.start_s, *firsts])
        tracks = [_united(parts, zero)] if parts else []
        times, intervals = self.beats
        if len(times):
            beats = np.round(times - zero, 6)
            is_new = np.diff(beats, prepend=-np.inf) > 0
            rr = intervals[is_new].astype(np.float32)
            tracks.append(Track("beats", beats[is_new], {"rr": rr}))
        return zero, tuple(track for track in tracks if len(track))

    def laps(self, zero: float) -> tuple[Lap, ...]:
        """The workout as a session with its sums, and what its device cut into laps."""
        start, end = self.workout.start_s - zero, self.workout.end_s - zero
        laps = [Lap(start, end, "session", self.sport, self._values())]
        kind = "length" if self.sub_sport == "lap_swimming" else "lap"
        for told in self.workout.events:
            if told.get("type", "").endswith("EventTypeLap"):
                begin = _moment_of(told) - zero
                length = amount_in(told, "duration", "min", 0.0) * 60
                if math.isfinite(begin) and length >= 0:
                    values = {"elapsed_s": length} if length else {}
                    laps.append(Lap(begin, begin + length, kind, values=values))
        return tuple(laps)

    def events(self, zero: float) -> tuple[Event, ...]:
        """When the timer ran."""
        found = [Event(self.workout.start_s - zero, "timer", "start")]
        for told in self.workout.events:
            label = _EVENTS.get(told.get("type", "").rpartition("EventType")[2])
            time = _moment_of(told) - zero
            if label and math.isfinite(time):
                found.append(Event(round(time, 6), "timer", label))
        found.append(Event(self.workout.end_s - zero, "timer", "stop_all"))
        return tuple(sorted(found, key=lambda event: event.time_s))

    def profile(self, birth_year: float, sex: str) -> Profile:
        """What was known of the person by then."""
        told = {"birth_year": birth_year, "mass_kg": self.mass_kg, "height_m": self.height_m}
        known = {key: v for key, v in told.items() if LIMITS[key][0] <= v <= LIMITS[key][1]}
        return Profile(sex=sex, **known)

    def _values(self) -> dict[str, float]:
        told, facts = self.workout.told, self.workout.facts
        values = {
            "elapsed_s": self.workout.end_s - self.workout.start_s,
            "timer_s": amount_in(told, "duration", "min") * 60,
            "distance_m": amount_in(told, "totalDistance", "m"),
            "active_energy_kcal": amount_in(told, "totalEnergyBurned", "kcal"),
            "ascent_m": _quantity(facts.get("HKElevationAscended", "")),
        }
        values = {key: value for key, value in values.items() if math.isfinite(value)}
        for one in self.workout.statistics:
            quantity = QUANTITIES.get(one.kind)
            scale = quantity and scale_of(quantity.unit, one.unit)
            for key, name in _STATISTICS.get(quantity.name if quantity else "", {}).items():
                if scale and key in one.values:
                    values.setdefault(name, one.values[key] * scale[0])
        if "active_energy_kcal" in values:
            parts = values["active_energy_kcal"], values.get("basal_energy_kcal", 0.0)
            values["energy_kcal"] = sum(parts)
        return values


class Joined:
    """Finds the records of each workout, one quantity after the other."""

    def __init__(self, export: Export) -> None:
        self.sources = export.records.sources
        self.sessions = [
            Session(workout, sport_of(workout.told.get("workoutActivityType", "")))
            for workout in sorted(export.workouts, key=lambda one: (one.start_s, one.end_s))
        ]
        self.crowded = 0
        self._start = np.array([each.workout.start_s for each in self.sessions])
        self._end = np.array([each.workout.end_s for each in self.sessions])
        self._numbers: dict[str, set[int]] = {}
        for number, source in enumerate(self.sources):
            self._numbers.setdefault(source.name, set()).add(number)
        times, intervals = export.beats()
        for session, first, last in self._windows(times):
            session.beats = times[first:last], intervals[first:last]

    def take(self, name: str, samples: Samples) -> None:
        """All records of one quantity, sorted by start."""
        if name in ("mass", "height"):
            self._weigh(name, samples)
            return
        for session, first, last in self._windows(samples.start_s):
            self._join(session, name, samples.of(np.arange(first, last)))

    def _windows(self, times: FloatArray) -> Iterator[tuple[Session, int, int]]:
        """Sessions with the rows of sorted times that lie in them."""
        first = np.searchsorted(times, self._start)
        last = np.searchsorted(times, self._end, side="right")
        last[self._end - self._start > _LONGEST_S] = 0
        # Workouts that all lie over one another would hold every record a hundred times.
        left = _MOST_TIMES * len(times)
        for number in np.flatnonzero(last > first).tolist():
            left -= int(last[number] - first[number])
            if left < 0:
                self.crowded += 1
                continue
            yield self.sessions[number], int(first[number]), int(last[number])

    def _weigh(self, name: str, samples: Samples) -> None:
        """What was told of the body last before each workout's end."""
        for session, count in zip(
            self.sessions, np.searchsorted(samples.start_s, self._end, side="right"), strict=True
        ):
            if count and name == "mass":
                session.mass_kg = float(samples.value[count - 1])
            elif count:
                session.height_m = float(samples.value[count - 1])

    def _join(self, session: Session, name: str, inside: Samples) -> None:
        quantity = _BY_NAME[name]
        own = self._numbers.get(" ".join(session.workout.told.get("sourceName", "").split()), set())
        if quantity.channel:
            rows = inside.source == _told_by(inside, own, self.sources)
            values = inside.value[rows] * quantity.factor
            session.streams.setdefault(quantity.channel, (inside.start_s[rows], values))
        elif name == _DISTANCES.get(session.sport, "distance"):
            order = np.argsort(inside.end_s, kind="stable")
            metres = inside.value * believed(inside, self.sources)
            total = np.cumsum(metres[order].astype(np.float64))
            session.streams["distance"] = (inside.end_s[order], total)
        elif name == "steps" and session.sport in _ON_FOOT:
            rows = inside.source == _told_by(inside, own, self.sources)
            length = inside.end_s[rows] - inside.start_s[rows]
            is_known = (length > 0) & (length <= _LONGEST_STEPS_S)
            # A cadence counts the strides of one leg.
            strides = inside.value[rows][is_known] / length[is_known] * 30
            session.streams.setdefault("cadence", (inside.end_s[rows][is_known], strides))


def _moment_of(told: Mapping[str, str]) -> float:
    """Seconds since 1970 of an event; NaN when it tells none."""
    return epoch_seconds(told.get("date", ""))


def _told_by(inside: Samples, own: set[int], sources: Sequence[Source]) -> int:
    """The source that counts: the workout's own, else the most believed, then the one of most."""
    numbers, counts = np.unique(inside.source, return_counts=True)
    told = zip(numbers.tolist(), counts.tolist(), strict=True)
    return int(min(told, key=lambda each: (each[0] not in own, sources[each[0]].rank, -each[1]))[0])


def _united(parts: Sequence[tuple[str, FloatArray, FloatArray]], zero: float) -> Track:
    """Streams of different moments on one clock; of two values at one moment the first stays."""
    moments = [np.round(times - zero, 6) for _, times, _ in parts]
    time_s = np.unique(np.concatenate(moments))
    channels: dict[str, FloatArray] = {}
    for (name, _, values), times in zip(parts, moments, strict=True):
        column = channels.setdefault(name, np.full(len(time_s), np.nan, dtype_of(name)))
        rows = np.searchsorted(time_s, times)
        is_free = np.isnan(column[rows])
        column[rows[is_free]] = values[is_free]
    return Track("", time_s, {k: v for k, v in channels.items() if np.isfinite(v).any()})


def _quantity(text: str) -> float:
    """Metres of a text such as '1234 cm'."""
    number, _, unit = text.partition(" ")
    return amount_in({"x": number, "xUnit": unit.strip()}, "x", "m")
