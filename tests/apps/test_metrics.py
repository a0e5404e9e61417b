"""`/metrics` tells Prometheus of all workers, of the machine and of its cards."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from stadion.core.metric import Family, exposition, labels
from stadion.serve.families import MOST_DISTRIBUTIONS, families
from stadion.serve.ledger import OLDER, ServerCounts
from stadion.serve.stats import Stats
from stadion.serve.tally import Process
from stadion.watch.gpu import GpuReader
from stadion.watch.machine import MachineReader
from tests.places import ROOT
from tests.serve import graphs
from tests.serve.running import Server, ask, running

ONE = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [0]}]}
TRITON = [
    "nv_inference_count",
    "nv_inference_exec_count",
    "nv_inference_pending_request_count",
    "nv_inference_request_failure",
    "nv_inference_request_success",
    *(
        f"nv_inference_{part}_duration_us"
        for part in ("request", "queue", "compute_input", "compute_infer", "compute_output")
    ),
]

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


def parsed(text: bytes) -> Samples:
    """Name -> labels -> value, by Prometheus' own client; every series is there once."""
    found: Samples = {}
    content = text.decode()
    typed = {line.split()[2] for line in content.splitlines() if line.startswith("# TYPE")}
    for family in text_string_to_metric_families(content):
        # The client adds '_total' to counters, as OpenMetrics has it and Triton has not.
        is_added = family.type == "counter" and family.name in typed
        for sample in family.samples:
            name = sample.name.removesuffix("_total") if is_added else sample.name
            key = tuple(sorted(sample.labels.items()))
            series = found.setdefault(name, {})
            assert key not in series, (name, key)
            series[key] = sample.value
    return found


def of(samples: Samples, name: str, /, **wanted: str) -> float:
    """The sum of the series that have those labels."""
    return sum(value for key, value in samples[name].items() if wanted.items() <= dict(key).items())


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("metrics")
    control = [sys.executable, "-m", "stadion.apps.control_process", f"127.0.0.1:{port}"]
    models = {name: graphs.constant(home, 1.0) for name in ("first", "second")}
    with running(home, models, workers=2, children=[control]) as found:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield found


def get(port: int, headers: Mapping[str, str] | None = None) -> http.client.HTTPResponse:
    client = http.client.HTTPConnection("127.0.0.1", port, 30)
    client.request("GET", "/metrics", headers=dict(headers or {}))
    return client.getresponse()


def read(port: int) -> Samples:
    reply = get(port)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parsed(reply.read())


def call(server: Server, model: str, times: int) -> None:
    for _ in range(times):
        assert ask(server, "POST", f"/v2/models/{model}/infer", ONE).status == 200


def test_every_name_and_label_of_triton_is_there(server: Server, port: int) -> None:
    call(server, "first", 30)
    samples = read(port)
    for name in TRITON:
        assert of(samples, name, model="first", version="1") >= 0, name
    assert of(samples, "nv_inference_request_success", model="first", version="1") == 30
    assert of(samples, "nv_inference_count", model="first") == 30
    assert 1 <= of(samples, "nv_inference_exec_count", model="first") <= 30
    reasons = {dict(key)["reason"] for key in samples["nv_inference_request_failure"]}
    assert reasons == {"REJECTED", "CANCELED", "BACKEND", "OTHER"}
    spent_us = of(samples, "nv_inference_request_duration_us", model="first")
    assert spent_us > of(samples, "nv_inference_compute_infer_duration_us", model="first") > 0


def test_times_have_a_distribution(server: Server, port: int) -> None:
    call(server, "first", 10)
    samples = read(port)
    for part in ("queue", "input", "infer", "output", "total"):
        name = f"stadion_request_{part}_seconds"
        number = of(samples, f"{name}_count", model="first")
        assert number >= 10
        buckets = {
            float(dict(key)["le"]): value
            for key, value in samples[f"{name}_bucket"].items()
            if dict(key)["model"] == "first"
        }
        edges = sorted(buckets)
        assert [buckets[edge] for edge in edges] == sorted(buckets.values())
        assert edges[-1] == float("inf")
        assert buckets[edges[-1]] == number
        assert 0 <= of(samples, f"{name}_sum", model="first") < number * edges[-2]


def test_the_same_server_is_told_of_as_a_whole(server: Server, port: int) -> None:
    samples = read(port)
    assert of(samples, "stadion_up") == 1
    assert of(samples, "stadion_model_load_seconds", model="first", version="1") > 0
    assert of(samples, "stadion_model_resident_bytes", model="first", version="1") > 0
    assert len(samples["stadion_worker_resident_bytes"]) == 2
    assert of(samples, "stadion_worker_resident_bytes") > 20e6
    assert of(samples, "stadion_worker_cpu_seconds_total") > 0
    assert of(samples, "stadion_worker_connections") >= 0
    assert 0 <= of(samples, "nv_cpu_utilization") <= 1
    used = of(samples, "nv_cpu_memory_used_bytes")
    assert 0 < used < of(samples, "nv_cpu_memory_total_bytes")


def test_a_model_that_is_none_makes_no_series(server: Server, port: int) -> None:
    for number in range(20):
        assert ask(server, "POST", f"/v2/models/nobody-{number}/infer", ONE).status == 404
    told = {dict(key)["model"] for key in read(port)["nv_inference_count"]}
    assert told <= {"first", "second"}


def test_no_counter_falls_when_a_worker_is_replaced(server: Server, port: int) -> None:
    call(server, "second", 50)
    before = read(port)
    victim = server.plane.status()["workers"][0]["pid"]
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        now = read(port)
        for name, series in before.items():
            if name.endswith(("_total", "_us", "_count", "_bucket", "_success", "_failure")):
                for key, value in series.items():
                    assert now[name][key] >= value, (name, key)
        workers = server.plane.status()["workers"]
        if all(worker["standing"] and worker["pid"] != victim for worker in workers):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the worker was not replaced")
    call(server, "second", 50)
    after = read(port)
    success = "nv_inference_request_success"
    assert of(after, success, model="second") - of(before, success, model="second") == 50
    assert of(after, "stadion_worker_restarts_total") == 1


def test_the_text_is_compressed_for_who_takes_it(server: Server, port: int) -> None:
    reply = get(port, {"Accept-Encoding": "gzip"})
    assert reply.headers["Content-Encoding"] == "gzip"
    assert "nv_inference_count" in parsed(gzip.decompress(reply.read()))


def test_without_a_server_the_machine_is_still_told_of(tmp_path: Path) -> None:
    port = free_port()
    control = [sys.executable, "-m", "stadion.apps.control_process", f"127.0.0.1:{port}"]
    process = subprocess.Popen(control, env=os.environ | {"STADION_HOME": str(tmp_path)}, cwd=ROOT)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                samples = read(port)
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        process.terminate()
        process.wait(10)
    assert of(samples, "stadion_up") == 0
    assert "nv_cpu_utilization" in samples
    assert "nv_inference_count" not in samples


# --- many models


def crowd(models: int) -> ServerCounts:
    """A server on which every model has been busy."""
    rng = np.random.default_rng(7)
    found = {}
    for number in range(models):
        stats = Stats(success=number, rows=number, runs=number, load_ns=10, resident_bytes=1)
        stats.fail("INTERNAL")
        for name in ("queue", "input", "infer", "output", "total"):
            for ns in rng.lognormal(14, 2, 20):
                getattr(stats, name).add(int(ns))
        found[f"model-{number:04}"] = {1: stats}
    return ServerCounts(found, [Process()], [0], [Process()])


def test_two_thousand_models_are_told_of_in_a_moment_and_in_bounds() -> None:
    counts = crowd(2_000)
    began = time.process_time()
    text = exposition(families(counts))
    spent_s = time.process_time() - began
    assert spent_s < 3.0, spent_s
    assert len(text) < 16 << 20
    samples = parsed(text)
    assert len(samples["nv_inference_request_success"]) == 2_000
    assert len(samples["stadion_request_total_seconds_count"]) == MOST_DISTRIBUTIONS + 1
    assert of(samples, "stadion_request_total_seconds_count") == 20 * 2_000
    assert of(samples, "stadion_request_total_seconds_count", model="other") == 20 * (
        2_000 - MOST_DISTRIBUTIONS
    )


def test_versions_of_the_past_have_one_label() -> None:
    counts = ServerCounts({"m": {OLDER: Stats(success=5)}, "": {OLDER: Stats(success=7)}})
    samples = parsed(exposition(families(counts)))
    assert of(samples, "nv_inference_request_success", model="m", version="older") == 5
    assert of(samples, "nv_inference_request_success", model="other", version="older") == 7


def test_a_label_may_hold_anything() -> None:
    family = Family("odd", "gauge", "Odd names.")
    names = ['a"b', "a\\b", "a\nb", "\u00e9"]
    for name in names:
        family.add(labels(name=name), 1)
    assert [dict(key)["name"] for key in parsed(exposition([family]))["odd"]] == names


# --- the machine


def zone(root: Path, name: str, used_uj: int) -> None:
    folder = root / "sys/class/powercap" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text("package-0\n")
    (folder / "energy_uj").write_text(f"{used_uj}\n")
    (folder / "max_energy_range_uj").write_text("10000000\n")


def energy(reader: MachineReader) -> float:
    return of(parsed(exposition(reader.read())), "stadion_energy_joules_total", name="package-0")


def test_energy_goes_on_when_the_kernels_counter_begins_anew(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", 9_000_000)
    reader = MachineReader(tmp_path)
    assert energy(reader) == 0
    zone(tmp_path, "intel-rapl:0", 9_500_000)
    assert energy(reader) == pytest.approx(0.5)
    zone(tmp_path, "intel-rapl:0", 250_000)
    assert energy(reader) == pytest.approx(1.25)


def test_the_load_is_that_since_the_reading_before(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    stat = tmp_path / "proc" / "stat"
    stat.write_text("cpu 100 0 0 900 0 0 0 0 0 0\n")
    reader = MachineReader(tmp_path)
    reader.read()
    stat.write_text("cpu 175 0 0 925 0 0 0 0 0 0\n")
    assert of(parsed(exposition(reader.read())), "nv_cpu_utilization") == pytest.approx(0.75)


def test_a_card_is_read_through_the_drivers_library(tmp_path: Path) -> None:
    """Through nvidia-ml-py itself; in place of the driver's library stands a small one in C."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to make the library with")
    library = tmp_path / "libnvidia-ml.so.1"
    source = Path(__file__).with_name("nvml.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
    program = (
        "import json\n"
        "from stadion.watch.gpu import GpuReader\n"
        "print(json.dumps([(f.name, f.samples) for f in GpuReader().read()]))\n"
    )
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)}
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)
    found = dict(json.loads(told.stdout))
    label = 'gpu_uuid="GPU-7"'
    assert found == {
        "nv_gpu_utilization": [["", label, 0.42]],
        "nv_gpu_memory_total_bytes": [["", label, 80 << 30]],
        "nv_gpu_memory_used_bytes": [["", label, 3 << 30]],
        "nv_gpu_power_usage": [["", label, 71.5]],
        "nv_energy_consumption": [],
    }


def test_a_real_card_is_read_where_there_is_one() -> None:
    readings = {family.name: family.samples for family in GpuReader().read()}
    if not readings:
        pytest.skip("this machine has no NVIDIA card")
    (_, _, used), *_ = readings["nv_gpu_memory_used_bytes"]
    (_, _, total), *_ = readings["nv_gpu_memory_total_bytes"]
    assert 0 < used < total
