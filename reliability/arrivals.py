"""Rates in, moments of arrival out: drawn by a seed, never touched by how the answers fare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from reliability.orders import Phase

__all__ = ["arrivals", "draw"]

_STRETCH_S = 0.5


def arrivals(phases: Sequence[Phase], rng: np.random.Generator) -> Iterator[list[float]]:
    """Moments after the start, rising, half a second of them at a time: a Poisson process."""
    begun = 0.0
    for phase in phases:
        end = begun + phase.seconds
        while begun < end and phase.rate > 0:
            length = min(_STRETCH_S, end - begun)
            count = rng.poisson(phase.rate * length)
            yield (begun + np.sort(rng.random(count)) * length).tolist()
            begun += length
        begun = end


def draw(count: int, weights: Sequence[float], rng: np.random.Generator) -> Iterator[int]:
    """Which of `count` requests each arrival is, endlessly."""
    shares = np.asarray(weights or np.ones(count), float)
    bounds = np.cumsum(shares / shares.sum())
    while True:
        drawn = np.searchsorted(bounds, rng.random(4096), side="right")
        yield from np.minimum(drawn, count - 1).tolist()
