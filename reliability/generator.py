"""Orders in, a ledger of every call out: an open-loop load generator that fits on one core.

Arrivals come by the schedule, not by the answers; a call's time counts from the moment it was
due, so a server that stalls cannot hide the calls that would have come meanwhile. Runs as a
process of its own: python -m reliability.generator, orders as JSON on stdin.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from array import array
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import uvloop

from reliability.arrivals import arrivals, draw
from reliability.orders import Order, Phase
from reliability.wire import Answer, Wire

__all__ = ["Generator", "main"]

_TICK_S = 0.001
_SWEEP_S = 0.05
_RECONNECT_S = 0.02
_BACK_OFF_S = 0.05
_LAST_WAIT_S = 30.0
LOST, GIVEN_UP = 0, -1
"""Statuses of calls that no answer came for: the connection ended, or it took too long."""


class Generator:
    """One run. The columns hold one entry per arrival, in the order of arrival."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.due, self.taken = array("d"), array("d")
        self.sent, self.done = array("d"), array("d")
        self.status, self.tries = array("h"), array("h")
        self.version, self.which, self.retry_after = array("i"), array("i"), array("i")
        self.value = array("d")
        rng = np.random.default_rng(order.seed)
        self._choice = draw(len(order.requests), order.weights, rng)
        self._schedule = arrivals(order.phases, rng)
        self._stretch: Iterator[float] = iter(())
        self._next_due: float | None = None
        self._free: deque[Wire] = deque()
        self._waiting: deque[int] = deque()
        self._wires: set[Wire] = set()
        self._open = 0
        self._is_closed_loop = False
        self._is_over = False
        self._reconnects: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Connect, go through the phases, wait for the last answers, write the ledger."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        await asyncio.gather(*(self._connect() for _ in range(self.order.connections)))
        self._began, self._cpu_began = time.perf_counter(), time.process_time()
        _tell({"began": self._began})
        sweeping = self._loop.create_task(self._sweep())
        await self._go_through(self.order.phases)
        self._is_over = True
        for _ in range(round(_LAST_WAIT_S / _SWEEP_S)):
            if not self._open:
                break
            await asyncio.sleep(_SWEEP_S)
        sweeping.cancel()
        self._write()

    async def _go_through(self, phases: list[Phase]) -> None:
        self._advance()
        tick: asyncio.Task[None] | None = None
        if any(phase.rate > 0 for phase in phases):
            tick = self._loop.create_task(self._tick())
        end = self._began
        for phase in phases:
            end += phase.seconds
            self._is_closed_loop = phase.rate == 0
            while self._is_closed_loop and self._free:
                self._arrive(time.perf_counter())
            try:
                async with asyncio.timeout(max(0.0, end - time.perf_counter())):
                    await self._stop.wait()
                    break
            except TimeoutError:
                continue
        self._is_closed_loop = False
        if tick is not None:
            tick.cancel()

    # --- arrivals

    async def _tick(self) -> None:
        while self._next_due is not None:
            self._send_due()
            await asyncio.sleep(_TICK_S)

    def _send_due(self) -> None:
        now = time.perf_counter()
        while self._next_due is not None and self._next_due <= now:
            self._arrive(self._next_due)
            self._advance()

    def _advance(self) -> None:
        """The moment of the next arrival; None after the last."""
        moment = next(self._stretch, None)
        while moment is None:
            stretch = next(self._schedule, None)
            if stretch is None:
                self._next_due = None
                return
            self._stretch = iter(stretch)
            moment = next(self._stretch, None)
        self._next_due = self._began + moment

    def _arrive(self, due: float) -> None:
        index = len(self.due)
        self.due.append(due)
        self.taken.append(time.perf_counter())
        self.which.append(next(self._choice))
        for column in (self.sent, self.done, self.value):
            column.append(0.0)
        for small in (self.status, self.tries, self.version, self.retry_after):
            small.append(0)
        self._open += 1
        self._ask(index)

    def _ask(self, index: int) -> None:
        """Send on a free connection, or as soon as one is."""
        if not self._free:
            self._waiting.append(index)
            return
        now = time.perf_counter()
        if not self.tries[index]:
            self.sent[index] = now
        self.tries[index] += 1
        self._free.popleft().send(index, self.order.requests[self.which[index]], now)

    # --- what the wires say

    def free(self, wire: Wire) -> None:
        """A connection can take the next call."""
        self._free.append(wire)
        if self._waiting:
            self._ask(self._waiting.popleft())
        elif self._is_closed_loop:
            self._arrive(time.perf_counter())

    def answered(self, index: int, answer: Answer) -> None:
        """A whole answer has come."""
        if answer.status in {429, 503} and self._may_retry(index):
            self._retry(index)
            return
        self._settle(index, answer.status)
        self.version[index], self.value[index] = answer.version, answer.value
        self.retry_after[index] = answer.retry_after

    def lost(self, wire: Wire, index: int | None) -> None:
        """A connection has ended, perhaps with a call on it."""
        self._wires.discard(wire)
        if wire in self._free:
            self._free.remove(wire)
        if index is not None and not self.done[index]:
            if self._may_retry(index):
                self._retry(index)
            else:
                self._settle(index, LOST)
        if not self._is_over:
            task = self._loop.create_task(self._connect())
            self._reconnects.add(task)
            task.add_done_callback(self._reconnects.discard)

    def _may_retry(self, index: int) -> bool:
        is_late = time.perf_counter() - self.due[index] > self.order.give_up_s
        return self.tries[index] < self.order.tries and not is_late

    def _retry(self, index: int) -> None:
        pause_s = _BACK_OFF_S * min(4, self.tries[index] - 1)
        self._loop.call_later(pause_s, self._ask, index)

    def _settle(self, index: int, status: int) -> None:
        if not self.done[index]:
            self.done[index] = time.perf_counter()
            self.status[index] = status
            self._open -= 1

    # --- around it

    async def _connect(self) -> None:
        for _ in range(round(_LAST_WAIT_S / _RECONNECT_S)):
            wire = Wire(self)
            try:
                async with asyncio.timeout(5):
                    await self._loop.create_connection(
                        lambda w=wire: w,  # type: ignore[misc]  # the default binds the wire
                        "127.0.0.1",
                        self.order.port,
                    )
            except OSError:
                await asyncio.sleep(_RECONNECT_S)
                continue
            self._wires.add(wire)
            self.free(wire)
            return

    async def _sweep(self) -> None:
        """End tries that take too long, give up arrivals that nobody would wait for."""
        told = 0.0
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = time.perf_counter()
            for wire in list(self._wires):
                if wire.index is not None and now - wire.sent > self.order.try_s:
                    wire.abort()
            while self._waiting and now - self.due[self._waiting[0]] > self.order.give_up_s:
                self._settle(self._waiting.popleft(), GIVEN_UP)
            if now - told >= 1:
                told = now
                _tell({"arrived": len(self.due), "open": self._open, "waiting": len(self._waiting)})

    def _write(self) -> None:
        for index, done in enumerate(self.done):
            if not done:
                self._settle(index, GIVEN_UP)
        names = ("due", "taken", "sent", "done", "value", "status", "tries", "version", "which")
        columns: dict[str, Any] = {n: np.array(getattr(self, n)) for n in (*names, "retry_after")}
        wall_s = time.perf_counter() - self._began
        busy = (time.process_time() - self._cpu_began) / wall_s
        np.savez(self.order.out, began=self._began, busy=busy, **columns)


def _tell(view: dict[str, object]) -> None:
    sys.stdout.write(msgspec.json.encode(view).decode() + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read the orders, run, write the ledger."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    if order.core >= 0:
        os.sched_setaffinity(0, {order.core % (os.cpu_count() or 1)})
    os.nice(order.nice)
    gc.disable()  # a pause of the instrument would look like one of the server
    uvloop.run(Generator(order).run())


if __name__ == "__main__":
    main()
