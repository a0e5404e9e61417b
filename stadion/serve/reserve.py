"""Places that fall empty in, worker processes to fill them out: one is always ready to begin."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stadion.serve.messages import LINE_LIMIT
from stadion.serve.processes import start_module

__all__ = ["Recruit", "Reserve", "ended"]

_REFILL_S = 1.0  # whoever takes a place now needs the processor more


@dataclass(frozen=True, slots=True)
class Recruit:
    """A process that has heard nothing yet, and the channel to it."""

    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Reserve:
    """Keeps one process that has imported everything and waits for its first message.

    A place is filled again by loading its models only: in a tenth of the time. What it costs is
    the memory of a worker without models.

    Parameters
    ----------
    modules
        What a worker imports beside what all need, before its first message.
    """

    def __init__(self, environment: Mapping[str, str], modules: Sequence[str] = ()) -> None:
        self._environment = environment
        self._modules = tuple(modules)
        self._waiting: Recruit | None = None
        self._refilling: asyncio.Task[None] | None = None
        self._is_over = False

    async def take(self) -> Recruit:
        """The process in reserve, or a fresh one where it is not there yet."""
        found, self._waiting = self._waiting, None
        if found is not None and found.process.poll() is not None:
            found.writer.close()
            found = None
        if self._refilling is None and not self._is_over:
            self._refilling = asyncio.create_task(self._refill())
        return found or await self._recruit()

    async def close(self) -> None:
        """End the process in reserve."""
        self._is_over = True
        if self._refilling is not None:
            self._refilling.cancel()
        if self._waiting is not None:
            self._waiting.writer.close()
            await ended(self._waiting.process)

    async def _refill(self) -> None:
        await asyncio.sleep(_REFILL_S)
        if self._waiting is None:
            self._waiting = await self._recruit()
        self._refilling = None

    async def _recruit(self) -> Recruit:
        ours, theirs = socket.socketpair()
        with contextlib.closing(theirs):
            arguments = [str(os.getpid()), str(theirs.fileno()), *self._modules]
            process = start_module(
                "stadion.serve.worker", arguments, self._environment, theirs.fileno()
            )
        reader, writer = await asyncio.open_connection(sock=ours, limit=LINE_LIMIT)
        return Recruit(process, reader, writer)


async def ended(process: subprocess.Popen[bytes], patience_s: float = 0.2) -> None:
    """Kill what has not ended by itself after a while, and take its exit status."""
    deadline = asyncio.get_running_loop().time() + patience_s
    while process.poll() is None and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.01)  # a worker that closed its channel is on its way out
    if process.poll() is None:
        process.kill()
    while process.poll() is None:
        await asyncio.sleep(0.01)
