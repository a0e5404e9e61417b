"""Real server processes for the tests, and small real clients."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from stadion.core.deployment import Deployment, Route
from stadion.core.package import ModelPackage
from stadion.serve import Limits, PlaneClient
from stadion.serve.messages import Placement, placement_of
from tests.places import ROOT
from tests.serve.program import Orders

__all__ = ["Answer", "Server", "ask", "deployment", "raw", "running", "start"]


_LONGEST_ARGUMENT = 100_000  # the kernel takes 128 KiB


def deployment(model: str, *versions: int, generation: int = 1) -> Deployment:
    """Equal shares for the versions."""
    return Deployment(model, tuple(Route(version) for version in versions), generation)


@dataclass
class Server:
    """One server process and what it said when it was ready."""

    process: subprocess.Popen[str]
    home: Path
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.said["port"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def plane(self) -> PlaneClient:
        return PlaneClient(self.home / "run" / "plane.sock", deploy_s=60)

    def stop(self) -> int:
        """SIGTERM and the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


def start(
    home: Path,
    models: Mapping[str, ModelPackage] | Sequence[Placement],
    workers: int = 1,
    limits: Limits | None = None,
    **more: Any,
) -> Server:
    """A server that is ready; models by name are version 1, generation 1."""
    if isinstance(models, Mapping):
        models = [placement_of(deployment(name, 1), {1: p}) for name, p in models.items()]
    orders = Orders(str(home), list(models), limits or Limits(), workers, **more)
    text = msgspec.json.encode(orders)
    if len(text) > _LONGEST_ARGUMENT:
        path = home / "orders.json"
        path.write_bytes(text)
        text = f"@{path}".encode()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.serve.program", text.decode()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError(f"the server ended with {process.wait(10)}")
    return Server(process, home, json.loads(line))


@contextlib.contextmanager
def running(*args: Any, **more: Any) -> Iterator[Server]:
    """A server for a while; it must end well."""
    server = start(*args, **more)
    try:
        yield server
        assert server.stop() == 0
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait(10)
        if server.process.stdout is not None:
            server.process.stdout.close()


@dataclass
class Answer:
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    server: Server,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request by http.client on a connection of its own; a body that is no bytes is JSON."""
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, 30)) as client:
        client.request(method, path, content, dict(headers or {}))
        reply = client.getresponse()
        known = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, known, reply.read())


def raw(server: Server, *pieces: bytes, end: bool = False, limit_s: float = 10) -> bytes:
    """Everything that comes back for bytes sent as they are, until the server closes."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port), limit_s)) as wire:
        wire.settimeout(limit_s)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                wire.sendall(piece)
            if end:
                wire.shutdown(socket.SHUT_WR)
        received = bytearray()
        while part := wire.recv(1 << 16):
            received += part
        return bytes(received)
