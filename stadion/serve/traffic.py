"""A deployment and its loaded versions in, the version that answers one request out."""

from __future__ import annotations

import hashlib
import random
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from stadion.core.dataset import Scalar
from stadion.core.deployment import Deployment, Route
from stadion.core.errors import Code, StadionError
from stadion.serve.loading import Loaded

__all__ = ["STICKY_KEY", "Lane", "Served"]

STICKY_KEY = "sticky_key"
"""The request parameter that keeps a person or a device with one version."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Who answers a request, and which versions get a copy of it; a quiet one has no onlookers."""

    model: str
    loaded: Loaded
    shadows: tuple[Loaded, ...] = ()
    is_quiet: bool = False


class Served:
    """What answers for one model; never changed, only replaced as a whole.

    A route with a segment ('sport=running') takes the requests whose parameter has that value;
    the other routes share the rest by weight. Requests with the same `sticky_key` get the same
    version as long as the weights stay. Who asks for a version by number gets it, without copies
    for the shadows.
    """

    def __init__(self, deployment: Deployment, versions: Mapping[int, Loaded]) -> None:
        self.deployment = deployment
        self.versions = dict(versions)
        answering = [route for route in deployment.routes if not route.shadow]
        self._shadows = tuple(versions[r.version] for r in deployment.routes if r.shadow)
        self._by_version = {n: Lane(deployment.model, v) for n, v in versions.items()}
        self._open = self._share([route for route in answering if not route.segment])
        self._segments = {
            tuple(segment.partition("=")[::2]): self._share(
                [route for route in answering if route.segment == segment]
            )
            for segment in dict.fromkeys(route.segment for route in answering if route.segment)
        }
        lanes = self._open[0]
        self._sole = lanes[0] if len(lanes) == 1 and not self._segments else None

    def lane(self, version: int | None, parameters: Mapping[str, Scalar]) -> Lane:
        """The lane of one request.

        Raises
        ------
        StadionError
            NOT_FOUND when the version is not part of the deployment, INVALID when only
            segments are served and the request is in none.
        """
        if version is not None:
            return self._numbered(version)
        if self._sole is not None:
            return self._sole
        lanes, bounds = self._segment(parameters) or self._open
        if not lanes:
            known = sorted({name for name, _ in self._segments})
            raise StadionError(
                Code.INVALID,
                f"no route of model {self.deployment.model!r} takes this request; "
                f"expected a parameter {known} with a value that is routed",
            )
        key = parameters.get(STICKY_KEY)
        share = random.random() if key is None else _place(key)  # noqa: S311  # no secret
        return lanes[min(bisect(bounds, share * bounds[-1]), len(lanes) - 1)]

    def sole(self, version: int | None) -> Lane | None:
        """The lane of all requests for that version that say nothing else, if it is only one."""
        return self._sole if version is None else self._by_version.get(version)

    def _numbered(self, version: int) -> Lane:
        found = self._by_version.get(version)
        if found is None:
            raise StadionError(
                Code.NOT_FOUND,
                f"version {version} of model {self.deployment.model!r} is not deployed; "
                f"deployed: {sorted(self._by_version)}",
            )
        return found

    def _segment(self, parameters: Mapping[str, Scalar]) -> _Share | None:
        for (name, value), share in self._segments.items():
            if name in parameters and str(parameters[name]) == value:
                return share
        return None

    def _share(self, routes: list[Route]) -> _Share:
        lanes = [
            Lane(self.deployment.model, self.versions[route.version], self._shadows)
            for route in routes
        ]
        return lanes, list(accumulate(route.weight for route in routes))


def _place(key: Scalar) -> float:
    """Where a key stands between 0 and 1: the same in every process and at every time."""
    digest = hashlib.blake2b(str(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


_Share = tuple[list[Lane], list[float]]
