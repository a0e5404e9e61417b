"""A real server process for a test, ended by its process id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stadion.client import Client

__all__ = ["Server", "running_server", "start_server"]


@dataclass
class Server:
    """A running `stadion up`."""

    process: subprocess.Popen[str]
    predictions: str
    control: str
    grpc: str

    @property
    def client(self) -> Client:
        return Client(self.control, timeout_s=60)

    def stop(self, limit_s: float = 30.0) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(limit_s)

    def kill(self) -> None:
        """SIGKILL to the whole group at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


def start_server(
    home: Path, workers: int = 2, limit_s: float = 60.0, options: Sequence[str] = ()
) -> Server:
    """`stadion up` on free ports of the loopback interface, ready to answer."""
    command = [sys.executable, "-m", "stadion", "up", "--home", str(home), "--json"]
    command += ["--grpc", "127.0.0.1:0"]
    command += ["--http", "127.0.0.1:0", "--control", "127.0.0.1:0", "--workers", str(workers)]
    command += options
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    watchdog = threading.Timer(limit_s, process.kill)
    watchdog.start()
    assert process.stdout is not None
    line = process.stdout.readline()
    watchdog.cancel()
    assert line, f"the server ended with {process.wait(10)} before it was ready"
    addresses = json.loads(line)
    return Server(process, addresses["predictions"], addresses["control"], addresses["grpc"])


@contextmanager
def running_server(home: Path, workers: int = 2, options: Sequence[str] = ()) -> Iterator[Server]:
    """A server for the length of a test."""
    server = start_server(home, workers, options=options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
