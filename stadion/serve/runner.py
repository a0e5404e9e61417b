"""Tickets in, runs on threads out: batches of whatever waits, in fair turns between models."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import queue
import threading
import time
from collections.abc import Callable, Sequence

from stadion.core.errors import Code, StadionError
from stadion.serve.batching import Outcome, run_tickets, shares
from stadion.serve.loading import Loaded
from stadion.serve.pool import Overloaded
from stadion.serve.runtimes.base import Halt
from stadion.serve.ticket import Ticket

__all__ = ["Runner"]

_SWEEP_S = 0.02
_GRACE_NS = 5_000_000_000  # how long a halted run may take to notice
_NEWEST = 0.2  # weight of the newest run in the moving mean of a row's time


class _Line:
    """What waits for one version: by priority, then by arrival."""

    __slots__ = ("heap", "loaded", "row_ns", "rows", "spent_ns")

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.heap: list[tuple[int, int, Ticket]] = []
        self.rows = 0
        self.spent_ns = 0.0
        plan = loaded.plan
        self.row_ns = 1e9 / plan.rows_per_s if plan.rows_per_s else 1e6 * plan.run_ms

    def take(self, drop: Callable[[Ticket], None]) -> Sequence[Ticket]:
        """The next run: the most urgent ticket and those that fit beside it."""
        first: Ticket | None = None
        chosen: list[Ticket] = []
        most = self.loaded.plan.max_rows
        rows = 0
        while self.heap:
            ticket = self.heap[0][2]
            if first is not None and not ticket.is_over and rows + ticket.rows > most:
                break
            heapq.heappop(self.heap)
            self.rows -= ticket.rows
            if ticket.is_over:
                drop(ticket)
                continue
            first = first or ticket
            rows += ticket.rows
            chosen.append(ticket)
        return chosen


class _Job:
    """One run on a thread."""

    __slots__ = ("halt", "halted_ns", "line", "outcome", "tickets")

    def __init__(self, line: _Line, tickets: Sequence[Ticket]) -> None:
        self.line = line
        self.tickets = tickets
        self.halt = Halt()
        self.halted_ns = 0
        self.outcome: Outcome | None = None


class Runner:
    """The threads of one worker that run models. Used on the event loop only.

    Nothing waits for a timer: when a thread falls free and the loop has looked once for what
    arrived meanwhile, whatever waits is the next run. Between models the one whose runs have
    taken least time goes first, so a crowd on one never starves another.

    Parameters
    ----------
    limit
        How many tickets may wait for one version; four times as many for all together.
    finish
        Called on the loop with the outcome of every run.
    drop
        Called on the loop with what ended before its run.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        threads: int,
        limit: int,
        finish: Callable[[Loaded, Outcome], None],
        drop: Callable[[Ticket], None],
    ) -> None:
        self._loop = loop
        self._limit = limit
        self._finish = finish
        self._drop = drop
        self._lines: dict[Loaded, _Line] = {}
        self._running: set[_Job] = set()
        self._free = threads
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._numbers = itertools.count()
        self._is_called = False
        self._sweeper: asyncio.TimerHandle | None = None
        self.waiting = 0
        for _ in range(threads):
            threading.Thread(target=self._work, name="runner", daemon=True).start()

    def add(self, ticket: Ticket) -> None:
        """Let a ticket wait for its run.

        Raises
        ------
        Overloaded
            When too many wait, or what waits will likely take longer than the ticket has.
        """
        loaded = ticket.lane.loaded
        line = self._lines.get(loaded)
        if line is None:
            line = self._lines[loaded] = _Line(loaded)
        self._check_room(line, ticket)
        if not line.heap:  # who was away does not come back with a claim on the past
            line.spent_ns = max(line.spent_ns, self._least_spent())
        heapq.heappush(line.heap, (ticket.priority, next(self._numbers), ticket))
        line.rows += ticket.rows
        self.waiting += 1
        self._call()

    @property
    def is_stuck(self) -> bool:
        """True when a run goes on long after it was asked to end."""
        late = time.perf_counter_ns() - _GRACE_NS
        return any(0 < job.halted_ns < late for job in self._running)

    def _check_room(self, line: _Line, ticket: Ticket) -> None:
        wait_s = line.rows * line.row_ns / 1e9
        has_no_room = len(line.heap) >= self._limit or self.waiting >= 4 * self._limit
        if has_no_room or wait_s > (ticket.deadline_ns - ticket.asked_ns) / 1e9:
            crowd = Overloaded(
                f"{len(line.heap)} requests wait for model {ticket.lane.model!r} already, "
                f"for about {wait_s:.2f} s",
                max(1, math.ceil(wait_s)),
            )
            if len(line.heap) >= self._limit:  # then its next run takes it back
                line.loaded.crowd = crowd  # who comes next need not even be read
            raise crowd

    def _least_spent(self) -> float:
        return min((line.spent_ns for line in self._lines.values() if line.heap), default=0.0)

    # --- on the loop: hand out, take back

    def _call(self) -> None:
        if not self._is_called:
            self._is_called = True
            self._loop.call_soon(self._hand_out)

    def _hand_out(self) -> None:
        self._is_called = False
        while self._free > 0 and (line := self._next()) is not None:
            waited = len(line.heap)
            tickets = line.take(self._drop)
            line.loaded.crowd = None
            self.waiting -= waited - len(line.heap)
            for share in shares(line.loaded, tickets) if tickets else ():
                job = _Job(line, share)
                self._free -= 1
                self._running.add(job)
                self._jobs.put(job)
        if self._running and self._sweeper is None:
            self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep)

    def _next(self) -> _Line | None:
        found: _Line | None = None
        for line in self._lines.values():
            if line.heap and (found is None or line.spent_ns < found.spent_ns):
                found = line
        return found

    def _take_back(self, job: _Job) -> None:
        self._free += 1
        self._running.discard(job)
        outcome = job.outcome
        line = job.line
        if outcome is not None:
            took = outcome.ended_ns - outcome.began_ns
            line.spent_ns += took
            line.row_ns += _NEWEST * (took / max(1, outcome.rows) - line.row_ns)
            self._finish(line.loaded, outcome)
        if not line.heap and not any(other.line is line for other in self._running):
            self._lines.pop(line.loaded, None)
        if self.waiting:
            self._call()

    # --- on a thread

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job.outcome = run_tickets(job.line.loaded, job.tickets, job.halt)
            except Exception as error:  # noqa: BLE001  # told to whoever waits; the thread goes on
                now = time.perf_counter_ns()
                failure = StadionError(Code.INTERNAL, f"the run failed: {type(error).__name__}")
                answers = [failure] * len(job.tickets)
                job.outcome = Outcome(job.tickets, answers, 0, now, now)
            self._loop.call_soon_threadsafe(self._take_back, job)
            del job  # or it would be kept, with its arrays, until the next one comes

    # --- deadlines

    def _sweep(self) -> None:
        """End what is of no more use: tickets at their deadline, runs that nobody waits for."""
        now = time.perf_counter_ns()
        for line in list(self._lines.values()):
            for _, _, ticket in line.heap:
                _expire(ticket, now)
        for job in self._running:
            for ticket in job.tickets:
                _expire(ticket, now)
            if not job.halted_ns and all(ticket.is_over for ticket in job.tickets):
                job.halted_ns = now
                job.halt.ask()
        busy = self._running or self.waiting
        self._sweeper = self._loop.call_later(_SWEEP_S, self._sweep) if busy else None


def _expire(ticket: Ticket, now: int) -> None:
    if now >= ticket.deadline_ns and not ticket.is_over:
        limit_s = (ticket.deadline_ns - ticket.asked_ns) / 1e9
        ticket.fail(StadionError(Code.TIMEOUT, f"no answer within the limit of {limit_s:g} s"))
