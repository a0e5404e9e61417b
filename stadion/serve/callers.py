"""Who calls: what its key allows, and how much it may still ask for right now."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from stadion.core.access import CONTROL, PREDICT, Access, ApiKey
from stadion.core.errors import Code, StadionError
from stadion.serve.pace import Pace
from stadion.serve.pool import Overloaded
from stadion.serve.unknown import unknown_model

__all__ = ["ANYBODY", "Caller", "KeyHolder", "Metered", "holder_of"]

_NEWEST = 0.2  # weight of the newest in a moving mean
_UNBOUNDED = 1 << 62
_ROUNDING = 1e-6  # of a step: who asks exactly in time is not early


class Caller:
    """Whoever needs no key here.

    Each request is between `enter` and `leave`; what enter refuses has not entered.
    """

    __slots__ = ()

    name = ""
    key: ApiKey | None = None
    pace: Pace | None = None

    def check(self, access: Access | None, model: str = "") -> None:
        """Raise when the caller may not do this; see `KeyHolder.check`."""

    def enter(self) -> StadionError | None:
        """Begin a request, or the reason why not now."""
        return None

    def leave(self) -> None:
        """The request is answered."""


ANYBODY = Caller()


class KeyHolder(Caller):
    """Whoever has sent a valid key."""

    __slots__ = ("key", "name")

    def __init__(self, key: ApiKey) -> None:
        self.key: ApiKey = key
        self.name = key.name

    def check(self, access: Access | None, model: str = "") -> None:
        """Let pass what the key allows.

        Raises
        ------
        StadionError
            FORBIDDEN without the scope, and for everybody where nothing is declared; NOT_FOUND,
            word for word as for an unknown model, for one that is not the key's.
        """
        key = self.key
        match access:
            case None:
                raise _forbidden("this call declares no access, so that no key opens it")
            case Access.OPEN | Access.KEY:
                return
            case Access.CONTROL:
                _need(key, CONTROL)
            case Access.PREDICT:
                _need(key, PREDICT)
                if key.models and model not in key.models:
                    raise unknown_model(model)
            case Access.CATALOGUE:
                _need(key, PREDICT)
                if key.models:
                    raise _forbidden(
                        f"key {key.name!r} is for single models; this call is about all of them"
                    )


class Metered(KeyHolder):
    """A key holder with a quota; safe to use from several threads.

    The rate is kept by one number, when the next request would be due if they came evenly: a
    request may come at most burst - 1 steps before it.

    Parameters
    ----------
    shares
        Workers that the quota is divided over. Each admits its part and at least one request.
    clock
        Seconds that only rise.
    """

    __slots__ = (
        "_clock", "_due", "_full_for_s", "_full_since", "_inside", "_lock", "_most", "_slack_s",
        "_step_s", "pace",
    )  # fmt: skip

    def __init__(
        self, key: ApiKey, shares: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(key)
        quota = key.quota
        self.pace = Pace(clock=clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._step_s = shares / quota.per_second if quota.per_second else 0.0
        self._slack_s = self._step_s * (max(0.0, quota.burst / shares - 1) + _ROUNDING)
        self._most = max(1, quota.at_once // shares) if quota.at_once else _UNBOUNDED
        self._due = 0.0
        self._inside = 0
        self._full_since = self._full_for_s = 0.0

    def enter(self) -> StadionError | None:
        """Begin a request, or OVERLOADED with the time when one will be admitted again."""
        with self._lock:
            if self._inside >= self._most:
                return self._crowded()
            if self._step_s:
                now, due = self._clock(), self._due
                if due - now > self._slack_s:
                    return self._too_fast(due - now - self._slack_s)
                self._due = (due if due > now else now) + self._step_s
            self._inside += 1
            if self._inside == self._most:
                self._full_since = self._clock()
        return None

    def leave(self) -> None:
        """The request is answered: its place is free."""
        with self._lock:
            if self._inside == self._most:
                full_for_s = self._clock() - self._full_since
                self._full_for_s += _NEWEST * (full_for_s - self._full_for_s)
            self._inside -= 1

    def _too_fast(self, wait_s: float) -> Overloaded:
        quota = self.key.quota
        return Overloaded(
            f"key {self.name!r} may ask {quota.per_second:g} times per second", _whole(wait_s)
        )

    def _crowded(self) -> Overloaded:
        """A place falls free about as long after the last was taken as it did lately."""
        return Overloaded(
            f"key {self.name!r} may have {self.key.quota.at_once} requests under way at once",
            _whole(self._full_for_s),
        )


def holder_of(key: ApiKey, shares: int) -> KeyHolder:
    """The caller that a key makes."""
    quota = key.quota
    limited = quota.per_second is not None or quota.at_once is not None
    return Metered(key, shares) if limited else KeyHolder(key)


def _need(key: ApiKey, scope: str) -> None:
    if scope not in key.scopes:
        raise _forbidden(f"key {key.name!r} has the scopes {list(key.scopes)}; this needs {scope}")


def _forbidden(text: str) -> StadionError:
    return StadionError(Code.FORBIDDEN, text)


def _whole(wait_s: float) -> int:
    return max(1, math.ceil(wait_s))
