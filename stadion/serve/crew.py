"""Worker processes kept alive: one slot each, filled again within moments when it falls empty."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import socket
import subprocess
from collections.abc import Awaitable, Callable, Mapping

from stadion.core.errors import Code, StadionError
from stadion.serve.config import Limits
from stadion.serve.messages import (
    LINE_LIMIT,
    Answer,
    Ask,
    Beat,
    Drain,
    FromWorker,
    Order,
    Prepare,
    Start,
    Started,
    decode,
    encode,
)
from stadion.serve.processes import start_module

__all__ = ["Crew", "Slot"]

_log = logging.getLogger("stadion.serve")

_SILENCES = 4  # several short waits in a row: one pause of the supervisor itself is only one
_LONGEST_PAUSE_S = 5.0
_END_S = 5.0


class Slot:
    """The place of one worker, over all the processes that fill it.

    Whoever has asked for something learns by UNAVAILABLE that the process ended meanwhile; the
    next process begins with whatever is desired then.
    """

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.beat: Beat | None = None
        self.failed: Mapping[str, str] = {}
        self.standing = asyncio.Event()
        self.is_loading = False
        self._writer: asyncio.StreamWriter | None = None
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._numbers = itertools.count(1)

    async def ask(self, order: Order, limit_s: float) -> None:
        """Have the worker carry out an order, once it stands.

        Raises
        ------
        StadionError
            What the worker says; UNAVAILABLE when it ended before it could; TIMEOUT.
        """
        try:
            async with asyncio.timeout(limit_s):
                await self.standing.wait()
                await self._ask(order)
        except TimeoutError:
            raise StadionError(
                Code.TIMEOUT, f"a worker did not answer within {limit_s:g} s"
            ) from None

    def tell(self, order: Order) -> None:
        """Send an order whose answer nobody waits for."""
        if self._writer is not None:
            self._writer.write(encode(Ask(0, order)))

    def kill(self) -> None:
        """End the process at once; its place is filled again."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()

    def rise(self, process: subprocess.Popen[bytes], writer: asyncio.StreamWriter) -> None:
        """A new process is in this place; it does not stand yet."""
        self.process, self._writer = process, writer

    def take(self, message: Started | Beat | Answer) -> None:
        """What the worker says."""
        match message:
            case Started(failed):
                self.failed = failed
                self.standing.set()
            case Beat():
                self.beat = message
                self.failed = message.failed
            case Answer(number, failure):
                future = self._answers.get(number)
                if future is not None and not future.done():
                    if failure is None:
                        future.set_result(None)
                    else:
                        future.set_exception(failure.error())

    def fall(self) -> None:
        """The process has ended or is about to."""
        self.standing.clear()
        self.beat = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for future in self._answers.values():
            if not future.done():
                future.set_exception(StadionError(Code.UNAVAILABLE, "a worker process ended"))

    async def _ask(self, order: Order) -> None:
        if self._writer is None:
            raise StadionError(Code.UNAVAILABLE, "a worker process ended")
        number = next(self._numbers)
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        self.is_loading = isinstance(order, Prepare)
        try:
            self._writer.write(encode(Ask(number, order)))
            await future
        finally:
            self.is_loading = False
            del self._answers[number]


class Crew:
    """All workers of a server.

    Parameters
    ----------
    start
        Makes the first message for a new process, from what is desired at that moment.
    on_early_end
        Called when processes end again and again before they stand.
    """

    def __init__(
        self,
        count: int,
        limits: Limits,
        environment: Mapping[str, str],
        start: Callable[[], Start],
        on_early_end: Callable[[], Awaitable[None]],
    ) -> None:
        self.slots = [Slot() for _ in range(count)]
        self._limits = limits
        self._environment = environment
        self._start = start
        self._on_early_end = on_early_end
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Fill all slots, and keep them filled."""
        self._tasks = [asyncio.create_task(self._keep(slot)) for slot in self.slots]

    async def stand(self) -> None:
        """Wait until every worker has loaded what is desired and listens.

        Raises
        ------
        StadionError
            TIMEOUT when one does not within the limit for loading.
        """
        try:
            async with asyncio.timeout(self._limits.load_s):
                for slot in self.slots:
                    await slot.standing.wait()
        except TimeoutError:
            raise StadionError(
                Code.TIMEOUT, f"the workers did not stand within {self._limits.load_s:g} s"
            ) from None

    async def stop(self) -> None:
        """Let every worker finish what is in flight, then make sure that it has ended."""
        self._stopping.set()
        for slot in self.slots:
            slot.tell(Drain())
        if not self._tasks:
            return
        await asyncio.wait(self._tasks, timeout=self._limits.drain_s + _END_S)
        for slot in self.slots:
            slot.kill()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=_END_S)

    async def _keep(self, slot: Slot) -> None:
        early_ends = 0
        while not self._stopping.is_set():
            stood = False
            try:
                stood = await self._live(slot)
                if early_ends > 0 and not stood and not self._stopping.is_set():
                    await self._on_early_end()
            except Exception:  # noqa: BLE001  # whatever it was, the place must be filled again
                _log.exception("a worker could not be kept")
            if self._stopping.is_set():
                return
            early_ends = 0 if stood else early_ends + 1
            _log.warning("a worker ended%s; starting another", "" if stood else " early")
            if early_ends > 1:
                await asyncio.sleep(min(0.1 * 2**early_ends, _LONGEST_PAUSE_S))

    async def _live(self, slot: Slot) -> bool:
        """One process from its start to its end; True when it has stood."""
        ours, theirs = socket.socketpair()
        with contextlib.closing(theirs):
            arguments = [str(os.getpid()), str(theirs.fileno())]
            process = start_module(
                "stadion.serve.worker", arguments, self._environment, theirs.fileno()
            )
        try:
            reader, writer = await asyncio.open_connection(sock=ours, limit=LINE_LIMIT)
            slot.rise(process, writer)
            writer.write(encode(self._start()))
            await self._listen(slot, reader)
            return slot.standing.is_set()
        finally:
            slot.fall()
            await _ended(process)

    async def _listen(self, slot: Slot, reader: asyncio.StreamReader) -> None:
        """Hear the worker out until it ends, is stuck, or says nothing for too long."""
        silences = 0
        while silences < _SILENCES:
            try:
                async with asyncio.timeout(self._patience_s(slot) / _SILENCES):
                    line = await reader.readline()
            except TimeoutError:
                silences += 1
                continue
            except (OSError, ValueError):
                return
            if not line:
                return
            silences = 0
            message: Started | Beat | Answer = decode(line, FromWorker)
            slot.take(message)
            if isinstance(message, Beat) and message.is_stuck:
                _log.error("worker %d is stuck in a run", slot.process.pid if slot.process else 0)
                return
        _log.error("a worker said nothing for %.1f s", self._patience_s(slot))

    def _patience_s(self, slot: Slot) -> float:
        if self._stopping.is_set():
            return self._limits.drain_s + _END_S
        is_busy = slot.is_loading or not slot.standing.is_set()
        return self._limits.load_s if is_busy else self._limits.stuck_s


async def _ended(process: subprocess.Popen[bytes]) -> None:
    """Kill what has not ended by itself, and take its exit status."""
    for _ in range(20):  # a worker that closed its channel is on its way out
        if process.poll() is not None:
            return
        await asyncio.sleep(0.01)
    process.kill()
    while process.poll() is None:
        await asyncio.sleep(0.01)
