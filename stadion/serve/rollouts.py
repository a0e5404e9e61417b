"""Deployments in, every worker answering with them out: trial, prepare, switch, remove."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.config import Limits
from stadion.serve.crew import Crew, Slot
from stadion.serve.messages import Abort, Order, Placement, Prepare, Remove, Switch
from stadion.serve.trial import TrialReport, trial_load

__all__ = ["Rollouts"]

_log = logging.getLogger("stadion.serve")
_ATTEMPTS = 4


class Rollouts:
    """What every worker should serve, and the way from one such state to the next.

    A worker that ends in the middle is no failure: its successor begins with `desired`, and is
    asked again for what it lacks.
    """

    def __init__(self, limits: Limits, plugins: Path, placements: Iterable[Placement]) -> None:
        self.desired = {placement.deployment.model: placement for placement in placements}
        self.failed: dict[str, str] = {}
        self.crew: Crew | None = None
        self._limits = limits
        self._plugins = plugins
        self._highest = {m: p.deployment.generation for m, p in self.desired.items()}
        self._prepared: dict[str, Placement] = {}
        self._quarantine = asyncio.Lock()

    async def prepare(self, placement: Placement) -> dict[int, TrialReport]:
        """Try the new versions in a throwaway process, then load them in every worker.

        Raises
        ------
        StadionError
            CONFLICT for an old generation or while another deployment of the model is under
            way; whatever the trial or a worker says. Nothing has changed then.
        """
        deployment = placement.deployment
        self._check_newer(deployment.model, deployment.generation)
        self._prepared[deployment.model] = placement
        try:
            reports = await self._try_new(placement)
            await self._all(lambda slot: self._persist(slot, Prepare(placement)))
        except BaseException:
            await self.abort(deployment.model, deployment.generation)
            raise
        return reports

    async def switch(self, model: str, generation: int) -> None:
        """Let every worker answer with what was prepared; returns when all do.

        Raises
        ------
        StadionError
            NOT_READY when that generation is not prepared.
        """
        placement = self._prepared.get(model)
        if placement is None or placement.deployment.generation != generation:
            raise StadionError(
                Code.NOT_READY, f"generation {generation} of model {model!r} is not prepared"
            )
        self.desired[model] = placement
        self._highest[model] = generation
        self.failed.pop(model, None)
        try:
            await self._all(lambda slot: self._switch(slot, placement))
        finally:
            self._prepared.pop(model, None)

    async def abort(self, model: str, generation: int) -> None:
        """Forget what was prepared; what answered before still does."""
        placement = self._prepared.get(model)
        if placement is not None and placement.deployment.generation == generation:
            del self._prepared[model]
            for slot in self._slots():
                slot.tell(Abort(model, generation))

    async def remove(self, model: str) -> None:
        """Let no worker answer for the model any more.

        Raises
        ------
        StadionError
            NOT_FOUND when none does, CONFLICT while a deployment of it is under way.
        """
        if model in self._prepared:
            raise StadionError(Code.CONFLICT, f"a deployment of {model!r} is under way")
        if self.desired.pop(model, None) is None and self.failed.pop(model, None) is None:
            raise StadionError(Code.NOT_FOUND, f"model {model!r} is not deployed")
        await self._all(lambda slot: self._persist(slot, Remove(model)))

    async def drop_what_crashes(self) -> None:
        """Stop serving the models that end the processes which load them; serve the rest."""
        async with self._quarantine:
            for model, placement in list(self.desired.items()):
                try:
                    await self._try(placement.packages.values())
                except StadionError as error:
                    _log.error("model %s is not served any more: %s", model, error)
                    del self.desired[model]
                    self.failed[model] = error.message

    def _check_newer(self, model: str, generation: int) -> None:
        if model in self._prepared:
            raise StadionError(Code.CONFLICT, f"a deployment of {model!r} is under way")
        highest = self._highest.get(model, 0)
        if generation <= highest:
            raise StadionError(
                Code.CONFLICT,
                f"generation is {generation}; expected more than {highest}, which was deployed",
            )

    async def _try_new(self, placement: Placement) -> dict[int, TrialReport]:
        current = self.desired.get(placement.deployment.model)
        known = {p.digest for p in current.packages.values()} if current else set()
        new = {n: p for n, p in placement.packages.items() if p.digest not in known}
        return dict(zip(new, await self._try(new.values()), strict=True))

    async def _try(self, packages: Iterable[ModelPackage]) -> list[TrialReport]:
        return [
            await asyncio.to_thread(trial_load, package, self._limits, self._plugins)
            for package in packages
        ]

    async def _all(self, work: Callable[[Slot], Awaitable[None]]) -> None:
        results = await asyncio.gather(*map(work, self._slots()), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _switch(self, slot: Slot, placement: Placement) -> None:
        """A worker that was started meanwhile may have to load before it can switch."""
        deployment = placement.deployment
        order = Switch(deployment.model, deployment.generation)
        try:
            await self._persist(slot, order)
        except StadionError as error:
            if error.code is not Code.NOT_READY:
                raise
            await self._persist(slot, Prepare(placement))
            await self._persist(slot, order)

    async def _persist(self, slot: Slot, order: Order) -> None:
        """Ask again when the worker ends; one that does not answer is replaced."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await slot.ask(order, self._limits.load_s)
            except StadionError as error:
                if error.code is Code.TIMEOUT:
                    slot.kill()
                elif error.code is not Code.UNAVAILABLE:
                    raise
                if attempt == _ATTEMPTS:
                    raise
        return None

    def _slots(self) -> list[Slot]:
        return self.crew.slots if self.crew is not None else []
