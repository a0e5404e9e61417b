"""Tickets of tiny models in, one run for whatever a turn of the event loop has brought out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from stadion.serve.batching import Outcome, run_tickets, shares
from stadion.serve.guard import InlineGuard
from stadion.serve.loading import Loaded
from stadion.serve.pool import Overloaded
from stadion.serve.ticket import Ticket

__all__ = ["Tick", "has_room", "turn_crowd"]

_TURN_S = 0.015  # of one version's runs in one turn; everybody else stands still meanwhile
_LEAST_ROWS = 32


def has_room(loaded: Loaded) -> bool:
    """True while a version may have more to run in this turn."""
    most = max(_LEAST_ROWS, _TURN_S * loaded.plan.rows_per_s)
    return loaded.waiting_rows < most


def turn_crowd(loaded: Loaded) -> Overloaded | None:
    """The refusal for who comes when a version has too much to run in this turn already."""
    if has_room(loaded):
        return None
    return Overloaded(f"{loaded.waiting_rows} rows wait for this version already", 1)


class Tick:
    """Runs on the event loop itself: for models whose run is shorter than the way to a thread.

    A turn of the loop reads every connection that has sent something; what they asked of one
    model is then one run. A request that comes alone is run alone, without waiting.

    Parameters
    ----------
    finish
        Called with the outcome of every run.
    too_slow
        Called with the tickets of a run that was ended because it held up the loop.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        guard: InlineGuard,
        finish: Callable[[Loaded, Outcome], None],
        too_slow: Callable[[Loaded, list[Ticket]], None],
    ) -> None:
        self._loop = loop
        self._guard = guard
        self._finish = finish
        self._too_slow = too_slow
        self._waiting: dict[Loaded, list[Ticket]] = {}

    def add(self, ticket: Ticket) -> None:
        """Let a ticket be part of this turn's run.

        Raises
        ------
        Overloaded
            When this turn has more to run than it should.
        """
        waiting = self._waiting
        loaded = ticket.lane.loaded
        if (crowd := turn_crowd(loaded)) is not None:
            raise crowd
        loaded.waiting_rows += ticket.rows
        if not waiting:
            self._loop.call_soon(self._turn)
        tickets = waiting.get(loaded)
        if tickets is None:
            waiting[loaded] = [ticket]
        else:
            tickets.append(ticket)

    def _turn(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for loaded, tickets in waiting.items():
            loaded.waiting_rows = 0
            alive = [ticket for ticket in tickets if not ticket.is_over]
            for share in shares(loaded, alive) if alive else ():
                self._run(loaded, list(share))

    def _run(self, loaded: Loaded, tickets: list[Ticket]) -> None:
        halt = self._guard.enter(time.perf_counter_ns())
        try:
            outcome = run_tickets(loaded, tickets, halt)
        finally:
            self._guard.leave()
        if halt.asked:
            loaded.keep_off_loop()
            self._too_slow(loaded, tickets)
        else:
            self._finish(loaded, outcome)
