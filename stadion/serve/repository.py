"""A client's wish to list, load or unload models in, every worker of the server following out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import TypedDict

from stadion.core.errors import Code, StadionError
from stadion.serve.messages import Granted, Load, Unload, Wish
from stadion.serve.table import Table

__all__ = ["Listed", "Repository"]

_MOST_WISHES = 64


class Listed(TypedDict):
    """One version as Triton's repository index tells it; `version` is '' where none is known."""

    name: str
    version: str
    state: str
    reason: str


class Repository:
    """What one worker knows of all deployed models, and its clients' say in what is loaded.

    A wish goes to the supervisor, which asks all workers; it is answered when all have done it.

    Parameters
    ----------
    tell
        Sends a wish to the supervisor.
    limit_s
        How long a wish may take.
    """

    def __init__(self, table: Table, tell: Callable[[Wish], None], limit_s: float) -> None:
        self._table = table
        self._tell = tell
        self._limit_s = limit_s
        self._numbers = itertools.count(1)
        self._open: dict[int, asyncio.Future[None]] = {}

    def index(self, ready: bool = False) -> list[Listed]:
        """All models by name, one entry per version.

        READY is also what is not in memory now and would be loaded when it is asked.

        Parameters
        ----------
        ready
            Leave out what cannot be asked.
        """
        table = self._table
        names = sorted({*table.placements, *table.coming, *table.failed})
        entries = [entry for name in names for entry in self._entries(name)]
        return [e for e in entries if e["state"] == "READY"] if ready else entries

    async def load(self, model: str) -> None:
        """Have a deployed model in every worker's memory; returns when it is.

        Raises
        ------
        StadionError
            NOT_FOUND when it is not deployed, OVERLOADED when the memory budget cannot hold it,
            UNAVAILABLE when it cannot be loaded, TIMEOUT.
        """
        await self._wish(Load(model))

    async def unload(self, model: str) -> None:
        """Have no worker answer for a model until it is loaded or deployed again.

        Raises
        ------
        StadionError
            NOT_FOUND when it is not deployed, CONFLICT while a deployment of it is under way.
        """
        await self._wish(Unload(model))

    def granted(self, message: Granted) -> None:
        """What the supervisor says to a wish."""
        future = self._open.get(message.id)
        if future is not None and not future.done():
            if message.failure is None:
                future.set_result(None)
            else:
                future.set_exception(message.failure.error())

    async def _wish(self, command: Load | Unload) -> None:
        if len(self._open) >= _MOST_WISHES:
            raise StadionError(
                Code.OVERLOADED, f"{_MOST_WISHES} loads and unloads are under way", "try again"
            )
        number = next(self._numbers)
        future = self._open[number] = asyncio.get_running_loop().create_future()
        try:
            self._tell(Wish(number, command))
            async with asyncio.timeout(self._limit_s):
                await future
        except TimeoutError:
            raise StadionError(
                Code.TIMEOUT, f"not all workers have done it within {self._limit_s:g} s"
            ) from None
        finally:
            del self._open[number]

    def _entries(self, name: str) -> list[Listed]:
        state, reason = self._state(name)
        placement = self._table.placements.get(name)
        versions = [str(n) for n in sorted(placement.packages)] if placement else [""]
        return [Listed(name=name, version=v, state=state, reason=reason) for v in versions]

    def _state(self, name: str) -> tuple[str, str]:
        table = self._table
        if name in table.served:
            return "READY", ""
        if name in table.unloaded:
            return "UNAVAILABLE", "unloaded"
        if name in table.failed:
            return "UNAVAILABLE", table.failed[name]
        if name in table.placements:
            return "READY", "not in memory; it is loaded when it is asked"
        return "LOADING", ""
