"""A call and whoever answers it in, one reply out, whatever becomes of it."""

from __future__ import annotations

import contextlib
import logging

from stadion.core.errors import Code, StadionError
from stadion.serve.faults import whereabouts
from stadion.serve.http.router import Found
from stadion.serve.pool import Overloaded
from stadion.serve.protocols.base import Call, Reply
from stadion.serve.table import Cold
from stadion.serve.ticket import Ticket

__all__ = ["failed", "over", "refusal_reason", "warm", "written"]

_log = logging.getLogger("stadion.serve")
_ATTEMPTS = 4


async def warm(cold: Cold, found: Found, call: Call) -> Reply | Ticket:
    """Ask again once the model is in memory; it may be pushed out again meanwhile."""
    for _ in range(_ATTEMPTS):
        await cold.ready
        try:
            answer = found.handle(call)
            return answer if isinstance(answer, Reply | Ticket) else await answer
        except Cold as again:
            cold = again
    raise cold


async def over(ticket: Ticket) -> None:
    """Wait until a ticket is over, however it ends."""
    with contextlib.suppress(StadionError):
        await ticket


def written(ticket: Ticket, found: Found) -> Reply:
    """The answer of a ticket that is over, as its protocol writes it.

    Raises
    ------
    StadionError
        What the ticket ended with, or why its answer cannot be written.
    """
    if ticket.prediction is None or ticket.encode is None:
        raise ticket.error or StadionError(Code.INTERNAL, "no answer")
    reply: Reply = ticket.encode(ticket.prediction)
    return reply


def failed(found: Found, error: Exception) -> Reply:
    """An error as the protocol writes it; what was not foreseen is logged and not told."""
    if not isinstance(error, StadionError):
        _log.error("a handler failed: %s", whereabouts(error))
        error = StadionError(Code.INTERNAL, "internal error")
    return found.failure(error)


def refusal_reason(error: Exception) -> str:
    """Why a call was turned away without being tried; empty when it was tried."""
    if isinstance(error, Overloaded):
        return "overloaded"
    return "not_ready" if isinstance(error, StadionError) and error.code is Code.NOT_READY else ""
