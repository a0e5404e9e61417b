"""The Unix socket of a home: commands of this house's other processes in, replies out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stadion.core.errors import StadionError
from stadion.serve.messages import (
    LINE_LIMIT,
    Abort,
    Command,
    Counts,
    Load,
    Prepare,
    Remove,
    Reply,
    Status,
    Stop,
    Switch,
    Unload,
    decode,
    encode,
    failure_of,
)
from stadion.serve.rollouts import Rollouts
from stadion.serve.sockets import unix_listener

__all__ = ["ControlSocket"]

_log = logging.getLogger("stadion.serve")


class ControlSocket:
    """Listens while the server runs.

    What a caller has prepared is forgotten when it leaves without a switch.
    """

    def __init__(
        self,
        path: Path,
        rollouts: Rollouts,
        status: Callable[[bool], Awaitable[dict[str, Any]]],
        counts: Callable[[str, int], Awaitable[dict[str, Any]]],
        stop: Callable[[], None],
    ) -> None:
        self._path = path
        self._rollouts = rollouts
        self._status = status
        self._counts = counts
        self._stop = stop
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Take commands from now on."""
        self._server = await asyncio.start_unix_server(
            self._serve, sock=unix_listener(self._path), limit=LINE_LIMIT
        )

    def close(self) -> None:
        """Take none any more, and leave no socket behind."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        prepared: set[tuple[str, int]] = set()
        try:
            while line := await reader.readline():
                writer.write(encode(await self._reply(line, prepared)))
                await writer.drain()
        except (OSError, ValueError, asyncio.CancelledError):
            _log.info("a caller of the control socket went away")
        finally:
            for model, generation in prepared:
                await self._rollouts.abort(model, generation)
            writer.close()

    async def _reply(self, line: bytes, prepared: set[tuple[str, int]]) -> Reply:
        try:
            return Reply(await self._carry_out(decode(line, Command), prepared))
        except StadionError as error:
            return Reply(failure=failure_of(error))
        except Exception as error:  # noqa: BLE001  # told to who asked; the server goes on
            _log.exception("a command failed")
            return Reply(failure=failure_of(error))

    async def _carry_out(self, command: Command, prepared: set[tuple[str, int]]) -> dict[str, Any]:
        match command:
            case Prepare(placement):
                reports = await self._rollouts.prepare(placement)
                prepared.add((placement.deployment.model, placement.deployment.generation))
                return {"trials": {str(n): asdict(report) for n, report in reports.items()}}
            case Switch(model, generation):
                await self._rollouts.switch(model, generation)
                prepared.discard((model, generation))
                return {}
            case Abort(model, generation):
                await self._rollouts.abort(model, generation)
                prepared.discard((model, generation))
                return {}
            case Remove(model):
                await self._rollouts.remove(model)
                return {}
            case Load() | Unload():
                await self._rollouts.grant(command)
                return {}
            case Stop():
                self._stop()
                return {}
            case Status(detail):
                return await self._status(detail)
            case Counts(model, version):
                return await self._counts(model, version)
