"""Requests in, predictions out: which version answers, how it is run, and who sees a copy."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.request import Prediction, Request
from stadion.serve.batching import Outcome
from stadion.serve.faults import whereabouts
from stadion.serve.guard import InlineGuard
from stadion.serve.loading import Loaded
from stadion.serve.pool import Pool
from stadion.serve.runner import Runner
from stadion.serve.shadows import Shadows
from stadion.serve.stats import Book
from stadion.serve.table import Table
from stadion.serve.tick import Tick, turn_crowd
from stadion.serve.ticket import DEFAULT_PRIORITY, Ticket
from stadion.serve.traffic import Lane

__all__ = ["Observer", "Plane", "Timings"]

T = TypeVar("T")
_log = logging.getLogger("stadion.serve")
_LEAST_URGENT = 16


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of one prediction went, in nanoseconds."""

    queue_ns: int
    infer_ns: int


Observer = Callable[[str, int, Request, Prediction, Timings], None]
"""Sees model, version, request, prediction and timings of every answer, shadows' too."""


class Plane:
    """All models of one worker. Used on the event loop only.

    Parameters
    ----------
    pool
        A thread for what is no run of a model and would hold up the loop.
    threads
        How many runs go on at once beside the loop.
    queue
        How many requests may wait for one version.
    run_s
        Time limit of an answer, the wait for a thread included.
    observer
        Called on the event loop after the answer was given; its errors are logged.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        pool: Pool,
        shadow_pool: Pool,
        run_s: float,
        observer: Observer | None = None,
        threads: int = 1,
        queue: int = 256,
    ) -> None:
        self.table = Table()
        self.book = Book()
        self.pool = pool
        self.guard = InlineGuard()
        self.is_open = False
        self.is_well = True
        self.control: Path | None = None  # the supervisor's socket, where there is one
        self._loop = loop
        self._run_s = run_s
        self._run_ns = int(run_s * 1e9)
        self._observer = observer
        self.runner = Runner(loop, threads, queue, self._finish, self._count)
        self._tick = Tick(loop, self.guard, self._finish, self._to_threads)
        self._shadows = Shadows(shadow_pool, run_s, None if observer is None else self._observe)

    @property
    def is_ready(self) -> bool:
        """True when the whole server stands and this worker's models answer its own test.

        Whether a model is ready is another question: `Table.check`.
        """
        return self.is_open and self.is_well

    def names(self) -> list[str]:
        """The models that answer, in memory or not, sorted."""
        return self.table.names()

    def lane(self, model: str, version: int | None, parameters: Mapping[str, Scalar]) -> Lane:
        """Who will answer such a request.

        Raises
        ------
        StadionError
            NOT_FOUND, NOT_READY or UNAVAILABLE; see `Table.get` and `Served.lane`.
        """
        return self.table.get(model).lane(version, parameters)

    def crowd(self, model: str) -> StadionError | None:
        """The refusal for whoever asks now, where too much waits for the model already."""
        served = self.table.served.get(model)
        lane = served.sole(None) if served is not None else None
        if lane is None:
            return None
        return lane.loaded.crowd or turn_crowd(lane.loaded)

    def run(self, lane: Lane, request: Request) -> Ticket:
        """Have a request answered by the version of a lane.

        The parameters `priority` (1 to 16, 1 first) and `timeout` (microseconds) are obeyed.

        Raises
        ------
        StadionError
            INVALID when the inputs are not the signature's, OVERLOADED when too much waits. The
            ticket may end with TIMEOUT, and with INTERNAL when the model fails.
        """
        loaded = lane.loaded
        rows = loaded.check(request.inputs)
        if request.outputs:
            _check_outputs(loaded, request.outputs)
        ticket = Ticket(lane, request, rows, self._run_ns)
        if request.parameters:
            _obey(ticket, request.parameters)
        if loaded.inline_elements and _elements(request) <= loaded.inline_elements:
            self._tick.add(ticket)
        else:
            self._add(ticket)
        loaded.stats.pending += 1
        return ticket

    @property
    def is_observed(self) -> bool:
        """True when somebody sees every answer."""
        return self._observer is not None

    def run_inline(
        self, loaded: Loaded, inputs: Arrays, outputs: tuple[str, ...], began_ns: int
    ) -> dict[str, Array] | None:
        """Run a tiny model at once; None when it fails or takes far longer than it should."""
        halt = self.guard.enter(began_ns)
        try:
            return loaded.session.run(inputs, outputs, halt)
        except StadionError:
            if halt.asked:
                loaded.keep_off_loop()
            return None
        finally:
            self.guard.leave()

    async def wait(self, lane: Lane, request: Request) -> Prediction:
        """`run`, for those who wait anyway."""
        return await self.run(lane, request)

    def off_loop(self, work: Callable[[], T]) -> Awaitable[T]:
        """Do on the pool's thread what would hold up the other requests."""
        return self.pool.submit(lambda _halt: work(), self._run_s)

    @property
    def waiting(self) -> int:
        """How much waits for a thread."""
        return self.runner.waiting + self.pool.waiting

    @property
    def is_stuck(self) -> bool:
        """True when a thread does not come back from what it was asked to end."""
        return self.runner.is_stuck or self.pool.is_stuck

    def _add(self, ticket: Ticket) -> None:
        """Let a ticket wait for a thread; being turned away counts as its failure."""
        try:
            self.runner.add(ticket)
        except StadionError as error:
            ticket.lane.loaded.stats.fail(error.code)
            raise

    def _to_threads(self, _loaded: Loaded, tickets: list[Ticket]) -> None:
        """What turned out too slow for the loop is begun again on a thread."""
        for ticket in tickets:
            try:
                self.runner.add(ticket)
            except StadionError as error:
                ticket.fail(error)
                self._count(ticket)

    def _finish(self, loaded: Loaded, outcome: Outcome) -> None:
        """Give every ticket of a run its answer, then tell who looks on."""
        stats = loaded.stats
        stats.ran(outcome.tickets, outcome.rows, outcome.began_ns, outcome.ended_ns)
        stats.last_ms = time.time_ns() // 1_000_000
        for ticket, answer in zip(outcome.tickets, outcome.answers, strict=True):
            ticket.began_ns = outcome.began_ns
            if isinstance(answer, StadionError):
                ticket.fail(answer)
            if ticket.error is not None:
                self._count(ticket)
            elif isinstance(answer, Prediction):
                stats.pending -= 1
                stats.success += 1
                ticket.settle(answer)
                lane = ticket.lane
                if lane.shadows or (self._observer is not None and not lane.is_quiet):
                    self._loop.call_soon(self._afterwards, ticket, answer, outcome.began_ns)

    def _count(self, ticket: Ticket) -> None:
        """A ticket has ended without an answer."""
        stats = ticket.lane.loaded.stats
        stats.pending -= 1
        if ticket.is_cancelled:
            stats.cancelled += 1
        elif ticket.error is not None:
            stats.fail(ticket.error.code)

    def _afterwards(self, ticket: Ticket, prediction: Prediction, began_ns: int) -> None:
        """Once the answer is on its way: tell the observer, and send the shadows their copy."""
        if self._observer is not None:
            self._observe(ticket.request, prediction, began_ns - ticket.asked_ns)
        for shadow in ticket.lane.shadows:
            self._shadows.send(ticket.lane.model, shadow, ticket.request, prediction)

    def _observe(self, request: Request, prediction: Prediction, queue_ns: int) -> None:
        timings = Timings(queue_ns, prediction.infer_ns)
        try:
            if self._observer is not None:
                self._observer(prediction.model, prediction.version, request, prediction, timings)
        except Exception as error:  # noqa: BLE001  # a stranger's code; the answer is out already
            _log.error("the observer failed: %s", whereabouts(error))


def _elements(request: Request) -> int:
    """How many values the inputs hold together."""
    total = 0
    for array in request.inputs.values():
        total += array.size
    return total


def _obey(ticket: Ticket, parameters: Mapping[str, Scalar]) -> None:
    """Take priority and time limit from the parameters of a request."""
    priority = parameters.get("priority", 0)
    timeout_us = parameters.get("timeout", 0)
    for name, value in (("priority", priority), ("timeout", timeout_us)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise StadionError(
                Code.INVALID, f"parameter {name} is {value!r}; expected a whole number from 0"
            )
    if priority:
        ticket.priority = min(int(priority), _LEAST_URGENT)
    else:
        ticket.priority = DEFAULT_PRIORITY
    if timeout_us:
        ticket.deadline_ns = min(ticket.deadline_ns, ticket.asked_ns + 1000 * int(timeout_us))


def _check_outputs(loaded: Loaded, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in loaded.outputs:
            raise StadionError(
                Code.INVALID,
                f"there is no output tensor {name[:80]!r}; expected {list(loaded.outputs)}",
            )
