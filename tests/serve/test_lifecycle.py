"""Loaded, proven, tested while it serves, replaced, drained: nobody who asks need notice."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from stadion.core.deployment import Mode, Plan
from stadion.core.package import GRAPH
from stadion.core.signature import Signature, Tensor
from stadion.serve import Limits
from tests.serve import graphs
from tests.serve.crowd import heavy, placed, resident_mib, slow, until, value_of
from tests.serve.running import Server, ask, deployment, running
from tests.serve.test_trial import CRASHING

MIB = 1 << 20
QUICK = Limits(beat_s=0.1, pulse_s=0.1, run_s=1.0)


def workers(server: Server) -> set[int]:
    """Process ids of the workers that stand."""
    return {w["pid"] for w in server.plane.status()["workers"] if w["standing"]}


def readiness(server: Server) -> int:
    return ask(server, "GET", "/v2/health/ready").status


def test_a_model_that_loads_or_fails_leaves_the_server_ready(tmp_path: Path) -> None:
    damaged = graphs.heart_rate(tmp_path)
    path = Path(damaged.files[GRAPH].path)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    models = {"echo": graphs.echo(tmp_path), "damaged": damaged}
    with running(tmp_path, models) as server:
        assert "SHA-256" in server.said["failed"]["damaged"]
        view = server.plane.status()
        assert (view["started"], view["ready"]) == (True, True)
        assert ask(server, "GET", "/v2/models/damaged/ready").status == 503
        late = slow(tmp_path / "late", 0.7, tmp_path)
        deploying = threading.Thread(
            target=lambda: server.plane.deploy(deployment("late", 1), {1: late})
        )
        deploying.start()
        seen = set()
        while deploying.is_alive():
            seen.add((readiness(server), ask(server, "GET", "/v2/models/late/ready").status))
        assert {server_ready for server_ready, _ in seen} == {200}
        assert {model_ready for _, model_ready in seen} >= {503}
        assert ask(server, "GET", "/v2/models/late/ready").status == 200


def test_a_worker_whose_model_fails_later_is_replaced(tmp_path: Path) -> None:
    package = slow(tmp_path / "device", 0.0, tmp_path)
    folder = Path(package.files["model.slow"].path).parent
    models = [placed("device", package), placed("echo", graphs.echo(tmp_path))]
    with running(tmp_path, models, limits=QUICK) as server:
        (before,) = workers(server)
        assert value_of(server, "device") == (200, -1.0)
        (folder / "broken").touch()
        until(lambda: workers(server) not in (set(), {before}), 10)
        assert value_of(server, "echo") == (200, 1.0)
        assert readiness(server) == 200  # the model is not, and the server goes on without it
        assert ask(server, "GET", "/v2/models/device/ready").status == 503
        (folder / "broken").unlink()
        server.plane.load("device")
        assert value_of(server, "device") == (200, -1.0)


@pytest.mark.parametrize("mode", ["tick", "pool"])  # on the event loop, on a thread
def test_a_worker_whose_model_hangs_is_not_ready_and_replaced(tmp_path: Path, mode: Mode) -> None:
    package = slow(tmp_path / "device", 0.0, tmp_path)
    hanging = Path(package.files["model.slow"].path).parent / "hanging"
    device = placed("device", package, plan=Plan(mode, 1, 1.0, 1000.0))
    with running(tmp_path, [device], limits=QUICK) as server:
        (before,) = workers(server)
        hanging.touch()
        until(lambda: before not in workers(server), 10)
        assert server.plane.status()["ready"] is False
        hanging.unlink()
        until(lambda: len(workers(server)) == 1, 10)
        assert value_of(server, "device") == (200, -1.0)
        until(lambda: readiness(server) == 200, 5)


def test_the_self_test_is_counted_nowhere_and_seen_by_nobody(tmp_path: Path) -> None:
    package = slow(tmp_path / "device", 0.0, tmp_path)
    observer = "tests.serve.observing:write_down"
    pool = Plan("pool", 1, 1.0, 1000.0)
    models = [placed("device", package, plan=pool), placed("echo", graphs.echo(tmp_path))]
    limits = Limits(pulse_s=0.02)
    with running(tmp_path, models, limits=limits, observer=observer) as server:
        assert value_of(server, "echo") == (200, 1.0)
        time.sleep(1.0)
        for model, answered in (("device", 0), ("echo", 1)):
            versions = server.plane.status()["models"][model]["versions"]
            assert (versions["1"]["answered"], versions["1"]["stats"]["runs"]) == (answered,) * 2
        assert (tmp_path / "observed").read_text().count("\n") == 1


def test_a_model_that_crashes_workers_when_it_is_asked_is_put_aside(tmp_path: Path) -> None:
    eager = slow(tmp_path / "eager", 0.4, tmp_path)
    (tmp_path / "plugins" / "runtimes" / "crash.py").write_text(CRASHING)
    x, y = Tensor("x", "FP32", (None, 1), missing=False), Tensor("y", "FP32", (None, 1))
    crash = graphs.wrap(tmp_path, b"!", Signature((x,), (y,)), "model.crash")
    crowd = [placed("eager", eager), placed("crash", crash)]
    with running(tmp_path, crowd, memory_budget=300 * MIB) as server:

        def is_aside() -> bool:
            with contextlib.suppress(OSError, http.client.HTTPException):
                value_of(server, "crash", 2)
            return "crash" in server.plane.status()["failed"]

        until(is_aside, 20)
        assert "SIGSEGV" in server.plane.status()["failed"]["crash"]
        until(lambda: len(workers(server)) == 1, 5)
        steady = workers(server)
        for _ in range(3):
            assert value_of(server, "crash")[0] == 503
            assert value_of(server, "eager") == (200, -1.0)
        assert workers(server) == steady


def test_a_dead_worker_is_replaced_from_the_reserve(tmp_path: Path) -> None:
    models = {"rate": graphs.heart_rate(tmp_path), "echo": graphs.echo(tmp_path)}
    with running(tmp_path, models, workers=2) as server:
        until(lambda: len(_children(server.process.pid)) == 3, 5)
        time.sleep(0.5)
        victim = min(workers(server))
        os.kill(victim, signal.SIGKILL)
        took_s = until(lambda: len(workers(server) - {victim}) == 2, 6)
        assert took_s < 1.5  # 0.15 s; a fresh process takes 0.6 s, and this machine is shared


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_the_memory_of_old_versions_comes_back(tmp_path: Path) -> None:
    versions = {n: heavy(tmp_path, float(n), 6.0) for n in (1, 2)}
    one = {"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}
    body = json.dumps({"inputs": [one]})
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(running(tmp_path, [placed("m", versions[1])]))
        (worker,) = workers(server)
        held: list[Any] = []
        for _ in range(4):  # they stay connected, with their answer from the first version
            wire = http.client.HTTPConnection("127.0.0.1", server.port, 10)
            stack.callback(wire.close)
            wire.request("POST", "/v2/models/m/infer", body)
            held.append(json.loads(wire.getresponse().read())["outputs"][0]["data"])
        assert held == [[1.0]] * 4

        def is_within(most: float) -> bool:
            return resident_mib(worker) < most

        def is_gone(version: int) -> bool:
            return server.plane.counts("m").models["m"][version].resident_bytes == 0

        usual = 0.0
        for generation in range(2, 8):
            number = 2 - generation % 2
            swap = deployment("m", number, generation=generation)
            server.plane.deploy(swap, {number: versions[number]})
            assert value_of(server, "m") == (200, float(number))
            if not usual:
                time.sleep(1.0)
                usual = resident_mib(worker)
            until(partial(is_within, 1.05 * usual), 5)
            until(partial(is_gone, 3 - number), 5)
