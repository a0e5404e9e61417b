"""The end of a message in, counts and whoever looks on out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from stadion.serve.finished import Finished
from stadion.serve.grpc.witness import Heard, Witness
from stadion.serve.http.answering import refusal_reason
from stadion.serve.stats import Book
from stadion.serve.ticket import Ticket

__all__ = ["Reporter"]


class Reporter:
    """Told of every message that was answered, of a stream or alone."""

    def __init__(self, book: Book, sinks: Sequence[Callable[[Finished], None]]) -> None:
        self._book = book
        self._witness = Witness(sinks) if sinks else None

    def written(self, heard: Heard, ticket: Ticket) -> bytes:
        """The answer of a ticket that is over, and where its time went.

        Raises
        ------
        StadionError
            What the ticket ended with, or why its answer cannot be written.
        """
        settled_ns = time.perf_counter_ns()
        prediction = ticket.result()
        assert ticket.encode is not None  # noqa: S101  # Infer sets it
        answer: bytes = ticket.encode(prediction)
        now_ns, stats = time.perf_counter_ns(), ticket.lane.loaded.stats
        stats.input.add(ticket.asked_ns - heard.began_ns)
        stats.output.add(now_ns - settled_ns)
        stats.total.add(now_ns - heard.began_ns)
        return answer

    def answered(self, heard: Heard, sent: int, ticket: Ticket | None = None) -> None:
        """It was answered well."""
        if self._witness is not None:
            self._witness.see(heard, None, sent, ticket)

    def failed(self, heard: Heard, error: Exception, ticket: Ticket | None = None) -> None:
        """It was answered with an error."""
        if reason := refusal_reason(error):
            self._book.refuse(reason)
        if self._witness is not None:
            self._witness.see(heard, error, 0, ticket)
