"""What one worker is asked and says in, its answers and how it stands out."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import time
from collections.abc import Mapping

from stadion.core.errors import Code, StadionError
from stadion.serve.ledger import Account
from stadion.serve.messages import Answer, Ask, Beat, FromWorker, Granted, Order, Started, encode
from stadion.serve.tally import Tally

__all__ = ["Slot", "WorkerEnded"]


class WorkerEnded(StadionError):  # noqa: N818  # it is a StadionError, as its code says
    """The process ended before it could answer; another takes its place."""

    def __init__(self) -> None:
        super().__init__(Code.UNAVAILABLE, "a worker process ended")


class Slot:
    """The place of one worker, over all the processes that fill it.

    Whoever has asked for something learns by `WorkerEnded` that the process ended meanwhile; the
    next process begins with whatever is desired then.

    Attributes
    ----------
    culprit
        The model that the last process was loading, or that had failed in it, at its end.
    loading_since
        When the load began that goes on now, by `time.monotonic`.
    """

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.beat: Beat | None = None
        self.account = Account()
        self.failed: Mapping[str, str] = {}
        self.standing = asyncio.Event()
        self.culprit = ""
        self.loading_since = 0.0
        self._writer: asyncio.StreamWriter | None = None
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._numbers = itertools.count(1)

    async def ask(self, order: Order, limit_s: float) -> None:
        """Have the worker carry out an order, once it stands.

        Raises
        ------
        StadionError
            What the worker says; `WorkerEnded` when it could not; TIMEOUT.
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
        self._write(Ask(0, order))

    def grant(self, granted: Granted) -> None:
        """Tell the worker what became of its client's wish."""
        self._write(granted)

    def kill(self) -> None:
        """End the process at once; its place is filled again."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()

    def rise(self, process: subprocess.Popen[bytes], writer: asyncio.StreamWriter) -> None:
        """A new process is in this place; it does not stand yet."""
        self.process, self._writer = process, writer
        self.culprit = ""

    def take(self, message: FromWorker) -> None:
        """What the worker says."""
        match message:
            case Started(failed):
                self.failed = failed
                self.standing.set()
            case Beat():
                if self.beat is None or self.beat.loading != message.loading:
                    self.loading_since = time.monotonic()
                self.beat = message
                if message.failed is not None:
                    self.failed = message.failed
            case Tally():
                self.account.take(message)
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
        if self.beat is not None:
            self.culprit = self.beat.ill or self.beat.loading
        self.beat = None
        self.account.end()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for future in self._answers.values():
            if not future.done():
                future.set_exception(WorkerEnded())

    def _write(self, message: Ask | Granted) -> None:
        if self._writer is not None:
            self._writer.write(encode(message))

    async def _ask(self, order: Order) -> None:
        if self._writer is None:
            raise WorkerEnded
        number = next(self._numbers)
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            self._write(Ask(number, order))
            await future
        finally:
            del self._answers[number]
