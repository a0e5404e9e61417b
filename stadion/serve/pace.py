"""A refusal in, how long whoever got it is not listened to out."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Pace"]


class Pace:
    """Spreads refusals over time: a flood of them would cost others as much as answers do.

    Each is told at once; the next request of the same connection is read a little later, the
    later the more connections are being refused.

    Parameters
    ----------
    per_second
        Refusals that may be asked for, over all connections together.
    longest_s
        No connection waits longer.
    clock
        Seconds that only rise.
    """

    __slots__ = ("_clock", "_due", "_longest_s", "_step_s")

    def __init__(
        self,
        per_second: float = 500.0,
        longest_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._step_s = 1 / per_second
        self._longest_s = longest_s
        self._due = 0.0

    def rest_s(self) -> float:
        """How long the connection that was refused just now should rest."""
        now = self._clock()
        due = max(self._due, now) + self._step_s
        self._due = min(due, now + self._longest_s)
        return self._due - now
