"""Faults put into healthy recordings: each is found where it is, and little else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from stadion.core.activity import Activity, Event, Flag, Track
from stadion.core.arrays import FloatArray
from stadion.science.quality import find_flags, valid
from tests.ingest.real_files import raw, read_bytes
from tests.science.recordings import LISTED, made_ride, real, with_channels

Fault = tuple[Activity, float, float]
"""A recording with a fault, and the first and last second of it. Faults go from the least that
is promised to be found to gross ones."""
SEEDS = 30


def put(found: Activity, name: str, start: int, values: FloatArray) -> Fault:
    track = found.tracks[0]
    changed = track.channels[name].astype(np.float64)
    changed[start : start + len(values)] = values
    spoilt = with_channels(found, **{name: changed})
    return spoilt, float(track.time_s[start]), float(track.time_s[start + len(values) - 1])


def place(found: Activity, length: int, chance: np.random.Generator) -> int:
    return int(chance.integers(60, len(found.tracks[0]) - length - 60))


def spike(name: str, low: float, high: float, longest: int) -> Callable[..., Fault]:
    def inject(found: Activity, chance: np.random.Generator) -> Fault:
        length = int(chance.integers(1, longest + 1))
        start = place(found, length, chance)
        around = np.nanmax(found.tracks[0].channels[name][start - 20 : start + length + 20])
        return put(found, name, start, np.full(length, around + chance.uniform(low, high)))

    return inject


def stuck(name: str, shortest: int, longest: int) -> Callable[..., Fault]:
    def inject(found: Activity, chance: np.random.Generator) -> Fault:
        length = int(chance.integers(shortest, longest))
        values = found.tracks[0].channels[name]
        while True:
            start = place(found, length, chance)
            if values[start] > 0:
                return put(found, name, start, np.full(length, values[start]))

    return inject


def lock(found: Activity, chance: np.random.Generator) -> Fault:
    """Heart rate becomes the step rate, three seconds late, a beat or two off."""
    track = found.tracks[0]
    length = int(chance.integers(180, 700))
    while True:
        start = place(found, length, chance)
        rows = slice(start, start + length)
        steps = 2.0 * np.nan_to_num(track.channels["cadence"][start - 3 : start - 3 + length])
        before = np.nanmedian(track.channels["heart_rate"][start - 60 : start])
        if (steps > 100).all() and abs(np.median(steps[:20]) - before) > 15:
            values = np.round(steps + chance.normal(0.0, 1.0, length))
            assert rows.stop <= len(track)
            return put(found, "heart_rate", start, values)


def jump(found: Activity, chance: np.random.Generator) -> Fault:
    track = found.tracks[0]
    length = int(chance.integers(1, 30))
    start = place(found, length, chance)
    away = chance.uniform(100, 4000) / 111_200.0
    lat = track.channels["position_lat"]
    return put(found, "position_lat", start, lat[start : start + length] + away)


def zeros(name: str) -> Callable[..., Fault]:
    def inject(found: Activity, chance: np.random.Generator) -> Fault:
        length = int(chance.integers(1, 60))
        return put(found, name, place(found, length, chance), np.zeros(length))

    return inject


def nowhere(found: Activity, chance: np.random.Generator) -> Fault:
    length = int(chance.integers(1, 40))
    start = place(found, length, chance)
    spoilt = put(found, "position_lat", start, np.zeros(length))[0]
    return put(spoilt, "position_long", start, np.zeros(length))


def without(found: Activity, start: int, stop: int) -> Activity:
    """The rows from start on, up to but without stop, are lost."""
    track = found.tracks[0]
    kept = np.r_[0 : start + 1, stop : len(track)]
    channels = {name: values[kept] for name, values in track.channels.items()}
    return replace(found, tracks=(Track("", track.time_s[kept], channels),))


def lost(found: Activity, chance: np.random.Generator) -> Fault:
    track = found.tracks[0]
    length = int(chance.integers(40, 300))
    while True:
        start = place(found, length, chance)
        if np.nanmin(track.channels["speed"][start : start + length]) > 1.5:
            times = track.time_s[start], track.time_s[start + length]
            return without(found, start, start + length), float(times[0]), float(times[1])


def stopped(trigger: str) -> Callable[..., Fault]:
    def inject(found: Activity, chance: np.random.Generator) -> Fault:
        spoilt, start, end = lost(found, chance)
        events = (
            Event(start + 0.5, "timer", "stop_all"),
            Event(start + 0.5, "timer_trigger", trigger),
            Event(end, "timer", "start"),
        )
        return replace(spoilt, events=(*found.events[:1], *events)), start, end

    return inject


RUNS, RIDES = ("run", "stryd_run", "coros_run"), ("ride", "garmin_ride", "karoo_ride")
ALL = (*RUNS, *RIDES)
FAULTS: dict[str, tuple[str, str, tuple[str, ...], Callable[..., Fault]]] = {
    "30 beats more for seconds": ("spike", "heart_rate", ALL, spike("heart_rate", 30, 90, 8)),
    "750 W more for a second": ("spike", "power", RIDES, spike("power", 750, 1500, 2)),
    "10 m/s more for seconds": ("spike", "speed", ALL, spike("speed", 10, 30, 3)),
    "a tower of 35 m": ("spike", "altitude", ALL, spike("altitude", 35, 300, 5)),
    "a heart that stands still": ("stuck", "heart_rate", ALL, stuck("heart_rate", 190, 600)),
    "power that stands still": ("stuck", "power", RIDES, stuck("power", 100, 600)),
    "steps for beats": ("cadence_lock", "heart_rate", ("run", "stryd_run"), lock),
    "a jump and back": ("gps_jump", "position_lat", ALL, jump),
    "a heart of 0": ("zero_for_null", "heart_rate", ALL, zeros("heart_rate")),
    "a place of 0, 0": ("zero_for_null", "position_lat", ALL, nowhere),
    "records lost on the way": ("corruption", "", ALL, lost),
    "a stop by hand": ("stop", "", RIDES, stopped("manual")),
    "a pause by itself": ("pause", "", RIDES, stopped("auto")),
}


def overlap(flag: Flag, start: float, end: float) -> float:
    """Shared seconds over those of both, each at least the second of its record."""
    shared = min(flag.end_s, end) - max(flag.start_s, start) + 1.0
    return max(shared, 0.0) / (max(flag.end_s, end) - min(flag.start_s, start) + 1.0)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_injected_fault_is_found_where_it_is(fault: str) -> None:
    kind, channel, names, inject = FAULTS[fault]
    found = false = 0
    for seed in range(SEEDS):
        chance = np.random.default_rng(seed)
        healthy = real(names[seed % len(names)])
        before = set(find_flags(healthy))
        spoilt, start, end = inject(healthy, chance)
        fresh = [flag for flag in find_flags(spoilt) if flag not in before]
        mine = [flag for flag in fresh if flag.kind == kind and flag.channel == channel]
        found += any(overlap(flag, start, end) >= 0.5 for flag in mine)
        near = 30.0
        false += sum(
            not (start - near <= flag.start_s and flag.end_s <= end + near)
            for flag in fresh
            if flag.kind not in ("indoor", "smart_recording")
        )
    recall, precision = found / SEEDS, found / max(found + false, 1)
    print(f"{fault}: recall {recall:.2f}, precision {precision:.2f} of {SEEDS}")
    assert recall >= 0.9
    assert precision >= 0.9


def test_healthy_recordings_of_six_makers_keep_almost_quiet() -> None:
    counts: Counter[str] = Counter()
    seconds = 0.0
    for name in LISTED:
        found = find_flags(real(name))
        seconds += real(name).duration_s
        counts.update(f.kind for f in found if f.kind not in ("stop", "pause", "smart_recording"))
    print(f"{dict(counts)} in {seconds / 3600:.1f} h")
    assert counts.total() <= 3


def test_real_files_with_holes_are_told_where_their_records_are_lost() -> None:
    data = raw(LISTED["garmin_ride"])
    whole = read_bytes("fit", data)[0].tracks[0].time_s
    for seed in range(6):
        start = int(np.random.default_rng(seed).integers(len(data) // 4, len(data) // 2))
        hole = data[:start] + bytes(6000) + data[start + 6000 :]
        (damaged,) = read_bytes("fit", hole)
        kept = damaged.tracks[0].time_s
        gone = np.setdiff1d(whole, kept)
        flags = [flag for flag in find_flags(damaged) if flag.kind == "corruption"]
        assert len(gone) > 60
        assert any(overlap(flag, gone[0] - 1, gone[-1] + 1) > 0.9 for flag in flags), seed
    (short,) = read_bytes("fit", data[: len(data) // 2])
    last = short.tracks[0].time_s[-1]
    assert [f.start_s for f in find_flags(short) if f.kind == "corruption"] == [last]


def test_a_position_out_of_this_world_masks_both_coordinates() -> None:
    spoilt, start, end = jump(made_ride(900), np.random.default_rng(4))
    flagged = replace(spoilt, flags=find_flags(spoilt))
    track = flagged.tracks[0]
    lat, long = (valid(flagged, track, f"position_{axis}") for axis in ("lat", "long"))
    np.testing.assert_array_equal(lat, long)
    assert np.flatnonzero(~lat).tolist() == list(range(int(start), int(end) + 1))
