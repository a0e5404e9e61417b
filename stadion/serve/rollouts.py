"""Deployments in, every worker answering with them out: trial, prepare, switch, remove."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

from stadion.core.deployment import Plan
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.config import Limits
from stadion.serve.crew import Crew
from stadion.serve.messages import (
    Abort,
    Load,
    Order,
    Placement,
    Prepare,
    Remove,
    SetAside,
    Switch,
    Unload,
    planned,
)
from stadion.serve.slot import Slot, WorkerEnded
from stadion.serve.trial import Trial, TrialReport

__all__ = ["Rollouts"]

_log = logging.getLogger("stadion.serve")
_ATTEMPTS = 4
_TRY_AFTER = 2  # ends of processes that loaded or tested a model, before it is tried aside
_MOST_ENDS = 4  # and before it is put aside though its trial finds nothing
_FORGET_S = 600.0


class Rollouts:
    """What every worker should serve, and the way from one such state to the next.

    A worker that ends in the middle is no failure: its successor begins with `desired`, and is
    asked again for what it lacks. `aside` holds what ends every process that loads it, and
    `failed` why; `unloaded` are the models that a client has taken out of memory.
    """

    def __init__(self, limits: Limits, plugins: Path, placements: Iterable[Placement]) -> None:
        self.desired = {placement.deployment.model: placement for placement in placements}
        self.aside: dict[str, Placement] = {}
        self.failed: dict[str, str] = {}
        self.unloaded: set[str] = set()
        self.crew: Crew | None = None
        self._limits = limits
        self._plugins = plugins
        self._highest = {m: p.deployment.generation for m, p in self.desired.items()}
        self._prepared: dict[str, Placement] = {}
        self._quarantine = asyncio.Lock()
        self._trials: set[Trial] = set()
        self._reports: dict[str, TrialReport] = {}
        self._ends: dict[str, tuple[int, float]] = {}
        self._is_over = False

    async def prepare(self, placement: Placement) -> dict[int, TrialReport]:
        """Try each version in a throwaway process, then load them in every worker.

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
            reports = {
                n: await self._proven(package, deployment.plan(n))
                for n, package in placement.packages.items()
            }
            placement = planned(placement, {n: r.plan for n, r in reports.items()})
            self._prepared[deployment.model] = placement
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
        self.aside.pop(model, None)
        self.failed.pop(model, None)
        self.unloaded.discard(model)
        self._ends.pop(model, None)
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
        if model not in self.desired and model not in self.aside:
            raise StadionError(Code.NOT_FOUND, f"model {model!r} is not deployed")
        for known in (self.desired, self.aside, self.failed):
            known.pop(model, None)
        self.unloaded.discard(model)
        await self._all(lambda slot: self._persist(slot, Remove(model)))

    async def grant(self, wish: Load | Unload) -> None:
        """Have every worker load a deployed model, or answer for it no more.

        Raises
        ------
        StadionError
            NOT_FOUND when it is not deployed, CONFLICT while a deployment of it is under way,
            UNAVAILABLE when it was put aside; whatever a worker says.
        """
        model = wish.model
        if model in self.aside:
            raise StadionError(
                Code.UNAVAILABLE,
                f"model {model!r} is not served any more: {self.failed[model]}",
                "deploy another version",
            )
        if model not in self.desired:
            raise StadionError(Code.NOT_FOUND, f"model {model[:80]!r} is not deployed")
        if model in self._prepared:
            raise StadionError(Code.CONFLICT, f"a deployment of {model!r} is under way")
        if isinstance(wish, Unload):
            self.unloaded.add(model)
        else:
            self.unloaded.discard(model)
        await self._all(lambda slot: self._persist(slot, wish))

    def learn(self, plans: Mapping[str, Mapping[int, Plan]]) -> None:
        """Spare the next worker what one has measured: how versions are best run."""
        for model, found in plans.items():
            placement = self.desired.get(model)
            if placement is not None:
                known = {n: plan for n in found if (plan := placement.deployment.plan(n))}
                self.desired[model] = planned(placement, {**found, **known})

    async def suspect(self, model: str) -> None:
        """A process has ended while it loaded this model, or because it failed its self-test.

        Once may be chance. At the second time the model is tried aside, and not served any more
        when it ends its trial too; nor when it goes on ending processes.
        """
        ends, last = self._ends.get(model, (0, 0.0))
        now = time.monotonic()
        ends = 1 if now - last > _FORGET_S else ends + 1
        self._ends[model] = ends, now
        if ends < _TRY_AFTER:
            return
        async with self._quarantine:
            placement = self.desired.get(model)
            if placement is None:
                return
            reason = await self._reason_against(placement)
            if ends >= _MOST_ENDS:
                reason = reason or f"it was there when {ends} worker processes failed"
            if reason and self.desired.get(model) is placement:
                _log.error("model %s is not served any more: %s", model, reason)
                self.aside[model] = self.desired.pop(model)
                self.failed[model] = reason
                for slot in self._slots():
                    slot.tell(SetAside(model, reason))

    def give_up(self) -> None:
        """End the trials that go on: the server is ending."""
        self._is_over = True
        for trial in self._trials:
            trial.kill()

    def _check_newer(self, model: str, generation: int) -> None:
        if model in self._prepared:
            raise StadionError(Code.CONFLICT, f"a deployment of {model!r} is under way")
        highest = self._highest.get(model, 0)
        if generation <= highest:
            raise StadionError(
                Code.CONFLICT,
                f"generation is {generation}; expected more than {highest}, which was deployed",
            )

    async def _reason_against(self, placement: Placement) -> str:
        """What a trial of its versions finds; empty when they pass."""
        try:
            for package in placement.packages.values():
                await self._try(package)
        except StadionError as error:
            return error.message
        return ""

    async def _proven(self, package: ModelPackage, plan: Plan | None) -> TrialReport:
        """The outcome of the package's trial; what has passed one needs no second.

        Who deploys from the log brings the plan that an earlier trial has found. Every worker
        compares the bytes it loads with the digest, so what passed once and is still the same is
        what passed: a rollback takes moments.
        """
        if plan is not None:
            return TrialReport(0.0, plan)
        digest = package.digest
        if digest not in self._reports:
            self._reports[digest] = await self._try(package)
        return self._reports[digest]

    async def _try(self, package: ModelPackage) -> TrialReport:
        if self._is_over:
            raise StadionError(Code.UNAVAILABLE, "the server is ending")
        trial = Trial(package, self._limits, self._plugins)
        self._trials.add(trial)
        try:
            return await asyncio.to_thread(trial.result)
        finally:
            self._trials.discard(trial)

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
                elif not isinstance(error, WorkerEnded):
                    raise
                if attempt == _ATTEMPTS:
                    raise
        return None

    def _slots(self) -> list[Slot]:
        return self.crew.slots if self.crew is not None else []
