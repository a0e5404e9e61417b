"""Packages in, versions in memory and their real size out: one at a time, on its own thread."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stadion.core.deployment import Deployment, Plan
from stadion.core.package import ModelPackage
from stadion.serve.loading import Loaded, load_version
from stadion.serve.memory import give_back, held
from stadion.serve.stats import Book, Stats

__all__ = ["Loader"]

_NICE = 5
_TRIM_AFTER_S = 0.2  # what is let go of within a moment is given back together
_OVERHEAD_BYTES = 512 << 10  # of a session without weights, about
_COPIES = 2  # of the weights a session holds, where some are rearranged for its kernels


class Loader:
    """Loads versions for one worker, on one thread; requests are answered meanwhile.

    The size of a version is what the process has grown by: measured around load and warm-up,
    after what was free has been given back, and remembered by the content of its files.

    Parameters
    ----------
    about
        Called with a model's name before its load begins and with '' after it has ended, so
        that somebody outside knows what this process may be dying of.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        book: Book,
        plugins: Path | None,
        about: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._book = book
        self._plugins = plugins
        self._about = about
        self._thread = ThreadPoolExecutor(1, "load")
        self._sizes: dict[str, int] = {}
        self._plans: dict[str, Plan] = {}
        self._new_plans: dict[str, dict[int, Plan]] = {}
        self._alive: dict[weakref.ref[Loaded], Stats] = {}
        self._is_trim_due = False

    def give_way(self) -> None:
        """From now on loads take only the time that requests leave."""
        self._thread.submit(_be_nice)

    async def load(self, deployment: Deployment, number: int, package: ModelPackage) -> Loaded:
        """One version in memory, proven and measured.

        Raises
        ------
        StadionError
            See `load_version`.
        """
        content = _content(package)
        plan = deployment.plan(number) or self._plans.get(content)
        self._about(deployment.model)
        try:
            loaded, size = await self._loop.run_in_executor(
                self._thread, self._load, number, package, plan
            )
        finally:
            self._about("")
        stats = self._book.of(deployment.model, number)
        stats.load_ns = int(1e6 * loaded.load_ms)
        stats.resident_bytes = size
        loaded.stats = stats
        self._sizes[content], self._plans[content] = size, loaded.plan
        if deployment.plan(number) is None:
            self._new_plans.setdefault(deployment.model, {})[number] = loaded.plan
        self._alive[weakref.ref(loaded, self._gone)] = stats
        return loaded

    def size(self, package: ModelPackage) -> int:
        """Bytes that a version takes: measured when it was last loaded, else a guess."""
        found = self._sizes.get(_content(package))
        return _OVERHEAD_BYTES + _COPIES * _file_bytes(package) if found is None else found

    def least(self, package: ModelPackage) -> int:
        """Bytes that a version takes at least: as measured, else what its files hold."""
        return self._sizes.get(_content(package), _file_bytes(package))

    def new_plans(self) -> dict[str, dict[int, Plan]]:
        """What has been measured since it was last asked, by model and version."""
        plans, self._new_plans = self._new_plans, {}
        return plans

    async def trim(self) -> None:
        """Give what is free back to the system."""
        await self._loop.run_in_executor(self._thread, give_back)

    def _load(self, number: int, package: ModelPackage, plan: Plan | None) -> tuple[Loaded, int]:
        if plan is None:  # measuring takes more memory than answering does, and keeps it
            plan = load_version(number, package, self._plugins).plan
        known = self._sizes.get(_content(package))
        if known is not None:  # trimming, to measure, holds up whoever allocates meanwhile
            return load_version(number, package, self._plugins, plan), known
        give_back()
        before = held()
        loaded = load_version(number, package, self._plugins, plan)
        give_back()
        after = held()
        # Requests that come and go meanwhile move these figures a little: what was allocated is
        # the most it can be, its files the least.
        most = after.allocated - before.allocated
        grown = max(after.own - before.own, _file_bytes(package))
        return loaded, min(grown, most) if most > 0 else grown

    def _gone(self, reference: weakref.ref[Loaded]) -> None:
        """Nobody holds a version any more; called on whichever thread was the last."""
        self._loop.call_soon_threadsafe(self._forget, reference)

    def _forget(self, reference: weakref.ref[Loaded]) -> None:
        stats = self._alive.pop(reference)
        if not any(other is stats for other in self._alive.values()):
            stats.resident_bytes = 0
        if not self._is_trim_due:
            self._is_trim_due = True
            self._loop.call_later(_TRIM_AFTER_S, self._trim_now)

    def _trim_now(self) -> None:
        self._is_trim_due = False
        self._thread.submit(give_back)


def _file_bytes(package: ModelPackage) -> int:
    return sum(file.bytes for file in package.files.values())


def _content(package: ModelPackage) -> str:
    return " ".join(sorted(file.sha256 for file in package.files.values()))


def _be_nice() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
