"""A call of ModelStreamInfer in: several messages under way, their answers in order out."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from google.protobuf.message import DecodeError

from stadion.core.errors import StadionError
from stadion.serve.grpc.call import Call
from stadion.serve.grpc.infer import Infer
from stadion.serve.grpc.infer_response import block
from stadion.serve.grpc.inference_pb2 import (
    InferParameter,
    ModelInferRequest,
    ModelInferResponse,
    ModelStreamInferResponse,
)
from stadion.serve.grpc.reporter import Reporter
from stadion.serve.grpc.service import warm
from stadion.serve.grpc.status import Ending, Status, ending_of
from stadion.serve.grpc.witness import Heard
from stadion.serve.table import Cold
from stadion.serve.ticket import Ticket

__all__ = ["Streams"]

_MOST_UNDER_WAY = 16
_MARK = "triton_enable_empty_final_response"
_FINAL = ModelInferResponse(
    parameters={"triton_final_response": InferParameter(bool_param=True)}
).SerializeToString()
_RESPONSE = b"\x12"  # the tag of infer_response
_OK = Ending(Status.OK)
_LATE = Ending(Status.DEADLINE_EXCEEDED, b"deadline exceeded")
_DRAINED = Ending(Status.UNAVAILABLE, b"the server is ending; call again")


class Streams:
    """Begins a stream for each call."""

    def __init__(self, loop: asyncio.AbstractEventLoop, infer: Infer, reporter: Reporter) -> None:
        self._loop = loop
        self._infer = infer
        self._reporter = reporter

    def begin(self, call: Call, body: bytes | None) -> None:
        """Take over a call at its first message; see `Method.stream`."""
        _Stream(self._loop, self._infer, self._reporter, call).hear(call, body)


class _Turn:
    """One message: its answer, once there is one, and how to give it up."""

    __slots__ = ("answer", "give_up", "heard")

    def __init__(self, heard: Heard) -> None:
        self.heard = heard
        self.answer: bytes | None = None
        self.give_up: Callable[[], object] | None = None


class _Stream:
    """One call. An error is the answer of its message and leaves the others alone.

    No more than `_MOST_UNDER_WAY` messages are under way: then the client is read no further,
    and HTTP/2's flow control slows it down.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, infer: Infer, reporter: Reporter, call: Call
    ) -> None:
        self._loop = loop
        self._infer = infer
        self._reporter = reporter
        self._call = call
        self._turns: deque[_Turn] = deque()
        self._ending: Ending | None = None
        call.heard, call.taken = self.hear, self._flush
        call.gone, call.winds_up = self._give_up, self._wind_up

    def hear(self, call: Call, body: bytes | None) -> None:
        """The next message, or that there is none any more."""
        if body is None:
            self._ending = self._ending or _OK
        else:
            turn = _Turn(Heard(call, call.began_ns, len(body)))
            self._turns.append(turn)
            self._begin(turn, body)
        self._flush()

    def _begin(self, turn: _Turn, body: bytes) -> None:
        caller = self._call.caller
        refusal = caller.enter()
        if refusal is not None:
            self._fail(turn, body, refusal)
            return
        ask = partial(self._infer.ask, self._call, body)
        answer: Ticket | Awaitable[bytes | Ticket]
        try:
            try:
                answer = ask()
            except Cold as cold:
                answer = warm(cold, ask)
        except Exception as error:  # noqa: BLE001  # one bad message must not end the others
            self._fail(turn, body, error)
            caller.leave()
            return
        if isinstance(answer, Ticket):
            turn.give_up = answer.cancel
            answer.on_done(partial(self._settle, turn, body))
        else:
            turn.give_up = self._loop.create_task(self._wait(turn, body, answer)).cancel

    def _settle(self, turn: _Turn, body: bytes, ticket: Ticket) -> None:
        try:
            answer = self._reporter.written(turn.heard, ticket)
        except Exception as error:  # noqa: BLE001  # one answer that cannot be written harms no other
            self._fail(turn, body, error, ticket)
        else:
            if ticket.request.parameters.get(_MARK) is True:
                answer += _FINAL  # a message behind another is read as one
            turn.answer = b"".join(block(_RESPONSE, answer))
            self._reporter.answered(turn.heard, len(answer), ticket)
        self._call.caller.leave()
        self._flush()

    async def _wait(self, turn: _Turn, body: bytes, answer: Awaitable[bytes | Ticket]) -> None:
        try:
            try:
                ticket = await answer
            except Cold as cold:
                ticket = await warm(cold, partial(self._infer.ask, self._call, body))
            assert isinstance(ticket, Ticket)  # noqa: S101  # Infer gives nothing else
            with contextlib.suppress(StadionError):
                await ticket
        except Exception as error:  # noqa: BLE001  # one bad message must not end the others
            self._fail(turn, body, error)
            self._call.caller.leave()
            self._flush()
        else:
            self._settle(turn, body, ticket)

    def _fail(
        self, turn: _Turn, body: bytes, error: Exception, ticket: Ticket | None = None
    ) -> None:
        turn.answer = _failure(error, body)
        self._reporter.failed(turn.heard, error, ticket)

    def _flush(self) -> None:
        """Send the next answer if it is there, see to the next message or the end."""
        call, turns = self._call, self._turns
        if call.is_over:
            return
        if turns and not call.is_sending:
            answer = turns[0].answer
            if answer is not None:
                turns.popleft()
                call.send(answer)
        if self._ending is None:
            if len(turns) < _MOST_UNDER_WAY and not call.is_receiving:
                call.receive()
        elif not turns and not call.is_sending:
            is_late = time.time() >= call.deadline_s
            call.end(_LATE if is_late else self._ending)  # the client may see it a moment later

    def _wind_up(self) -> None:
        """The server ends: answer what is under way and nothing more."""
        self._ending = self._ending or _DRAINED
        self._flush()

    def _give_up(self) -> None:
        """The client went away."""
        caller = self._call.caller
        for turn in self._turns:
            if turn.answer is None and turn.give_up is not None:
                turn.give_up()
                caller.leave()
        self._turns.clear()


def _failure(error: Exception, body: bytes) -> bytes:
    """An error as the answer of its message, with the message's id where it has one."""
    try:
        answer = ModelInferResponse(id=ModelInferRequest.FromString(body).id)
    except DecodeError:
        answer = ModelInferResponse()
    text = ending_of(error).details.decode(errors="ignore")
    return ModelStreamInferResponse(
        error_message=text or "internal error", infer_response=answer
    ).SerializeToString()
