"""Many clients at once: each gets its own answer, also while versions change under them."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.core.package import ModelPackage
from stadion.serve import Limits
from tests.serve import graphs
from tests.serve.running import Server, ask, deployment, running

LIMITS = Limits(run_s=2.0, queue=4, beat_s=0.05)
CLIENTS = 8


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {
        "echo": graphs.echo(home),
        "patient": graphs.patient(home),
        "swapped": graphs.constant(home, 1.0),
    }
    with running(home, models, workers=2, limits=LIMITS) as found:
        yield found


class Client(threading.Thread):
    """Asks on one kept-alive connection until it is told to stop."""

    def __init__(self, server: Server, model: str, **more: Any) -> None:
        super().__init__(daemon=True)
        self.answers: list[tuple[float, float, float]] = []
        self.failures: list[str] = []
        self.done = threading.Event()
        self._server, self._model, self._more = server, model, more

    def run(self) -> None:
        wire = http.client.HTTPConnection("127.0.0.1", self._server.port, 20)
        number = float(threading.get_ident() % 1_000_000)
        while not self.done.is_set():
            number += 1
            one = {"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [number]}
            began = time.monotonic()
            try:
                wire.request(
                    "POST", f"/v2/models/{self._model}/infer", json.dumps({"inputs": [one]})
                )
                reply = wire.getresponse()
                content = json.loads(reply.read())
                value = content["outputs"][0]["data"][0]
                self.answers.append((began, number, value))
            except (OSError, http.client.HTTPException, KeyError) as error:
                self.failures.append(f"{error!r}")
                wire.close()
        wire.close()


def rounds(server: Server, number: int) -> Any:
    one = {"name": "rounds", "shape": [1], "datatype": "INT64", "data": [number]}
    return ask(server, "POST", "/v2/models/patient/infer", {"inputs": [one]})


def test_every_client_gets_its_own_answers(server: Server) -> None:
    clients = [Client(server, "echo") for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(1.5)
    for client in clients:
        client.done.set()
    for client in clients:
        client.join(20)
        assert not client.failures
        assert len(client.answers) > 20
        for _, asked, answered in client.answers:
            assert answered == np.float32(asked)


def test_slow_runs_keep_their_answers_apart(server: Server) -> None:
    """Runs of different length finish out of order; each answer is still its own."""
    found: dict[int, int] = {}

    def go(number: int) -> None:
        answer = rounds(server, number)
        found[number] = answer.json["outputs"][0]["data"][0]

    threads = [threading.Thread(target=go, args=(n,)) for n in (40_000, 10, 20_000, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == {n: n for n in (40_000, 10, 20_000, 3)}


def test_a_run_beyond_its_limit_is_ended_and_told(server: Server) -> None:
    began = time.monotonic()
    answer = rounds(server, 10**9)
    assert answer.status == 504
    assert "limit of 2 s" in answer.json["error"]
    assert 1.8 < time.monotonic() - began < 5
    deadline = time.monotonic() + 5  # the thread is free again, on whichever worker it was
    while time.monotonic() < deadline:
        assert rounds(server, 5).status == 200
        if all(worker["waiting"] == 0 for worker in server.plane.status()["workers"]):
            return
    raise AssertionError("the run was never ended")


def test_too_many_runs_are_refused_early(server: Server) -> None:
    answers: list[Any] = []

    def go() -> None:
        answers.append(rounds(server, 10**9))

    threads = [threading.Thread(target=go) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) == {429, 504}
    assert statuses[429] >= 24 - 2 * (LIMITS.queue + 1)  # one runs, the others wait
    for answer in answers:
        if answer.status == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert list(answer.json) == ["error"]
    assert ask(server, "GET", "/v2/health/ready").status == 200


def test_a_client_that_leaves_frees_the_thread(server: Server) -> None:
    one = {"name": "rounds", "shape": [1], "datatype": "INT64", "data": [10**9]}
    body = json.dumps({"inputs": [one]}).encode()
    head = b"POST /v2/models/patient/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    for _ in range(4):
        with socket.create_connection(("127.0.0.1", server.port), 10) as wire:
            wire.sendall(head % len(body) + body)
            time.sleep(0.02)
    began = time.monotonic()
    while any(worker["waiting"] for worker in server.plane.status()["workers"]):
        assert time.monotonic() - began < 1.5, "runs go on for clients that have left"
        time.sleep(0.02)


def test_versions_change_under_load_without_a_failed_request(server: Server, home: Path) -> None:
    versions: dict[int, ModelPackage] = {n: graphs.constant(home, float(n)) for n in range(1, 7)}
    clients = [Client(server, "swapped") for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    acknowledged: list[tuple[float, int]] = []
    for number in range(2, 7):
        server.plane.deploy(
            deployment("swapped", number, generation=number), {number: versions[number]}
        )
        acknowledged.append((time.monotonic(), number))
        time.sleep(0.1)
    for client in clients:
        client.done.set()
    for client in clients:
        client.join(20)
    assert not [failure for client in clients for failure in client.failures]
    answers = [answer for client in clients for answer in client.answers]
    assert {value for _, _, value in answers} == {1, 2, 3, 4, 5, 6}
    for began, _, value in answers:
        least = max((number for at, number in acknowledged if at < began), default=1)
        assert value >= least, "an old version answered after the acknowledgement"
