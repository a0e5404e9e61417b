"""Frames and messages of gRPC that are wrong, against one server that others use meanwhile."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stadion.serve import Limits
from stadion.serve.grpc import inference_pb2 as pb
from tests.serve import graphs
from tests.serve.corpus.frames import ENTRIES, FrameEntry, opening
from tests.serve.grpc_calls import Client, client, request
from tests.serve.processes import Worker, excess
from tests.serve.running import Server, running

LIMITS = Limits(head_s=0.4, body_s=0.4, idle_s=1.5, body_bytes=8 << 20)
EXAMPLES = int(os.environ.get("STADION_FUZZ", "150"))
GOAWAY, RST, HEADERS = 7, 3, 1
FREE_CPU_S = 0.6  # the neighbour's calls count as well
X = np.array([[1.5, 2.5]], np.float32)
EXPECTED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}


class Neighbour:
    """A client that asks all the time, and what came of it."""

    def __init__(self, found: Client) -> None:
        self._client = found
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answered = 0
        self.slowest_s = 0.0
        self.faults: list[str] = []

    def __enter__(self) -> Neighbour:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopping.wait(0.005):
            began = time.monotonic()
            try:
                answer = self._client.infer("echo", {"x": X})["y"]
            except grpc.RpcError as error:
                self.faults.append(str(error))
            else:
                if not np.array_equal(answer, X):
                    self.faults.append(f"{answer} instead of {X}")
            self.answered += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {
        "echo": graphs.echo(home),
        "texts": graphs.texts(home),
        "two": graphs.sum_of_two(home),
    }
    with running(home, models, limits=LIMITS, grpc_port=0) as found:
        yield found


def test_malformed_frames_harm_nobody_else(server: Server) -> None:
    (pid,) = server.said["workers"]
    worker = Worker(pid)
    began = worker.began()
    worker.forget_most()
    floor = worker.most_bytes()
    wrong = []
    with client(server) as found, Neighbour(found) as neighbour:
        for entry in ENTRIES:
            worker.forget_most()
            spent_s, answered = worker.cpu_s(), neighbour.answered
            ended = play(server, entry)
            if entry.ends and not ended:
                wrong.append(f"{entry.name}: the {entry.ends} goes on")
            wrong += [
                f"{entry.name}: {fault}"
                for fault in excess(worker, entry.size, floor, spent_s, FREE_CPU_S)
            ]
            wait_for(lambda before=answered: neighbour.answered >= before + 2)
            assert worker.began() == began, f"the worker died of {entry.name}"
        wrong += [f"a neighbour: {fault}" for fault in neighbour.faults]
        assert neighbour.slowest_s < 2
    assert not wrong, "\n".join([f"{len(wrong)} of {len(ENTRIES)}", *wrong])


def test_connections_that_say_nothing_are_closed_and_leave_room(server: Server) -> None:
    with contextlib.ExitStack() as stack, client(server) as found:
        wires = [stack.enter_context(_connect(server)) for _ in range(200)]
        for wire in wires[:100]:
            wire.sendall(opening()[:20])
        assert np.array_equal(found.infer("echo", {"x": X})["y"], X)
        for wire in wires:
            wire.settimeout(6)
            with contextlib.suppress(ConnectionResetError):
                while wire.recv(1 << 16):
                    pass


SEEDS = {
    "raw": request("echo", {"x": X}),
    "typed": request("echo", {"x": X}, typed=True),
    "two": request("two", {n: np.array([[1, 2]], np.int64) for n in "ab"}, outputs=["total"]),
    "texts": request("texts", {"x": np.array([b"ab", b""], object)}, id="7"),
}


@pytest.mark.parametrize("name", SEEDS)
def test_mutated_messages_are_answered_or_refused(server: Server, name: str) -> None:
    seed = SEEDS[name].SerializeToString()
    workers = server.said["workers"]
    with client(server) as found:
        ask = found.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize="STADION_FUZZ" not in os.environ,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(mutated(seed))
        def check(body: bytes) -> None:
            status, details = outcome(ask, body)
            assert status in EXPECTED, (status, details)
            assert "Traceback" not in details
            assert len(details) < 2_000

        check()
        assert outcome(ask, seed)[0] is grpc.StatusCode.OK
    assert [worker["pid"] for worker in server.plane.status()["workers"]] == workers


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """The bytes of a message after one to four changes."""
    body = seed
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, 1 << 16)) % (len(body) + 1)
        end = min(len(body), at + draw(st.integers(0, 6)))
        match draw(st.sampled_from(("flip", "cut", "drop", "repeat", "put"))):
            case "flip" if at < len(body):
                body = body[:at] + bytes([body[at] ^ 1 << draw(st.integers(0, 7))]) + body[at + 1 :]
            case "cut":
                body = body[:at]
            case "drop":
                body = body[:at] + body[end:]
            case "repeat":
                body = body[:at] + body[at:end] * draw(st.integers(2, 30)) + body[end:]
            case _:
                body = body[:at] + draw(st.binary(max_size=6)) + body[end:]
    return body


def outcome(ask: Any, body: bytes) -> tuple[grpc.StatusCode, str]:
    """How a call with these bytes as its message ends; an answer must be a message itself."""
    try:
        pb.ModelInferResponse.FromString(ask(body, timeout=20))
    except grpc.RpcError as error:
        code: Any = error
        return code.code(), code.details()
    return grpc.StatusCode.OK, ""


def play(server: Server, entry: FrameEntry) -> bool:
    """Send an entry; True when the server has ended what the entry says."""
    with _connect(server) as wire:
        received = bytearray()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in entry.send:
                if isinstance(piece, float):
                    time.sleep(piece)
                elif isinstance(piece, tuple):
                    wire.sendall(piece[0] * piece[1])
                else:
                    wire.sendall(piece)
        return _hear(wire, received, entry.ends)


def _hear(wire: socket.socket, received: bytearray, ends: str) -> bool:
    """Read until what should end has ended, or for as long as it may take."""
    until = time.monotonic() + (4.0 if ends else 0.05)
    wire.settimeout(0.05)
    while time.monotonic() < until:
        try:
            part = wire.recv(1 << 16)
        except TimeoutError:
            continue
        except ConnectionResetError:
            return True
        if not part:
            return True
        received += part
        kinds = set(_kinds(received))
        if GOAWAY in kinds or (ends == "call" and kinds & {RST, HEADERS}):
            return True
    return False


def _kinds(received: bytes | bytearray) -> Iterator[int]:
    """The kinds of the frames that have come."""
    at = 0
    while at + 9 <= len(received):
        yield received[at + 3]
        at += 9 + int.from_bytes(received[at : at + 3], "big")


def _connect(server: Server) -> socket.socket:
    host, _, port = str(server.said["grpc"]).rpartition(":")
    wire = socket.create_connection((host, int(port)), 10)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def wait_for(met: Any, limit_s: float = 10.0) -> None:
    """Wait until something is true."""
    until = time.monotonic() + limit_s
    while not met():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.005)
