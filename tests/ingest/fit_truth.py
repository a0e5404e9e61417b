"""What fitdecode reads in a FIT file, in Stadion's words and units, and where the two differ."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import fitdecode
import numpy as np

from stadion.core.activity import Activity, Lap, Track
from tests.ingest.fit_slow import Numbers

__all__ = ["Oracle", "differences", "oracle"]

# FIT's own name -> ours; of all others the name stays, in summaries with its unit behind it.
_WORDS = {
    "total_elapsed_time": "elapsed_s", "total_timer_time": "timer_s",
    "total_distance": "distance_m", "total_calories": "energy_kcal", "avg_speed": "speed_mps",
    "max_speed": "speed_max_mps", "avg_heart_rate": "heart_rate_bpm",
    "max_heart_rate": "heart_rate_max_bpm", "avg_cadence": "cadence_rpm",
    "max_cadence": "cadence_max_rpm", "avg_running_cadence": "cadence_rpm",
    "max_running_cadence": "cadence_max_rpm", "avg_power": "power_w", "max_power": "power_max_w",
    "total_ascent": "ascent_m", "total_descent": "descent_m",
    "normalized_power": "weighted_power_w", "training_stress_score": "load",
    "intensity_factor": "intensity", "intensity": "intensity_kind",
    "avg_swimming_cadence": "cadence_rpm", "total_strides": "total_cycles",
}  # fmt: skip
_UNITS = {
    "s": "_s", "m": "_m", "m/s": "_mps", "mm": "_mm", "bpm": "_bpm", "rpm": "_rpm",
    "watts": "_w", "J": "_j", "kcal": "_kcal", "C": "_degc", "%": "_percent",
    "percent": "_percent", "degrees": "_deg", "semicircles": "_deg", "ms": "_ms",
    "Breaths/min": "_per_min",
}  # fmt: skip
_LISTS = (
    "time_in_", "avg_left_power_phase", "avg_right_power_phase", "left_power_phase",
    "right_power_phase", "speed_1s", "stroke_count", "zone_count",
)  # fmt: skip
_OPAQUE = ("cycles", "compressed_speed_distance", "compressed_accumulated_power")
"""Parts of a record's other quantities, which fitdecode expands as well."""
# Parts that Stadion adds to the value they are parts of.
_PARTS = {
    "avg_fractional_cadence": "cadence_rpm", "max_fractional_cadence": "cadence_max_rpm",
    "total_fractional_cycles": "total_cycles", "fractional_cadence": "cadence",
}  # fmt: skip
_KINDS = {"session": "session", "lap": "lap", "length": "length"}
_SEMICIRCLE = 180 / 2**31
_RELATIVE_BELOW = 0x10000000


@dataclass
class Message:
    """One message: its time on FIT's clock, its values by our names, and the rest raw."""

    time: float | None
    start: float | None = None
    values: dict[str, float] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)
    developer: dict[str, Numbers] = field(default_factory=dict)


@dataclass
class Oracle:
    """The messages of each kind that Stadion reads, in the order of the file."""

    kinds: dict[str, list[Message]] = field(default_factory=dict)

    def of(self, kind: str) -> list[Message]:
        """Those of one kind; none where it does not occur."""
        return self.kinds.get(kind, [])


def oracle(data: bytes) -> Oracle:
    """All that fitdecode reads of records, summaries, events and heart beats."""
    found = Oracle()
    with fitdecode.FitReader(data) as frames:
        for frame in frames:
            if isinstance(frame, fitdecode.FitDataMessage) and frame.name in (
                "record", "lap", "session", "length", "event", "hrv", "hr",
            ):  # fmt: skip
                found.kinds.setdefault(frame.name, []).append(_message(frame))
    return found


def _message(frame: fitdecode.FitDataMessage) -> Message:
    message = Message(None)
    for each in frame.fields:
        if isinstance(each.field, fitdecode.types.DevField):
            _add_developer(message, each)
        elif each.name == "timestamp":
            message.time = None if each.raw_value is None else float(each.raw_value)
        elif each.name == "start_time":
            message.start = None if each.raw_value is None else float(each.raw_value)
        else:
            message.raw.setdefault(each.name, each.raw_value)
            _add(message, frame.name, each)
    for part, whole in _PARTS.items():
        if (more := message.values.pop(part, None)) is not None and whole in message.values:
            message.values[whole] += more
    return message


def _add(message: Message, kind: str, each: Any) -> None:
    if each.name in _OPAQUE:
        return
    name = each.name.removeprefix("enhanced_").replace("cycle_length16", "cycle_length")
    if name in _PARTS:
        if isinstance(each.value, int | float):
            message.values[name] = float(each.value)
        return
    if isinstance(each.value, str) and isinstance(each.raw_value, str):
        return
    is_worded = isinstance(each.value, str | bool) or not _is_number(each.value)
    value = each.raw_value if is_worded and not isinstance(each.value, tuple) else each.value
    if each.units == "semicircles" and value is not None:
        value *= _SEMICIRCLE
    if name == "left_right_balance" and value is not None:
        value = (int(each.raw_value) & 0x3FFF) / 100 if kind != "record" else int(value) & 0x7F
    if kind in _KINDS:
        name = "left_right_balance_percent" if name == "left_right_balance" else _named(name, each)
    values = value if isinstance(value, tuple) else (value,)
    is_list = name.startswith(_LISTS) or "power_position" in name or "cadence_position" in name
    for place, one in enumerate(values):
        if _is_number(one) and math.isfinite(one):
            own = f"{name}_{place + 1}" if is_list or place else name
            if each.name.startswith("enhanced_") and not each.is_expanded:
                message.values[own] = float(one)
            message.values.setdefault(own, float(one))


def _named(name: str, each: Any) -> str:
    if name == "total_strokes":
        return "strokes" if each.field.def_num == 5 else "total_cycles"
    if name in _WORDS:
        return _WORDS[name]
    unit = "_per_min" if "respiration_rate" in name else _UNITS.get(each.units or "", "")
    return name if name.endswith("percent") and unit == "_percent" else f"{name}{unit}"


def _add_developer(message: Message, each: Any) -> None:
    values = each.raw_value if isinstance(each.raw_value, tuple) else (each.raw_value,)
    numbers = [float(v) if _is_number(v) and math.isfinite(v) else None for v in values]
    if any(number is not None for number in numbers):
        message.developer[each.name] = numbers


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def differences(activity: Activity, told: Oracle) -> Iterator[str]:
    """One line for everything in which an activity and fitdecode differ."""
    assert activity.start is None or activity.start.year >= 1990
    zero = _zero(activity, told)
    yield from _record_differences(activity, told, zero)
    for kind in _KINDS:
        yield from _lap_differences(kind, activity.laps, told.of(kind), zero)
    yield from _event_differences(activity, told, zero)
    yield from _beat_differences(activity, told)


def _zero(activity: Activity, told: Oracle) -> float:
    if activity.start is not None:
        return activity.start.timestamp() - 631_065_600
    return min(m.time for m in told.of("record") if m.time is not None)


def _record_differences(activity: Activity, told: Oracle, zero: float) -> Iterator[str]:
    track = next((t for t in activity.tracks if t.subject == ""), None)
    rows = _moments(told.of("record"), zero)
    if track is None or len(track) != len(rows):
        if rows:
            yield f"record: {len(track) if track else 0} moments; fitdecode has {len(rows)}"
        return
    moments = np.array(sorted(rows))
    if not np.allclose(track.time_s, moments, rtol=0, atol=1e-6):
        yield "record: other times"
        return
    for name in sorted({name for values in rows.values() for name in values}):
        expected = np.array([rows[moment].get(name, np.nan) for moment in moments.tolist()])
        yield from _channel_differences(track, name, expected, bool(told.of("hr")))


def _channel_differences(
    track: Track, name: str, expected: np.ndarray[Any, Any], has_strap: bool
) -> Iterator[str]:
    ours = track.channels.get(name)
    if ours is None:
        yield f"record.{name}: missing"
        return
    both = np.isfinite(expected)
    tolerance = 1e-9 if ours.dtype == np.float64 else 1e-6
    close = np.isclose(ours[both], expected[both], rtol=tolerance, atol=1e-9)
    if not close.all():
        at = np.flatnonzero(~close)[0]
        yield (
            f"record.{name}: {(~close).sum()} values differ,"
            f" {ours[both][at]:.9g} for {expected[both][at]:.9g}"
        )
    added = np.isfinite(ours) & ~both
    if added.any() and not (name == "heart_rate" and has_strap):
        yield f"record.{name}: {added.sum()} values where fitdecode has none"


def _moments(records: list[Message], zero: float) -> dict[float, dict[str, float]]:
    """Time -> the last that is known of each quantity at that time."""
    dated = any(r.time is not None and r.time >= _RELATIVE_BELOW for r in records)
    rows: dict[float, dict[str, float]] = {}
    for record in records:
        if record.time is not None and (record.time >= _RELATIVE_BELOW or not dated):
            part = (record.values.pop("time128", 0.0)) if "time128" in record.values else 0.0
            moment = round(record.time + part - zero, 6)
            rows.setdefault(moment, {}).update(record.values)
    return rows


def _lap_differences(
    kind: str, laps: tuple[Lap, ...], told: list[Message], zero: float
) -> Iterator[str]:
    mine = [lap for lap in laps if lap.kind == kind]
    timed = [message for message in told if (message.start, message.time) != (None, None)]
    if len(mine) != len(timed) and len(mine) != len(told):
        yield f"{kind}: {len(mine)} of {len(told)}"
        return
    for lap, message in zip(mine, timed if len(timed) == len(mine) else told, strict=True):
        if message.start is not None and abs(lap.start_s + zero - message.start) > 1e-6:
            yield f"{kind}: starts at {lap.start_s + zero}; fitdecode says {message.start}"
        for name, value in message.values.items():
            if not math.isclose(lap.values.get(name, math.nan), value, rel_tol=1e-7, abs_tol=1e-9):
                yield f"{kind}.{name}: {lap.values.get(name)} for {value}"
        numbers = [n for each in message.developer.values() for n in each if n is not None]
        yield from (
            f"{kind}: developer's {number} is missing"
            for number in numbers
            if not any(math.isclose(number, v, rel_tol=1e-6) for v in lap.values.values())
        )


def _event_differences(activity: Activity, told: Oracle, zero: float) -> Iterator[str]:
    mine = [event for event in activity.events if event.kind != "timer_trigger"]
    triggers = [event for event in activity.events if event.kind == "timer_trigger"]
    timed = [message for message in told.of("event") if message.time is not None]
    if len(mine) != len(timed):
        yield f"event: {len(mine)} of {len(timed)}"
        return
    expected = [m.raw["timer_trigger"] for m in timed if m.raw.get("timer_trigger") is not None]
    words = [{"manual": 0, "auto": 1, "fitness_equipment": 2}[t.label] for t in triggers]
    if words != expected:
        yield f"event: triggers of the timer are {words}; fitdecode has {expected}"
    for event, message in zip(mine, timed, strict=True):
        if abs(event.time_s + zero - (message.time or 0.0)) > 1e-6:
            yield f"event: at {event.time_s + zero}; fitdecode says {message.time}"
        said = dict(pair.split("=") for pair in event.label.split() if "=" in pair)
        for name, value in _said(message).items():
            if not math.isclose(float(said.get(name, "nan")), value, rel_tol=1e-6):
                yield f"event.{name}: {said.get(name)} for {value}"


_EVENT_WORDS = {
    "battery_level": "battery_v", "course_point_index": "course_point",
    "distance_duration_alert": "distance_m", "virtual_partner_speed": "virtual_partner_mps",
    "time_duration_alert": "time_s",
}  # fmt: skip
_NOT_SAID = ("event", "event_type", "event_group", "timer_trigger", "data16", "gear_change_data")


def _said(message: Message) -> dict[str, float]:
    known = {k: v for k, v in message.values.items() if k not in _NOT_SAID}
    return {_EVENT_WORDS.get(name, name): value for name, value in known.items()}


def _beat_differences(activity: Activity, told: Oracle) -> Iterator[str]:
    track = next((t for t in activity.tracks if t.subject == "beats"), None)
    seconds = [
        float(value)
        for message in told.of("hrv")
        for value in np.atleast_1d(np.array(message.raw["time"], dtype=object)).tolist()
        if value is not None
    ]
    if seconds:
        ours = track.channels["rr"] if track is not None else np.empty(0)
        if len(ours) != len(seconds) or not np.array_equal(ours, np.array(seconds, np.float32)):
            yield f"beats: {len(ours)} intervals; fitdecode has {len(seconds)}"
