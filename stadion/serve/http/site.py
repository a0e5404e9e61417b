"""What all connections of one worker share: routes, limits, the clock and the will to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from stadion.core.errors import StadionError
from stadion.serve.config import Limits
from stadion.serve.gate import Gate
from stadion.serve.http.budget import Budget
from stadion.serve.http.heads import Heads
from stadion.serve.http.reply import http_date, prefix
from stadion.serve.http.router import Router
from stadion.serve.pace import Pace
from stadion.serve.protocols.base import Reply
from stadion.serve.sockets import refuse_new

if TYPE_CHECKING:
    from stadion.serve.express import Express
    from stadion.serve.http.connection import Connection
    from stadion.serve.http.witness import Witness

__all__ = ["Site"]

_SWEEP_S = 0.25
_SETTLE_S = 0.05
_LAST_REQUEST_S = 0.75


class Site:
    """One listening address of one worker.

    Time-outs are kept by one sweep over the connections instead of a timer per request.

    Parameters
    ----------
    refuse
        Counts a call that was turned away, by its reason.
    crowd
        The refusal for calls to a model that too many wait for, before they are read.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        router: Router,
        limits: Limits,
        gate: Gate | None = None,
        refuse: Callable[[str], None] = lambda _reason: None,
        crowd: Callable[[str], StadionError | None] = lambda _model: None,
    ) -> None:
        self.loop = loop
        self.router = router
        self.limits = limits
        self.gate = gate or Gate()
        self.connections: set[Connection] = set()
        self.heads = Heads()
        self.budget = Budget(limits.held_bytes)
        self.strangers = Pace()
        self.witness: Witness | None = None
        self.express: Express | None = None
        self.refuse = refuse
        self.crowd = crowd
        self.is_draining = False
        self.date = http_date()
        self.now = loop.time()
        self._prefixes: dict[tuple[int, bytes], bytes] = {}
        self._server: asyncio.Server | None = None
        self._listener: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def listen(self, listener: socket.socket) -> None:
        """Accept connections on a bound socket."""
        from stadion.serve.http.connection import Connection

        self._listener = listener
        self._server = await self.loop.create_server(
            lambda: Connection(self), sock=listener, backlog=1024
        )
        self._sweep()

    def render(self, reply: Reply) -> bytes:
        """A response of HTTP/1.1 to a call that keeps its connection."""
        start = self.start(reply.kind, reply.status)
        return b"%b%d\r\n%b\r\n%b" % (start, len(reply.body), reply.headers, reply.body)

    def start(self, kind: bytes, status: int = 200) -> bytes:
        """The start of such a response, up to its length."""
        found = self._prefixes.get((status, kind))
        if found is None:
            found = self._prefixes[status, kind] = prefix(status, kind, self.date)
        return found

    async def drain(self, limit_s: float) -> None:
        """Take no new connection, answer what has arrived, and close the rest.

        A connection that is kept alive may still send the request it was about to send: its
        answer says that the connection ends.
        """
        self.is_draining = True
        began = self.loop.time()
        if self._listener is not None and self._server is not None:
            refuse_new(self._listener)
            await asyncio.sleep(_SETTLE_S)  # what was accepted before reaches the loop
            self._server.close()
        while self.connections and (spent := self.loop.time() - began) < limit_s:
            if spent > _LAST_REQUEST_S:
                for connection in list(self.connections):
                    connection.close_if_idle()
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            connection.abort()
        if self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        self._timer = self.loop.call_later(_SWEEP_S, self._sweep)
        self.date = http_date()
        self._prefixes.clear()
        now = self.now = self.loop.time()
        for connection in list(self.connections):
            connection.check_time(now)
