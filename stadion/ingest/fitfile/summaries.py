"""FIT messages in, the sessions, laps, pool lengths and events of a recording out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from stadion.core.activity import Event, Lap, Repair
from stadion.core.channels import canonical
from stadion.ingest._clock import Timeline
from stadion.ingest._sports import fit_sport
from stadion.ingest.fitfile.developer import described_fields
from stadion.ingest.fitfile.messages import Messages, clock_of
from stadion.ingest.fitfile.profile import EVENT_FIELDS, EVENT_VALUES, Message, Quantity
from stadion.ingest.fitfile.summary_fields import LAP_VALUES, LENGTH_VALUES, SESSION_VALUES
from stadion.ingest.fitfile.walk import TIMESTAMP, Definition
from stadion.ingest.fitfile.words import EVENT_TYPES, EVENTS, STROKES, TIMER_TRIGGERS

__all__ = ["read_events", "read_summaries"]

_START = 2
_LEAST_FIELDS, _MOST_SAID = 10, 500_000  # bounds what a made-up file of laps costs
_BALANCE = {"session": 37, "lap": 34}
# Numbers of a part in 1/128 or 1/100 -> the value that it belongs to and how it is scaled.
_PARTS: dict[str, dict[int, tuple[str, int]]] = {
    "session": {
        92: ("cadence_rpm", 128),
        93: ("cadence_max_rpm", 128),
        94: ("total_cycles", 128),
        199: ("ascent_m", 100),
        200: ("descent_m", 100),
    },
    "lap": {
        80: ("cadence_rpm", 128),
        81: ("cadence_max_rpm", 128),
        82: ("total_cycles", 128),
        156: ("ascent_m", 100),
        157: ("descent_m", 100),
    },
    "length": {},
}
_GEAR_OCTETS = ("rear_gear_num", "rear_gear", "front_gear_num", "front_gear")
_GEAR_KINDS = (42, 43)


def read_summaries(
    data: bytes, definitions: Sequence[Definition], timeline: Timeline | None
) -> tuple[list[Lap], list[Repair]]:
    """Sessions, laps and pool lengths, on FIT's clock."""
    laps = [
        *_laps(data, definitions, Message.SESSION, "session", SESSION_VALUES),
        *_laps(data, definitions, Message.LAP, "lap", LAP_VALUES),
        *_laps(data, definitions, Message.LENGTH, "length", LENGTH_VALUES),
    ]
    sessions = [lap for lap in laps if lap.kind == "session"]
    if timeline and len(sessions) == 1 and math.isnan(sessions[0].start_s):
        start, end = timeline.zero_s, timeline.zero_s + float(timeline.track.time_s[-1])
        laps[0] = Lap(start, end, "session", sessions[0].label, sessions[0].values)
    timed = [lap for lap in laps if math.isfinite(lap.start_s)]
    lost = len(laps) - len(timed)
    return timed, [Repair("undated summaries dropped", lost)] if lost else []


def _laps(
    data: bytes,
    definitions: Sequence[Definition],
    message: int,
    kind: str,
    quantities: Mapping[int, Quantity],
) -> list[Lap]:
    """All of one kind; the start is NaN where no time is written."""
    messages = Messages.of(data, definitions, message)
    if not len(messages):
        return []
    messages.check_size(_LEAST_FIELDS + len(messages.numbers), _MOST_SAID)
    written = clock_of(data, definitions, messages)
    elapsed = next(number for number, q in quantities.items() if q.name == "elapsed_s")
    duration = messages.values(elapsed) / 1000
    start = messages.values(_START)
    start = np.where(np.isnan(start), written - np.nan_to_num(duration), start)
    # The time of a summary says when it was written, not when what it sums up ended.
    end = np.where(np.isnan(duration), np.fmax(written, start), start + duration)
    values = _values(messages, kind, quantities)
    _add_developer_values(values, data, definitions, messages)
    spans = zip(start.tolist(), end.tolist(), _labels(messages, kind), values, strict=True)
    return [Lap(first, last, kind, label, said) for first, last, label, said in spans]


def _values(
    messages: Messages, kind: str, quantities: Mapping[int, Quantity]
) -> list[dict[str, float]]:
    """What each summary says of the quantities; the first of a name that is there counts."""
    return [
        _said_of(row, quantities, _PARTS[kind], _BALANCE.get(kind, -1))
        for row in messages.rows([*quantities])
    ]


def _said_of(
    row: Mapping[int, tuple[float, ...]],
    quantities: Mapping[int, Quantity],
    parts: Mapping[int, tuple[str, int]],
    balance: int,
) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, values in row.items():
        quantity = quantities.get(number)
        if quantity is None:
            if number in parts or number in (_START, TIMESTAMP, balance):
                continue
            quantity = Quantity(f"unknown_{number}")
        for place, stored in enumerate(values):
            if math.isfinite(stored):
                name = quantity.name_of(place) if place or quantity.is_list else quantity.name
                found.setdefault(name, stored / quantity.scale - quantity.offset)
    for number, (name, scale) in parts.items():
        if number in row and name in found:
            found[name] += row[number][0] / scale
    if balance in row:
        # Two bits say whose share it is and that it is one; the others count hundredths.
        found["left_right_balance_percent"] = (int(row[balance][0]) & 0x3FFF) / 100
    return found


def _add_developer_values(
    found: list[dict[str, float]],
    data: bytes,
    definitions: Sequence[Definition],
    messages: Messages,
) -> None:
    """What apps on the watch add, under their own names with the unit as they spell it."""
    for each in described_fields(data, definitions, messages)[0]:
        unit = "_".join("".join(c if c.isalnum() else " " for c in each.unit.lower()).split())
        stem = canonical(f"{each.name} {unit}")
        for place, column in enumerate(each.columns):
            name = f"{stem}_{place + 1}" if len(each.columns) > 1 else stem
            for row in np.flatnonzero(np.isfinite(column)).tolist():
                free = name if name not in found[row] else f"developer_{name}"
                found[row].setdefault(free, float(column[row]))


def _labels(messages: Messages, kind: str) -> list[str]:
    if kind == "session":
        return [
            fit_sport(sport) if math.isfinite(sport) else ""
            for sport in messages.values(5).tolist()
        ]
    if kind == "lap":
        return [""] * len(messages)
    rows = zip(messages.values(7).tolist(), messages.values(12).tolist(), strict=True)
    return ["idle" if is_active == 0 else STROKES.get(stroke, "") for stroke, is_active in rows]


def read_events(data: bytes, definitions: Sequence[Definition], zero: float) -> tuple[Event, ...]:
    """What happened and when, counted from `zero` on FIT's clock.

    What an event says beside its type stands in its label: `marker limit_w=250`. A timer's
    label is its type alone; what made it start or stop is an event `timer_trigger` beside it.
    """
    messages = Messages.of(data, definitions, Message.EVENT)
    if not len(messages):
        return ()
    messages.check_size(_LEAST_FIELDS, _MOST_SAID)
    times = np.round(clock_of(data, definitions, messages) - zero, 6).tolist()
    kinds, types = messages.values(0).tolist(), messages.values(1).tolist()
    said = _said(messages, kinds)
    rows = zip(times, kinds, types, said, strict=True)
    return tuple(
        event
        for time, kind, what, more in rows
        if math.isfinite(time) and math.isfinite(kind)
        for event in _events(time, int(kind), what, more)
    )


def _events(time: float, kind: int, what: float, more: Mapping[str, float]) -> Iterator[Event]:
    name = EVENTS.get(kind, f"event_{kind}")
    word = EVENT_TYPES.get(int(what), f"type_{int(what)}") if math.isfinite(what) else ""
    if name == "timer":
        yield Event(time, name, word)
        if (trigger := more.get("timer_trigger")) is not None:
            yield Event(time, "timer_trigger", TIMER_TRIGGERS.get(int(trigger), f"{trigger:g}"))
    else:
        told = [word] if word else []
        yield Event(time, name, " ".join([*told, *(f"{k}={v:.9g}" for k, v in more.items())]))


def _said(messages: Messages, kinds: Sequence[float]) -> list[dict[str, float]]:
    """What each event says beside its kind and type."""
    number, short = messages.values(3), messages.values(2)
    number = np.where(np.isnan(number), short, number)
    found: list[dict[str, float]] = [{} for _ in kinds]
    for row in np.flatnonzero(np.isfinite(number)).tolist():
        kind = int(kinds[row]) if math.isfinite(kinds[row]) else -1
        if kind in _GEAR_KINDS:
            octets = int(number[row]).to_bytes(8, "little")
            found[row] = dict(zip(_GEAR_OCTETS, map(float, octets), strict=False))
        else:
            quantity = EVENT_VALUES.get(kind, Quantity("data"))
            found[row][quantity.name] = float(number[row]) / quantity.scale
    for other in sorted(set(messages.numbers) - {0, 1, 2, 3, 4}):
        quantity = EVENT_FIELDS.get(other) or Quantity(f"unknown_{other}")
        values = messages.values(other) / quantity.scale
        for row in np.flatnonzero(np.isfinite(values)).tolist():
            found[row][quantity.name] = float(values[row])
    return found
