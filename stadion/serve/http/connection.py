"""The bytes of one client in, its requests answered in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from stadion.core.errors import Code, StadionError
from stadion.serve.faults import whereabouts
from stadion.serve.http.bodies import inflate
from stadion.serve.http.intake import BODY, HEAD, IDLE, Intake, Message
from stadion.serve.http.reply import render
from stadion.serve.http.router import Found
from stadion.serve.http.site import Site
from stadion.serve.protocols.base import Call, Reply

__all__ = ["Connection"]

_log = logging.getLogger("stadion.serve")

_LINGER_S = 5.0
_MOST_WAITING = 16
_MOST_HELD = 1 << 20
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """One TCP connection.

    Requests are answered one after the other, which keeps pipelined answers in order. An answer
    that ends the connection is followed by our half of the goodbye; what the client still sends
    is thrown away until it closes, because closing first would take back the answer.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._intake = Intake(site.limits)
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None] | None = None
        self._out: list[bytes] = []
        self._deadline = 0.0
        self._is_reading = True
        self._is_blocked = False
        self._is_over = False
        self._said_goodbye = False
        self._unsent, self._unsent_deadline = 0, 0.0

    # --- called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept, or refuse when there are too many."""
        self._transport = transport  # type: ignore[assignment]  # TCP gives no other
        self._site.connections.add(self)
        self._deadline = self._site.loop.time() + self._site.limits.head_s
        if len(self._site.connections) > self._site.limits.connections:
            self._intake.refuse(503, "too many connections", b"Retry-After: 1\r\n")
            self._advance()

    def data_received(self, data: bytes) -> None:
        """Parse, answer what is complete, see to the limits."""
        if not self._intake.is_closed:
            self._intake.feed(data)
            self._advance()

    def eof_received(self) -> bool:
        """The client has closed: send what is answered already, begin nothing for it.

        Who closes only its sending half looks the same. Ending a run that nobody waits for is
        worth more than answering the few who do that before a slow answer.
        """
        self._intake.close()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits any more: end the run that is under way."""
        self._site.connections.discard(self)
        self._is_over = self._said_goodbye = True
        self._intake.forget()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """The client takes less than we write: answer no more until it catches up."""
        self._is_blocked = True
        self._unsent = self._transport.get_write_buffer_size()
        self._unsent_deadline = self._site.loop.time() + self._site.limits.write_s

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._is_blocked = False
        self._unsent_deadline = 0.0
        self._advance()

    # --- called by the site

    def check_time(self, now: float) -> None:
        """Act on whatever has taken too long."""
        if self._unsent_deadline and now > self._unsent_deadline:
            self._check_writing(now)
        if not self._deadline or now < self._deadline:
            return
        if self._intake.phase != IDLE:
            self._intake.refuse(408, "the request was not complete in time")
            self._advance()
        elif not self._transport.get_write_buffer_size():
            self._transport.close()

    def close_if_idle(self) -> None:
        """While draining: close when nothing is asked, and when the client has its answer."""
        if self._task or self._intake.ready or self._intake.phase != IDLE:
            return
        if not self._is_over:
            self._end()
            self._flush()
        elif not self._transport.get_write_buffer_size():
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    # --- answering

    def _advance(self) -> None:
        """Answer what is complete, as far as that goes without waiting."""
        intake = self._intake
        while intake.ready and self._task is None and not self._is_blocked and not self._is_over:
            self._answer(intake.take())
        if intake.owes_continue and self._task is None and not intake.ready:
            intake.owes_continue = False
            if intake.phase == BODY:
                self._out.append(_CONTINUE)
        if self._out or self._is_over:
            self._flush()
        if not self._is_over:
            self._set_deadline(intake)
            self._set_reading(intake)

    def _answer(self, message: Message) -> None:
        if message.refusal is not None:
            self._send(message, message.refusal)
            return
        headers = message.headers or {}
        found = self._site.router.find(message.method, message.url)
        body = message.body
        if b"content-encoding" in headers:
            content = inflate(body, headers[b"content-encoding"], self._site.limits.body_bytes)
            if isinstance(content, Reply):
                self._send(message, content)
                return
            body = content
        try:
            answer = found.handle(Call(found.params, found.query, headers, body))
        except Exception as error:  # noqa: BLE001  # one bad request must not end the others
            self._send(message, _failed(found, error))
            return
        if isinstance(answer, Reply):
            self._send(message, answer)
        else:
            self._task = self._site.loop.create_task(self._wait(message, found, answer))

    async def _wait(self, message: Message, found: Found, answer: Awaitable[Reply]) -> None:
        try:
            reply = await answer
        except Exception as error:  # noqa: BLE001  # one bad request must not end the others
            reply = _failed(found, error)
        self._task = None
        self._send(message, reply)
        self._advance()

    def _send(self, message: Message, reply: Reply) -> None:
        intake = self._intake
        close = message.is_last or (
            self._site.is_draining and not intake.ready and intake.phase == IDLE
        )
        self._out.append(
            render(
                reply,
                self._site.date,
                close=close,
                old=message.is_old,
                bodiless=message.method == b"HEAD",
            )
        )
        if close:
            self._end()

    def _end(self) -> None:
        self._is_over = True
        self._intake.close()
        self._intake.ready.clear()
        self._intake.held = 0
        self._deadline = self._site.loop.time() + _LINGER_S

    def _flush(self) -> None:
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()
        if self._is_over and not self._said_goodbye:
            self._said_goodbye = True
            self._set_reading(self._intake)
            self._transport.write_eof()

    # --- time and flow

    def _set_deadline(self, intake: Intake) -> None:
        limits = self._site.limits
        if intake.phase != IDLE:
            if intake.is_phase_new:
                intake.is_phase_new = False
                limit_s = limits.head_s if intake.phase == HEAD else limits.body_s
                self._deadline = self._site.loop.time() + limit_s
        elif self._task or intake.ready:
            self._deadline = 0.0  # ours to answer, and that has a limit of its own
        else:
            self._deadline = self._site.loop.time() + limits.idle_s

    def _set_reading(self, intake: Intake) -> None:
        """Read no further while enough waits to be answered."""
        wanted = len(intake.ready) < _MOST_WAITING and intake.held < _MOST_HELD
        if wanted is not self._is_reading:
            self._is_reading = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _check_writing(self, now: float) -> None:
        """Give a slow reader more time as long as it takes anything at all."""
        unsent = self._transport.get_write_buffer_size()
        if unsent >= self._unsent:
            self._transport.abort()
        self._unsent, self._unsent_deadline = unsent, now + self._site.limits.write_s


def _failed(found: Found, error: Exception) -> Reply:
    if not isinstance(error, StadionError):
        _log.error("a handler failed: %s", whereabouts(error))
        error = StadionError(Code.INTERNAL, "internal error")
    return found.failure(error)
