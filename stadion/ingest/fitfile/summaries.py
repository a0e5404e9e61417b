"""FIT messages in, the sessions, laps, pool lengths and events of a recording out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stadion.core.activity import Event, Lap
from stadion.core.arrays import FloatArray
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
    if timeline and len(sessions) == 1 and np.isnan(sessions[0].start_s):
        start, end = timeline.zero_s, timeline.zero_s + float(timeline.track.time_s[-1])
        laps[0] = Lap(start, end, "session", sessions[0].label, sessions[0].values)
    return [lap for lap in laps if np.isfinite(lap.start_s)]


def read_events(data: bytes, definitions: Sequence[Definition], zero: float) -> tuple[Event, ...]:
    """What happened and when, counted from `zero` on FIT's clock; unknown kinds left out."""
    messages = Messages.of(data, definitions, Message.EVENT)
    rows = zip(
        clock_of(data, definitions, messages) - zero,
        messages.values(0),
        messages.values(1),
        strict=True,
    )
    return tuple(
        Event(
            round(float(time), 6),
            EVENTS[int(kind)],
            EVENT_TYPES.get(int(np.nan_to_num(what, nan=-1)), ""),
        )
        for time, kind, what in rows
        if np.isfinite(time) and np.isfinite(kind) and int(kind) in EVENTS
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
    columns = [
        (q, messages.values(number) / q.scale - q.offset) for number, q in quantities.items()
    ]
    return [
        Lap(float(start[row]), float(end[row]), kind, labels[row], _row_values(columns, row))
        for row in range(len(messages))
    ]


def _row_values(columns: Sequence[tuple[Quantity, FloatArray]], row: int) -> dict[str, float]:
    values: dict[str, float] = {}
    for quantity, column in columns:
        if np.isfinite(column[row]):
            values.setdefault(quantity.name, float(column[row]))
    return values


def _labels(messages: Messages, kind: str) -> list[str]:
    if kind == "session":
        return [_word(value) for value in messages.values(5)]
    if kind == "lap":
        return [""] * len(messages)
    strokes, types = messages.values(7), messages.values(12)
    return [
        "idle" if is_active == 0 else STROKES.get(int(np.nan_to_num(stroke, nan=-1)), "")
        for stroke, is_active in zip(strokes, types, strict=True)
    ]


def _word(sport: float) -> str:
    return "" if np.isnan(sport) else fit_sport(sport)
