"""Which versions of a model answer, with what share of the requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from stadion.core.errors import Code, StadionError

__all__ = ["Deployment", "Mode", "Plan", "Route"]

Mode = Literal["tick", "batch", "pool"]
"""How the requests of a model become runs.

tick: what one turn of the event loop has parsed is one run, on the loop; for tiny models.
batch: what waits when a thread falls free is one run; for models that gain from it.
pool: each request is a run of its own, on whichever thread is free; for models that do not.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a version is run on this machine, from a measurement at its deployment.

    Parameters
    ----------
    max_rows
        The most rows that different requests may share in one run; 1 when they may not share.
    run_ms
        Median time of a run on one row.
    rows_per_s
        What the version answers at `max_rows`, on one thread.
    """

    mode: Mode = "pool"
    max_rows: int = 1
    run_ms: float = 0.0
    rows_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Route:
    """One version's share.

    `weight` is its part of the requests; a `shadow` route gets copies and never answers;
    a `segment` ('sport=running') limits the route to requests whose parameter has that value.
    `plan` is None where the version has not been measured yet. A `pinned` route keeps the model
    in memory, however rarely it is asked.
    """

    version: int
    weight: float = 1.0
    shadow: bool = False
    segment: str = ""
    plan: Plan | None = field(default=None, compare=False)  # a measurement, not a decision
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Deployment:
    """What answers for a model since `created`. `generation` rises with every change."""

    model: str
    routes: tuple[Route, ...]
    generation: int
    created: datetime | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        answering = [route for route in self.routes if not route.shadow]
        if not answering or any(route.weight <= 0 for route in answering):
            raise StadionError(
                Code.INVALID, f"deployment of {self.model!r} has no route with a weight above 0"
            )

    @property
    def primary(self) -> int:
        """The version that answers most requests."""
        answering = [route for route in self.routes if not route.shadow]
        return max(answering, key=lambda route: route.weight).version

    @property
    def pinned(self) -> bool:
        """True when the model stays in memory, however rarely it is asked."""
        return any(route.pinned for route in self.routes)

    def with_plans(self, plans: Mapping[int, Plan]) -> Deployment:
        """The same with each version run as measured; routes of others keep their plan."""
        routes = tuple(replace(r, plan=plans.get(r.version, r.plan)) for r in self.routes)
        return replace(self, routes=routes)

    def plan(self, version: int) -> Plan | None:
        """How that version is run; None when it was not measured."""
        return next((r.plan for r in self.routes if r.version == version and r.plan), None)
