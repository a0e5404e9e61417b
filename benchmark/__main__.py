"""Measures Stadion, FastAPI and raw ONNX Runtime in turns and writes docs/results/serving.json."""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
import uvloop

from benchmark.models import FEATURES, tabular
from stadion.apps.load import infer_request, run_load
from stadion.core.package import GRAPH, ModelPackage
from stadion.core.version import code_version
from stadion.platform import Platform
from stadion.registry import Registry

ROOT = Path(__file__).resolve().parent.parent
MODEL, SEED, ROUNDS, SECONDS, CONNECTIONS = "tabular", 0, 5, 3.0, 32
SERVER_CORE, LOAD_CORE = 0, 1


def main() -> None:
    """One core for the server, one for the load; each figure the median of the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        package = tabular(Path(folder) / "made", SEED)
        with Registry.open(home / "registry") as registry:
            registry.register(MODEL, package)
        Platform.open(home).deploy(MODEL)
        rounds = measure(home, package)
    figures = {name: float(np.median([r[name] for r in rounds])) for name in rounds[0]}
    figures["stadion against FastAPI"] = figures["stadion req/s"] / figures["fastapi req/s"]
    figures["stadion against raw"] = figures["stadion req/s"] / figures["raw runs/s"]
    for name, value in figures.items():
        print(f"{name:<28} {value:12,.2f}")
    write(figures, rounds)


def measure(home: Path, package: ModelPackage) -> list[dict[str, float]]:
    """Stadion, raw and the peer one after the other, so that a slow minute hits all."""
    graph = package.files[GRAPH].path
    request = infer_request(msgspec.to_builtins(package.signature), MODEL, "localhost")
    os.sched_setaffinity(0, {LOAD_CORE % (os.cpu_count() or 1)})
    rounds = []
    for number in range(ROUNDS):
        with stadion_server(home) as port:
            ours = load(port, request)
        with peer(graph) as port:
            theirs = load(port, request)
        rounds.append(
            {
                "stadion req/s": ours[0],
                "stadion p99 ms": ours[1],
                "fastapi req/s": theirs[0],
                "fastapi p99 ms": theirs[1],
                "raw runs/s": raw(graph),
            }
        )
        print(f"round {number + 1} of {ROUNDS}: {rounds[-1]}", flush=True)
    return rounds


def load(port: int, request: bytes) -> tuple[float, float]:
    """Requests per second and the 99th percentile in ms."""
    latencies_s, failed, took_s = uvloop.run(
        run_load("127.0.0.1", port, request, SECONDS, CONNECTIONS)
    )
    assert failed == 0, f"{failed} requests failed"
    return len(latencies_s) / took_s, float(np.percentile(latencies_s, 99)) * 1e3


def raw(graph: str) -> float:
    """Runs per second of one row in this process, one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    row = {"features": np.zeros((1, FEATURES), np.float32)}
    runs, ends = 0, time.perf_counter() + 1.0
    while time.perf_counter() < ends:
        session.run(None, row)
        runs += 1
    return float(runs)


@contextmanager
def stadion_server(home: Path) -> Iterator[int]:
    """`stadion up` with one worker on the server's core."""
    command = [sys.executable, "-m", "stadion", "up", "--home", str(home), "--json"]
    command += ["--http", "127.0.0.1:0", "--control", "127.0.0.1:0", "--workers", "1"]
    with pinned(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        view = json.loads(server.stdout.readline())
        yield int(view["predictions"].rpartition(":")[2])


@contextmanager
def peer(graph: str) -> Iterator[int]:
    """The peer on the server's core."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with pinned([sys.executable, "-m", "benchmark.fastapi_peer", graph, str(port)]):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port


@contextmanager
def pinned(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process on the server's core, ended at the end."""
    process = subprocess.Popen(["/usr/bin/taskset", "-c", str(SERVER_CORE), *command], **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def write(figures: dict[str, float], rounds: list[dict[str, float]]) -> None:
    """Keep the figures with seed, versions and hardware."""
    cpu = Path("/proc/cpuinfo").read_text().split("model name\t: ", 1)[-1].split("\n", 1)[0]
    content = {
        "protocol": f"{CONNECTIONS} connections, JSON, one row, {SECONDS:g} s, one server core, "
        f"load generator in Python on another; median of {ROUNDS} rounds in turns",
        "seed": SEED,
        "machine": {
            "cpu": cpu,
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "stadion": code_version(),
            "libraries": {n: metadata.version(n) for n in ("onnxruntime", "fastapi", "uvicorn")},
        },
        "figures": figures,
        "rounds": rounds,
    }
    target = ROOT / "docs" / "results" / "serving.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
