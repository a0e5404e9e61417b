"""A worker process: told by its supervisor what to serve, it answers on the shared port.

It loads everything before it binds the port, says every moment that it is alive, and ends when
it is told to, when it gets SIGTERM, or when the supervisor is gone.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import uvloop

from stadion.core.plugins import Cupboard
from stadion.core.settings import Home
from stadion.serve.doors import gate_of
from stadion.serve.express import Express
from stadion.serve.gate import Gate
from stadion.serve.http.router import Router
from stadion.serve.http.site import Site
from stadion.serve.loader import Loader
from stadion.serve.messages import (
    LINE_LIMIT,
    Answer,
    Ask,
    Beat,
    Drain,
    FromWorker,
    Granted,
    Open,
    Report,
    Start,
    Started,
    ToWorker,
    decode,
    encode,
    failure_of,
)
from stadion.serve.onlookers import Onlookers
from stadion.serve.orders import Orders
from stadion.serve.plane import Plane
from stadion.serve.pool import Pool
from stadion.serve.processes import die_with_parent
from stadion.serve.protocols.base import Services, WireProtocol
from stadion.serve.pulse import Pulse
from stadion.serve.repository import Repository
from stadion.serve.residency import Residency
from stadion.serve.sockets import shared_listener
from stadion.serve.targets import file_reader, find_target

if TYPE_CHECKING:
    from stadion.serve.grpc.port import Port

__all__ = ["Worker", "main"]

_SHADOW_NICE = 10
_SHADOW_LIMIT = 64
_SWITCH_S = 0.0005  # a run that is over waits this long at most for a busy event loop
_NEEDED = {"stadion.serve.protocols": (), "stadion.serve.runtimes": ("onnx",)}


def main() -> None:
    """Serve until the end; arguments: the supervisor's process id, a descriptor, modules."""
    parent, descriptor = int(sys.argv[1]), int(sys.argv[2])
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the supervisor's
    logging.basicConfig(level=logging.WARNING, format="worker %(process)d: %(message)s")
    np.seterr(all="ignore")
    sys.setswitchinterval(_SWITCH_S)
    _allow_many_files()
    _warm_up(sys.argv[3:])
    uvloop.run(Worker(socket.socket(fileno=descriptor)).run())
    os._exit(0)  # threads may still be inside a run that nobody waits for


class Worker:
    """One process of the crew."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._grpc: Port | None = None
        self._loading = ""
        self._told_failed: dict[str, str] = {}

    async def run(self) -> None:
        """From the first message to the end."""
        self._loop = asyncio.get_running_loop()
        self._reader, self._writer = await asyncio.open_connection(
            sock=self._channel, limit=LINE_LIMIT
        )
        if not (line := await self._reader.readline()):
            return  # it was in reserve, and the server has ended
        self._start: Start = decode(line, Start)
        self._limits = self._start.limits
        self._plugins = Path(self._start.plugins) if self._start.plugins else None
        self._plane = self._build_plane()
        self._plane.guard.start()
        self._plane.control = Home(Path(self._start.home)).sockets / "plane.sock"
        self._furnish()
        self._build_site()
        beating = self._loop.create_task(self._beat())  # while it loads and drains, too
        await self._load_all()
        self._onlookers = Onlookers(self._plane, self._tell, self._start.access_log)
        await self._listen()
        self._onlookers.watch(self._site)
        self._tell(Started(dict(self._plane.table.failed)))
        testing = self._loop.create_task(self._pulse.run())
        await self._until_told()
        testing.cancel()
        self._plane.is_open = False
        draining = [self._site.drain(self._limits.drain_s)]
        if self._grpc is not None:
            draining.append(self._grpc.drain(self._limits.drain_s))
        await asyncio.gather(*draining)
        await self._onlookers.close()
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
            max(1, len(os.sched_getaffinity(0)) // self._start.workers),
            self._limits.queue,
        )

    def _furnish(self) -> None:
        """What brings models into memory, keeps them well and changes them."""
        plane, start = self._plane, self._start
        self._pulse = Pulse(plane, self._limits.pulse_s)
        self._loader = Loader(self._loop, plane.book, self._plugins, self._about)
        self._residency = Residency(
            plane.table, self._loader, self._limits, start.memory_budget, start.workers
        )
        self._orders = Orders(plane.table, self._residency)
        self._repository = Repository(plane.table, self._tell, self._limits.load_s)

    async def _load_all(self) -> None:
        start, table = self._start, self._plane.table
        table.failed |= start.failed
        await self._residency.begin(start.placements)
        for model in start.unloaded:
            table.unload(model)
        self._loader.give_way()
        gc.collect()
        gc.freeze()  # what stays for good need not be looked through again

    def _build_site(self) -> None:
        protocols: Cupboard[WireProtocol] = Cupboard("stadion.serve.protocols", self._plugins)
        read_file = file_reader(self._start.read_file_target)
        services = Services(self._plane, read_file, tuple(protocols), repository=self._repository)
        router = Router([(protocol, protocol.routes(services)) for protocol in protocols])
        start = self._start
        self._gate = gate_of(
            start.keys_target,
            Path(start.home),
            is_required=start.needs_keys,
            shares=start.workers,
        )
        self._site = Site(
            self._loop, router, self._limits, self._gate, self._plane.book.refuse, self._plane.crowd
        )
        self._site.express = Express(self._site, self._plane)

    async def _listen(self) -> None:
        start = self._start
        self._plane.is_open = start.is_open
        await self._site.listen(shared_listener(start.host, start.port))
        if start.grpc_port:
            self._listen_grpc(self._gate)

    def _listen_grpc(self, gate: Gate) -> None:
        from stadion.serve.grpc.server import open_grpc

        host, port = self._start.grpc_host, self._start.grpc_port
        self._grpc = open_grpc(
            self._loop, self._plane, self._repository, gate, self._onlookers.sinks,
            self._limits, host, port,
        )  # fmt: skip

    # --- obeying

    async def _obey(self) -> None:
        """Carry out what the supervisor asks until it says drain."""
        doing: set[asyncio.Task[None]] = set()
        while line := await self._reader.readline():
            said: Ask | Granted = decode(line, ToWorker)
            if isinstance(said, Granted):
                self._repository.granted(said)
                continue
            if isinstance(said.command, Drain):
                return
            task = self._loop.create_task(self._answer(said))
            doing.add(task)
            task.add_done_callback(doing.discard)

    async def _answer(self, ask: Ask) -> None:
        try:
            match ask.command:
                case Open():
                    self._plane.is_open = True
                case Report():
                    await self._onlookers.report()
                case order:
                    await self._orders.carry_out(order)
            self._tell(Answer(ask.id))
        except Exception as error:  # noqa: BLE001  # told to who asked; the worker goes on
            self._tell(Answer(ask.id, failure_of(error)))

    # --- telling

    async def _beat(self) -> None:
        """Say every moment that this process is alive, also while it loads."""
        while True:
            self._gate.refresh()
            self._residency.check()
            self._tell(self._vitals())
            await asyncio.sleep(self._limits.beat_s)

    def _vitals(self) -> Beat:
        failed = dict(self._plane.table.failed)
        news = None if failed == self._told_failed else failed
        self._told_failed = failed
        return Beat(
            len(self._site.connections),
            self._plane.waiting,
            self._plane.is_stuck,
            self._pulse.ill,
            self._loading,
            news,
            self._loader.new_plans(),
        )

    def _about(self, model: str) -> None:
        """Before a load: should it end this process, the supervisor knows what it was."""
        self._loading = model
        self._tell(self._vitals())

    def _tell(self, message: FromWorker) -> None:
        self._writer.write(encode(message))


def _warm_up(modules: Sequence[str]) -> None:
    """Import before the first message what is needed: it may come late, and then hurry."""
    # gRPC's core would write to the standard error whatever a client makes it complain about.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    for module in modules:
        importlib.import_module(module)
    for room, names in _NEEDED.items():
        cupboard: Cupboard[object] = Cupboard(room)
        for name in names or cupboard.names():
            cupboard.get(name)


def _allow_many_files() -> None:
    """A connection is a file: take as many as this process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
