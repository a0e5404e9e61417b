"""The express way answers byte for byte as the usual way does, and leaves it what is unusual."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.core.deployment import Deployment, Plan, Route
from stadion.serve.messages import placement_of
from tests.serve import graphs
from tests.serve.running import Server, ask, running

ROWS = [[0.5, -1.25, 3.0], [1e-3, 2.0, -7.5], [0.1, 0.2, 0.30000001192092896]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("express")
    models = {"echo": graphs.echo(folder)}
    with running(folder, models) as server:
        yield server


class Client:
    """One kept connection; the same head again and again, as real clients send it."""

    def __init__(self, server: Server) -> None:
        self.wire = socket.create_connection(("127.0.0.1", server.port), 10)
        self.rest = b""

    def send(self, body: bytes, path: str = "/v2/models/echo/infer", *headers: str) -> None:
        lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
        self.wire.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def answer(self) -> tuple[int, bytes, bytes]:
        """Status, head without its date, body."""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.wire.recv(1 << 16)
        head, _, rest = self.rest.partition(b"\r\n\r\n")
        found = re.search(rb"Content-Length: (\d+)", head)
        assert found is not None
        length = int(found[1])
        while len(rest) < length:
            rest += self.wire.recv(1 << 16)
        self.rest = rest[length:]
        head = re.sub(rb"Date: [^\r]*\r\n", b"", head)
        return int(head.split()[1]), head, rest[:length]

    def ask(self, body: bytes, *more: str) -> tuple[int, bytes, bytes]:
        self.send(body, *more)
        return self.answer()


@contextlib.contextmanager
def client(server: Server) -> Iterator[Client]:
    made = Client(server)
    with contextlib.closing(made.wire):
        yield made


def in_json(rows: Any, **more: Any) -> bytes:
    flat = np.asarray(rows, np.float64).reshape(-1).tolist()
    tensor = {"name": "x", "shape": list(np.shape(rows)), "datatype": "FP32", "data": flat}
    return json.dumps({"inputs": [tensor]} | more).encode()


def in_binary(rows: Any) -> tuple[bytes, str]:
    array = np.asarray(rows, np.float32)
    tensor = {
        "name": "x",
        "shape": list(array.shape),
        "datatype": "FP32",
        "parameters": {"binary_data_size": array.nbytes},
    }
    text = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return text + array.tobytes(), f"Inference-Header-Content-Length: {len(text)}"


def usual(server: Server, body: bytes, *headers: str) -> tuple[int, bytes, bytes]:
    """The answer of a connection whose head was never seen: nothing is taken over."""
    with client(server) as other:
        nonce = struct.unpack("<Q", np.random.default_rng().bytes(8))[0]
        return other.ask(body, "/v2/models/echo/infer", f"X-Once: {nonce}", *headers)


@pytest.mark.parametrize("row", ROWS)
def test_the_same_bytes_come_back_either_way(server: Server, row: list[float]) -> None:
    body = in_json([row])
    with client(server) as kept:
        answers = [kept.ask(body) for _ in range(4)]
    assert answers == [usual(server, body)] * 4
    assert json.loads(answers[3][2])["outputs"][0]["data"] == pytest.approx(row)


@pytest.mark.parametrize("row", ROWS)
def test_binary_comes_back_the_same_either_way(server: Server, row: list[float]) -> None:
    body, header = in_binary([row, row])
    with client(server) as kept:
        answers = [kept.ask(body, "/v2/models/echo/infer", header) for _ in range(4)]
    assert answers == [usual(server, body, header)] * 4
    assert answers[3][2].endswith(np.asarray([row, row], np.float32).tobytes())


@pytest.mark.parametrize(
    "odd",
    [
        b"null,1,2", b"NaN,1,2", b"1,2", b"1,2,3,4", b"1,,2", b"[1],2,3", b'"1",2,3', b"1e39,1,2",
        b"1,2,true", b"1,2,3 ", b"01,2,3", b"1e999,1,1", b"1,2,{}", b"18446744073709551616,1,2",
    ],
)  # fmt: skip
def test_what_is_unusual_gets_the_usual_answer(server: Server, odd: bytes) -> None:
    """Beside others of the same turn, whose answers it must not touch."""
    good = in_json([ROWS[0]])
    start, _, _ = good.partition(b"[0.5")
    bad = start + b"[" + odd + b"]}]}"
    wanted, refused = usual(server, good), usual(server, bad)
    with client(server) as first, client(server) as second:
        for _ in range(3):
            assert first.ask(good) == second.ask(good) == wanted
            first.send(good)
            second.send(bad)
            assert first.answer() == wanted
            assert second.answer() == refused


def test_pipelined_calls_are_answered_in_order(server: Server) -> None:
    bodies = [in_json([[float(i), 1.5, 2.5]]) for i in range(10)]
    with client(server) as kept:
        kept.ask(bodies[0])
        for body in bodies:
            kept.send(body)
        found = [json.loads(kept.answer()[2])["outputs"][0]["data"][0] for _ in bodies]
    assert found == [float(i) for i in range(10)]


def test_many_callers_get_each_their_own_answer(server: Server) -> None:
    wrong: list[Any] = []

    def go(number: int) -> None:
        with client(server) as kept:
            for turn in range(200):
                row = [float(number), float(turn), 0.25]
                status, _, text = kept.ask(in_json([row]))
                if status != 200 or json.loads(text)["outputs"][0]["data"] != row:
                    wrong.append((row, text))

    threads = [threading.Thread(target=go, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    stats = ask(server, "GET", "/v2/models/echo/stats").json["model_stats"][0]
    assert stats["execution_count"] < stats["inference_stats"]["success"]["count"]


def test_a_new_deployment_answers_at_once(server: Server, tmp_path: Path) -> None:
    """What was learned belongs to the version that answered."""
    body = in_json([ROWS[0]])
    with client(server) as kept:
        for _ in range(3):
            assert b'"model_version":"1"' in kept.ask(body)[2]
        packages = {2: graphs.echo(tmp_path)}
        server.plane.deploy(Deployment("echo", (Route(2),), 2), packages)
        assert b'"model_version":"2"' in kept.ask(body)[2]
        both = packages | {1: graphs.echo(tmp_path / "again")}
        server.plane.deploy(Deployment("echo", (Route(1), Route(2, shadow=True)), 3), both)
        assert b'"model_version":"1"' in kept.ask(body)[2]
    packages = {1: graphs.echo(tmp_path / "more")}
    server.plane.deploy(Deployment("echo", (Route(1),), 4), packages)


def test_what_is_too_much_for_one_turn_is_refused_at_once(tmp_path: Path) -> None:
    """A stopped worker finds all calls at once when it goes on: 32 rows are a turn's least."""
    slow = Plan("tick", 4, 1.0, 100.0)
    placement = placement_of(
        Deployment("echo", (Route(1, plan=slow),), 1), {1: graphs.echo(tmp_path)}
    )
    with running(tmp_path, [placement]) as server, contextlib.ExitStack() as stack:
        callers = [stack.enter_context(client(server)) for _ in range(64)]
        for number, caller in enumerate(callers):
            for _ in range(2):
                assert caller.ask(in_json([[float(number)]]))[0] == 200
        (worker,) = server.said["workers"]
        os.kill(worker, signal.SIGSTOP)
        for number, caller in enumerate(callers):
            caller.send(in_json([[float(number)]]))
        os.kill(worker, signal.SIGCONT)
        answers = [caller.answer() for caller in callers]
        statuses = Counter(status for status, _, _ in answers)
        assert statuses.keys() == {200, 429}
        assert statuses[200] >= 32
        for number, (status, head, body) in enumerate(answers):
            if status == 200:
                assert json.loads(body)["outputs"][0]["data"] == [float(number)]
            else:
                assert b"Retry-After: 1" in head
                assert "wait" in json.loads(body)["error"]
        assert callers[-1].ask(in_json([[5.0]]))[0] == 200
