"""Activities made up to be awkward, and what it means that two are equal."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from stadion.core.activity import Activity, Event, Lap, Repair, Source, Track

__all__ = ["START", "assert_equal", "made_up"]

START = datetime(2024, 5, 1, 7, 0, 0, 123_456, tzinfo=UTC)


def made_up(number: int = 0, samples: int = 50, **changed: Any) -> Activity:
    """One with gaps, several clocks and types, laps, events and repairs; `number` sets it apart."""
    chance = np.random.default_rng(number)
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    time_s = np.cumsum(chance.uniform(0.1, 2.0, samples))
    rates = chance.integers(60, 200, samples).astype(np.float32)
    rates[::7] = np.nan
    wrist = Track(
        "wrist",
        time_s,
        {
            "heart_rate": rates,
            "position_lat": chance.uniform(-90, 90, samples),
            "Übung/№ 1.x": np.full(samples, np.nan, np.float32),
            "time_s": chance.uniform(0, 1, samples),
        },
    )
    foot = Track("foot", time_s[: samples // 2] + 0.05, {"heart_rate": chance.random(samples // 2)})
    given: dict[str, Any] = {
        "id": hashlib.sha256(f"{digest}:0".encode()).hexdigest(),
        "athlete": f"a{number % 3}",
        "sport": ("running", "cycling")[number % 2],
        "start": START + timedelta(days=number),
        "tracks": (wrist, foot),
        "source": Source("fit", digest, f"{number}.fit", (Repair("checksum is wrong", 2),)),
        "zone": "Europe/Amsterdam",
        "laps": (
            Lap(0.1, 3.3, values={"distance_m": 0.1 + 0.2, "odd": float("nan")}),
            Lap(0.0, float(time_s[-1]), "activity", "fartlek"),
        ),
        "events": (Event(1.5, "timer", "stop_all"),),
    }
    return Activity(**given | changed)


def assert_equal(one: Activity, other: Activity) -> None:
    """Every field, every number bit for bit, NaN equal to NaN."""
    for name in ("id", "athlete", "sport", "start", "zone", "events", "source"):
        assert getattr(one, name) == getattr(other, name), name
    assert repr(one.laps) == repr(other.laps)  # repr: NaN differs from itself
    assert len(one.tracks) == len(other.tracks)
    for left, right in zip(one.tracks, other.tracks, strict=True):
        assert left.subject == right.subject
        assert list(left.channels) == list(right.channels)
        pairs = [(left.time_s, right.time_s)]
        pairs += [(left.channels[name], right.channels[name]) for name in left.channels]
        for mine, theirs in pairs:
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
