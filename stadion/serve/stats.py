"""What a version has done in this process in, counts and distributions of its times out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from stadion.serve.ticket import Ticket

__all__ = ["BOUNDS_NS", "Book", "Histogram", "Stats"]

_UNIT = 10  # bits: times are counted in steps of 1.024 microseconds
_SIZE = 108


def _bounds() -> tuple[int, ...]:
    """The upper end of every bucket: four to an octave, so a quantile is known to a fifth."""
    found = []
    for index in range(_SIZE):
        shift = max(0, (index >> 2) - 1)
        step = index if index < 4 else 4 + (index & 3)
        found.append((step + 1) << (shift + _UNIT))
    return tuple(found)


BOUNDS_NS = _bounds()
"""Upper ends of a histogram's buckets in nanoseconds; the last one is open."""


class Histogram(msgspec.Struct):
    """A distribution of times; adding costs a tenth of a microsecond."""

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * _SIZE)
    sum_ns: int = 0

    def add(self, ns: int, n: int = 1) -> None:
        """Count `n` times of `ns` nanoseconds each."""
        units = ns >> _UNIT
        shift = units.bit_length() - 3
        index = units if shift < 0 else (shift << 2) + (units >> shift)
        self.counts[index if 0 <= index < _SIZE else (_SIZE - 1 if index > 0 else 0)] += n
        self.sum_ns += ns * n

    @property
    def count(self) -> int:
        """How many times were counted."""
        return sum(self.counts)

    def quantile_ns(self, share: float) -> float:
        """The time below which that share of the counted times lies; 0 when there is none."""
        wanted, seen, low = share * self.count, 0, 0
        for bound, n in zip(BOUNDS_NS, self.counts, strict=True):
            if n and seen + n >= wanted:
                return low + (bound - low) * (wanted - seen) / n
            seen, low = seen + n, bound
        return 0.0


class Stats(msgspec.Struct):
    """One version of one model in one process; it outlives the version's stay in memory.

    `failed` counts by code. `batch_sizes` maps the rows of a run to (runs, nanoseconds).
    """

    success: int = 0
    failed: dict[str, int] = {}
    cancelled: int = 0
    rows: int = 0
    runs: int = 0
    pending: int = 0
    shadow_same: int = 0
    shadow_different: int = 0
    shadow_failed: int = 0
    shadow_dropped: int = 0
    load_ns: int = 0
    resident_bytes: int = 0
    last_ms: int = 0
    queue: Histogram = msgspec.field(default_factory=Histogram)
    input: Histogram = msgspec.field(default_factory=Histogram)
    infer: Histogram = msgspec.field(default_factory=Histogram)
    output: Histogram = msgspec.field(default_factory=Histogram)
    total: Histogram = msgspec.field(default_factory=Histogram)
    batch_sizes: dict[int, tuple[int, int]] = {}

    def ran(self, tickets: Sequence[Ticket], rows: int, began_ns: int, ended_ns: int) -> None:
        """One run for these tickets is over, well or not."""
        took = ended_ns - began_ns
        self.runs += 1
        self.rows += rows
        runs, ns = self.batch_sizes.get(rows, (0, 0))
        self.batch_sizes[rows] = (runs + 1, ns + took)
        self.infer.add(took, len(tickets))
        first, last = tickets[0].asked_ns, tickets[-1].asked_ns
        self.queue.add(max(0, began_ns - (first + last) // 2), len(tickets))

    def ran_together(self, n: int, rows: int, began_ns: int, ended_ns: int) -> None:
        """One run has answered n requests."""
        took = ended_ns - began_ns
        self.success += n
        self.runs += 1
        self.rows += rows
        runs, ns = self.batch_sizes.get(rows, (0, 0))
        self.batch_sizes[rows] = (runs + 1, ns + took)
        self.infer.add(took, n)
        self.last_ms = time.time_ns() // 1_000_000

    def fail(self, code: str) -> None:
        """A request ended with an error."""
        self.failed[code] = self.failed.get(code, 0) + 1


class Book:
    """The stats of all versions that have been in this process, and the calls it turned away."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, int], Stats] = {}
        self.refused: dict[str, int] = {}

    def refuse(self, reason: str) -> None:
        """A call was turned away before any version was asked."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def of(self, model: str, version: int) -> Stats:
        """The stats of a version, begun when it is first asked for."""
        found = self.entries.get((model, version))
        if found is None:
            found = self.entries[model, version] = Stats()
        return found
