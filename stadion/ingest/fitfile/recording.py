"""The parts of one recording in, its track, laps, events and sport out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stadion.core.activity import Event, Lap, Repair
from stadion.core.arrays import FloatArray
from stadion.ingest._clock import Timeline, build_timeline
from stadion.ingest._sports import fit_sport
from stadion.ingest.fitfile.developer import developer_channels
from stadion.ingest.fitfile.heart import stored_heart_rate
from stadion.ingest.fitfile.messages import RELATIVE_BELOW, Messages, clock_of
from stadion.ingest.fitfile.profile import NOT_STREAMS, RECORD, Message, Quantity
from stadion.ingest.fitfile.summaries import read_events, read_summaries
from stadion.ingest.fitfile.walk import Definition

__all__ = ["Recording", "read_recording"]

_DISTANCE_ROLLS_AT_M = 4096 / 16


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What the messages of one FIT file say. Laps and events count from `zero_s`.

    `zero_s` is on FIT's clock (seconds since 1989-12-31 UTC), or on the device's own when it
    is below 2^28.
    """

    timeline: Timeline | None
    zero_s: float
    sport: str
    laps: tuple[Lap, ...]
    events: tuple[Event, ...]
    repairs: tuple[Repair, ...]


def read_recording(
    data: bytes, definitions: Sequence[Definition], is_damaged: bool = False
) -> Recording | None:
    """All that is known about the recording; None when the messages hold none.

    In a damaged file a single record whose time does not fit between its neighbours is dropped.
    """
    records = Messages.of(data, definitions, Message.RECORD)
    clock, repairs = _dated(clock_of(data, definitions, records))
    if is_damaged:
        clock, odd = _fitting(clock)
        repairs = [*repairs, *odd]
    columns, more = _columns(data, definitions, records)
    _fill(columns, "heart_rate", stored_heart_rate(data, definitions, clock))
    timeline = build_timeline(clock + _part_of_second(records), columns)
    summaries = read_summaries(data, definitions, timeline)
    if timeline is None and not summaries:
        return None
    zero = timeline.zero_s if timeline else min(lap.start_s for lap in summaries)
    if timeline is None:
        lost = [Repair("records without a time dropped", len(records))] if len(records) else []
        more = [*more, *lost, Repair("no timed record: only summaries are left")]
    return Recording(
        timeline,
        zero,
        _sport(data, definitions),
        tuple(_shifted(lap, zero) for lap in summaries),
        read_events(data, definitions, zero),
        (*repairs, *more, *(timeline.repairs if timeline else ())),
    )


def _shifted(lap: Lap, zero: float) -> Lap:
    start, end = (round(seconds - zero, 6) for seconds in (lap.start_s, lap.end_s))
    return Lap(start, end, lap.kind, lap.label, lap.values)


def _dated(clock: FloatArray) -> tuple[FloatArray, list[Repair]]:
    """Times of one clock: those before the device knew the date cannot be joined to the rest."""
    relative = clock < RELATIVE_BELOW
    if not relative.any() or relative[np.isfinite(clock)].all():
        return clock, []
    lost = Repair("records from before the device knew the date dropped", int(relative.sum()))
    return np.where(relative, np.nan, clock), [lost]


def _fitting(clock: FloatArray) -> tuple[FloatArray, list[Repair]]:
    """Times without those that jump out of an order their neighbours keep."""
    known = np.flatnonzero(np.isfinite(clock))
    before, here, after = clock[known[:-2]], clock[known[1:-1]], clock[known[2:]]
    odd = known[1:-1][(before <= after) & ((here < before) | (here > after))]
    if not len(odd):
        return clock, []
    fitting = clock.copy()
    fitting[odd] = np.nan
    return fitting, [Repair("times out of place dropped", len(odd))]


def _part_of_second(records: Messages) -> FloatArray:
    column = records.column(48)
    return np.zeros(len(records)) if column is None else np.nan_to_num(column.values) / 128


def _columns(
    data: bytes, definitions: Sequence[Definition], records: Messages
) -> tuple[dict[str, FloatArray], list[Repair]]:
    present = set(records.numbers)
    unnamed = {n: Quantity(f"unknown_{n}") for n in sorted(present - RECORD.keys() - NOT_STREAMS)}
    channels: dict[str, FloatArray] = {}
    for number, quantity in (RECORD | unnamed).items():
        column = records.column(number) if number in present else None
        if column is None:
            continue
        values = column.values
        if quantity.name == "left_right_balance":
            values = np.where(np.isnan(values), np.nan, np.nan_to_num(values) % 128)
        # Two stored bytes fit a float32 exactly enough; positions and distance do not.
        dtype: type[np.floating[Any]] = np.float64 if column.bytes > 2 else np.float32
        scaled = (values / quantity.scale - quantity.offset).astype(dtype)
        _fill(channels, quantity.name, scaled)
    _add_parts(records, channels)
    extra, repairs = developer_channels(data, definitions, records)
    for name, values in extra.items():
        is_taken = name in channels and np.isfinite(channels[name]).any()
        channels[f"developer_{name}" if is_taken else name] = values
    return channels, repairs


def _add_parts(records: Messages, channels: dict[str, FloatArray]) -> None:
    """What is stored in two fields, or two quantities in one."""
    fraction = records.column(53)
    if fraction is not None and "cadence" in channels:
        part = np.nan_to_num(fraction.values) / 128
        channels["cadence"] = (channels["cadence"] + part).astype(np.float32)
    packed = records.raw(8)
    if packed:
        speed, distance = _unpacked(packed, records)
        _fill(channels, "speed", speed)
        _fill(channels, "distance", distance)


def _fill(channels: dict[str, FloatArray], name: str, values: FloatArray | None) -> None:
    """Add a stream, or fill the gaps of the better one that is there."""
    known = channels.get(name)
    if values is not None:
        channels[name] = values if known is None else np.where(np.isnan(known), values, known)


def _unpacked(
    packed: Sequence[tuple[int, bytes]], records: Messages
) -> tuple[FloatArray, FloatArray]:
    """Speed and distance of field 8: 12 bits of 1/100 m/s, 12 bits of 1/16 m that roll over."""
    rows = [(at, raw) for at, raw in packed if len(raw) == 3 and raw != b"\xff\xff\xff"]
    bits = np.array([int.from_bytes(raw, "little") for _, raw in rows], np.int64)
    at = np.searchsorted(records.positions, np.array([at for at, _ in rows], np.int64))
    speed = np.full(len(records), np.nan)
    distance = np.full(len(records), np.nan)
    speed[at] = (bits & 0xFFF) / 100
    metres = (bits >> 12) / 16
    rolled = np.diff(metres, prepend=0.0) < 0
    distance[at] = metres + np.cumsum(rolled) * _DISTANCE_ROLLS_AT_M
    return speed, distance


def _sport(data: bytes, definitions: Sequence[Definition]) -> str:
    """The sport of the sessions, else of the sport message, else of the laps."""
    for message, number in ((Message.SESSION, 5), (Message.SPORT, 0), (Message.LAP, 25)):
        values = Messages.of(data, definitions, message).values(number)
        words = list(dict.fromkeys(fit_sport(v) for v in values if np.isfinite(v)))
        named = [word for word in words if word != "transition"] or words
        if named:
            return named[0] if len(named) == 1 else "multisport"
    return ""
