"""Checks by name in, one line of JSON for each out; needs nothing but Python itself.

Every program of `clients.programs` runs in an environment without this house's libraries.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["FEATURES", "Checks", "orders", "row", "same"]

FEATURES = 32


def orders() -> dict[str, Any]:
    """Where the server is: what the program was given as its only argument."""
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def row(number: float) -> list[float]:
    """A row that adds up to `number`, which is what the model answers."""
    return [number, *[0.0] * (FEATURES - 1)]


def same(got: Any, wanted: Any) -> None:
    """Refuse anything else than what was wanted."""
    if got != wanted:
        raise AssertionError(f"got {str(got)[:300]}; wanted {str(wanted)[:300]}")


class Checks:
    """Runs one check after the other and says how each ended."""

    def __init__(self, client: str) -> None:
        self.client = client

    def check(self, name: str, work: Callable[[], object]) -> None:
        """`work` must not raise."""
        try:
            work()
        except Exception as error:  # noqa: BLE001  # whatever it is, the client did not get on
            self._say(name, error)
        else:
            self._say(name, None)

    def refused(self, name: str, work: Callable[[], object], *words: str) -> None:
        """`work` must raise an error of the client's that says these words."""
        try:
            got = work()
        except Exception as error:  # noqa: BLE001  # each client has types of its own
            missing = [word for word in words if word not in str(error)]
            self._say(name, AssertionError(f"{error!r} lacks {missing}") if missing else None)
        else:
            self._say(name, AssertionError(f"nothing was refused: {str(got)[:300]}"))

    async def acheck(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """`check` of what is awaited."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001  # whatever it is, the client did not get on
            self._say(name, error)
        else:
            self._say(name, None)

    async def arefused(self, name: str, work: Callable[[], Awaitable[object]], *words: str) -> None:
        """`refused` of what is awaited."""
        try:
            got = await work()
        except Exception as error:  # noqa: BLE001  # each client has types of its own
            missing = [word for word in words if word not in str(error)]
            self._say(name, AssertionError(f"{error!r} lacks {missing}") if missing else None)
        else:
            self._say(name, AssertionError(f"nothing was refused: {str(got)[:300]}"))

    def _say(self, name: str, error: Exception | None) -> None:
        view: dict[str, Any] = {"client": self.client, "check": name, "passed": error is None}
        if error is not None:
            where = traceback.extract_tb(error.__traceback__)
            view["error"] = f"{type(error).__name__}: {str(error)[:500]}"
            view["where"] = f"line {where[-1].lineno} of {where[-1].name}" if where else ""
        sys.stdout.write(json.dumps(view) + "\n")
        sys.stdout.flush()
