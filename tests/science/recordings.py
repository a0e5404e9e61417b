"""Recordings for the tests of what is measured on them: real ones, and a plain ride made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from stadion.core.activity import Activity, Event, Source, Track
from stadion.core.arrays import FloatArray
from stadion.core.errors import StadionError
from tests.ingest.real_files import index, raw, read_bytes

__all__ = ["LISTED", "activity", "corpus", "made_ride", "real", "with_channels"]

LISTED = {
    "run": "fit/gc__14211916346_ACTIVITY.fit",
    "stryd_run": "fit/gc__Fr955v19.28andStryd.fit",
    "coros_run": "fit/sportslib__6916663933.fit",
    "ride": "fit/sportslib__7386755164.fit",
    "garmin_ride": "fit/tormoder__Edge810-Vector-2013-08-16-15-35-10.fit",
    "karoo_ride": "fit/gc__Karoo-Botley_BW_Swanmore_Wickham-2025-05-09-1238.fit",
}
"""Healthy recordings of several makers, with most channels."""


@lru_cache(maxsize=16)
def real(name: str) -> Activity:
    """The first activity of a file such as `fit/NAME.fit`, or of one of `LISTED`."""
    path = LISTED.get(name, name)
    return read_bytes(path.partition("/")[0], raw(path), path)[0]


@lru_cache(maxsize=1)
def corpus() -> tuple[tuple[str, Activity], ...]:
    """Every activity of every file that can be read, with the file's path."""
    return tuple((path, each) for path in index() for each in _read(path))


def _read(path: str) -> list[Activity]:
    try:
        return read_bytes(path.partition("/")[0], raw(path), path)
    except StadionError:
        return []


def activity(
    channels: Mapping[str, FloatArray],
    time_s: FloatArray | None = None,
    sport: str = "cycling",
    events: tuple[Event, ...] = (),
    source: Source | None = None,
) -> Activity:
    """One track of made-up channels."""
    length = len(next(iter(channels.values())))
    time = np.arange(float(length)) if time_s is None else time_s
    track = Track("", time, channels)
    return Activity("", "", sport, None, (track,), source or Source("", ""), events=events)


def with_channels(found: Activity, **channels: FloatArray) -> Activity:
    """The same with other streams in the main track."""
    track = found.tracks[0]
    changed = replace(track, channels={**track.channels, **channels})
    return replace(found, tracks=(changed, *found.tracks[1:]))


def made_ride(rows: int = 10_800, seed: int = 1) -> Activity:
    """Three hours at 1 Hz with nine channels, as even as no real one is."""
    chance = np.random.default_rng(seed)

    def walk(size: float) -> FloatArray:
        return np.cumsum(chance.normal(0.0, size, rows))

    speed = np.clip(8.0 + walk(0.05), 3.0, 15.0)
    angle = walk(0.02)
    return activity(
        {
            "position_lat": 48.0 + np.cumsum(speed * np.cos(angle)) / 111_200.0,
            "position_long": 9.0 + np.cumsum(speed * np.sin(angle)) / 74_400.0,
            "altitude": 300.0 + walk(0.1),
            "heart_rate": np.round(np.clip(140.0 + walk(0.5), 90.0, 190.0) + walk(0.01)),
            "cadence": np.where(chance.random(rows) < 0.1, 0.0, 85.0 + chance.normal(0, 4, rows)),
            "power": np.maximum(0.0, np.round(200.0 + chance.normal(0.0, 60.0, rows))),
            "speed": speed,
            "distance": np.cumsum(speed),
            "temperature": np.full(rows, 20.0),
        }
    )
