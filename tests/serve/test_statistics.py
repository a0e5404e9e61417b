"""What workers have done is counted, added up over all of them, and never lost with one."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tritonclient import http as triton

from stadion.core.deployment import Deployment, Route
from stadion.serve import Limits
from stadion.serve.ledger import OLDER, Account, Ledger, sum_of
from stadion.serve.stats import Histogram, Stats
from stadion.serve.tally import Process, Tally
from tests.serve import graphs
from tests.serve.running import Server, ask, running

LIMITS = Limits(beat_s=0.1)
ONE = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [0]}]}


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {name: graphs.constant(home, 1.0) for name in ("counted", "again", "told")}
    with running(home, models, workers=2, limits=LIMITS) as found:
        yield found


def call(server: Server, model: str, times: int = 1, body: Any = None) -> None:
    for _ in range(times):
        ask(server, "POST", f"/v2/models/{model}/infer", body or ONE)


def counted(server: Server, model: str, version: int = 1) -> Stats:
    return server.plane.counts(model).models[model][version]


def until(truth: Callable[[], bool], limit_s: float = 15.0) -> None:
    deadline = time.monotonic() + limit_s
    while not truth():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_requests_of_all_workers_are_added_up_at_once(server: Server) -> None:
    call(server, "counted", 40)
    two_rows = {
        "inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP32", "data": [0, 0]}],
    }
    call(server, "counted", 5, two_rows)
    stats = counted(server, "counted")
    assert (stats.success, stats.rows, stats.pending) == (45, 50, 0)
    assert 1 <= stats.runs <= 45
    assert {stats.queue.count, stats.infer.count, stats.total.count} == {45}
    assert stats.input.count == stats.output.count == 45
    assert stats.total.sum_ns >= stats.infer.sum_ns > 0
    assert sum(runs for runs, _ in stats.batch_sizes.values()) == stats.runs
    assert stats.load_ns > 0


def test_a_worker_that_is_killed_takes_no_counts_along(server: Server) -> None:
    call(server, "again", 60)
    before = counted(server, "again")
    assert before.success == 60
    restarts = sum(server.plane.counts().restarts)
    os.kill(server.plane.status()["workers"][0]["pid"], signal.SIGKILL)
    lowest: list[int] = []

    def stands_again() -> bool:
        lowest.append(counted(server, "again").success)
        view = server.plane.status()
        return bool(view["ready"]) and sum(server.plane.counts().restarts) == restarts + 1

    until(stands_again)
    assert min(lowest) >= 60
    call(server, "again", 40)
    after = counted(server, "again")
    assert after.success == 100
    assert after.total.count == 100
    assert all(process is not None for process in server.plane.counts().workers)


def told(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.plane.status()["models"]["told"]["versions"]["1"]
    return found


def test_the_status_tells_the_plan_and_the_times(server: Server) -> None:
    call(server, "told", 30)
    until(lambda: told(server)["plan"] is not None)
    version = told(server)
    assert version["answered"] == 30
    assert version["plan"]["mode"] in {"tick", "batch", "pool"}
    assert version["resident_bytes"] > 0
    for name in ("queue", "infer", "total"):
        times = version["stats"][name]
        assert 0 <= times["p50_ms"] <= times["p95_ms"] <= times["p99_ms"] < 5_000
    assert version["stats"]["total"]["p50_ms"] > 0


def test_tritons_client_reads_the_statistics_of_all_workers(server: Server) -> None:
    with triton.InferenceServerClient(server.url.removeprefix("http://")) as client:
        before = client.get_inference_statistics("told", "1")["model_stats"][0]
        call(server, "told", 20)
        after = client.get_inference_statistics("told", "1")["model_stats"][0]
        everything = client.get_inference_statistics()["model_stats"]
    assert after["inference_count"] - before["inference_count"] == 20
    success = after["inference_stats"]["success"]
    assert success["count"] - before["inference_stats"]["success"]["count"] == 20
    assert success["ns"] > after["inference_stats"]["compute_infer"]["ns"] > 0
    assert after["last_inference"] / 1e3 == pytest.approx(time.time(), abs=60)
    assert {entry["name"] for entry in everything} == {"counted", "again", "told"}


def test_failures_and_shadows_are_counted_by_kind(server: Server, home: Path) -> None:
    routes = (Route(1), Route(2, shadow=True), Route(3, shadow=True))
    packages = {1: graphs.constant(home, 1.0), 2: graphs.constant(home, 1.0)}
    packages[3] = graphs.constant(home, 3.0)
    server.plane.deploy(Deployment("shadowed", routes, 1), packages)
    call(server, "shadowed", 12)
    until(lambda: counted(server, "shadowed", 2).shadow_same == 12)
    until(lambda: counted(server, "shadowed", 3).shadow_different == 12)
    assert counted(server, "shadowed").success == 12


def test_a_request_that_misses_its_deadline_is_a_failure(server: Server, home: Path) -> None:
    packages = {1: graphs.patient(home)}
    server.plane.deploy(Deployment("patient", (Route(1),), 1), packages)
    rounds = {"name": "rounds", "shape": [1], "datatype": "INT64", "data": [50_000_000]}
    asked = {"inputs": [rounds], "parameters": {"timeout": 100_000}}
    assert ask(server, "POST", "/v2/models/patient/infer", asked).status == 504
    until(lambda: counted(server, "patient").failed == {"TIMEOUT": 1})
    assert counted(server, "patient").pending == 0


def test_clients_in_parallel_are_all_counted(server: Server) -> None:
    before = counted(server, "told").success
    threads = [threading.Thread(target=call, args=(server, "told", 25)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(server, "told").success - before == 200


# --- adding up


def drawn(seed: int) -> tuple[Stats, list[int]]:
    """A version's counts, and the times it was told."""
    rng = np.random.default_rng(seed)
    times = [int(ns) for ns in rng.lognormal(14, 2, 200)]
    stats = Stats(success=len(times), failed={"INTERNAL": seed}, rows=3 * seed, load_ns=seed)
    for ns in times:
        stats.total.add(ns)
    stats.batch_sizes[seed % 2 + 1] = (1, 10)
    return stats, times


def test_counts_of_parts_are_those_of_the_whole() -> None:
    parts = [drawn(seed) for seed in (1, 2, 3)]
    whole = Histogram()
    for _, times in parts:
        for ns in times:
            whole.add(ns)
    total = sum_of([stats for stats, _ in parts])
    assert total.total == whole
    assert (total.success, total.rows, total.load_ns) == (600, 18, 3)
    assert total.failed == {"INTERNAL": 6}
    assert total.batch_sizes == {1: (1, 10), 2: (2, 20)}


def test_thousands_of_deployments_are_remembered_as_one_sum() -> None:
    account, ledger = Account(), Ledger(lambda model, version: (model, version) == ("kept", 1))
    for version in range(1, 2_001):
        stats = Stats(success=10)
        tally = Tally(Process(), {"swapped": {version: stats}, "kept": {1: stats}})
        account.take(tally)
        account.take(Tally(Process(), closed=[("swapped", version)]))
        counts = ledger.snapshot([account])()
        swapped = counts.models["swapped"]
        assert len(swapped) <= 258
        assert sum(stats.success for stats in swapped.values()) == 10 * version
    assert counts.models["kept"][1].success == 10
    assert swapped[OLDER].success > 15_000
    account.end()
    later = ledger.snapshot([account])()
    assert sum(stats.success for stats in later.models["swapped"].values()) == 20_000
    assert later.models["kept"][1].success == 10


def test_what_waits_or_fills_memory_ends_with_the_process() -> None:
    account, ledger = Account(), Ledger(lambda _model, _version: True)
    busy = Stats(success=3, pending=2, resident_bytes=1 << 20, load_ns=5)
    account.take(Tally(Process(rss_bytes=9, cpu_ns=7, refused={"quota": 2}), {"m": {1: busy}}))
    account.end()
    counts = ledger.snapshot([account])()
    left = counts.models["m"][1]
    assert (left.success, left.pending, left.resident_bytes, left.load_ns) == (3, 0, 0, 0)
    assert counts.workers == [None]
    assert counts.restarts == [1]
    assert counts.spent == [Process(cpu_ns=7, refused={"quota": 2})]
