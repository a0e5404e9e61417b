"""What all connections of one worker share: routes, limits, the clock and the will to stop."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from stadion.serve.config import Limits
from stadion.serve.http.reply import http_date
from stadion.serve.http.router import Router
from stadion.serve.sockets import refuse_new

if TYPE_CHECKING:
    from stadion.serve.http.connection import Connection

__all__ = ["Site"]

_SWEEP_S = 0.25
_SETTLE_S = 0.05
_LAST_REQUEST_S = 0.75


class Site:
    """One listening address of one worker.

    Time-outs are kept by one sweep over the connections instead of a timer per request.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, router: Router, limits: Limits) -> None:
        self.loop = loop
        self.router = router
        self.limits = limits
        self.connections: set[Connection] = set()
        self.is_draining = False
        self.date = http_date()
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
        now = self.loop.time()
        for connection in list(self.connections):
            connection.check_time(now)
