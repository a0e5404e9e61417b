"""A worker process: told by its supervisor what to serve, it answers on the shared port.

It loads everything before it binds the port, says every moment that it is alive, and ends when
it is told to, when it gets SIGTERM, or when the supervisor is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import logging
import os
import resource
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import uvloop

from stadion.core.errors import StadionError
from stadion.core.package import ModelPackage
from stadion.core.plugins import Cupboard
from stadion.serve.http.router import Router
from stadion.serve.http.site import Site
from stadion.serve.loading import Loaded, load_version
from stadion.serve.messages import (
    LINE_LIMIT,
    Abort,
    Answer,
    Ask,
    Beat,
    Drain,
    FromWorker,
    Model,
    Open,
    Order,
    Placement,
    Prepare,
    Remove,
    Start,
    Started,
    Switch,
    VersionState,
    decode,
    encode,
    failure_of,
)
from stadion.serve.plane import Plane
from stadion.serve.pool import Pool
from stadion.serve.processes import die_with_parent
from stadion.serve.protocols.base import Services, WireProtocol
from stadion.serve.sockets import shared_listener
from stadion.serve.targets import file_reader, find_target
from stadion.serve.traffic import Served

__all__ = ["Worker", "main"]

_log = logging.getLogger("stadion.serve")

_SHADOW_NICE = 10
_SHADOW_LIMIT = 64
_TRIM_AFTER_S = 1.0  # the last requests on an old version are answered by then


def main() -> None:
    """Serve until the end; arguments are the supervisor's process id and a descriptor."""
    parent, descriptor = int(sys.argv[1]), int(sys.argv[2])
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the supervisor's
    logging.basicConfig(level=logging.WARNING, format="worker %(process)d: %(message)s")
    np.seterr(all="ignore")
    _allow_many_files()
    uvloop.run(Worker(socket.socket(fileno=descriptor)).run())
    os._exit(0)  # threads may still be inside a run that nobody waits for


class Worker:
    """One process of the crew."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._loader = ThreadPoolExecutor(1, "load")

    async def run(self) -> None:
        """From the first message to the end."""
        self._loop = asyncio.get_running_loop()
        self._reader, self._writer = await asyncio.open_connection(
            sock=self._channel, limit=LINE_LIMIT
        )
        self._start: Start = decode(await self._reader.readline(), Start)
        self._limits = self._start.limits
        self._plugins = Path(self._start.plugins) if self._start.plugins else None
        self._plane = self._build_plane()
        self._plane.guard.start()
        await self._load_all()
        await self._listen()
        self._tell(Started(dict(self._plane.table.failed)))
        beating = self._loop.create_task(self._beat())  # also while draining: it is no silence
        await self._until_told()
        self._plane.is_open = False
        await self._site.drain(self._limits.drain_s)
        beating.cancel()

    async def _until_told(self) -> None:
        """Obey until the supervisor or SIGTERM ends it."""
        stop = asyncio.Event()
        self._loop.add_signal_handler(signal.SIGTERM, stop.set)
        tasks = [self._loop.create_task(work) for work in (self._obey(), stop.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()

    # --- standing up

    def _build_plane(self) -> Plane:
        observer = self._start.observer_target
        return Plane(
            self._loop,
            Pool(self._loop, 1, self._limits.queue),
            Pool(self._loop, 1, _SHADOW_LIMIT, _SHADOW_NICE),
            self._limits.run_s,
            find_target(observer) if observer else None,
        )

    async def _load_all(self) -> None:
        table = self._plane.table
        table.failed |= self._start.failed
        for placement in self._start.placements:
            deployment = placement.deployment
            try:
                await self._prepare(placement)
                table.switch(deployment.model, deployment.generation)
            except StadionError as error:
                _log.error("model %s could not be loaded: %s", deployment.model, error)
                table.failed[deployment.model] = error.message
        gc.collect()
        gc.freeze()  # what stays for good need not be looked through again

    async def _listen(self) -> None:
        protocols: Cupboard[WireProtocol] = Cupboard("stadion.serve.protocols", self._plugins)
        services = Services(self._plane, file_reader(self._start.read_file_target))
        router = Router([(protocol, protocol.routes(services)) for protocol in protocols])
        self._site = Site(self._loop, router, self._limits)
        self._plane.is_open = self._start.is_open
        await self._site.listen(shared_listener(self._start.host, self._start.port))

    # --- obeying

    async def _obey(self) -> None:
        """Carry out what the supervisor asks, one after the other, until it says drain."""
        while line := await self._reader.readline():
            ask: Ask = decode(line, Ask)
            if isinstance(ask.command, Drain):
                return
            try:
                await self._carry_out(ask.command)
                self._tell(Answer(ask.id))
            except Exception as error:  # noqa: BLE001  # told to who asked; the worker goes on
                self._tell(Answer(ask.id, failure_of(error)))

    async def _carry_out(self, command: Order) -> None:
        table = self._plane.table
        match command:
            case Prepare(placement):
                await self._prepare(placement)
            case Switch(model, generation):
                table.switch(model, generation)
            case Abort(model, generation):
                table.abort(model, generation)
            case Remove(model):
                table.remove(model)
            case Open():
                self._plane.is_open = True
        if not isinstance(command, Prepare | Open):
            self._loop.call_later(_TRIM_AFTER_S, self._loader.submit, _give_memory_back)

    async def _prepare(self, placement: Placement) -> None:
        """Load what is not in memory yet, on a thread: requests go on meanwhile."""
        table, deployment = self._plane.table, placement.deployment
        with table.loading(deployment.model):
            versions = {
                number: table.kept(deployment.model, number, package)
                or await self._load(number, package)
                for number, package in placement.packages.items()
            }
            table.prepare(Served(deployment, versions))

    async def _load(self, number: int, package: ModelPackage) -> Loaded:
        return await self._loop.run_in_executor(
            self._loader, load_version, number, package, self._plugins
        )

    # --- telling

    async def _beat(self) -> None:
        while True:
            table = self._plane.table
            self._tell(
                Beat(
                    len(self._site.connections),
                    self._plane.pool.waiting,
                    self._plane.pool.is_stuck,
                    {model: _state(served) for model, served in table.served.items()},
                    dict(table.failed),
                )
            )
            await asyncio.sleep(self._limits.beat_s)

    def _tell(self, message: FromWorker) -> None:
        self._writer.write(encode(message))


def _state(served: Served) -> Model:
    versions = {
        number: VersionState(
            round(loaded.load_ms, 3), round(loaded.run_ms, 4), *dataclasses.astuple(loaded.counts)
        )
        for number, loaded in served.versions.items()
    }
    return Model(served.deployment.generation, versions)


def _give_memory_back() -> None:
    """Return to the system what a version that nobody uses any more has left."""
    import ctypes

    with contextlib.suppress(AttributeError):  # not every C library has it
        ctypes.CDLL(None).malloc_trim(0)


def _allow_many_files() -> None:
    """A connection is a file: take as many as this process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
