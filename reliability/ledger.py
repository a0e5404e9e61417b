"""What the generator wrote down of every call: counts, percentiles and stretches of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Ledger"]

Column = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Ledger:
    """One entry per arrival, times on the machine's steady clock.

    `taken` is when the generator came to it, `sent` when its first try left (it may wait for a
    free connection), `done` when its answer was whole or it was given up.
    `busy` is the generator's own share of a core: near 1 it is the generator that is measured.
    `status` is 0 where the connection ended and -1 where it took too long.
    """

    began: float
    busy: float
    due: Column
    taken: Column
    sent: Column
    done: Column
    status: Column
    tries: Column
    version: Column
    value: Column
    which: Column
    retry_after: Column

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """The ledger that a generator wrote."""
        with np.load(path) as file:
            columns = {name: file[name] for name in cls.__slots__[2:]}
            return cls(float(file["began"]), float(file["busy"]), **columns)

    def __len__(self) -> int:
        return len(self.due)

    def only(self, chosen: Column) -> Ledger:
        """The calls where `chosen` is true."""
        columns = {name: getattr(self, name)[chosen] for name in self.__slots__[2:]}
        return Ledger(self.began, self.busy, **columns)

    def between(self, start: float, end: float) -> Ledger:
        """The calls that were due in that stretch."""
        return self.only((self.due >= start) & (self.due < end))

    @property
    def ok(self) -> Ledger:
        """Those that were answered with 200."""
        return self.only(self.status == 200)

    @property
    def failed(self) -> int:
        """How many were not answered with 200."""
        return int((self.status != 200).sum())

    @property
    def latency_ms(self) -> Column:
        """From the moment a call was due to its answer."""
        return np.asarray(1e3 * (self.done - self.due))

    @property
    def lateness_ms(self) -> Column:
        """How much of that was the generator's own: until it came to the call."""
        return np.asarray(1e3 * (self.taken - self.due))

    def percentile_ms(self, percent: float) -> float:
        """Of the latencies; NaN without a call."""
        return float(np.percentile(self.latency_ms, percent)) if len(self) else float("nan")

    def instrument(self) -> dict[str, float]:
        """How well the generator kept up: its share of a core, and the 99th percentile of late."""
        late = float(np.percentile(self.lateness_ms, 99)) if len(self) else 0.0
        wait = 1e3 * np.maximum(0.0, self.sent - self.taken)
        return {
            "share of a core": round(self.busy, 3),
            "lateness p99 ms": round(late, 3),
            "wait for a connection p99 ms": round(float(np.percentile(wait, 99)), 3),
        }

    def statuses(self) -> dict[str, int]:
        """Status -> how many."""
        found, counts = np.unique(self.status, return_counts=True)
        return {str(status): int(count) for status, count in zip(found, counts, strict=True)}
