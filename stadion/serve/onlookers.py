"""A worker's plane and what it was told at its start in, those who watch it out.

The supervisor is told its counts; finished calls go to the access log and to traces, where these
are wanted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from stadion.core.errors import StadionError
from stadion.serve.access_log import AccessLog
from stadion.serve.finished import Finished
from stadion.serve.http.witness import Witness
from stadion.serve.tally import Process, Tally, Teller, process_now
from stadion.serve.tracing import Tracer, is_configured

if TYPE_CHECKING:
    from stadion.serve.http.site import Site
    from stadion.serve.plane import Plane

__all__ = ["Onlookers"]

_log = logging.getLogger("stadion.serve")
_CLOSE_S = 2.0


class Onlookers:
    """Made before the worker listens, closed after it has drained.

    An access log or a collector that does not work is no reason not to answer: it is logged.

    Parameters
    ----------
    tell
        Sends a tally to the supervisor.
    access_log
        A file, '-' for the standard output, or empty for none.
    """

    def __init__(self, plane: Plane, tell: Callable[[Tally], None], access_log: str) -> None:
        self._plane = plane
        self._site: Site | None = None
        self._access_log: AccessLog | None = None
        self._tracer: Tracer | None = None
        try:
            self._access_log = AccessLog(access_log) if access_log else None
            self._tracer = Tracer() if is_configured() else None
        except StadionError as error:
            _log.error("%s", error)
        self._teller = Teller(plane, self._now, tell)
        self.report = self._teller.report
        self._telling: asyncio.Task[None] | None = None

    def watch(self, site: Site) -> None:
        """See the calls of a site from now on, and report every second."""
        self._site = site
        if self._access_log is not None or self._tracer is not None:
            site.witness = Witness(self._access_log, self._tracer)
        self._telling = asyncio.create_task(self._teller.run())

    @property
    def sinks(self) -> list[Callable[[Finished], None]]:
        """What is told of a call that came another way than by HTTP, on the event loop."""
        watchers = (self._access_log, self._tracer)
        return [watcher.note for watcher in watchers if watcher is not None]

    async def close(self) -> None:
        """Tell the last counts, and write what waits to be written."""
        if self._telling is not None:
            self._telling.cancel()
        await self.report()
        for watcher in (self._access_log, self._tracer):
            if watcher is not None:
                await asyncio.to_thread(watcher.close, _CLOSE_S)

    def _now(self) -> Process:
        process = process_now()
        process.connections = len(self._site.connections) if self._site is not None else 0
        process.waiting = self._plane.waiting
        process.refused = dict(self._plane.book.refused)
        if self._access_log is not None:
            process.log_lines = self._access_log.lines
            process.log_dropped = self._access_log.dropped
        return process
