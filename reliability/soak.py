"""Very many calls in; how memory, open files and threads went meanwhile out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from reliability.homes import binary_rows, one_row, rows_request, with_models
from reliability.ledger import Ledger
from reliability.load import capacity, loading
from reliability.models import tabular, wide
from reliability.orders import Order, infer, opened
from reliability.program import command
from reliability.proof import Report, Scene, at_most, exactly
from reliability.server import Server, serving

__all__ = ["RED", "SHORT", "Settings", "run"]

_UNEXPECTED = "calls that were answered otherwise than they should be"
_SLOPE, _FILES = "memory, MB per million calls", "open files gained after the warm-up"
_THREADS = "threads gained after the warm-up"


@dataclass(frozen=True, slots=True)
class Settings:
    """How much of it; the first `warm_up` of the calls do not count."""

    calls: int = 1_000_000
    warm_up: float = 0.2
    share: float = 0.7
    capacity_s: float = 3.0
    every_s: float = 0.5
    connections: int = 64
    workers: int = 1


SHORT: Mapping[str, Any] = {"calls": 10_000, "capacity_s": 0.3, "every_s": 0.05}
RED = (_SLOPE, _FILES, _THREADS)


@dataclass(slots=True)
class Samples:
    """What the kernel said, and when."""

    when: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)


def run(scene: Scene, settings: Settings, sabotaged: bool) -> Report:
    """A mix of good and bad calls of several sizes; in the control somebody keeps them all."""
    folder = scene.folder
    home = with_models(
        folder / "home", [("tabular", tabular(folder / "1", 1)), ("wide", wide(folder / "2", 1))]
    )
    mix = _mix()
    requests, weights, wanted = (list(column) for column in zip(*mix, strict=True))
    program = command(home, {}, "reliability.leaking:keep") if sabotaged else ()
    with serving(home, settings.workers, program=program) as server:
        able = capacity(
            server.port, requests, settings.capacity_s, core=scene.load_core, weights=weights
        )
        able = max(able, 100.0)
        rate = settings.share * able
        seconds = settings.calls / rate
        scene.say(f"{settings.calls:,} calls at {rate:,.0f} calls/s: {seconds:,.0f} s")
        order = Order(
            server.port,
            requests,
            opened(rate, seconds),
            str(folder / "ledger.npz"),
            weights=weights,
            seed=scene.seed,
            connections=settings.connections,
            core=scene.load_core,
        )
        with loading(order, scene.say) as load:
            samples = _sample(server, settings, load.began + seconds)
            ledger = load.wait(120)
    return _judge(ledger, samples, settings, wanted)


def _mix() -> list[tuple[bytes, float, int]]:
    """Requests, their shares and the status that each must get."""
    wrong = msgspec.json.encode(
        {"inputs": [{"name": "nobody", "shape": [1], "datatype": "FP32", "data": [1]}]}
    )
    return [
        (one_row("tabular", "soak"), 0.70, 200),
        (rows_request("tabular", 16), 0.10, 200),
        (binary_rows("tabular", 4), 0.10, 200),
        (one_row("wide"), 0.05, 200),
        (infer("tabular", wrong), 0.03, 400),
        (one_row("nobody"), 0.02, 404),
    ]


def _sample(server: Server, settings: Settings, ends: float) -> Samples:
    samples = Samples()
    while time.perf_counter() < ends:
        samples.when.append(time.perf_counter())
        samples.memory.append(server.worker_memory())
        samples.files.append(server.descriptors())
        samples.threads.append(server.threads())
        time.sleep(settings.every_s)
    return samples


def _judge(ledger: Ledger, samples: Samples, settings: Settings, wanted: list[int]) -> Report:
    calls = np.searchsorted(ledger.due, np.array(samples.when)).astype(float)
    counted = calls >= settings.warm_up * settings.calls
    memory = np.array(samples.memory, float)[counted] / 1e6
    slope, _ = np.polyfit(calls[counted] / 1e6, memory, 1)
    unexpected = int((ledger.status != np.array(wanted)[ledger.which]).sum())
    return Report(
        injected={"kinds of calls": len(wanted), "calls that must be refused": "5%"},
        observed={"calls": len(ledger), "statuses": ledger.statuses(), "samples": len(memory)},
        figures={
            "memory MB at the end of the warm-up, at the end": [
                round(float(np.median(memory[:5])), 2),
                round(float(np.median(memory[-5:])), 2),
            ],
            "open files": _range(samples.files),
            "threads": _range(samples.threads),
            "generator": ledger.instrument(),
            "p50, p99 ms": [round(ledger.percentile_ms(p), 2) for p in (50, 99)],
        },
        verdicts=[
            exactly(_UNEXPECTED, unexpected, 0),
            at_most(_SLOPE, float(slope), 2.0),
            at_most(_FILES, _gain(samples.files, counted), 0),
            at_most(_THREADS, _gain(samples.threads, counted), 0),
        ],
    )


def _gain(column: list[int], counted: np.ndarray[Any, Any]) -> float:
    """Median of the last quarter above that of the first, after the warm-up."""
    values = np.array(column)[counted]
    quarter = max(1, len(values) // 4)
    return float(np.median(values[-quarter:]) - np.median(values[:quarter]))


def _range(column: list[int]) -> list[int]:
    return [min(column), max(column)]
