"""A run on the event loop in, its end when it takes far longer than was measured."""

from __future__ import annotations

import threading
import time

from stadion.serve.runtimes.base import Halt

__all__ = ["InlineGuard"]

_LIMIT_NS = 100_000_000
_LOOK_S = 0.025


class InlineGuard:
    """Watches from a thread of its own what the event loop is running.

    A graph with a loop inside can be quick in its self-test and endless on other values. While
    it runs, nothing else of the worker does; so it is ended and begun again on the pool.
    """

    __slots__ = ("_halt", "_since_ns", "_spare")

    def __init__(self) -> None:
        self._halt: Halt | None = None
        self._spare = Halt()
        self._since_ns = 0

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._watch, name="guard", daemon=True).start()

    def enter(self, since_ns: int) -> Halt:
        """A run begins now, by `time.perf_counter_ns`."""
        self._since_ns = since_ns  # first: a look in between must not see the new run as old
        if self._spare.asked:
            self._spare = Halt()
        self._halt = halt = self._spare
        return halt

    def leave(self) -> None:
        """It has ended."""
        self._halt = None

    def _watch(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            halt = self._halt
            if halt is not None and time.perf_counter_ns() - self._since_ns > _LIMIT_NS:
                halt.ask()
