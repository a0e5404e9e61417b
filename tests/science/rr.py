"""Intervals between heart beats for the tests: real ones out of FIT files, and made-up ones."""

from __future__ import annotations

import io
from functools import lru_cache

import fitdecode
import numpy as np

from stadion.core.arrays import FloatArray
from tests.ingest.real_files import raw

__all__ = ["REAL", "longest_piece", "made_up", "real_rr"]

REAL = (
    "fit/fitdecode__garmin-fenix-5-run.fit",
    "fit/gc__2019-11-21T12_57_39+00_00_4271854808.fit",
    "fit/gc__Move_2020_01_15_19_27_16_Running.fit",
    "fit/gc__2017_hrv.fit",
)
"""A few recordings with HRV messages: two watches, a cycling computer and a chest strap."""


@lru_cache(maxsize=8)
def real_rr(name: str) -> FloatArray:
    """(n,) ms as an independent reader finds them in the HRV messages of a file."""
    found: list[float] = []
    with fitdecode.FitReader(io.BytesIO(raw(name))) as frames:
        for frame in frames:
            if isinstance(frame, fitdecode.FitDataMessage) and frame.name == "hrv":
                value = frame.get_value("time")
                several = value if isinstance(value, tuple | list) else [value]
                found += [each for each in several if each is not None and each < 65.0]
    return np.round(np.array(found) * 1000.0)


def longest_piece(rr_ms: FloatArray, hole_ms: float = 3_000.0) -> FloatArray:
    """The longest stretch without a hole."""
    edges = np.concatenate([[-1], np.flatnonzero(rr_ms > hole_ms), [len(rr_ms)]])
    at = int(np.argmax(np.diff(edges)))
    return np.asarray(rr_ms[edges[at] + 1 : edges[at + 1]])


def made_up(beats: int, seed: int = 0, mean_ms: float = 850.0) -> FloatArray:
    """(n,) ms with breathing at 0.25 Hz, a slow wave at 0.1 Hz and noise, in whole ms."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(beats) * mean_ms / 1000.0
    waves = 30.0 * np.sin(2 * np.pi * 0.25 * time_s) + 25.0 * np.sin(2 * np.pi * 0.1 * time_s)
    return np.asarray(np.round(mean_ms + waves + rng.normal(0.0, 10.0, beats)))
