"""The parts of one recording in, its tracks, laps, events and what it says of itself out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stadion.core.activity import Event, Lap, Repair, Track
from stadion.core.arrays import FloatArray
from stadion.core.profile import Profile
from stadion.ingest._clock import Timeline, build_timeline
from stadion.ingest.fitfile.about import Names, names_of, zone_of
from stadion.ingest.fitfile.athlete import athlete_of
from stadion.ingest.fitfile.beats import beat_track
from stadion.ingest.fitfile.developer import developer_channels
from stadion.ingest.fitfile.heart import stored_beats
from stadion.ingest.fitfile.messages import RELATIVE_BELOW, Messages, OctetArray, clock_of
from stadion.ingest.fitfile.order import out_of_order
from stadion.ingest.fitfile.profile import PARTS, RECORD, Message, Quantity
from stadion.ingest.fitfile.summaries import read_events, read_summaries
from stadion.ingest.fitfile.walk import Definition

__all__ = ["Recording", "read_recording"]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What the messages of one FIT file say. Laps and events count from `zero_s`.

    `zero_s` is on FIT's clock (seconds since 1989-12-31 UTC), or on the device's own when it
    is below 2^28.
    """

    tracks: tuple[Track, ...]
    zero_s: float
    names: Names
    laps: tuple[Lap, ...]
    events: tuple[Event, ...]
    profile: Profile
    zone: str
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
    clock = clock + _part_of_second(records)
    columns, more = _columns(data, definitions, records)
    strap = stored_beats(data, definitions)
    _fill(columns, "heart_rate", strap.rate_at(clock) if strap else None)
    timeline = build_timeline(clock, columns)
    summaries, lost = read_summaries(data, definitions, timeline)
    if timeline is None and not summaries:
        return None
    zero = timeline.zero_s if timeline else min(lap.start_s for lap in summaries)
    beats = beat_track(data, definitions, (records.positions, clock), strap, zero)
    return Recording(
        tuple(track for track in (timeline.track if timeline else None, beats) if track),
        zero,
        names_of(data, definitions),
        tuple(_shifted(lap, zero) for lap in summaries),
        read_events(data, definitions, zero),
        athlete_of(data, definitions, zero),
        "" if _has_positions(timeline) else zone_of(data, definitions),
        (*repairs, *more, *lost, *_untimed(timeline, records)),
    )


def _has_positions(timeline: Timeline | None) -> bool:
    return timeline is not None and "position_lat" in timeline.track.channels


def _untimed(timeline: Timeline | None, records: Messages) -> list[Repair]:
    if timeline:
        return list(timeline.repairs)
    lost = [Repair("records without a time dropped", len(records))] if len(records) else []
    return [*lost, Repair("no timed record: only summaries are left")]


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
    """Times without those that jump out of the order of the others."""
    known = np.flatnonzero(np.isfinite(clock))
    odd = known[out_of_order(clock[known])]
    if not len(odd):
        return clock, []
    fitting = clock.copy()
    fitting[odd] = np.nan
    return fitting, [Repair("times out of place dropped", len(odd))]


def _part_of_second(records: Messages) -> FloatArray | float:
    parts = records.lists(48)
    return np.nan_to_num(parts[:, 0]) / 128 if parts.shape[1] else 0.0


def _columns(
    data: bytes, definitions: Sequence[Definition], records: Messages
) -> tuple[dict[str, FloatArray], list[Repair]]:
    present = set(records.numbers)
    unnamed = {n: Quantity(f"unknown_{n}") for n in sorted(present - RECORD.keys() - PARTS)}
    channels: dict[str, FloatArray] = {}
    wide = {"distance", "total_cycles", "accumulated_power"}
    for number, quantity in (RECORD | unnamed).items():
        lists = records.lists(number) if number in present else np.empty((0, 0))
        if lists.size and records.bytes_of(number) > 2:
            wide.add(quantity.name)
        for place in range(lists.shape[1]):
            values = _scaled(lists[:, place], quantity)
            if not place or np.isfinite(values).any():
                _fill(channels, quantity.name_of(place), values)
    _add_parts(records, channels)
    # Two stored bytes fit a float32 exactly enough; positions and distances do not.
    for name in channels.keys() - wide:
        channels[name] = channels[name].astype(np.float32)
    extra, repairs = developer_channels(data, definitions, records)
    for name, values in extra.items():
        is_taken = name in channels and np.isfinite(channels[name]).any()
        channels[f"developer_{name}" if is_taken else name] = values
    return channels, repairs


def _scaled(stored: FloatArray, quantity: Quantity) -> FloatArray:
    if quantity.name == "left_right_balance":
        # The eighth bit says that the other seven are the right side's share.
        shares: FloatArray = np.where(np.isnan(stored), np.nan, np.nan_to_num(stored) % 128)
        return shares
    values = stored / quantity.scale if quantity.scale != 1 else stored
    return values - quantity.offset if quantity.offset else values


def _add_parts(records: Messages, channels: dict[str, FloatArray]) -> None:
    """What is stored in two fields, or two quantities in one, or as the low bits of a count."""
    fraction = records.lists(53)
    if fraction.shape[1] and "cadence" in channels:
        part = np.nan_to_num(fraction[:, 0]) / 128
        channels["cadence"] = channels["cadence"] + part
    packed = records.octets(8)
    if packed.shape[1] == 3:
        speed, distance = _unpacked(packed)
        _fill(channels, "speed", speed)
        _fill(channels, "distance", distance)
    for number, bits, name in ((18, 8, "total_cycles"), (28, 16, "accumulated_power")):
        counts = records.lists(number)
        if counts.shape[1]:
            _fill(channels, name, _accumulated(counts[:, 0], bits))


def _fill(channels: dict[str, FloatArray], name: str, values: FloatArray | None) -> None:
    """Add a stream, or fill the gaps of the better one that is there."""
    known = channels.get(name)
    if values is not None:
        channels[name] = values if known is None else np.where(np.isnan(known), values, known)


def _unpacked(packed: OctetArray) -> tuple[FloatArray, FloatArray]:
    """Speed and distance of field 8: 12 bits of 1/100 m/s, 12 bits of 1/16 m that roll over."""
    bits = packed.astype(np.int64) @ np.array([1, 1 << 8, 1 << 16])
    known = bits != 0xFFFFFF
    speed = np.where(known, (bits & 0xFFF) / 100, np.nan)
    return speed, _accumulated(np.where(known, bits >> 12, np.nan), 12) / 16


def _accumulated(low: FloatArray, bits: int) -> FloatArray:
    """A count that rises from 0 on, of which only the low bits are stored; NaN = missing."""
    known = np.isfinite(low)
    total = np.full(len(low), np.nan)
    total[known] = np.cumsum(np.diff(low[known], prepend=0.0) % (1 << bits))
    return total
