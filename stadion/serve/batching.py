"""Tickets of one version in, as few runs as they can share, an answer for each ticket out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.request import Prediction
from stadion.serve.loading import Loaded
from stadion.serve.runtimes.base import Halt
from stadion.serve.ticket import Ticket

__all__ = ["Outcome", "run_tickets", "shares"]


class Outcome(msgspec.Struct, gc=False):
    """One run: its tickets, what each gets, and when it began and ended."""

    tickets: Sequence[Ticket]
    answers: Sequence[Prediction | StadionError]
    rows: int
    began_ns: int
    ended_ns: int


def run_tickets(loaded: Loaded, tickets: Sequence[Ticket], halt: Halt) -> Outcome:
    """Run tickets whose arrays fit together as one, or each alone when that fails.

    A request that makes the model refuse must not cost the others their answers: after an
    error each is run alone, unless the run was halted.
    """
    began = time.perf_counter_ns()
    rows = sum(ticket.rows for ticket in tickets) if len(tickets) > 1 else tickets[0].rows
    try:
        answers: Sequence[Prediction | StadionError] = (
            [_alone(loaded, tickets[0], halt)]
            if len(tickets) == 1
            else _together(loaded, tickets, rows, halt)
        )
    except StadionError as error:
        if len(tickets) == 1 or halt.asked:
            answers = [error] * len(tickets)
        else:
            answers = [_tried(loaded, ticket, halt) for ticket in tickets]
    return Outcome(tickets, answers, rows, began, time.perf_counter_ns())


def shares(loaded: Loaded, tickets: Sequence[Ticket]) -> Iterator[Sequence[Ticket]]:
    """Split tickets into what may be one run: equal shapes beside the rows, up to `max_rows`."""
    most = loaded.plan.max_rows
    if most <= 1:
        yield from ((ticket,) for ticket in tickets)
        return
    if len(tickets) == 1:
        yield tickets
        return
    for group in _alike(loaded, tickets):
        share: list[Ticket] = []
        rows = 0
        for ticket in group:
            if share and rows + ticket.rows > most:
                yield share
                share, rows = [], 0
            share.append(ticket)
            rows += ticket.rows
        yield share


def _alike(loaded: Loaded, tickets: Sequence[Ticket]) -> Iterator[Sequence[Ticket]]:
    if not loaded.has_free_axis:
        yield tickets
        return
    groups: dict[tuple[tuple[int, ...], ...], list[Ticket]] = {}
    for ticket in tickets:
        arrays = ticket.request.inputs
        key = tuple(arrays[name].shape[1:] for name in loaded.inputs)
        groups.setdefault(key, []).append(ticket)
    yield from groups.values()


def _together(
    loaded: Loaded, tickets: Sequence[Ticket], rows: int, halt: Halt
) -> list[Prediction | StadionError]:
    inputs = {
        name: np.concatenate([ticket.request.inputs[name] for ticket in tickets])
        for name in loaded.inputs
    }
    names = tickets[0].request.outputs
    if any(ticket.request.outputs != names for ticket in tickets):
        names = ()
    began = time.perf_counter_ns()
    outputs = loaded.session.run(inputs, names, halt)
    took = time.perf_counter_ns() - began
    if any(not array.ndim or len(array) != rows for array in outputs.values()):
        raise StadionError(Code.INTERNAL, "the model does not answer row by row")
    version, at, found = loaded.version, 0, []
    for ticket in tickets:
        end = at + ticket.rows
        mine = {name: array[at:end] for name, array in outputs.items()}
        found.append(Prediction(ticket.lane.model, version, mine, ticket.request.id, took))
        at = end
    return found  # type: ignore[return-value]  # a list of the first kind is one of both


def _alone(loaded: Loaded, ticket: Ticket, halt: Halt) -> Prediction:
    request = ticket.request
    began = time.perf_counter_ns()
    outputs: dict[str, Array] = loaded.session.run(request.inputs, request.outputs, halt)
    took = time.perf_counter_ns() - began
    return Prediction(ticket.lane.model, loaded.version, outputs, request.id, took)


def _tried(loaded: Loaded, ticket: Ticket, halt: Halt) -> Prediction | StadionError:
    try:
        return _alone(loaded, ticket, halt)
    except StadionError as error:
        return error
