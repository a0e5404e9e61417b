"""The supervisor's orders in, one worker's models changed out."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from stadion.core.errors import Code, StadionError
from stadion.serve.messages import (
    Abort,
    Load,
    Order,
    Prepare,
    Remove,
    SetAside,
    Switch,
    Unload,
)
from stadion.serve.residency import Residency
from stadion.serve.table import Table

__all__ = ["Orders"]


class Orders:
    """Carries out what concerns a model: one order after the other, several models at once."""

    def __init__(self, table: Table, residency: Residency) -> None:
        self._table = table
        self._residency = residency
        self._turn: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def carry_out(self, order: Order) -> None:
        """Returns when it is done; what is no order about a model is left to others.

        Raises
        ------
        StadionError
            Why it cannot be; nothing has changed then.
        """
        match order:
            case Prepare(placement):
                async with self._turn[placement.deployment.model]:
                    await self._residency.prepare(placement)
            case Switch(model, generation):
                async with self._turn[model]:
                    self._table.switch(model, generation)
            case Abort(model, generation):
                async with self._turn[model]:
                    self._table.abort(model, generation)
            case Remove(model):
                async with self._turn[model]:
                    self._table.remove(model)
            case Load(model):
                async with self._turn[model]:
                    await self._load(model)
            case Unload(model):
                async with self._turn[model]:
                    self._table.unload(model)
            case SetAside(model, reason):
                self._table.set_aside(model, reason)

    async def _load(self, model: str) -> None:
        if model not in self._table.placements:
            raise StadionError(Code.NOT_FOUND, f"model {model!r} is not deployed")
        self._table.recall(model)
        await self._residency.wake(model)
