"""The models in a worker's memory in, whether it still answers out: it asks them itself."""

from __future__ import annotations

import asyncio
import copy
import logging
import time

from stadion.core.errors import Code, StadionError
from stadion.core.request import Prediction, Request
from stadion.serve.loading import Loaded
from stadion.serve.plane import Plane
from stadion.serve.selftest import check_answer
from stadion.serve.stats import Stats
from stadion.serve.traffic import Lane

__all__ = ["Pulse"]

_log = logging.getLogger("stadion.serve")

_HANGS_S = 3.0
_SHARE = 0.02  # of a thread's time that the self-tests of slow models may take
_NO_FAULT = (Code.OVERLOADED, Code.NOT_READY)


class Pulse:
    """Asks one model after the other for one row, by the way that requests go.

    The device, the driver or a library may fail long after a model was loaded. A wrong answer,
    or none while nothing else is answered either, makes the worker not ready; a run that does
    not come back or fails makes it ill, and it is replaced.

    Attributes
    ----------
    ill
        The model whose self-test has failed; empty while all is well.
    """

    def __init__(self, plane: Plane, period_s: float) -> None:
        self._plane = plane
        self._period_s = period_s
        self._turn = 0
        self.ill = ""

    async def run(self) -> None:
        """Test one model every moment, until one fails."""
        pause_s = self._period_s
        while not self.ill:
            await asyncio.sleep(pause_s)
            began = time.monotonic()
            await self._test_next()
            pause_s = max(self._period_s, (time.monotonic() - began) / _SHARE)

    async def _test_next(self) -> None:
        resident = [
            (name, loaded)
            for name, served in self._plane.table.served.items()
            for loaded in served.versions.values()
        ]
        if resident:
            self._turn += 1
            model, loaded = resident[self._turn % len(resident)]
            await self._test(model, loaded)

    async def _test(self, model: str, loaded: Loaded) -> None:
        runs = self._runs()
        try:
            answer = await self._asked(model, loaded)
            check_answer(loaded.signature, dict(answer.outputs))
        except StadionError as error:
            is_slow = error.code is Code.TIMEOUT and self._runs() > runs
            if error.code not in _NO_FAULT and not is_slow:
                _log.error("version %d of model %s has failed: %s", loaded.version, model, error)
                self._plane.is_well = False
                self.ill = model
                return
        self._plane.is_well = True

    async def _asked(self, model: str, loaded: Loaded) -> Prediction:
        """The answer to one row; counted nowhere, seen by no observer."""
        probe = copy.copy(loaded)
        probe.stats = Stats()
        request = Request(model, dict(loaded.sample), loaded.version, parameters={"priority": 1})
        ticket = self._plane.run(Lane(model, probe, is_quiet=True), request)
        runs = self._runs()
        done = asyncio.Event()
        ticket.on_done(lambda _ticket: done.set())
        while not ticket.is_over:
            await self._wait(done)
            if not ticket.is_over and self._runs() == runs:
                self._plane.is_well = False  # nothing has been answered for that long
            runs = self._runs()
        return ticket.result()

    async def _wait(self, done: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(_HANGS_S):
                await done.wait()
        except TimeoutError:
            return

    def _runs(self) -> int:
        return sum(stats.runs for stats in self._plane.book.entries.values())
