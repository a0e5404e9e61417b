"""Worker processes kept alive: one slot each, filled again within moments when it falls empty."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from stadion.core.deployment import Plan
from stadion.core.errors import Code, StadionError
from stadion.serve.config import Limits
from stadion.serve.messages import (
    Beat,
    Drain,
    FromWorker,
    Granted,
    Load,
    Start,
    Unload,
    Wish,
    decode,
    encode,
    failure_of,
)
from stadion.serve.reserve import Reserve, ended
from stadion.serve.slot import Slot

__all__ = ["Crew", "Head"]

_log = logging.getLogger("stadion.serve")

_SILENCES = 4  # several short waits in a row: one pause of the supervisor itself is only one
_LONGEST_PAUSE_S = 5.0
_END_S = 5.0
_LOADING_S = 5.0  # ONNX Runtime copies a large graph without letting anything else run


@dataclass(frozen=True, slots=True)
class Head:
    """Who decides for the crew.

    Parameters
    ----------
    start
        Makes the first message for a new process, from what is desired at that moment.
    suspect
        Hears which model a process was loading, or had failed in it, when it ended.
    grant
        Has all workers do what a client of one of them wishes.
    learn
        Takes note of how versions are best run, where a worker had to measure it.
    """

    start: Callable[[], Start]
    suspect: Callable[[str], Awaitable[None]]
    grant: Callable[[Load | Unload], Awaitable[None]]
    learn: Callable[[Mapping[str, Mapping[int, Plan]]], None]


class Crew:
    """All workers of a server; see `Reserve` for `modules`."""

    def __init__(
        self,
        count: int,
        limits: Limits,
        environment: Mapping[str, str],
        head: Head,
        modules: Sequence[str] = (),
    ) -> None:
        self.slots = [Slot() for _ in range(count)]
        self._limits = limits
        self._head = head
        self._reserve = Reserve(environment, modules)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._aside: set[asyncio.Task[None]] = set()

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
        await self._reserve.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._limits.drain_s + _END_S)
        for slot in self.slots:
            slot.kill()
        for task in (*self._tasks, *self._aside):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_END_S)

    async def _keep(self, slot: Slot) -> None:
        early_ends = 0
        while not self._stopping.is_set():
            stood = False
            try:
                stood = await self._live(slot)
                await self._find_cause(slot, stood)
            except Exception:  # noqa: BLE001  # whatever it was, the place must be filled again
                _log.exception("a worker could not be kept")
            if self._stopping.is_set():
                return
            early_ends = 0 if stood else early_ends + 1
            _log.warning("a worker ended%s; starting another", "" if stood else " early")
            if early_ends > 1:
                await asyncio.sleep(min(0.1 * 2**early_ends, _LONGEST_PAUSE_S))

    async def _find_cause(self, slot: Slot, stood: bool) -> None:
        """Have the model looked at that may have ended the process.

        A process that did not stand would end again for the same reason: its successor waits
        until that is found out.
        """
        if slot.culprit and not self._stopping.is_set():
            looking = self._do_aside(self._head.suspect(slot.culprit))
            if not stood:
                await asyncio.wait({looking})

    async def _live(self, slot: Slot) -> bool:
        """One process from its start to its end; True when it has stood."""
        recruit = await self._reserve.take()
        try:
            slot.rise(recruit.process, recruit.writer)
            recruit.writer.write(encode(self._head.start()))
            await self._listen(slot, recruit.reader)
            return slot.standing.is_set()
        finally:
            is_ill = slot.beat is not None and slot.beat.ill != ""
            slot.fall()
            if is_ill:  # it answers for its other models: let it finish while the next begins
                self._do_aside(ended(recruit.process, _END_S))
            else:
                await ended(recruit.process)

    async def _listen(self, slot: Slot, reader: asyncio.StreamReader) -> None:
        """Hear the worker out until it ends, is stuck, is ill, or says nothing for too long."""
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
            message: FromWorker = decode(line, FromWorker)
            slot.take(message)
            if isinstance(message, Wish):
                self._do_aside(self._grant(slot, message))
            if isinstance(message, Beat) and self._is_lost(slot, message):
                return
        _log.error("a worker said nothing for %.1f s", self._patience_s(slot))

    def _is_lost(self, slot: Slot, beat: Beat) -> bool:
        """Whether the worker must be replaced, from what it says."""
        if beat.plans:
            self._head.learn(beat.plans)
        loads_s = time.monotonic() - slot.loading_since if beat.loading else 0.0
        reason = ""
        if beat.is_stuck:
            reason = "a run does not end"
        elif beat.ill and not self._stopping.is_set():
            reason = f"model {beat.ill} fails its self-test"
        elif loads_s > self._limits.load_s:
            reason = f"model {beat.loading} is not loaded within {self._limits.load_s:g} s"
        if reason:
            _log.error("worker %d: %s", slot.process.pid if slot.process else 0, reason)
        return reason != ""

    async def _grant(self, slot: Slot, wish: Wish) -> None:
        failure = None
        try:
            await self._head.grant(wish.command)
        except Exception as error:  # noqa: BLE001  # told to who asked; the others go on
            failure = failure_of(error)
        slot.grant(Granted(wish.id, failure))

    def _do_aside(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
        return task

    def _patience_s(self, slot: Slot) -> float:
        if self._stopping.is_set():
            return self._limits.drain_s + _END_S
        if slot.beat is None:
            return self._limits.load_s  # a process that only just begins
        return max(self._limits.stuck_s, _LOADING_S if slot.beat.loading else 0.0)
