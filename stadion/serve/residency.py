"""Deployments and a memory budget in, the models worth having in memory out: loaded, put to sleep.

Without a budget everything that is deployed is in memory from the start.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.config import Limits
from stadion.serve.loader import Loader
from stadion.serve.memory import held
from stadion.serve.messages import Placement
from stadion.serve.pool import Overloaded
from stadion.serve.table import Table
from stadion.serve.traffic import Served

__all__ = ["Residency"]

_log = logging.getLogger("stadion.serve")

_STAY_MS = 50  # who waited for a model must get to ask it before it is put out again
_PATIENCE_S = 1.0  # runs end meanwhile, and their models may be put out
_LOOK_S = 0.02
_TOLERANCE = 1.02  # of the share, before models are put out without a load that needs the room
_FILL = 0.75  # of the share that a worker fills at its start
_FILL_S = 0.25
_COME_BACK_S = 60  # for what only another budget or another set of models can mend


class Residency:
    """Which of a worker's deployed models are in memory.

    One load goes on at a time; all callers of a model wait for the same. Room is made by
    putting out what was asked longest ago, never what is pinned, is asked at this moment or
    came in a moment ago. Sizes are measured at each load; beside them the size of the whole
    process counts, so that what they do not see cannot add up.

    Parameters
    ----------
    budget
        Bytes for all workers together; each has an equal share of what the one in reserve
        leaves. 0 sets no limit.
    """

    def __init__(
        self, table: Table, loader: Loader, limits: Limits, budget: int = 0, workers: int = 1
    ) -> None:
        self._table = table
        self._loader = loader
        self._limits = limits
        base = held().resident
        self.share = max(0, budget - base) // workers if budget else 0
        self._base = base
        self._woken_ms: dict[str, int] = {}
        self._turn = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._checking: asyncio.Task[None] | None = None
        self._callers = 0
        table.want = self.want

    async def begin(self, placements: Sequence[Placement]) -> None:
        """Take what is deployed and load what is pinned, then what fits with room to spare."""
        for placement in placements:
            self._table.place(placement)
        deadline = time.monotonic() + _FILL_S
        for placement in sorted(placements, key=lambda p: not p.deployment.pinned):
            deployment = placement.deployment
            if self.share and not deployment.pinned:
                full = held().resident + self._need(placement) > _FILL * self.share
                if full or time.monotonic() > deadline:
                    break
            try:
                await self.wake(deployment.model)
            except StadionError as error:
                if deployment.model not in self._table.failed:
                    _log.error("model %s could not be loaded: %s", deployment.model, error)
                    self._table.fail(deployment.model, error.message)

    async def want(self, model: str) -> None:
        """Wait, with others, until a model that is asked is in memory.

        Raises
        ------
        StadionError
            As `Cold.ready` says.
        """
        if self._callers >= self._limits.cold_callers:
            raise StadionError(
                Code.NOT_READY,
                f"{self._callers} requests wait for models to be loaded already",
                "try again in a moment",
            )
        self._callers += 1
        try:
            async with asyncio.timeout(self._limits.cold_s):
                await self.wake(model)
        except TimeoutError:
            raise StadionError(
                Code.NOT_READY,
                f"model {model!r} was not in memory within {self._limits.cold_s:g} s",
                "it is still being loaded; try again",
            ) from None
        finally:
            self._callers -= 1

    async def wake(self, model: str) -> None:
        """Have a deployed model in memory; nothing to do when it is.

        Raises
        ------
        StadionError
            OVERLOADED when the budget cannot hold it, UNAVAILABLE when it cannot be loaded.
        """
        if model in self._table.served:
            return
        task = self._tasks.get(model)
        if task is None:
            task = self._tasks[model] = asyncio.create_task(self._wake(model))
            task.add_done_callback(lambda done: self._over(model, done))
        await asyncio.shield(task)

    async def prepare(self, placement: Placement) -> None:
        """Load what a new deployment needs beside what answers now.

        Raises
        ------
        StadionError
            OVERLOADED when the budget cannot hold both; whatever the load says.
        """
        with self._table.loading(placement.deployment.model):
            async with self._turn:
                self._table.prepare(placement, await self._loaded(placement))

    def check(self) -> None:
        """See that the process stays within its share; called every moment."""
        if not self.share or self._turn.locked() or (self._checking and not self._checking.done()):
            return
        if held().resident > _TOLERANCE * self.share:
            self._checking = asyncio.create_task(self._correct())

    # --- loading

    async def _wake(self, model: str) -> None:
        async with self._turn:
            placement = self._table.placements.get(model)
            if placement is None or model in self._table.served or model in self._table.unloaded:
                return  # whoever waits asks again and hears how it stands now
            try:
                served = await self._loaded(placement)
            except Overloaded:
                raise
            except StadionError as error:
                if self._table.placements.get(model) is placement:
                    self._table.fail(model, error.message)
                _log.error("model %s could not be loaded: %s", model, error)
                raise StadionError(
                    Code.UNAVAILABLE, f"model {model!r} could not be loaded"
                ) from error
            if self._table.placements.get(model) is placement and (
                model not in self._table.unloaded
            ):
                self._table.wake(served)

    def _over(self, model: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(model, None)
        if not task.cancelled():
            task.exception()  # told to those who wait; it may be that nobody does any more

    async def _loaded(self, placement: Placement) -> Served:
        """A deployment in memory; what of it was there already is shared."""
        deployment = placement.deployment
        model = deployment.model
        versions = {}
        for number, package in placement.packages.items():
            version = self._table.kept(model, number, package)
            if version is None:
                await self._make_room(model, package)
                version = await self._loader.load(deployment, number, package)
            versions[number] = version
        self._woken_ms[model] = _now_ms()
        if not self.share or await self._shrink(model):
            return Served(deployment, versions)
        versions.clear()  # the error's traceback holds on to what this function does
        version = None
        raise self._too_large(model, self._need(placement), self.share - self._fixed_bytes(model))

    # --- room

    async def _make_room(self, model: str, package: ModelPackage) -> None:
        """Put out what was asked longest ago until a version fits.

        One that was never measured gets the room it likely needs, where that can be had.

        Raises
        ------
        Overloaded
            When it never will, or not soon.
        """
        if not self.share:
            return
        need, least = self._loader.size(package), self._loader.least(package)
        room = self.share - self._fixed_bytes(model)
        if least > room:
            raise self._too_large(model, least, room)
        deadline = time.monotonic() + _PATIENCE_S
        while (excess := held().resident + need - self.share) > 0:
            if self._put_out(excess, model):
                await self._loader.trim()
            elif excess <= need - least:
                return
            elif time.monotonic() < deadline:
                await asyncio.sleep(_LOOK_S)
                await self._loader.trim()
            else:
                raise Overloaded(
                    f"model {model!r} needs about {_mib(need)}; what is in memory is pinned "
                    "or in use",
                    1,
                )

    async def _correct(self) -> None:
        """What came by other ways than loads: put out models for it."""
        async with self._turn:
            await self._shrink("")

    async def _shrink(self, model: str) -> bool:
        """Put out other models until the process is within its share; False when it stays over."""
        while (excess := held().resident - self.share) > 0:
            await self._loader.trim()
            excess = held().resident - self.share
            if excess > 0 and not self._put_out(excess, model):
                return excess < (_TOLERANCE - 1) * self.share
        return True

    def _put_out(self, excess: int, model: str) -> bool:
        """Let go of about that many bytes, but not of `model`; False when nothing can go."""
        freed = 0
        for victim in self._idle(model):
            freed += self._sleep(victim)
            if freed >= excess:
                break
        return freed > 0

    def _idle(self, model: str) -> list[str]:
        """Models that may be put out, the one asked longest ago first."""
        latest = _now_ms() - _STAY_MS
        found = []
        for name, served in self._table.served.items():
            if name == model or served.deployment.pinned or self._table.is_coming(name):
                continue
            stats = [loaded.stats for loaded in served.versions.values()]
            used_ms = max(self._woken_ms.get(name, 0), *(s.last_ms for s in stats))
            if used_ms <= latest and not any(s.pending for s in stats):
                found.append((used_ms, name))
        return [name for _, name in sorted(found)]

    def _sleep(self, model: str) -> int:
        served = self._table.sleep(model)
        self._woken_ms.pop(model, None)
        freed = 0
        for loaded in served.versions.values() if served else ():
            freed += self._loader.size(loaded.package)
        return max(1, freed)

    def _need(self, placement: Placement) -> int:
        return sum(self._loader.size(package) for package in placement.packages.values())

    def _fixed_bytes(self, model: str) -> int:
        """What no other model's leaving gives back: the worker itself, and what is pinned."""
        pinned = (
            self._loader.size(loaded.package)
            for name, served in self._table.served.items()
            if served.deployment.pinned and name != model
            for loaded in served.versions.values()
        )
        return self._base + sum(pinned)

    def _too_large(self, model: str, need: int, room: int) -> Overloaded:
        return Overloaded(
            f"model {model!r} needs about {_mib(need)}; the memory budget leaves "
            f"{_mib(max(0, room))} for it in each worker",
            _COME_BACK_S,
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"
