"""What an activity and fitdecode say of one FIT file in, everything in which they differ out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from stadion.core.activity import Activity, Lap, Track
from stadion.ingest.fitfile.container import parts_of
from stadion.ingest.fitfile.developer import described_fields
from stadion.ingest.fitfile.messages import Messages
from tests.ingest.fit_truth import Message, Oracle

__all__ = ["EXCEPTIONS", "differences"]

EXCEPTIONS: dict[str, str] = {
    "session.developer.estimated_vo2_max": "its description has a scale of 10; not in fitdecode",
    "session.developer.peak_epoc": "its description has a scale of 10; not in fitdecode",
}
"""Start of a difference -> why it is right all the same."""
_RELATIVE_BELOW = 0x10000000


def differences(data: bytes, activity: Activity, told: Oracle) -> Iterator[str]:
    """One line for everything in which an activity and fitdecode differ."""
    assert activity.start is None or activity.start.year >= 1990
    zero = _zero(activity, told)
    yield from _record_differences(activity, told, zero)
    for kind in ("session", "lap", "length"):
        yield from _lap_differences(kind, activity.laps, told.of(kind), zero)
    yield from _event_differences(activity, told, zero)
    yield from _beat_differences(activity, told)
    yield from _developer_differences(data, told)


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
        for name, numbers in message.developer.items():
            for number in (n for n in numbers if n is not None):
                if not any(math.isclose(number, v, rel_tol=1e-6) for v in lap.values.values()):
                    yield f"{kind}.developer.{name}: {number} is missing"


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
        kind = _EVENT_KINDS.get(message.words.get("event", ""), message.words.get("event"))
        if kind is not None and event.kind != kind:
            yield f"event: {event.kind}; fitdecode says {kind}"
        word = message.words.get("event_type", "")
        if not event.label.startswith(word.removesuffix("_depreciated")):
            yield f"event: {event.label}; fitdecode says {word}"
        said = dict(pair.split("=") for pair in event.label.split() if "=" in pair)
        for name, value in _said(message).items():
            if not math.isclose(float(said.get(name, "nan")), value, rel_tol=1e-6):
                yield f"event.{name}: {said.get(name)} for {value}"


_EVENT_WORDS = {
    "battery_level": "battery_v", "course_point_index": "course_point",
    "distance_duration_alert": "distance_m", "virtual_partner_speed": "virtual_partner_mps",
    "time_duration_alert": "time_s",
}  # fmt: skip
_EVENT_KINDS = {
    "hr_high_alert": "heart_rate_high", "hr_low_alert": "heart_rate_low",
    "speed_high_alert": "speed_high", "speed_low_alert": "speed_low",
    "cad_high_alert": "cadence_high", "cad_low_alert": "cadence_low",
    "power_high_alert": "power_high", "power_low_alert": "power_low",
    "recovery_hr": "recovery_heart_rate", "time_duration_alert": "time_alert",
    "distance_duration_alert": "distance_alert", "calorie_duration_alert": "calorie_alert",
    "front_gear_change": "front_gear", "rear_gear_change": "rear_gear",
    "rider_position_change": "rider_position", "elev_high_alert": "elevation_high",
    "elev_low_alert": "elevation_low", "comm_timeout": "timeout",
    "radar_threat_alert": "radar_threat",
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
    elif told.of("hr"):
        yield from _strap_differences(track, told)


def _strap_differences(track: Track | None, told: Oracle) -> Iterator[str]:
    """The intervals of the beats since the start; fitdecode's clock of them is seconds off.

    It counts on from the second of the message that holds the whole count, where the ticks of
    that count belong: the maker's own exports agree with Stadion.
    """
    runs: list[list[float]] = []
    for message in told.of("hr"):
        if message.time is not None or not runs:
            runs.append([])
        runs[-1] += message.beats
    gaps = np.concatenate([np.diff(run) for run in runs]) * 1000
    gaps = gaps[gaps > 0]
    ours = track.channels["rr"] if track is not None else np.empty(0)
    # The first interval of each run counts from its anchor, which fitdecode does not expand.
    wanted = {round(float(gap), 2) for gap in gaps}
    strange = [rr for rr in ours.tolist() if round(rr, 2) not in wanted]
    if len(ours) > len(gaps) + len(runs) or len(strange) > len(runs):
        yield f"beats: {len(ours)} of {len(gaps)}, of them {len(strange)} others"


def _developer_differences(data: bytes, told: Oracle) -> Iterator[str]:
    """Developers' fields of records, before they are turned into the vocabulary's units."""
    definitions = [each for part in parts_of(data) for each in part.definitions]
    records = Messages.of(data, definitions, 20)
    ours: dict[str, list[np.ndarray[Any, Any]]] = {}
    for each in described_fields(data, definitions, records)[0]:
        ours.setdefault(each.name, []).extend(each.columns)
    for name in sorted({name for message in told.of("record") for name in message.developer}):
        rows = [message.developer.get(name, [None]) for message in told.of("record")]
        expected = np.array([np.nan if row[0] is None else row[0] for row in rows])
        if not any(np.array_equal(expected, mine, equal_nan=True) for mine in ours.get(name, [])):
            yield f"record.developer.{name}: other values"
