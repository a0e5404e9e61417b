"""A version in, every worker answering with it out; and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from stadion.core.deployment import Deployment, Route
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage, Version
from stadion.registry import Registry
from stadion.serve.plane_client import PlaneClient, trial_load

__all__ = ["Rollout", "routes_for"]


def routes_for(
    current: Deployment | None,
    number: int,
    canary_percent: float | None = None,
    shadow: bool = False,
    segment: str = "",
) -> tuple[Route, ...]:
    """The routes that a deployment asks for.

    Examples
    --------
    >>> now = Deployment("m", (Route(1),), 1)
    >>> [(r.version, r.weight) for r in routes_for(now, 2, canary_percent=10.0)]
    [(1, 90.0), (2, 10.0)]
    >>> [(r.version, r.segment) for r in routes_for(now, 2, segment="sport=running")]
    [(1, ''), (2, 'sport=running')]
    """
    if canary_percent is None and not shadow and not segment:
        return (Route(number),)
    if (canary_percent is not None) + shadow + bool(segment) > 1:
        raise StadionError(
            Code.INVALID, "a version is deployed as canary, as shadow or for a segment: one of them"
        )
    if current is None:
        raise StadionError(Code.CONFLICT, "nothing answers yet beside which this version could run")
    if segment:
        name, _, value = segment.partition("=")
        if not name or not value:
            raise StadionError(
                Code.INVALID, f"segment is {segment!r}; expected NAME=VALUE, as sport=running"
            )
        return (
            *(r for r in current.routes if r.segment != segment),
            Route(number, segment=segment),
        )
    if shadow:
        answering = [r for r in current.routes if not r.shadow and r.version != number]
        return (*(answering or [Route(current.primary)]), Route(number, shadow=True))
    assert canary_percent is not None  # noqa: S101  # the two lines above leave nothing else
    if not 0 < canary_percent < 100:
        raise StadionError(
            Code.INVALID, f"canary is {canary_percent}; expected a percentage between 0 and 100"
        )
    if current.primary == number:
        raise StadionError(Code.CONFLICT, f"version {number} answers already")
    return (Route(current.primary, 100 - canary_percent), Route(number, canary_percent))


@dataclass(frozen=True, slots=True)
class Rollout:
    """Carries deployments out: on the running server if there is one, else in the log only."""

    registry: Registry
    plane: PlaneClient

    def deploy(
        self,
        version: Version,
        canary_percent: float | None = None,
        shadow: bool = False,
        segment: str = "",
        pinned: bool | None = None,
    ) -> Deployment:
        """Load and warm the version aside, record the deployment, switch every worker.

        `pinned` says whether the model stays in memory however rarely it is asked; None leaves
        that as it is.
        """
        current = self.current(version.model)
        routes = routes_for(current, version.number, canary_percent, shadow, segment)
        stays = (current is not None and current.pinned) if pinned is None else pinned
        routes = tuple(replace(route, pinned=stays) for route in routes)
        generation = self._last_generation(version.model)
        return self._carry_out(
            version.model,
            routes,
            generation,
            lambda planned: self.registry.record_deployment(
                version.model, planned.routes, "deploy", expected_generation=generation
            ),
        )

    def rollback(self, model: str) -> Deployment:
        """Return to the deployment before the current one; twice goes further back."""
        current = self.registry.deployment(model)
        target = self.registry.rollback_target(model)
        return self._carry_out(
            model,
            target.routes,
            current.generation,
            lambda _planned: self.registry.rollback(model, expected_generation=current.generation),
        )

    def reconcile(self) -> list[str]:
        """Bring a running server to what the log says; the models that had to change.

        A deployer that died between its record and the switch leaves the two apart.
        """
        serving = self.plane.generations()
        changed = []
        for deployment in self.registry.deployments():
            if serving.get(deployment.model, 0) < deployment.generation:
                self.plane.deploy(deployment, self.packages(deployment.model, deployment.routes))
                changed.append(deployment.model)
        return changed

    def placements(self) -> list[tuple[Deployment, dict[int, ModelPackage]]]:
        """Every deployment of the log with the packages it needs."""
        return [(d, self.packages(d.model, d.routes)) for d in self.registry.deployments()]

    def current(self, model: str) -> Deployment | None:
        """What the log says answers now; None when nothing does."""
        try:
            return self.registry.deployment(model)
        except StadionError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise

    def _last_generation(self, model: str) -> int:
        history = self.registry.history(model)
        return history[-1].generation if history else 0

    def packages(self, model: str, routes: tuple[Route, ...]) -> dict[int, ModelPackage]:
        """The packages that a set of routes needs."""
        numbers = {route.version for route in routes}
        return {n: self.registry.version(f"{model}:{n}").package for n in numbers}

    def _carry_out(
        self,
        model: str,
        routes: tuple[Route, ...],
        generation: int,
        record: Callable[[Deployment], Deployment],
    ) -> Deployment:
        packages = self.packages(model, routes)
        wanted = Deployment(model, routes, generation + 1)
        if not self.plane.is_running():
            plans = {number: trial_load(package).plan for number, package in packages.items()}
            return record(wanted.with_plans(plans))
        recorded: list[Deployment] = []
        self.plane.deploy(wanted, packages, commit=lambda plan: recorded.append(record(plan)))
        return recorded[0]
