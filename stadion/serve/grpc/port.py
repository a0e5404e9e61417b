"""A port in, its gRPC calls on the event loop out.

gRPC core reads and writes HTTP/2 in threads of its own and tells of it in a queue. One thread
empties that queue and hands over to the event loop, which it wakes once for whatever has come
meanwhile: so calls that arrive together are answered in one turn, and no call holds a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from grpc._cython import cygrpc

from stadion.core.errors import Code, StadionError
from stadion.serve.config import Limits
from stadion.serve.faults import whereabouts
from stadion.serve.grpc.call import Call
from stadion.serve.grpc.options import core_options
from stadion.serve.grpc.status import Ending, Status
from stadion.serve.sockets import address_of

__all__ = ["Port"]

_log = logging.getLogger("stadion.serve")

_AHEAD = 32  # calls that core may hand over before it is asked for more
_CHECK_S = 0.5
_STREAM_IDLE_S = 600.0
_END_S = 1.0
_FULL = Ending(Status.RESOURCE_EXHAUSTED, b"too many calls are under way", (("retry-after", "1"),))
_WIDE = Ending(Status.RESOURCE_EXHAUSTED, b"the metadata is larger than the limit")
_LATE = Ending(Status.DEADLINE_EXCEEDED, b"the message was not complete in time")
_SILENT = Ending(Status.DEADLINE_EXCEEDED, b"nothing was asked for too long; call again")

Begin = Callable[[Call], Ending | None]
"""Takes a new call, or says how it ends at once."""


class Port:
    """One listening port of one worker; other workers may listen on it as well.

    Parameters
    ----------
    begin
        Called on core's thread with every new call, before its first message is received.
    limits
        `connections` bounds the calls under way too; `body_s` and `write_s` the waits for a
        client.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits, begin: Begin) -> None:
        self._loop = loop
        self._limits = limits
        self._begin = begin
        self.calls: set[Call] = set()
        self._told: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._is_woken = False
        self._is_closed = False
        self._ended = asyncio.Event()
        self._queue = cygrpc.CompletionQueue()
        self._server = cygrpc.Server(core_options(limits), False)
        self._server.register_completion_queue(self._queue)

    def listen(self, host: str, port: int) -> None:
        """Begin to take calls.

        Raises
        ------
        StadionError
            CONFLICT when the port cannot be bound.
        """
        address = address_of("127.0.0.1" if host == "localhost" else host, port)
        bound = 0
        with contextlib.suppress(RuntimeError):
            bound = self._server.add_http2_port(address.encode())
        if not bound:
            raise StadionError(
                Code.CONFLICT,
                f"cannot listen on {address} for gRPC",
                "choose another port, or 0 for a free one",
            )
        self._server.start()
        for _ in range(_AHEAD):
            self._request()
        threading.Thread(target=self._serve, name="grpc", daemon=True).start()
        self._loop.call_later(_CHECK_S, self._check_times)

    async def drain(self, limit_s: float) -> None:
        """Take no more calls, let those under way be answered, then end."""
        self._server.shutdown(self._queue, self._on_shutdown)
        for call in list(self.calls):
            if call.winds_up is not None:
                call.winds_up()
        try:
            async with asyncio.timeout(limit_s):
                await self._ended.wait()
        except TimeoutError:
            self._server.cancel_all_calls()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_END_S):
                    await self._ended.wait()
        self._is_closed = True

    # --- called on core's thread

    def tell(self, work: Callable[[Any], None], value: Any) -> None:
        """Have the loop do this, in order."""
        self._told.append((work, value))
        if not self._is_woken and not self._is_closed:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._listen)

    def forget(self, call: Call) -> None:
        """The call is over for core too."""
        self.calls.discard(call)

    def _serve(self) -> None:
        """Until the queue has told that everything is over."""
        while True:
            event = self._queue.poll()
            if event.tag == self._on_shutdown:
                self._server.destroy()
                self._loop.call_soon_threadsafe(self._ended.set)
                return
            try:
                event.tag(event)
            except Exception as error:  # noqa: BLE001  # one call's trouble must not end the others
                _log.error("a gRPC call failed: %s", whereabouts(error))
            del event  # a call that core has ended must not be held while waiting for the next

    def _request(self) -> None:
        self._server.request_call(self._queue, self._queue, self._on_call)

    def _on_shutdown(self, _event: Any) -> None:
        """All calls are over."""

    def _on_call(self, event: Any) -> None:
        """A client calls."""
        if not event.success:  # the server shuts down
            return
        self._request()
        call = Call(self, event)
        call.watch()
        refusal = self._refusal(call)
        if refusal is None:
            self.calls.add(call)
            call.receive()
        else:
            call.end(refusal)

    def _refusal(self, call: Call) -> Ending | None:
        """Why a call is not taken; None when it is.

        Core counts metadata as it travels: one wide header, told again by its index, makes
        16 MiB out of 8 kB. What is wider than the limit is let go of before anything else.
        """
        if sum(len(name) + len(value) for name, value in call.metadata) > self._limits.head_bytes:
            call.metadata = ()
            return _WIDE
        return _FULL if len(self.calls) >= self._limits.connections else self._begin(call)

    # --- and here on the loop

    def _listen(self) -> None:
        """Do what was told until now, and no more: the turn's run waits for its end."""
        self._is_woken = False
        told = self._told
        for _ in range(len(told)):
            work, value = told.popleft()
            try:
                work(value)
            except Exception as error:  # noqa: BLE001  # one call's trouble must not end the others
                _log.error("a gRPC call failed: %s", whereabouts(error))

    def _check_times(self) -> None:
        """End the calls whose client keeps us waiting."""
        if self._is_closed:
            return
        now = time.monotonic()
        for call in list(self.calls):
            waited_s = now - call.since
            if call.is_over or call.is_sending:
                if waited_s > self._limits.write_s:
                    call.cut()
            elif call.is_receiving:
                if waited_s > self._limits.body_s and not call.is_stream:
                    call.end(_LATE)
                elif waited_s > _STREAM_IDLE_S:
                    call.end(_SILENT)
        self._loop.call_later(_CHECK_S, self._check_times)
