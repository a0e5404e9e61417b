"""A version in, every worker answering with it out; and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stadion.core.deployment import Deployment, Route
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage, Version
from stadion.registry import Registry
from stadion.serve.plane_client import PlaneClient, trial_load

__all__ = ["Rollout", "routes_for"]


def routes_for(
    current: Deployment | None, number: int, canary_percent: float | None, shadow: bool
) -> tuple[Route, ...]:
    """The routes that a deployment asks for.

    Examples
    --------
    >>> now = Deployment("m", (Route(1),), 1)
    >>> [(r.version, r.weight) for r in routes_for(now, 2, 10.0, shadow=False)]
    [(1, 90.0), (2, 10.0)]
    """
    if canary_percent is None and not shadow:
        return (Route(number),)
    if canary_percent is not None and shadow:
        raise StadionError(Code.INVALID, "a version is deployed as canary or as shadow, not both")
    if current is None:
        raise StadionError(
            Code.CONFLICT, "nothing answers yet beside which a canary or shadow could run"
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
        self, version: Version, canary_percent: float | None = None, shadow: bool = False
    ) -> Deployment:
        """Load and warm the version aside, record the deployment, switch every worker."""
        current = self.current(version.model)
        routes = routes_for(current, version.number, canary_percent, shadow)
        generation = self._last_generation(version.model)
        return self._carry_out(
            version.model,
            routes,
            generation,
            lambda: self.registry.record_deployment(
                version.model, routes, "deploy", expected_generation=generation
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
            lambda: self.registry.rollback(model, expected_generation=current.generation),
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
        record: Callable[[], Deployment],
    ) -> Deployment:
        packages = self.packages(model, routes)
        if not self.plane.is_running():
            for package in packages.values():
                trial_load(package)
            return record()
        recorded: list[Deployment] = []
        plan = Deployment(model, routes, generation + 1)
        self.plane.deploy(plan, packages, commit=lambda: recorded.append(record()))
        return recorded[0]
