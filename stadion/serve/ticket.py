"""A request under way: who answers it, until when it is wanted, and who is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from typing import Any

from stadion.core.errors import Code, StadionError
from stadion.core.request import Prediction, Request
from stadion.serve.traffic import Lane

__all__ = ["DEFAULT_PRIORITY", "Ticket"]

DEFAULT_PRIORITY = 8
"""Where requests without a priority stand between 1, the most urgent, and 16."""
_GONE = StadionError(Code.TIMEOUT, "nobody waits for the answer any more")


class Ticket:
    """Used on the event loop only. It ends once: settled, failed or cancelled.

    Attributes
    ----------
    rows
        Rows of the request.
    asked_ns
        When it was complete and decoded, by `time.perf_counter_ns`.
    began_ns
        When its run began.
    deadline_ns
        When its answer is of no more use, on the same clock.
    encode
        How a protocol writes the answer; set by the protocol, called by the connection.
    """

    __slots__ = (
        "_then",
        "asked_ns",
        "began_ns",
        "deadline_ns",
        "encode",
        "error",
        "lane",
        "prediction",
        "priority",
        "request",
        "rows",
    )

    def __init__(self, lane: Lane, request: Request, rows: int, limit_ns: int) -> None:
        self.lane = lane
        self.request = request
        self.rows = rows
        self.asked_ns = time.perf_counter_ns()
        self.deadline_ns = self.asked_ns + limit_ns
        self.began_ns = self.asked_ns
        self.priority = DEFAULT_PRIORITY
        self.prediction: Prediction | None = None
        self.error: StadionError | None = None
        self.encode: Callable[[Prediction], Any] | None = None
        self._then: Callable[[Ticket], None] | None = None

    @property
    def is_over(self) -> bool:
        """True when it was settled, has failed or was cancelled."""
        return self.prediction is not None or self.error is not None

    @property
    def is_cancelled(self) -> bool:
        """True when whoever asked went away."""
        return self.error is _GONE

    def on_done(self, then: Callable[[Ticket], None]) -> None:
        """Call `then` with this ticket when it is over, at once if it is."""
        if self.is_over:
            then(self)
        else:
            self._then = then

    def settle(self, prediction: Prediction) -> None:
        """The answer is there."""
        if self.prediction is None and self.error is None:
            self.prediction = prediction
            if self._then is not None:
                self._then(self)

    def fail(self, error: StadionError) -> None:
        """There will be no answer."""
        if self.prediction is None and self.error is None:
            self.error = error
            if self._then is not None:
                self._then(self)

    def cancel(self) -> None:
        """Nobody waits any more: give its place free, tell no one."""
        self._then = None
        if self.prediction is None and self.error is None:
            self.error = _GONE

    def result(self) -> Prediction:
        """The answer of a ticket that is over.

        Raises
        ------
        StadionError
            The error it ended with.
        """
        if self.prediction is None:
            raise self.error or StadionError(Code.INTERNAL, "the ticket is not over")
        return self.prediction

    def __await__(self) -> Generator[Any, None, Prediction]:
        """Wait on the loop; who is cancelled meanwhile cancels the ticket."""
        if not self.is_over:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.on_done(lambda _ticket: None if future.done() else future.set_result(None))
            try:
                yield from future.__await__()
            except asyncio.CancelledError:
                self.cancel()
                raise
        return self.result()
