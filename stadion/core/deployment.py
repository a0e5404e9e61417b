"""Which versions of a model answer, with what share of the requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stadion.core.errors import Code, StadionError

__all__ = ["Deployment", "Route"]


@dataclass(frozen=True, slots=True)
class Route:
    """One version's share.

    `weight` is its part of the requests; a `shadow` route gets copies and never answers;
    a `segment` ('sport=running') limits the route to requests whose parameter has that value.
    """

    version: int
    weight: float = 1.0
    shadow: bool = False
    segment: str = ""


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
