"""What fitdecode reads in a FIT file, by the names and in the units of Stadion.

Not compared, each for its reason: text, and bytes of the maker's own (no numbers); the time a
summary was written (it says neither when it began nor ended; `start_s` is compared); the group
of an event (it only ties a stop to its start); low bits of counts (their whole counts are);
the seconds of a strap's beats (see `fit_differences`; their intervals are).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import fitdecode

from tests.ingest.fit_slow import Numbers

__all__ = ["Message", "Oracle", "oracle"]

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
_SUMMARIES = ("session", "lap", "length")
_SEMICIRCLE = 180 / 2**31


@dataclass
class Message:
    """One message: its time on FIT's clock, its values by our names, and what fitdecode says."""

    time: float | None
    start: float | None = None
    values: dict[str, float] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    beats: list[float] = field(default_factory=list)
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
        elif each.name == "event_timestamp":
            if each.is_expanded:
                message.beats.append(float(each.raw_value))
        else:
            message.raw.setdefault(each.name, each.raw_value)
            if isinstance(each.value, str):
                message.words.setdefault(each.name, each.value)
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
    if kind in _SUMMARIES:
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
