"""A configuration and deployments in, a running server out: the parent of all its processes."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stadion.core.deployment import Deployment
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.serve.config import ServeConfig, ServerInfo
from stadion.serve.control_socket import ControlSocket
from stadion.serve.crew import Crew, Head
from stadion.serve.doors import expect_keys
from stadion.serve.ledger import Ledger, ServerCounts
from stadion.serve.messages import Open, Report, Start, placement_of
from stadion.serve.processes import child_environment, start_child
from stadion.serve.rollouts import Rollouts
from stadion.serve.sockets import address_of, reserve_port
from stadion.serve.views import brief_view, status_view

__all__ = ["run_server"]

_log = logging.getLogger("stadion.serve")

_GRPC = "stadion.serve.grpc.server"
_CHILD_CHECK_S = 0.1
_CHILD_PAUSE_S = 1.0
_CHILD_END_S = 5.0
_REPORT_S = 0.5

Deployments = Sequence[tuple[Deployment, Mapping[int, ModelPackage]]]


def run_server(
    config: ServeConfig,
    deployments: Deployments = (),
    read_file_target: str = "",
    ready: Callable[[ServerInfo], None] = lambda _info: None,
    children: Sequence[Sequence[str]] = (),
) -> None:
    """Serve until SIGTERM, SIGINT or a stop command; in-flight requests are answered first.

    To be called on the main thread.

    Parameters
    ----------
    deployments
        What answers at the start, each with the packages of the versions it routes to.
    read_file_target
        'module:function' that makes a request of a recording, imported in the workers when the
        first recording comes; empty when none are taken.
    ready
        Called once, when every worker has loaded everything and listens.
    children
        Commands of further processes to keep alive beside the workers; '{url}' in an argument
        becomes the address of predictions. Their end never touches the workers.

    Raises
    ------
    StadionError
        CONFLICT when a server runs on this home or something listens on the port; TIMEOUT when
        the workers do not stand in time; FORBIDDEN when keys are needed and there is none.
    """
    expect_keys(config)
    with _only_server_of(config.home.sockets):
        asyncio.run(_Supervisor(config, deployments, read_file_target).run(ready, children))


class _Supervisor:
    """Everything the parent process holds."""

    def __init__(self, config: ServeConfig, deployments: Deployments, target: str) -> None:
        self._config = config
        self._target = target
        placements = [placement_of(deployment, dict(p)) for deployment, p in deployments]
        self._rollouts = Rollouts(config.limits, config.home.plugins, placements)
        self._ledger = Ledger(self._is_deployed)
        self._grpc_port = 0
        self._is_open = False
        self._is_draining = False
        self._began = time.monotonic()

    async def run(
        self, ready: Callable[[ServerInfo], None], children: Sequence[Sequence[str]]
    ) -> None:
        """From the reserved port to the last child's end."""
        self._stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        config = self._config
        holder, self._port = reserve_port(config.host, config.port)
        holders = [holder]
        if config.grpc_port is not None:
            holder, self._grpc_port = reserve_port(config.grpc_host, config.grpc_port)
            holders.append(holder)
        environment = child_environment({"STADION_HOME": str(config.home.path)})
        self._crew = self._rollouts.crew = Crew(
            config.worker_count,
            config.limits,
            environment,
            Head(self._start, self._rollouts.suspect, self._rollouts.grant, self._rollouts.learn),
            () if config.grpc_port is None else (_GRPC,),
        )
        control = ControlSocket(
            config.home.sockets / "plane.sock",
            self._rollouts,
            self._status,
            self._counts,
            self._stop.set,
        )
        keepers: list[asyncio.Task[None]] = []
        try:
            self._crew.begin()
            if await self._stand():
                await control.open()
                ready(self._info())
                keepers = [
                    asyncio.create_task(_keep(self._filled(command), environment))
                    for command in children
                ]
                await self._stop.wait()
        finally:
            self._is_draining = True
            self._rollouts.give_up()
            for keeper in keepers:
                keeper.cancel()
            await self._crew.stop()
            if keepers:
                await asyncio.wait(keepers, timeout=2 * _CHILD_END_S)
            control.close()
            for holder in holders:
                holder.close()

    async def _stand(self) -> bool:
        """Wait for the workers and open the server; False when it was told to stop meanwhile."""
        standing = asyncio.create_task(self._crew.stand())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({standing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not standing.done():
            standing.cancel()
            return False
        standing.result()
        self._is_open = True
        asks = (slot.ask(Open(), self._config.limits.load_s) for slot in self._crew.slots)
        await asyncio.gather(*asks, return_exceptions=True)  # who ends now begins anew as open
        return True

    def _start(self) -> Start:
        """What a worker that begins now should serve."""
        config = self._config
        return Start(
            config.host,
            self._port,
            config.limits,
            str(config.home.plugins),
            self._target,
            config.observer_target,
            list(self._rollouts.desired.values()),
            dict(self._rollouts.failed),
            self._is_open,
            config.worker_count,
            str(config.home.path),
            config.keys_target,
            config.needs_keys,
            access_log=config.access_log,
            memory_budget=config.memory_budget,
            unloaded=sorted(self._rollouts.unloaded),
            grpc_host=config.grpc_host,
            grpc_port=self._grpc_port,
        )

    def _info(self) -> ServerInfo:
        failed = dict(self._rollouts.failed)
        for slot in self._crew.slots:
            failed |= slot.failed
        pids = tuple(slot.process.pid for slot in self._crew.slots if slot.process)
        spent_s = round(time.monotonic() - self._began, 3)
        config = self._config
        grpc = address_of(config.grpc_host, self._grpc_port) if self._grpc_port else ""
        return ServerInfo(config.host, self._port, pids, spent_s, failed, grpc)

    def _is_deployed(self, model: str, version: int) -> bool:
        placement = self._rollouts.desired.get(model)
        return placement is not None and version in placement.packages

    async def _status(self, detail: bool) -> dict[str, Any]:
        is_open = self._is_open and not self._is_draining
        placements = self._rollouts.desired | self._rollouts.aside
        more = {"started": self._is_open, "unloaded": sorted(self._rollouts.unloaded)}
        if not detail:
            return brief_view(self._info(), is_open, self._crew.slots, placements) | more
        counts = await self._added_up("", 0)
        return status_view(self._info(), is_open, self._crew.slots, placements, counts) | more

    async def _counts(self, model: str, version: int) -> dict[str, Any]:
        return {"counts": await self._added_up(model, version)}

    async def _added_up(self, model: str, version: int) -> ServerCounts:
        """What all workers have done up to now; who does not say so in time is as last known."""
        asks = [slot.ask(Report(), _REPORT_S) for slot in self._crew.slots if slot.beat]
        await asyncio.gather(*asks, return_exceptions=True)
        accounts = [slot.account for slot in self._crew.slots]
        return await asyncio.to_thread(self._ledger.snapshot(accounts, model, version))

    def _filled(self, command: Sequence[str]) -> list[str]:
        url = self._info().url
        return [argument.replace("{url}", url) for argument in command]


async def _keep(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Keep one command running; a moment's pause before it is started again."""
    while True:
        process = start_child(command, environment)
        try:
            while process.poll() is None:
                await asyncio.sleep(_CHILD_CHECK_S)
            _log.warning("%s ended with %d; starting it again", command[0], process.returncode)
            await asyncio.sleep(_CHILD_PAUSE_S)
        finally:
            await asyncio.shield(_end(process))


async def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a child to end, and make sure of it."""
    if process.poll() is None:
        process.terminate()
    deadline = time.monotonic() + _CHILD_END_S
    while process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
        await asyncio.sleep(_CHILD_CHECK_S)


@contextlib.contextmanager
def _only_server_of(folder: Path) -> Iterator[None]:
    """Hold the home's lock, which the kernel lets go however this process ends."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StadionError(
                Code.CONFLICT,
                "a server runs on this home already",
                "stop it, or choose another home",
            ) from None
        yield
    finally:
        os.close(lock)
