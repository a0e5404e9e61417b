"""FIT messages in, the sessions, laps, pool lengths and events of a recording out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from stadion.core.activity import Event, Lap
from stadion.ingest._clock import Timeline
from stadion.ingest._sports import fit_sport
from stadion.ingest.fitfile.messages import Messages, clock_of
from stadion.ingest.fitfile.profile import (
    EVENT_TYPES,
    EVENTS,
    LAP_VALUES,
    LENGTH_VALUES,
    SESSION_VALUES,
    STROKES,
    Message,
    Quantity,
)
from stadion.ingest.fitfile.walk import Definition

__all__ = ["read_events", "read_summaries"]


def read_summaries(
    data: bytes, definitions: Sequence[Definition], timeline: Timeline | None
) -> list[Lap]:
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
    return [lap for lap in laps if math.isfinite(lap.start_s)]


def read_events(data: bytes, definitions: Sequence[Definition], zero: float) -> tuple[Event, ...]:
    """What happened and when, counted from `zero` on FIT's clock; unknown kinds left out."""
    messages = Messages.of(data, definitions, Message.EVENT)
    times = np.round(clock_of(data, definitions, messages) - zero, 6).tolist()
    rows = zip(times, messages.values(0).tolist(), messages.values(1).tolist(), strict=True)
    return tuple(
        Event(time, EVENTS[kind], EVENT_TYPES.get(what, ""))
        for time, kind, what in rows
        if math.isfinite(time) and kind in EVENTS
    )


def _laps(
    data: bytes,
    definitions: Sequence[Definition],
    message: int,
    kind: str,
    quantities: Mapping[int, Quantity],
) -> list[Lap]:
    """All of one kind; the start is NaN where no time is written."""
    messages = Messages.of(data, definitions, message)
    written = clock_of(data, definitions, messages)
    elapsed = next(number for number, q in quantities.items() if q.name == "elapsed_s")
    duration = messages.values(elapsed) / 1000
    start = messages.values(2)
    start = np.where(np.isnan(start), written - np.nan_to_num(duration), start)
    # The time of a summary says when it was written, not when what it sums up ended.
    end = np.where(np.isnan(duration), np.fmax(written, start), start + duration)
    labels = _labels(messages, kind)
    spans = zip(start.tolist(), end.tolist(), labels, _values(messages, quantities), strict=True)
    return [Lap(first, last, kind, label, values) for first, last, label, values in spans]


def _values(messages: Messages, quantities: Mapping[int, Quantity]) -> list[dict[str, float]]:
    """What each summary says of the quantities; the first of a name that is there counts."""
    found: list[dict[str, float]] = [{} for _ in range(len(messages))]
    for number, quantity in quantities.items():
        column = messages.values(number) / quantity.scale - quantity.offset
        for row in np.flatnonzero(np.isfinite(column)).tolist():
            found[row].setdefault(quantity.name, float(column[row]))
    return found


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
