"""ONNX Runtime alone: a network's runs per second in a process of its own on the server's core."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnxruntime

from benchmark.models import MODELS, Network, row
from stadion.core.arrays import Array

__all__ = ["BATCH", "Raw", "answer", "session_of"]

BATCH = 32
_CHUNK_S, _ANSWER_S = 0.005, 60.0


class Raw:
    """Asks the process on the server's core; it takes nothing while nobody asks."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextmanager
    def running(cls, folder: Path, seed: int, core: int) -> Iterator[Raw]:
        """The process for the graphs in `folder`, ended at the end."""
        command = ["taskset", "-c", str(core), sys.executable, "-m", "benchmark.raw"]
        process = subprocess.Popen(
            [*command, str(folder), str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        try:
            yield cls(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(_ANSWER_S)

    def measure(self, model: str, seconds: float) -> dict[str, float]:
        """Runs per second of one row, rows per second of 32, by the clock and by CPU time."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{model} {seconds}\n")
        self._process.stdin.flush()
        said: dict[str, float] = json.loads(self._process.stdout.readline())
        return said


def session_of(graph: Path) -> Any:
    """A session on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def answer(network: Network, graph: Path, rows: Array) -> Array:
    """What every server must say."""
    scores: Array = session_of(graph).run(None, {network.input: rows})[0]
    return scores


def main(folder: Path, seed: int) -> None:
    """A model and a duration per line in, a JSON object per line out."""
    session = functools.cache(lambda name: session_of(folder / f"{name}.onnx"))
    for line in sys.stdin:
        name, seconds = line.split()
        network = MODELS[name]
        one, many = row(network, seed), row(network, seed, BATCH)
        figures = {}
        for key, rows in (("runs", one), ("rows", many)):
            run = functools.partial(session(name).run, None, {network.input: rows})
            by_clock, by_cpu = _rate(run, float(seconds))
            figures[f"{key}_per_s"] = by_clock * len(rows)
            figures[f"{key}_per_cpu_s"] = by_cpu * len(rows)
        print(json.dumps(figures), flush=True)


def _rate(run: Callable[[], Any], seconds: float) -> tuple[float, float]:
    """Runs per second, asking for the time once in some milliseconds only."""
    run()
    started = time.perf_counter()
    run()
    chunk = max(1, int(_CHUNK_S / (time.perf_counter() - started)))
    runs, started, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds:
        for _ in range(chunk):
            run()
        runs += chunk
    return runs / (time.perf_counter() - started), runs / (time.process_time() - used)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
