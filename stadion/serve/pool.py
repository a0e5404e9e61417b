"""Work that would hold up the event loop in, futures out: threads, a bounded queue, deadlines."""

from __future__ import annotations

import asyncio
import math
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from stadion.core.errors import Code, StadionError
from stadion.serve.runtimes.base import Halt

__all__ = ["Overloaded", "Pool"]

T = TypeVar("T")
_NEWEST = 0.2  # weight of the newest run in the moving mean of their durations
_REST = 9.0
_LONGEST_REST_S = 1.0
_GRACE_S = 5.0  # how long a halted run may take to notice


class Overloaded(StadionError):  # noqa: N818  # it is a StadionError, as its code says
    """More waits than can be answered in time; `retry_after_s` is when to come back."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(Code.OVERLOADED, message, f"try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Pool:
    """Threads of one worker process.

    Parameters
    ----------
    limit
        How much may wait or run at once; more is refused with `Overloaded`.
    nice
        The threads' niceness: above 0 for work that must not slow the rest down. Such a thread
        also rests nine times as long as each piece of work kept a processor: niceness decides
        about processors, not about the interpreter's lock, for which the event loop would wait.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, threads: int = 1, limit: int = 256, nice: int = 0
    ) -> None:
        self._loop = loop
        self._limit = limit
        self._queue: queue.SimpleQueue[_Job[Any]] = queue.SimpleQueue()
        self._typical_s = 0.0
        self._running: set[_Job[Any]] = set()
        self.waiting = 0
        for _ in range(threads):
            threading.Thread(target=self._work, args=(nice,), daemon=True).start()

    def submit(self, work: Callable[[Halt], T], limit_s: float) -> asyncio.Future[T]:
        """Run `work` on a thread within `limit_s`, the wait for the thread included.

        The future ends with TIMEOUT at the limit, and the run is asked to end; cancelling the
        future asks the same.

        Raises
        ------
        Overloaded
            When the queue is full, or what waits in it will likely take longer than `limit_s`.
        """
        wait_s = self.waiting * self._typical_s
        if self.waiting >= self._limit or wait_s > limit_s:
            raise Overloaded(
                f"{self.waiting} requests wait already, for about {wait_s:.1f} s",
                max(1, math.ceil(wait_s)),
            )
        job = _Job(work, self._loop.create_future())
        job.future.add_done_callback(job.on_done)
        job.timer = self._loop.call_later(limit_s, job.expire, limit_s)
        self.waiting += 1
        self._queue.put(job)
        return job.future

    @property
    def is_full(self) -> bool:
        """True when it would refuse whatever came now."""
        return self.waiting >= self._limit

    @property
    def is_stuck(self) -> bool:
        """True when a run goes on long after it was asked to end."""
        late = time.monotonic() - _GRACE_S
        return any(0 < job.halted_at < late for job in list(self._running))

    def _work(self, nice: int) -> None:
        if nice:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
        while True:
            job = self._queue.get()
            self._running.add(job)
            used_s = time.thread_time()
            if not job.halt.asked:  # else nobody waits for it any more
                started = time.monotonic()
                job.run()
                self._typical_s += _NEWEST * (time.monotonic() - started - self._typical_s)
            self._running.discard(job)
            self._loop.call_soon_threadsafe(self._leave, job)
            del job  # or it would be kept, with its arrays, until the next one comes
            if nice:
                time.sleep(min(_REST * (time.thread_time() - used_s), _LONGEST_REST_S))

    def _leave(self, job: _Job[Any]) -> None:
        self.waiting -= 1
        job.settle()


class _Job(Generic[T]):
    """One piece of work and the future that waits for it."""

    __slots__ = ("error", "future", "halt", "halted_at", "result", "timer", "work")

    def __init__(self, work: Callable[[Halt], T], future: asyncio.Future[T]) -> None:
        self.work = work
        self.future = future
        self.halt = Halt()
        self.halted_at = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.result: T | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        """On the thread."""
        try:
            self.result = self.work(self.halt)
        except Exception as error:  # noqa: BLE001  # told to whoever waits; the thread goes on
            self.error = error

    def expire(self, limit_s: float) -> None:
        """On the loop, at the deadline."""
        if not self.future.done():
            self.future.set_exception(
                StadionError(Code.TIMEOUT, f"no answer within the limit of {limit_s:g} s")
            )

    def on_done(self, _future: asyncio.Future[T]) -> None:
        """On the loop, when there is a result or nobody waits for one any more."""
        if self.timer is not None:
            self.timer.cancel()
        if self.result is None and self.error is None:
            self.halted_at = time.monotonic()
            self.halt.ask()

    def settle(self) -> None:
        """On the loop, after the run."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]  # work gave a T
