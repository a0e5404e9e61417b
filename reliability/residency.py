"""Thousands of models and a memory budget in; what they take and how quickly they answer out."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from reliability.homes import one_row, with_models
from reliability.ledger import Ledger
from reliability.load import loading
from reliability.models import sized
from reliability.orders import Order, opened
from reliability.proof import Report, Scene, Verdict, at_most, exactly
from reliability.server import Server, serving
from stadion.core.package import ModelPackage

__all__ = ["RED", "SHORT", "Settings", "run"]

_MEMORY, _HIGHEST = "memory against the budget", "highest memory against the budget"
_FAILED, _WRONG = "failed requests", "answers of another model"
_HITS = "p99 of hits while models load against while none does"
_MIB = 1 << 20
_PROCESSES = 130 << 20  # what the workers take before they hold a model, about
_OVERHEAD = 256 << 10  # of a session beside its weights, about


@dataclass(frozen=True, slots=True)
class Settings:
    """How much of it; models are called by Zipf's law with that exponent, sizes are KiB.

    `unbounded` starts the server without the budget: then it is not kept.
    """

    models: int = 2_000
    budget_mib: int = 512
    smallest_kib: int = 16
    largest_kib: int = 2_048
    exponent: float = 1.1
    rate: float = 100.0
    seconds: float = 120.0
    warm_s: float = 60.0
    quiet_s: float = 20.0
    connections: int = 64
    workers: int = 1


SHORT: Mapping[str, Any] = {
    "models": 70, "budget_mib": 200, "smallest_kib": 3_072, "largest_kib": 5_120, "rate": 30.0,
    "seconds": 1.5, "warm_s": 2.0, "quiet_s": 0.5,
}  # fmt: skip
RED = (_MEMORY, _HIGHEST)


@dataclass(slots=True)
class Watch:
    """Samples of the workers' memory until it is stopped."""

    server: Server
    samples: list[tuple[float, int, int]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Ten times a second."""
        while not self.stop.wait(0.1):
            server = self.server
            self.samples.append((perf_counter(), server.resident(), server.worker_memory()))


def run(scene: Scene, settings: Settings, sabotaged: bool) -> Report:
    """Warm, then measure; the control's server has no budget."""
    scene.say(f"{settings.models:,} models are registered")
    began = perf_counter()
    kib = _sizes(scene, settings)
    home = with_models(scene.folder / "home", _models(scene, kib))
    registered_s = perf_counter() - began
    options = [] if sabotaged else ["--memory-budget", f"{settings.budget_mib}MiB"]
    began = perf_counter()
    with serving(home, settings.workers, options) as server:
        started_s = perf_counter() - began
        scene.say(f"ready after {started_s:.1f} s, {server.worker_memory() / _MIB:.0f} MiB")
        watch = Watch(server)
        watcher = threading.Thread(target=watch.look, daemon=True)
        watcher.start()
        ledger = _load(scene, settings, server, settings.warm_s + settings.seconds)
        watch.stop.set()
        watcher.join(10)
        quiet = _quiet(scene, settings, server)
    report = Report(
        injected={"models": settings.models, "budget MiB": 0 if sabotaged else settings.budget_mib},
        figures={"registered in s": round(registered_s, 1), "ready after s": round(started_s, 1)},
    )
    _judge(report, settings, ledger, quiet, np.array(watch.samples), kib)
    return report


def _sizes(scene: Scene, settings: Settings) -> list[int]:
    """By chance, each order of magnitude as often as another."""
    low, high = np.log(settings.smallest_kib), np.log(settings.largest_kib)
    drawn = np.random.default_rng(scene.seed).uniform(low, high, settings.models)
    return [int(size) for size in np.exp(drawn)]


def _models(scene: Scene, kib: list[int]) -> Iterator[tuple[str, ModelPackage]]:
    """Model n answers n."""
    for number, size in enumerate(kib):
        yield _name(number), sized(scene.folder / "made", float(number), size)
        if number % 500 == 499:
            scene.say(f"{number + 1:,} registered")


def _load(scene: Scene, settings: Settings, server: Server, seconds: float) -> Ledger:
    requests = [one_row(_name(number)) for number in range(settings.models)]
    ranks = np.arange(1, settings.models + 1, dtype=float)
    weights = np.random.default_rng(scene.seed).permutation(ranks**-settings.exponent)
    return _loaded(scene, settings, server, requests, weights.tolist(), seconds)


def _quiet(scene: Scene, settings: Settings, server: Server) -> Ledger:
    """The same rate to a handful of models, so that none has to be loaded."""
    requests = [one_row(_name(number)) for number in range(5)]
    for _ in range(10):
        if not _loaded(scene, settings, server, requests, [], 0.5).failed:
            break
    return _loaded(scene, settings, server, requests, [], settings.quiet_s)


def _loaded(
    scene: Scene,
    settings: Settings,
    server: Server,
    requests: list[bytes],
    weights: list[float],
    seconds: float,
) -> Ledger:
    order = Order(
        server.port,
        requests,
        opened(settings.rate, seconds),
        str(Path(scene.folder) / "ledger.npz"),
        weights=weights,
        seed=scene.seed,
        connections=settings.connections,
        core=scene.load_core,
    )
    with loading(order, scene.say) as load:
        return load.wait(seconds + 120)


def _judge(
    report: Report,
    settings: Settings,
    ledger: Ledger,
    quiet: Ledger,
    samples: np.ndarray[Any, Any],
    kib: list[int],
) -> None:
    start = ledger.began + settings.warm_s
    budget = settings.budget_mib * _MIB
    room = budget - _PROCESSES
    memory, shared_once = (samples[samples[:, 0] >= start, column] / budget for column in (1, 2))
    counted = (ledger.due >= start) & (ledger.status == 200)
    hits = ledger.only(counted & _kept(ledger, kib, 0.3 * room))
    cold = ledger.only(counted & ~_kept(ledger, kib, 2.0 * room))
    ok, middle = ledger.ok, float(np.median(memory))
    report.observed |= {
        "calls": len(ledger),
        "statuses": ledger.statuses(),
        "models that were called": len(np.unique(ledger.which)),
        "hits and cold answers that were counted": [len(hits), len(cold)],
    }
    report.figures |= {
        "resident MiB, median and highest": [
            round(x * settings.budget_mib, 1) for x in (middle, float(memory.max()))
        ],
        "the same with what the processes share counted once, median": round(
            float(np.median(shared_once)) * settings.budget_mib, 1
        ),
        "p50, p99 ms of hits": [round(hits.percentile_ms(p), 2) for p in (50, 99)],
        "p50, p99 ms while none loads": [round(quiet.percentile_ms(p), 2) for p in (50, 99)],
        "p50, p99 ms of cold answers": [round(cold.percentile_ms(p), 2) for p in (50, 99)],
    }
    report.verdicts += [
        Verdict(_MEMORY, "0.9 to 1.1", round(middle, 4), 0.9 <= middle <= 1.1),
        at_most(_HIGHEST, float(memory.max()), 1.1),
        exactly(_FAILED, ledger.failed, 0),
        exactly(_WRONG, int((ok.value != ok.which).sum()), 0),
        at_most(_HITS, hits.percentile_ms(99) / quiet.percentile_ms(99), 2.0),
    ]


def _kept(ledger: Ledger, kib: list[int], capacity: float) -> np.ndarray[Any, Any]:
    """Which calls a memory of that many bytes would have answered without a load.

    Whoever keeps what was asked last holds in a larger memory all that a smaller one would
    hold: so what a third of the room would have kept was a hit, and what not even twice the
    room would have kept was not.
    """
    kept: OrderedDict[int, float] = OrderedDict()
    held, found = 0.0, np.zeros(len(ledger), bool)
    columns = (ledger.which.tolist(), ledger.due.tolist(), ledger.done.tolist())
    for place, (model, due, done) in enumerate(zip(*columns, strict=True)):
        found[place] = kept.get(model, np.inf) <= due  # there since an earlier answer
        if model not in kept:
            held += kib[model] * 1024 + _OVERHEAD
            kept[model] = done
        kept.move_to_end(model)
        while held > capacity:
            oldest, _ = kept.popitem(last=False)
            held -= kib[oldest] * 1024 + _OVERHEAD
    return found


def _name(number: int) -> str:
    return f"m{number:04}"
