"""Processes end, hang and are told to stop; the server as a whole goes on, or ends well."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stadion.core.errors import Code, StadionError
from stadion.core.package import GRAPH
from stadion.core.settings import Home
from stadion.core.signature import Signature, Tensor
from stadion.serve import Limits, ServeConfig
from tests.serve import graphs
from tests.serve.running import Server, ask, deployment, raw, running, start


def ask_echo(server: Server, number: float) -> float:
    one = {"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [number]}
    answer = ask(server, "POST", "/v2/models/echo/infer", {"inputs": [one]})
    assert answer.status == 200, answer
    return float(answer.json["outputs"][0]["data"][0])


def until(truth: Callable[[], bool], limit_s: float) -> float:
    """Seconds until it was true."""
    began = time.monotonic()
    while not truth():
        assert time.monotonic() - began < limit_s, "it never came true"
        time.sleep(0.02)
    return time.monotonic() - began


def workers(server: Server) -> set[int]:
    """Process ids of the workers that stand."""
    return {w["pid"] for w in server.plane.status()["workers"] if w["standing"]}


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with running(home, {"echo": graphs.echo(home)}, workers=2) as found:
        yield found


def test_a_killed_worker_is_replaced_while_the_others_answer(server: Server) -> None:
    before = workers(server)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    failures = 0
    began = time.monotonic()
    while victim in workers(server) or len(workers(server)) < 2:
        assert time.monotonic() - began < 3, "it was not replaced within 3 s"
        try:
            assert ask_echo(server, 3.0) == 3.0
        except (OSError, http.client.HTTPException):
            failures += 1  # a connection that the kernel had given to the dead worker
    assert failures <= 2
    assert len(workers(server) - before) == 1
    assert {ask_echo(server, float(n)) for n in range(20)} == {float(n) for n in range(20)}


def test_a_stuck_worker_is_replaced(server: Server) -> None:
    victim = min(workers(server))
    os.kill(victim, signal.SIGSTOP)
    took_s = until(lambda: len(workers(server) - {victim}) == 2, 6)
    assert not is_alive(victim)
    assert took_s < 4  # 3 s on a machine of its own; this one is shared
    assert ask_echo(server, 5.0) == 5.0


def test_a_replaced_worker_serves_what_is_deployed_now(server: Server, home: Path) -> None:
    server.plane.deploy(deployment("later", 1), {1: graphs.constant(home, 1.0)})
    server.plane.deploy(deployment("later", 2, generation=2), {2: graphs.constant(home, 2.0)})
    before = workers(server)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(workers(server) - before) == 2, 6)
    body = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [0]}]}
    answers = [ask(server, "POST", "/v2/models/later/infer", body) for _ in range(20)]
    assert {answer.json["model_version"] for answer in answers} == {"2"}


def test_a_worker_told_to_end_finishes_and_is_replaced(server: Server) -> None:
    victim = min(workers(server))
    os.kill(victim, signal.SIGTERM)
    until(lambda: len(workers(server) - {victim}) == 2, 6)


def test_a_worker_that_finishes_what_it_has_is_not_taken_for_stuck(tmp_path: Path) -> None:
    limits = Limits(stuck_s=0.6, beat_s=0.1)
    models = {"patient": graphs.patient(tmp_path)}
    answers: list[Any] = []
    one = {"name": "rounds", "shape": [1], "datatype": "INT64", "data": [1_500_000]}
    with running(tmp_path, models, limits=limits) as server:

        def go() -> None:
            answers.append(ask(server, "POST", "/v2/models/patient/infer", {"inputs": [one]}))

        thread = threading.Thread(target=go)
        thread.start()
        until(lambda: _pending(server, "patient") == 1, 5)
        os.kill(min(workers(server)), signal.SIGTERM)
        thread.join(20)
        assert [answer.status for answer in answers] == [200]


def _pending(server: Server, model: str) -> int:
    """Requests that wait for their answer or are being answered."""
    versions = server.plane.status()["models"][model]["versions"]
    return int(versions["1"]["stats"]["pending"])


def test_a_second_server_of_the_home_is_refused(server: Server, home: Path) -> None:
    refused = _program(home, 0)
    assert refused.returncode == 3
    assert "CONFLICT" in refused.stderr
    assert ask_echo(server, 1.0) == 1.0
    assert server.plane.is_running()


def test_a_port_in_use_is_refused(server: Server, tmp_path: Path) -> None:
    refused = _program(tmp_path, server.port)
    assert refused.returncode == 3
    assert str(server.port) in refused.stderr


def _program(home: Path, port: int) -> subprocess.CompletedProcess[str]:
    orders = {"home": str(home), "placements": [], "limits": {}, "port": port}
    command = [sys.executable, "-m", "tests.serve.program", json.dumps(orders)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_the_control_socket_is_the_owners_alone(server: Server) -> None:
    path = server.home / "run" / "plane.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    for line in (b"hello\n", b"{}\n", b'{"type": "Explode"}\n', b"[" * 100_000 + b"\n"):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as wire:
            wire.settimeout(5)
            wire.connect(str(path))
            wire.sendall(line)
            reply = json.loads(wire.makefile("rb").readline())
            assert reply["failure"]["code"] == "INVALID"


def test_only_this_machine_is_served(tmp_path: Path) -> None:
    everywhere = "0.0.0.0"  # noqa: S104  # refused is what it is
    for host in (everywhere, "192.168.1.5", "example.org", "::"):
        with pytest.raises(StadionError) as caught:
            ServeConfig(Home(tmp_path), host=host)
        assert caught.value.code is Code.FORBIDDEN


def test_a_killed_server_leaves_nothing_behind_and_can_start_again(tmp_path: Path) -> None:
    models = {"echo": graphs.echo(tmp_path)}
    child = [sys.executable, "-c", "import time; time.sleep(600)"]
    with contextlib.ExitStack() as stack:
        first = start(tmp_path, models, workers=2, children=[child])
        stack.callback(first.process.kill)
        pids = [*workers(first), *_children(first.process.pid)]
        assert len(set(pids)) >= 3
        first.process.kill()
        first.process.wait(10)
        until(lambda: not any(map(is_alive, pids)), 3)
        assert (tmp_path / "run" / "plane.sock").exists()
        assert not first.plane.is_running()
        began = time.monotonic()
        with running(tmp_path, models, workers=2, port=first.port) as second:
            assert time.monotonic() - began < 5
            assert ask_echo(second, 2.0) == 2.0
            assert second.plane.is_running()
        assert not (tmp_path / "run" / "plane.sock").exists()


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()]


def test_the_end_under_load_loses_nothing_in_flight(tmp_path: Path) -> None:
    models = {"patient": graphs.patient(tmp_path), "echo": graphs.echo(tmp_path)}
    server = start(tmp_path, models, workers=2)
    lost: list[str] = []
    answered = [0]
    threads = [
        threading.Thread(target=_ask_until_refused, args=(server, kept, lost, answered))
        for kept in (True, True, True, False, False, False)
    ]
    slow: list[Any] = []
    one = {"name": "rounds", "shape": [1], "datatype": "INT64", "data": [600_000]}
    threads.append(
        threading.Thread(
            target=lambda: slow.append(
                ask(server, "POST", "/v2/models/patient/infer", {"inputs": [one]})
            )
        )
    )
    try:
        for thread in threads:
            thread.start()
        time.sleep(0.4)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 20
        for thread in threads:
            thread.join(20)
        assert not lost
        assert answered[0] > 50
        assert [answer.status for answer in slow] == [200]
    finally:
        server.process.kill()


def _ask_until_refused(server: Server, kept: bool, lost: list[str], answered: list[int]) -> None:
    """Ask until the port is closed; a request that was sent must be answered."""
    one = {"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}
    body = json.dumps({"inputs": [one]})
    headers = {} if kept else {"Connection": "close"}
    wire = http.client.HTTPConnection("127.0.0.1", server.port, 20)
    while True:
        if wire.sock is None:
            try:
                wire.connect()
            except ConnectionRefusedError:
                return
        try:
            wire.request("POST", "/v2/models/echo/infer", body, headers)
            reply = wire.getresponse()
            reply.read()
            assert reply.status == 200
        except (OSError, http.client.HTTPException) as error:
            lost.append(repr(error))
            wire.close()
        else:
            answered[0] += 1


def test_while_draining_the_server_is_alive_and_not_ready(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        server = start(tmp_path, {"patient": graphs.patient(tmp_path)})
        stack.callback(server.process.kill)
        wire = socket.create_connection(("127.0.0.1", server.port), 10)
        one = {"name": "rounds", "shape": [1], "datatype": "INT64", "data": [2_000_000]}
        body = json.dumps({"inputs": [one]}).encode()
        wire.sendall(
            b"POST /v2/models/patient/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b"
            b"GET /v2/health/ready HTTP/1.1\r\nHost: x\r\n\r\n"
            b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n" % (len(body), body)
        )
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        received = wire.makefile("rb").read()
        assert received.count(b"HTTP/1.1 200 OK") == 2
        assert received.count(b"HTTP/1.1 503") == 1
        assert received.count(b"Connection: close") == 1
        assert server.process.wait(20) == 0


def test_the_end_does_not_wait_for_a_trial(tmp_path: Path) -> None:
    with running(tmp_path, {"echo": graphs.echo(tmp_path)}) as server:
        refusals: list[StadionError] = []

        def deploy() -> None:
            endless = graphs.endless(tmp_path)
            with pytest.raises(StadionError) as caught:
                server.plane.deploy(deployment("endless", 1), {1: endless})
            refusals.append(caught.value)

        thread = threading.Thread(target=deploy)
        thread.start()
        until(lambda: len(_children(server.process.pid)) > 1, 5)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 5
        thread.join(5)
        assert len(refusals) == 1


def test_a_child_is_kept_running_and_ended_with_the_server(tmp_path: Path) -> None:
    note = tmp_path / "note"
    program = (
        "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()} {sys.argv[2]}\\n')"
    )
    child = [sys.executable, "-c", f"{program}; time.sleep(600)", str(note), "{url}"]
    with running(tmp_path, {"echo": graphs.echo(tmp_path)}, children=[child]) as server:
        until(lambda: note.exists() and note.read_text().count("\n") == 1, 10)
        pid, url = note.read_text().split()
        assert url == server.url
        os.kill(int(pid), signal.SIGKILL)
        until(lambda: note.read_text().count("\n") == 2, 10)
        assert ask_echo(server, 1.0) == 1.0
        pid = note.read_text().split()[2]
        assert is_alive(int(pid))
    assert not is_alive(int(pid))


def test_a_model_that_cannot_be_loaded_does_not_hinder_the_others(tmp_path: Path) -> None:
    damaged = graphs.heart_rate(tmp_path)
    path = Path(damaged.files[GRAPH].path)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    models = {"echo": graphs.echo(tmp_path), "damaged": damaged}
    with running(tmp_path, models) as server:
        assert "SHA-256" in server.said["failed"]["damaged"]
        assert ask_echo(server, 4.0) == 4.0
        assert ask(server, "GET", "/v2/models/echo/ready").status == 200
        assert ask(server, "GET", "/v2/models/damaged/ready").status == 503
        assert ask(server, "GET", "/v2/health/ready").status == 200
        assert ask(server, "GET", "/v2/health/live").status == 200
        whole = graphs.heart_rate(tmp_path)
        server.plane.deploy(deployment("damaged", 2, generation=2), {2: whole})
        assert ask(server, "GET", "/v2/models/damaged/ready").status == 200


def test_a_model_that_crashes_workers_is_put_aside(tmp_path: Path) -> None:
    from tests.serve.test_trial import CRASHING

    plugin = tmp_path / "plugins" / "runtimes" / "crash.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(CRASHING)
    tensors = (Tensor("x", "FP32", (None, 1)), Tensor("y", "FP32", (None, 1)))
    crash = graphs.wrap(tmp_path, b"!", Signature(tensors[:1], tensors[1:]), "model.crash")
    models = {"echo": graphs.echo(tmp_path), "crash": crash}
    with running(tmp_path, models) as server:
        assert "SIGSEGV" in server.said["failed"]["crash"]
        assert ask_echo(server, 4.0) == 4.0
        assert ask(server, "GET", "/v2/models/crash/ready").status == 503
        assert server.plane.generations() == {"echo": 1, "crash": 1}
        server.plane.undeploy("crash")
        assert server.plane.generations() == {"echo": 1}


def test_an_observer_sees_every_answer(tmp_path: Path) -> None:
    observer = "tests.serve.observing:write_down"
    with running(tmp_path, {"echo": graphs.echo(tmp_path)}, observer=observer) as server:
        for number in range(5):
            ask_echo(server, float(number))
        notes = tmp_path / "observed"
        until(lambda: notes.exists() and notes.read_text().count("\n") == 5, 5)
        assert notes.read_text().splitlines()[4].startswith("echo 1 4.0 4.0 ")


def test_a_server_without_models_answers_too(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 20) / ("folder" * 10)
    with running(deep, {}, limits=Limits(connections=3)) as server:
        assert ask(server, "GET", "/v2/models").json == {"models": []}
        assert ask(server, "GET", "/v2/health/ready").status == 200
        assert server.plane.status()["models"] == {}
        held = [socket.create_connection(("127.0.0.1", server.port), 5) for _ in range(3)]
        assert b"HTTP/1.1 503" in raw(server, b"GET /v2 HTTP/1.1\r\n\r\n")
        for wire in held:
            wire.close()
        until(lambda: ask(server, "GET", "/v2").status == 200, 5)


def test_start_is_quick(tmp_path: Path) -> None:
    models = {"rate": graphs.heart_rate(tmp_path)}
    seconds = []
    for _ in range(3):
        with running(tmp_path, models, workers=2) as server:
            seconds.append(server.said["ready_s"])
    assert min(seconds) < 2.0, seconds  # 0.6 s on two idle cores; this machine is shared


def test_workers_load_only_what_they_need(tmp_path: Path) -> None:
    with running(tmp_path, {"rate": graphs.heart_rate(tmp_path)}) as server:
        maps = Path(f"/proc/{min(workers(server))}/maps").read_text()
    assert "onnxruntime" in maps
    for heavy in ("torch", "pyarrow", "scipy", "sqlalchemy", "pandas", "sklearn"):
        assert f"/{heavy}/" not in maps
