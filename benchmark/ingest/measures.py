"""Functions that do the same work in, their times in one run and the ratio out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Figure", "best_seconds"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. `wanted` is the bound that `value` is held to."""

    what: str
    value: float
    unit: str
    wanted: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def best_seconds(
    work: Mapping[str, Callable[[], object]], rounds: Mapping[str, int]
) -> dict[str, float]:
    """The shortest time of each, all tried in turn so that a noisy moment hits everyone."""
    best = dict.fromkeys(work, float("inf"))
    for round_number in range(max(rounds.values())):
        for name, call in work.items():
            if round_number >= rounds[name]:
                continue
            began = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - began)
    return best
