"""The bytes of one client in, its requests answered in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

from stadion.serve.http.answering import failed, over, refusal_reason, warm, written
from stadion.serve.http.bodies import WORTH_DEFLATING, deflated, inflate
from stadion.serve.http.denial import denial
from stadion.serve.http.entry import Entry
from stadion.serve.http.heads import HEAD_END, Head
from stadion.serve.http.intake import BODY, HEAD, IDLE, Intake
from stadion.serve.http.reading import Reading
from stadion.serve.http.reply import render
from stadion.serve.http.router import Found
from stadion.serve.http.site import Site
from stadion.serve.protocols.base import Answer, Call, Reply
from stadion.serve.table import Cold
from stadion.serve.ticket import Ticket

__all__ = ["Connection"]

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
        self.entry = Entry(site)
        self._intake = Intake(site.limits, site.heads, site.budget)
        self._transport: asyncio.Transport
        self._address = ""
        self._task: asyncio.Task[None] | None = None
        self._ticket: Ticket | None = None
        self._asked: tuple[Head, Found] | None = None
        self._began_ns = 0
        self._out: list[bytes] = []
        self._deadline = 0.0
        self._reading = Reading(site.loop)
        self._is_blocked = False
        self._is_quiet = True  # nothing is half received, waits or is being answered
        self._is_away = False  # what was asked is answered by the express way
        self._is_left = False  # the client sends nothing more
        self._is_over = False
        self._said_goodbye = False
        self._unsent, self._unsent_deadline = 0, 0.0

    # --- called by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept, or refuse when there are too many."""
        self._transport = transport  # type: ignore[assignment]  # TCP gives no other
        self._address = str((transport.get_extra_info("peername") or ("",))[0])
        self._reading.begin(self._transport)
        self._site.connections.add(self)
        self._deadline = self._site.loop.time() + self._site.limits.head_s
        if len(self._site.connections) > self._site.limits.connections:
            self._intake.refuse(503, "too many connections", b"Retry-After: 1\r\n")
            self._advance()

    def data_received(self, data: bytes) -> None:
        """Parse, answer what is complete, see to the limits."""
        intake = self._intake
        if intake.is_closed:
            return
        if self._is_quiet and intake.phase == IDLE:
            cut = data.find(HEAD_END) + 4
            head = self._site.heads.known.get(data[:cut])
            if head is not None and len(data) == cut + head.length:
                self._is_quiet = False
                body = data[cut:]
                if head.is_express and self._offer(head, body):
                    return
                self._answer(head, body)
                self._rest()
                return
        self._is_quiet = False
        intake.feed(data)
        if self._site.gate.is_required and (head := intake.announced) is not None:
            self._turn_away(head)
        self._advance()

    def eof_received(self) -> bool:
        """The client has closed: send what is answered within this turn, begin nothing else.

        Who closes only its sending half looks the same. Ending a run that nobody waits for is
        worth more than answering the few who do that before a slow answer.
        """
        self._intake.close()
        self._is_left = True
        return self._is_quick

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits any more: end the run that is under way."""
        self._site.connections.discard(self)
        self._is_over = self._said_goodbye = True
        self._intake.forget()
        if self._task is not None:
            self._task.cancel()
        if self._ticket is not None:
            self._ticket.cancel()
        self.entry.leave()
        self._reading.end()

    def pause_writing(self) -> None:
        """The client takes less than we write: answer no more until it catches up."""
        self._is_blocked = True
        self._is_quiet = False
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
        if self._is_busy or self._intake.ready or self._intake.phase != IDLE:
            return
        if not self._is_over:
            self._end()
            self._flush()
        elif not self._transport.get_write_buffer_size():
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    # --- the express way

    def _offer(self, head: Head, body: bytes) -> bool:
        """Have a call taken over; False when it goes the usual way."""
        express = self._site.express
        if express is None or not self.entry.enter_again(head):
            return False
        self._is_away = True
        if not express.offer(self, head, body):
            self._is_away = False
            return False
        return True

    def express(self, text: bytes) -> None:
        """The whole response to what was offered."""
        self._is_away = False
        self.entry.leave()
        if self._is_over:
            return
        self._transport.write(text)
        intake = self._intake
        if intake.phase == IDLE and not (intake.ready or self._is_blocked or self._is_left):
            self._is_quiet = True
            self._deadline = self._site.now + self._site.limits.idle_s
        else:
            self._advance()

    def usual(self, head: Head, body: bytes) -> None:
        """What was offered is to be answered the usual way after all."""
        self._is_away = False
        if not self._is_over:
            self._answer(head, body)
            self._advance()

    # --- answering

    @property
    def _is_quick(self) -> bool:
        """True while what is being answered is answered by the end of this turn."""
        ticket = self._ticket
        return self._is_away or (ticket is not None and ticket.lane.loaded.inline_elements > 0)

    @property
    def _is_busy(self) -> bool:
        """True while a request is being answered."""
        return self._is_away or self._ticket is not None or self._task is not None

    def _advance(self) -> None:
        """Answer what is complete, as far as that goes without waiting."""
        intake = self._intake
        while intake.ready and not (self._is_busy or self._is_blocked or self._is_over):
            message = intake.take()
            if message.refusal is not None:
                self._send(message.head, message.refusal)
            else:
                self._answer(message.head, message.body)
        if intake.owes_continue and not self._is_busy and not intake.ready:
            intake.owes_continue = False
            if intake.phase == BODY:
                self._out.append(_CONTINUE)
        self._rest()

    def _rest(self) -> None:
        """Send what is to be sent; what may come next, and until when."""
        if self._out or self._is_over:
            self._flush()
        if self._is_left and not self._is_quick:
            self._transport.close()
        if self._is_over or self._is_left:
            return
        intake = self._intake
        if intake.phase == IDLE and not intake.ready and not self._is_blocked:
            self._is_quiet = not self._is_busy
            self._deadline = self._site.now + self._site.limits.idle_s if self._is_quiet else 0.0
            if self._reading.is_on:
                return
        self._set_deadline(intake)
        self._set_reading(intake)

    def _turn_away(self, head: Head) -> None:
        """Receive no body from who will not be answered."""
        found = self._site.router.find(head.method, head.url)
        if (refusal := self.entry.denied(head, found, self._address)) is not None:
            self._intake.deny(denial(found.failure, refusal))

    def _answer(self, head: Head, body: bytes) -> None:
        self._began_ns = time.perf_counter_ns()
        found = head.found
        if found is None:
            found = head.found = self._site.router.find(head.method, head.url)
            head.is_express = found.is_express and not head.is_coded
        if (refusal := self.entry.enter(head, found, self._address)) is not None:
            self._send(head, denial(found.failure, refusal))
            self._reading.rest(self.entry.pace.rest_s())
            return
        if head.length and (crowd := self._site.crowd(found.params.get("model", ""))) is not None:
            self._send(head, self._failed(found, crowd))
            return
        if head.is_coded:
            coding = head.headers[b"content-encoding"]
            content = inflate(body, coding, self._site.limits.body_bytes)
            if isinstance(content, Reply):
                self._send(head, content)
                return
            body = content
        call = Call(found.params, found.query, head.headers, body)
        answer: Answer
        try:
            answer = found.handle(call)
        except Cold as cold:
            answer = warm(cold, found, call)
        except Exception as error:  # noqa: BLE001  # one bad request must not end the others
            self._send(head, self._failed(found, error))
            return
        if isinstance(answer, Ticket):
            self._ticket, self._asked = answer, (head, found)
            answer.on_done(self._settled)
        elif isinstance(answer, Reply):
            self._send(head, answer)
        else:
            self._task = self._site.loop.create_task(self._wait(head, found, call, answer))

    def _settled(self, ticket: Ticket) -> None:
        """The answer of the ticket is there, or will never be."""
        if self._asked is None:
            return
        head, found = self._asked
        self._ticket = self._asked = None
        self._send(head, self._written(ticket, found), ticket)
        self._advance()

    async def _wait(
        self, head: Head, found: Found, call: Call, answer: Awaitable[Reply | Ticket]
    ) -> None:
        ticket: Ticket | None = None
        try:
            try:
                reply = await answer
            except Cold as cold:
                reply = await warm(cold, found, call)
            if isinstance(reply, Ticket):
                ticket = reply
                await over(ticket)
                reply = self._written(ticket, found)
        except Exception as error:  # noqa: BLE001  # one bad request must not end the others
            reply = self._failed(found, error)
        self._task = None
        self._send(head, reply, ticket)
        self._advance()

    def _written(self, ticket: Ticket, found: Found) -> Reply:
        """The answer of a ticket, and where its time went."""
        settled_ns = time.perf_counter_ns()
        try:
            reply = written(ticket, found)
        except Exception as error:  # noqa: BLE001  # one answer that cannot be written harms no other
            return self._failed(found, error)
        now_ns, stats = time.perf_counter_ns(), ticket.lane.loaded.stats
        stats.input.add(ticket.asked_ns - self._began_ns)
        stats.output.add(now_ns - settled_ns)
        stats.total.add(now_ns - self._began_ns)
        return reply

    def _failed(self, found: Found, error: Exception) -> Reply:
        if reason := refusal_reason(error):
            self._site.refuse(reason)
        return failed(found, error)

    def _send(self, head: Head, reply: Reply, ticket: Ticket | None = None) -> None:
        intake, site = self._intake, self._site
        if site.witness is not None and head.url:
            site.witness.see(head, reply, ticket, self._began_ns, self.entry.key)
        self.entry.leave()
        intake.let_go()
        if ticket is not None and len(reply.body) >= WORTH_DEFLATING:
            # Predictions only: some clients ask for compressed ones and undo no other.
            reply = deflated(reply, head.headers.get(b"accept-encoding", b""))
        close = head.is_last or (site.is_draining and not intake.ready and intake.phase == IDLE)
        if close or head.is_old or head.method == b"HEAD":
            is_head = head.method == b"HEAD"
            text = render(reply, site.date, close=close, old=head.is_old, bodiless=is_head)
        else:
            text = site.render(reply)
        self._out.append(text)
        if close:
            self._end()

    def _end(self) -> None:
        self._is_over = True
        self._intake.close()
        self._intake.ready.clear()
        self._intake.held = 0
        self._deadline = self._site.loop.time() + _LINGER_S

    def _flush(self) -> None:
        if len(self._out) == 1:
            self._transport.write(self._out.pop())
        elif self._out:
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
        elif self._is_busy or intake.ready:
            self._deadline = 0.0  # ours to answer, and that has a limit of its own
        else:
            self._deadline = self._site.loop.time() + limits.idle_s

    def _set_reading(self, intake: Intake) -> None:
        """Read no further while enough waits to be answered."""
        self._reading.want(len(intake.ready) < _MOST_WAITING and intake.held < _MOST_HELD)

    def _check_writing(self, now: float) -> None:
        """Give a slow reader more time as long as it takes anything at all."""
        unsent = self._transport.get_write_buffer_size()
        if unsent >= self._unsent:
            self._transport.abort()
        self._unsent, self._unsent_deadline = unsent, now + self._site.limits.write_s
