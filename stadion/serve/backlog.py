"""Things told of finished calls in, handed on in batches by a thread: so that it delays none."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from stadion.serve.faults import whereabouts

__all__ = ["Backlog"]

T = TypeVar("T")
_log = logging.getLogger("stadion.serve")

_PERIOD_S = 0.25
_MOST = 1 << 16
_AT_ONCE = 256  # few enough that a batch holds the interpreter for a fraction of a millisecond


class Backlog(Generic[T]):
    """A bounded queue and the thread that empties it four times a second.

    Parameters
    ----------
    name
        Of the thread.
    work
        Takes a batch, on the thread; what it cannot take, it raises for.
    most
        Calls that may wait; more are dropped and counted.
    """

    def __init__(self, name: str, work: Callable[[Sequence[T]], None], most: int = _MOST) -> None:
        self.taken = 0
        self.dropped = 0
        self._work = work
        self._most = most
        self._waiting: list[tuple[T, int]] = []
        self._room = most
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def add(self, item: T, calls: int = 1) -> None:
        """Keep what tells of so many calls for the next batch; safe from any thread."""
        with self._lock:
            if self._room < calls:
                self.dropped += calls
            else:
                self._room -= calls
                self._waiting.append((item, calls))

    def close(self, limit_s: float) -> None:
        """Hand on what waits, then end."""
        self._over.set()
        self._thread.join(limit_s)

    def _run(self) -> None:
        is_over = False
        while not is_over:
            is_over = self._over.wait(_PERIOD_S)
            with self._lock:
                waiting, self._waiting = self._waiting, []
                self._room = self._most
            for start in range(0, len(waiting), _AT_ONCE):
                self._hand_on(waiting[start : start + _AT_ONCE])

    def _hand_on(self, batch: Sequence[tuple[T, int]]) -> None:
        calls = sum(number for _, number in batch)
        try:
            self._work([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001  # counted; the next batch may do
            if not self.dropped:
                _log.error("%s loses lines: %s", self._thread.name, whereabouts(error))
            with self._lock:
                self.dropped += calls
        else:
            self.taken += calls
