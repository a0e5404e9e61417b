"""Calls of a port in, each brought to its method, admitted, answered and ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from stadion.core.access import Access
from stadion.core.errors import StadionError
from stadion.serve.callers import ANYBODY, Caller
from stadion.serve.gate import Gate
from stadion.serve.grpc.call import Call, Metadata
from stadion.serve.grpc.reporter import Reporter
from stadion.serve.grpc.status import Ending, Status, ending_of
from stadion.serve.grpc.witness import Heard
from stadion.serve.table import Cold
from stadion.serve.ticket import Ticket

__all__ = ["Answer", "Handler", "Method", "Service", "warm"]

Answer = bytes | Ticket | Awaitable[bytes | Ticket]
"""A serialised message, or a ticket whose `encode` makes one, or either that is to come."""
Handler = Callable[[Call, bytes], Answer]

_ATTEMPTS = 4
_KEYS = ("authorization", "x-api-key")
_UNKNOWN = Ending(Status.UNIMPLEMENTED, b"there is no such method")
_EMPTY = Ending(Status.UNIMPLEMENTED, b"the call brought no message; expected one")


@dataclass(frozen=True, slots=True)
class Method:
    """What one method of a service does.

    Parameters
    ----------
    access
        What it asks of its caller. A method about a model that the message names asks for a
        key, and checks the model when it has read it.
    handle
        Answers the message of a call, for methods with one message each way.
    stream
        Takes over a call with several, from its first message or its end (None) on.
    """

    access: Access
    handle: Handler | None = None
    stream: Callable[[Call, bytes | None], None] | None = None


class Service:
    """All methods of one worker."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        methods: Mapping[str, Method],
        gate: Gate,
        reporter: Reporter,
    ) -> None:
        self._loop = loop
        self._gate = gate
        self._reporter = reporter
        self._hears = {path.encode(): partial(self._hear, m) for path, m in methods.items()}
        self._streams = {path.encode() for path, m in methods.items() if m.stream}

    def begin(self, call: Call) -> Ending | None:
        """Take a call of a known method; see `port.Begin`."""
        hear = self._hears.get(call.method)
        if hear is None:
            return _UNKNOWN
        call.heard = hear
        call.is_stream = call.method in self._streams
        return None

    def _hear(self, method: Method, call: Call, body: bytes | None) -> None:
        """The first message of a call is there."""
        heard = Heard(call, call.began_ns, len(body or b""))
        try:
            caller = self._caller(method, call)
            if method.stream is not None:
                call.caller = caller
                method.stream(call, body)
            elif body is None:
                call.end(_EMPTY)
            else:
                self._admit(call, caller)
                self._begin(method, heard, body)
        except Exception as error:  # noqa: BLE001  # one bad call must not end the others
            self._fail(heard, error)

    def _caller(self, method: Method, call: Call) -> Caller:
        if method.access is Access.OPEN:
            return ANYBODY
        headers = _key_headers(call.metadata)
        address = call.peer if headers else ""
        return self._gate.caller(headers, method.access, address=address)

    def _admit(self, call: Call, caller: Caller) -> None:
        refusal = caller.enter()
        if refusal is not None:
            raise refusal
        call.caller = caller
        call.is_inside = True

    def _begin(self, method: Method, heard: Heard, body: bytes) -> None:
        assert method.handle is not None  # noqa: S101  # a method has the one or the other
        call = heard.call
        answer: Answer
        try:
            answer = method.handle(call, body)
        except Cold as cold:
            answer = warm(cold, partial(method.handle, call, body))
        if isinstance(answer, bytes):
            self._answer(heard, answer)
        elif isinstance(answer, Ticket):
            call.gone = answer.cancel
            answer.on_done(partial(self._settle, heard))
        else:
            task = self._loop.create_task(self._wait(method.handle, heard, body, answer))
            call.gone = task.cancel

    async def _wait(
        self, handle: Handler, heard: Heard, body: bytes, answer: Awaitable[bytes | Ticket]
    ) -> None:
        try:
            try:
                found = await answer
            except Cold as cold:
                found = await warm(cold, partial(handle, heard.call, body))
            if isinstance(found, Ticket):
                with contextlib.suppress(StadionError):
                    await found
        except Exception as error:  # noqa: BLE001  # one bad call must not end the others
            self._fail(heard, error)
        else:
            if isinstance(found, Ticket):
                self._settle(heard, found)
            else:
                self._answer(heard, found)

    def _settle(self, heard: Heard, ticket: Ticket) -> None:
        """The answer of the ticket is there, or will never be."""
        try:
            answer = self._reporter.written(heard, ticket)
        except Exception as error:  # noqa: BLE001  # one answer that cannot be written harms no other
            self._fail(heard, error, ticket)
        else:
            self._answer(heard, answer, ticket)

    def _answer(self, heard: Heard, answer: bytes, ticket: Ticket | None = None) -> None:
        heard.call.answer(answer)
        self._reporter.answered(heard, len(answer), ticket)

    def _fail(self, heard: Heard, error: Exception, ticket: Ticket | None = None) -> None:
        heard.call.end(ending_of(error))
        self._reporter.failed(heard, error, ticket)


async def warm(cold: Cold, ask: Callable[[], Answer]) -> bytes | Ticket:
    """Ask again once the model is in memory; it may be pushed out again meanwhile."""
    for _ in range(_ATTEMPTS):
        await cold.ready
        try:
            answer = ask()
            return answer if isinstance(answer, bytes | Ticket) else await answer
        except Cold as again:
            cold = again
    raise cold


def _key_headers(metadata: Metadata) -> dict[bytes, bytes]:
    """The metadata that can hold an API key, as HTTP's headers have it."""
    found: dict[bytes, bytes] = {}
    for name, value in metadata:
        if name in _KEYS:
            found[name.encode()] = value if isinstance(value, bytes) else value.encode()
    return found
