"""Calls with an API key, for the tests of this room."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.serve.running import Answer, Server, ask

__all__ = ["X", "bearer", "infer", "within"]

X = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]}


def infer(server: Server, key: str = "", model: str = "echo") -> Answer:
    return ask(server, "POST", f"/v2/models/{model}/infer", X, bearer(key))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def within(limit_s: float, is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.1)
    return bool(is_so())
