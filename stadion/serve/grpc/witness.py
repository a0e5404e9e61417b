"""A gRPC call and its end in, what is known of it out to whoever looks on: log and traces."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from stadion.core.errors import StadionError
from stadion.serve.finished import Finished, clipped, sane_id
from stadion.serve.gate import Unauthenticated
from stadion.serve.grpc.call import Call, Metadata
from stadion.serve.protocols.base import STATUS
from stadion.serve.ticket import Ticket

__all__ = ["Heard", "Witness"]

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_WANTED = ("x-request-id", "traceparent", "tracestate")


class Heard(NamedTuple):
    """One message of a call: when it was complete, by `time.perf_counter_ns`, and its bytes."""

    call: Call
    began_ns: int
    size: int


class Witness:
    """Sees every message that was answered, well or not.

    Statuses are told as HTTP has them, so that a log or a trace reads alike for all protocols.

    Parameters
    ----------
    sinks
        Where finished calls go; each must return at once.
    """

    def __init__(self, sinks: Sequence[Callable[[Finished], None]]) -> None:
        self._sinks = sinks

    def see(
        self, heard: Heard, error: Exception | None, sent: int, ticket: Ticket | None = None
    ) -> None:
        """One message is answered.

        Parameters
        ----------
        error
            Why it was not answered well, where it was not.
        sent
            Bytes of the answer.
        ticket
            Its run, where it came to one.
        """
        call, began_ns, size = heard
        model, version, id_, input_ns, queue_ns, infer_ns = "", 0, "", 0, 0, 0
        if ticket is not None:
            model, id_ = ticket.lane.model, clipped(ticket.request.id)
            version, input_ns = ticket.lane.loaded.version, ticket.asked_ns - began_ns
            if ticket.prediction is not None:
                infer_ns = ticket.prediction.infer_ns
                queue_ns = ticket.began_ns - ticket.asked_ns
        said = _said(call.metadata)
        parent = said.get("traceparent", "")
        finished = Finished(
            time.time_ns(),
            sane_id(said.get("x-request-id", "")),
            id_,
            "GRPC",
            call.method.decode("latin-1"),
            model,
            version,
            _status(error),
            size,
            sent,
            max(0, input_ns),
            max(0, queue_ns),
            infer_ns,
            time.perf_counter_ns() - began_ns,
            call.caller.name,
            (parent, said.get("tracestate", "")) if _TRACEPARENT.fullmatch(parent) else None,
        )
        for sink in self._sinks:
            sink(finished)


def _said(metadata: Metadata) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in metadata:
        if name in _WANTED:
            found[name] = value.decode("latin-1") if isinstance(value, bytes) else value
    return found


def _status(error: Exception | None) -> int:
    if error is None:
        return 200
    if isinstance(error, Unauthenticated):
        return 401
    return STATUS[error.code] if isinstance(error, StadionError) else 500
