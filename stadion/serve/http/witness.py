"""A call and its reply in, what is known of it out to whoever looks on: log and traces."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence

import msgspec

from stadion.serve.access_log import AccessLog
from stadion.serve.finished import Finished, clipped, sane_id
from stadion.serve.http.heads import Head
from stadion.serve.protocols.base import Reply
from stadion.serve.ticket import Ticket
from stadion.serve.tracing import Tracer
from stadion.serve.traffic import Lane

__all__ = ["Witness"]

_MOST = 1024
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class _Facts(msgspec.Struct, gc=False):
    """What every call with the same head has in common."""

    request_id: str
    method: str
    path: str
    model: str
    trace: tuple[str, str] | None


class Witness:
    """Sees every HTTP call after its reply was written."""

    def __init__(self, log: AccessLog | None, tracer: Tracer | None) -> None:
        self._log = log
        self._tracer = tracer
        self._facts: dict[int, tuple[Head, _Facts]] = {}

    def see(self, head: Head, reply: Reply, ticket: Ticket | None, began_ns: int, key: str) -> None:
        """One call is answered.

        Parameters
        ----------
        ticket
            Its run, where it came to one.
        began_ns
            When the call was complete, by `time.perf_counter_ns`.
        key
            The name of the caller's API key.
        """
        facts = self._of(head)
        model, version, id_, input_ns, queue_ns, infer_ns = facts.model, 0, "", 0, 0, 0
        if ticket is not None:
            model, id_ = ticket.lane.model, clipped(ticket.request.id)
            version, input_ns = ticket.lane.loaded.version, ticket.asked_ns - began_ns
            if ticket.prediction is not None:
                infer_ns = ticket.prediction.infer_ns
                queue_ns = ticket.began_ns - ticket.asked_ns
        finished = Finished(
            time.time_ns(), facts.request_id, id_, facts.method, facts.path, model, version,
            reply.status, head.length, len(reply.body), input_ns, queue_ns, infer_ns,
            time.perf_counter_ns() - began_ns, key, facts.trace,
        )  # fmt: skip
        self._tell(finished, 1)

    def see_together(
        self,
        heads: Sequence[Head],
        size: int,
        lane: Lane,
        input_ns: int,
        queue_ns: int,
        infer_ns: int,
        total_ns: int,
    ) -> None:
        """Calls that were answered well by one run, all at once.

        Parameters
        ----------
        heads
            One for each call; those of one client mostly are the very same.
        size
            Bytes of an answer.
        """
        now, model, version = time.time_ns(), lane.model, lane.loaded.version
        for head, times in _alike(heads):
            facts = self._of(head)
            key = head.caller.name if head.caller is not None else ""
            finished = Finished(
                now, facts.request_id, "", facts.method, facts.path, model, version, 200,
                head.length, size, input_ns, queue_ns, infer_ns, total_ns, key, facts.trace,
            )  # fmt: skip
            self._tell(finished, times)

    def _tell(self, finished: Finished, times: int) -> None:
        log, tracer = self._log, self._tracer
        if log is not None:
            if times == 1 or finished.request_id:
                for _ in range(times):
                    log.note(finished)
            else:
                log.note_alike(finished, times)
        if tracer is not None:
            for _ in range(times):
                tracer.note(finished)

    def _of(self, head: Head) -> _Facts:
        """Heads are remembered by whoever parses them: the same object comes again and again."""
        known = self._facts.get(id(head))
        if known is not None and known[0] is head:
            return known[1]
        facts = _facts(head)
        if len(self._facts) >= _MOST:
            self._facts.clear()
        self._facts[id(head)] = (head, facts)
        return facts


def _alike(heads: Sequence[Head]) -> Iterable[tuple[Head, int]]:
    """Each head that differs from the others, and how often it came."""
    first, number = heads[0], len(heads)
    if heads.count(first) == number:
        return [(first, number)]
    found: dict[int, list[Head]] = {}
    for head in heads:
        found.setdefault(id(head), []).append(head)
    return [(same[0], len(same)) for same in found.values()]


def _facts(head: Head) -> _Facts:
    headers, found = head.headers, head.found
    path, model = (found.path, found.params.get("model", "")) if found is not None else ("", "")
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    parent = headers.get(b"traceparent", b"").decode("latin-1")
    state = headers.get(b"tracestate", b"").decode("latin-1")
    return _Facts(
        sane_id(given),
        clipped(head.method.decode("latin-1")),
        clipped(path),
        clipped(model),
        (parent, state) if _TRACEPARENT.fullmatch(parent) else None,
    )
