"""One gRPC call as gRPC core tells of it in, its messages for the event loop and its end out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from grpc._cython import cygrpc

from stadion.serve.callers import ANYBODY, Caller
from stadion.serve.grpc.status import Ending

if TYPE_CHECKING:
    from stadion.serve.grpc.port import Port

__all__ = ["Call", "Metadata"]

Metadata = tuple[tuple[str, str | bytes], ...]

_OK = cygrpc.StatusCode.ok


class Call:
    """A call between its arrival and its end.

    What begins with `on_` is called by gRPC core's thread and only hands over; everything else
    belongs to the event loop. One message is received and one is sent at a time.

    Attributes
    ----------
    deadline_s
        When the client gives up, in seconds since 1970; far away when it never does.
    since
        Of the loop's clock: when it began to wait for the client (a message, or taking one).
    began_ns
        When the last message was complete, by `time.perf_counter_ns`.
    heard, taken, gone, winds_up
        Called on the loop: with each message, when one was sent and the next may follow, when
        the client went away, and when the server is about to end.
    is_inside
        True when its caller entered and is to leave at its end.
    is_over
        True when its end is on the way or the client went away; nothing can be sent any more.
    """

    __slots__ = (
        "_core", "_has_begun", "_port", "began_ns", "caller", "deadline_s", "gone", "heard",
        "is_inside", "is_over", "is_receiving", "is_sending", "is_stream", "metadata", "method",
        "since", "taken", "winds_up",
    )  # fmt: skip

    def __init__(self, port: Port, event: Any) -> None:
        self._port = port
        self._core = event.call
        self._has_begun = False
        self.method: bytes = event.call_details.method
        self.deadline_s: float = event.call_details.deadline
        self.metadata: Metadata = event.invocation_metadata
        self.caller: Caller = ANYBODY
        self.since = time.monotonic()
        self.began_ns = 0
        self.is_inside = False
        self.is_over = False
        self.is_receiving = False
        self.is_sending = False
        self.is_stream = False
        self.heard: Callable[[Call, bytes | None], None] | None = None
        self.taken: Callable[[], None] | None = None
        self.gone: Callable[[], object] | None = None
        self.winds_up: Callable[[], None] | None = None

    @property
    def peer(self) -> str:
        """The client's address without its port."""
        address: bytes = self._core.peer()
        return address.decode("latin-1").rpartition(":")[0]

    def receive(self) -> None:
        """Have the next message heard; None is heard when there are no more."""
        self.is_receiving = True
        self.since = time.monotonic()
        self._core.start_server_batch((cygrpc.ReceiveMessageOperation(0),), self.on_message)

    def watch(self) -> None:
        """Learn of its end; once, at the beginning."""
        self._core.start_server_batch((cygrpc.ReceiveCloseOnServerOperation(0),), self.on_close)

    def answer(self, message: bytes) -> None:
        """Send the only message and end well."""
        if not self.is_over:
            self._end()
            self._core.start_server_batch(
                (
                    cygrpc.SendInitialMetadataOperation((), 0),
                    cygrpc.SendMessageOperation(message, 0),
                    cygrpc.SendStatusFromServerOperation((), _OK, b"", 0),
                ),
                _nothing,
            )

    def send(self, message: bytes) -> None:
        """Send one message of several; `taken` is called when the next may follow."""
        if not self.is_over:
            self.is_sending = True
            self.since = time.monotonic()
            operations = [cygrpc.SendMessageOperation(message, 0)]
            self._core.start_server_batch(self._with_head(operations), self.on_sent)

    def end(self, ending: Ending) -> None:
        """End with a status, after what was sent before."""
        if not self.is_over:
            self._end()
            status = cygrpc.SendStatusFromServerOperation(
                ending.metadata, int(ending.status), ending.details, 0
            )
            self._core.start_server_batch(self._with_head([status]), _nothing)

    def cut(self) -> None:
        """End at once, whatever is still on its way."""
        self.is_over = True
        self._core.cancel()

    # --- called on the thread of gRPC core

    def on_message(self, event: Any) -> None:
        """A message is complete, or there is none any more."""
        self.began_ns = time.perf_counter_ns()
        self._port.tell(self._hear, event.batch_operations[0].message())

    def on_sent(self, _event: Any) -> None:
        """A message is on its way to the client."""
        self._port.tell(self._take, None)

    def on_close(self, event: Any) -> None:
        """The end has reached the client, or the client went away."""
        self._port.forget(self)
        if event.batch_operations[0].cancelled():
            self._port.tell(self._leave, None)

    # --- and here on the loop

    def _hear(self, message: bytes | None) -> None:
        self.is_receiving = False
        if self.heard is not None and not self.is_over:
            self.heard(self, message)

    def _take(self, _nothing: None) -> None:
        self.is_sending = False
        if self.taken is not None and not self.is_over:
            self.taken()

    def _leave(self, _nothing: None) -> None:
        self.is_over = True
        self._release(is_gone=True)

    # ---

    def _end(self) -> None:
        self.is_over = True
        self.since = time.monotonic()
        self._release(is_gone=False)

    def _release(self, *, is_gone: bool) -> None:
        """Let go of whoever waits, so that nothing refers to anything in a circle."""
        gone, self.gone, self.heard, self.taken, self.winds_up = self.gone, None, None, None, None
        if self.is_inside:
            self.is_inside = False
            self.caller.leave()
        if is_gone and gone is not None:
            gone()

    def _with_head(self, operations: list[Any]) -> tuple[Any, ...]:
        """The first thing that is sent brings the initial metadata."""
        if self._has_begun:
            return tuple(operations)
        self._has_begun = True
        return (cygrpc.SendInitialMetadataOperation((), 0), *operations)


def _nothing(_event: Any) -> None:
    """An end that nobody waits for."""
