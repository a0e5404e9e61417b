"""Requests in, predictions out: which version answers, on which thread, and who sees a copy."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from stadion.core.arrays import Array
from stadion.core.dataset import Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.request import Prediction, Request
from stadion.serve.faults import whereabouts
from stadion.serve.guard import InlineGuard
from stadion.serve.loading import Loaded
from stadion.serve.pool import Overloaded, Pool
from stadion.serve.runtimes.base import Halt
from stadion.serve.table import Table
from stadion.serve.traffic import Lane

__all__ = ["Observer", "Plane", "Timings"]

T = TypeVar("T")
_log = logging.getLogger("stadion.serve")


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of one prediction went, in nanoseconds."""

    queue_ns: int
    infer_ns: int


Observer = Callable[[str, int, Request, Prediction, Timings], None]
"""Sees model, version, request, prediction and timings of every answer, shadows' too."""


class Plane:
    """All models of one worker.

    Small runs happen at once on the event loop; the others go to the pool's thread, where their
    deadline can end them. Shadows run on a pool of their own at low priority, after the answer,
    on a copy; their outcome is counted and never told.

    Parameters
    ----------
    run_s
        Time limit of a run, the wait for a thread included.
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
    ) -> None:
        self.table = Table()
        self.pool = pool
        self.guard = InlineGuard()
        self.is_open = False
        self._loop = loop
        self._shadow_pool = shadow_pool
        self._run_s = run_s
        self._observer = observer

    @property
    def is_ready(self) -> bool:
        """True when the whole server stands and no model has failed to load."""
        return self.is_open and not self.table.failed

    def names(self) -> list[str]:
        """The models that answer, sorted."""
        return sorted(self.table.served)

    def lane(self, model: str, version: int | None, parameters: Mapping[str, Scalar]) -> Lane:
        """Who will answer such a request.

        Raises
        ------
        StadionError
            NOT_FOUND, NOT_READY or UNAVAILABLE; see `Table.get` and `Served.lane`.
        """
        return self.table.get(model).lane(version, parameters)

    def infer(self, request: Request) -> Prediction | Awaitable[Prediction]:
        """Answer a request by the version that the deployment routes it to."""
        return self.run(self.lane(request.model, request.version, request.parameters), request)

    def run(self, lane: Lane, request: Request) -> Prediction | Awaitable[Prediction]:
        """Answer a request by the version of a lane: at once, or later.

        Raises
        ------
        StadionError
            INVALID when the inputs are not the signature's, OVERLOADED when too much waits.
            What is awaited may raise TIMEOUT, and INTERNAL when the model fails.
        """
        loaded = lane.loaded
        loaded.signature.check_inputs(request.inputs)
        if request.outputs:
            _check_outputs(loaded, request.outputs)
        if _elements(request) <= loaded.inline_elements:
            return self._run_now(lane, request)
        return self._run_later(lane, request)

    async def wait(self, lane: Lane, request: Request) -> Prediction:
        """`run`, for those who wait anyway."""
        answer = self.run(lane, request)
        return answer if isinstance(answer, Prediction) else await answer

    def off_loop(self, work: Callable[[], T]) -> Awaitable[T]:
        """Do on the pool's thread what would hold up the other requests."""
        return self.pool.submit(lambda _halt: work(), self._run_s)

    def _run_now(self, lane: Lane, request: Request) -> Prediction | Awaitable[Prediction]:
        loaded, guard = lane.loaded, self.guard
        started = time.perf_counter_ns()
        halt = guard.enter(started)
        try:
            outputs = loaded.session.run(request.inputs, request.outputs, halt)
        except StadionError:
            if halt.asked:
                loaded.keep_off_loop()
                return self._run_later(lane, request)
            loaded.counts.failed += 1
            raise
        finally:
            guard.leave()
        took = time.perf_counter_ns() - started
        loaded.note_inline(took)
        loaded.counts.answered += 1
        prediction = Prediction(lane.model, loaded.version, outputs, request.id, took)
        if lane.shadows or self._observer is not None:
            self._afterwards(lane, request, prediction, 0)
        return prediction

    def _run_later(self, lane: Lane, request: Request) -> Awaitable[Prediction]:
        loaded, asked = lane.loaded, time.perf_counter_ns()

        def work(halt: Halt) -> tuple[dict[str, Array], int, int]:
            started = time.perf_counter_ns()
            outputs = loaded.session.run(request.inputs, request.outputs, halt)
            return outputs, started - asked, time.perf_counter_ns() - started

        return self._answer(lane, request, self.pool.submit(work, self._run_s))

    async def _answer(
        self, lane: Lane, request: Request, run: Awaitable[tuple[dict[str, Array], int, int]]
    ) -> Prediction:
        loaded = lane.loaded
        try:
            outputs, waited, took = await run
        except StadionError:
            loaded.counts.failed += 1
            raise
        loaded.counts.answered += 1
        prediction = Prediction(lane.model, loaded.version, outputs, request.id, took)
        self._afterwards(lane, request, prediction, waited)
        return prediction

    def _afterwards(
        self, lane: Lane, request: Request, prediction: Prediction, queue_ns: int
    ) -> None:
        """Once the answer is on its way: tell the observer, and send the shadows their copy."""
        if self._observer is not None:
            self._loop.call_soon(self._observe, request, prediction, queue_ns)
        for shadow in lane.shadows:
            self._loop.call_soon(self._shadow, lane.model, shadow, request)

    def _observe(self, request: Request, prediction: Prediction, queue_ns: int) -> None:
        timings = Timings(queue_ns, prediction.infer_ns)
        try:
            if self._observer is not None:
                self._observer(prediction.model, prediction.version, request, prediction, timings)
        except Exception as error:  # noqa: BLE001  # a stranger's code; the answer is out already
            _log.error("the observer failed: %s", whereabouts(error))

    def _shadow(self, model: str, loaded: Loaded, request: Request) -> None:
        inputs = {name: array.copy() for name, array in request.inputs.items()}

        def work(halt: Halt) -> Prediction:
            started = time.perf_counter_ns()
            outputs = loaded.session.run(inputs, (), halt)
            took = time.perf_counter_ns() - started
            return Prediction(model, loaded.version, outputs, request.id, took)

        def done(run: asyncio.Future[Prediction]) -> None:
            if run.cancelled() or run.exception() is not None:
                loaded.counts.shadow_failed += 1
                return
            loaded.counts.shadow_ok += 1
            if self._observer is not None:
                self._observe(request, run.result(), 0)

        try:
            self._shadow_pool.submit(work, self._run_s).add_done_callback(done)
        except Overloaded:
            loaded.counts.shadow_dropped += 1


def _elements(request: Request) -> int:
    """How many values the inputs hold together; INVALID when a tensor holds none."""
    total = 0
    for name, array in request.inputs.items():
        if not array.size:
            raise StadionError(
                Code.INVALID,
                f"tensor {name!r} has shape {list(array.shape)} and so no values; "
                "expected at least one row",
            )
        total += array.size
    return total


def _check_outputs(loaded: Loaded, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in loaded.outputs:
            raise StadionError(
                Code.INVALID,
                f"there is no output tensor {name[:80]!r}; expected {list(loaded.outputs)}",
            )
