"""An order in, a generator process running; its ledger when it has ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from reliability.ledger import Ledger
from reliability.orders import Order, closed

__all__ = ["Load", "capacity", "load_of", "loading"]

ROOT = Path(__file__).resolve().parent.parent
_END_S = 90.0


class Load:
    """A generator that runs; `began` is when its schedule began."""

    def __init__(self, order: Order, say: Callable[[str], None] | None = None) -> None:
        self._out = Path(order.out)
        self._say = say
        self._process = subprocess.Popen(
            [sys.executable, "-m", "reliability.generator"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(order))
        self._process.stdin.close()
        self._lines = self._process.stdout
        self.began = float(self._read()["began"])
        self._reader = threading.Thread(target=self._follow, daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """Let no more calls arrive."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, limit_s: float) -> Ledger:
        """Until the last answer has come."""
        status = self._process.wait(limit_s)
        self._reader.join(10)
        assert status == 0, f"the load generator ended with {status}"
        return Ledger.read(self._out)

    def end(self) -> Ledger:
        """`stop` and `wait`."""
        self.stop()
        return self.wait(_END_S)

    def close(self) -> None:
        """Leave no process behind."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(10)
        self._lines.close()

    def _follow(self) -> None:
        for seconds, line in enumerate(self._lines, 1):
            view = json.loads(line)
            if self._say is not None and seconds % 10 == 0:
                self._say(f"{view['arrived']:,} calls, {view['open']} under way")

    def _read(self) -> dict[str, Any]:
        line = self._lines.readline()
        assert line, f"the load generator ended with {self._process.wait(10)}"
        view: dict[str, Any] = json.loads(line)
        return view


@contextmanager
def loading(order: Order, say: Callable[[str], None] | None = None) -> Iterator[Load]:
    """A generator for the length of a block; it is ended with it."""
    load = Load(order, say)
    try:
        yield load
    finally:
        load.close()


def load_of(order: Order, say: Callable[[str], None] | None = None) -> Ledger:
    """The ledger of all phases of an order."""
    with loading(order, say) as load:
        return load.wait(sum(phase.seconds for phase in order.phases) + _END_S)


def capacity(
    port: int, requests: list[bytes], seconds: float, connections: int = 32, **more: Any
) -> float:
    """Good answers per second when as many calls as connections are always under way."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "ledger.npz")
        order = Order(port, requests, closed(seconds), out, connections=connections, **more)
        ledger = load_of(order)
    ended = ledger.began + seconds
    return float(((ledger.status == 200) & (ledger.done <= ended)).sum() / seconds)
