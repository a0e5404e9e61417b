"""Three times what a server can do in; what it still answers, refuses and how it recovers out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reliability import naive
from reliability.homes import binary_request, rows_request, with_models
from reliability.ledger import Ledger
from reliability.load import capacity, load_of
from reliability.models import CHANNELS, STEPS, recurrent, tabular
from reliability.orders import Order, Phase
from reliability.proof import Report, Scene, at_least, at_most, exactly
from reliability.server import Server, serving

__all__ = ["RED", "SHORT", "Settings", "run"]

_BUCKET_S = 0.5
_NAIVE_PER_S = 400.0
_GOODPUT, _ACCEPTED = "{}: goodput against capacity", "{}: p99 of what was accepted, ms"
_REFUSED, _HINT = "{}: p99 of refusals, ms", "{}: refusals without Retry-After"
_LOST, _NORMAL = "{}: calls neither answered nor refused", "{}: seconds until normal again"
_REFUSALS = (429, 503)


@dataclass(frozen=True, slots=True)
class Settings:
    """How much of it; every call says that it is worth nothing after `deadline_ms`."""

    models: str = "recurrent"
    times: float = 3.0
    seconds: float = 60.0
    before_s: float = 10.0
    after_s: float = 15.0
    share: float = 0.5
    deadline_ms: float = 500.0
    rows: int = 256
    windows: int = 16
    capacity_s: float = 5.0
    connections: int = 1000
    workers: int = 1


SHORT: Mapping[str, Any] = {
    "models": "recurrent", "seconds": 2.5, "before_s": 0.7, "after_s": 5.7, "share": 0.2,
    "capacity_s": 0.5,
}  # fmt: skip
RED = (_GOODPUT.format("recurrent"), _ACCEPTED.format("recurrent"), _NORMAL.format("recurrent"))


def run(scene: Scene, settings: Settings, sabotaged: bool) -> Report:
    """Normal load, far too much, normal load again; the control's server refuses nothing."""
    models = settings.models.split(",")
    packages = {"recurrent": recurrent, "tabular": lambda folder: tabular(folder, 1)}
    home = with_models(
        scene.folder / "home", [(name, packages[name](scene.folder / name)) for name in models]
    )
    report = Report(injected={"times capacity": settings.times, "seconds": settings.seconds})
    for name in models:
        _overload(scene, settings, report, home, name, sabotaged)
    return report


def _overload(
    scene: Scene, settings: Settings, report: Report, home: Path, name: str, sabotaged: bool
) -> None:
    program = naive.command(_NAIVE_PER_S) if sabotaged else ()
    timeout_us = int(1e3 * settings.deadline_ms)
    with serving(home, settings.workers, program=program) as server:
        able, cost_us = _capacity(scene, settings, server, name)
        scene.say(f"{name}: capacity {able:,.0f} calls/s, then {settings.times * able:,.0f}")
        before_s = server.cpu_s()
        ledger = _load(scene, settings, server, _request(name, settings, timeout_us), able)
        spent_s = server.cpu_s() - before_s
    _judge(report, settings, name, ledger, able)
    accepted = len(ledger.ok)
    rest_us = 1e6 * spent_s - accepted * cost_us
    report.figures[name]["server's CPU us per answer, per refusal"] = [
        round(cost_us, 1),
        round(rest_us / max(1, len(ledger) - accepted), 1),
    ]


def _capacity(scene: Scene, settings: Settings, server: Server, name: str) -> tuple[float, float]:
    """Answers per second when nothing is refused, and the server's CPU for each in us."""
    before_s = server.cpu_s()
    request = _request(name, settings, 0)
    able = capacity(server.port, [request], settings.capacity_s, core=scene.load_core)
    return able, 1e6 * (server.cpu_s() - before_s) / (able * settings.capacity_s)


def _request(name: str, settings: Settings, timeout_us: int) -> bytes:
    if name == "recurrent":
        return binary_request(name, "signal", (settings.windows, STEPS, CHANNELS), timeout_us)
    return rows_request(name, settings.rows, timeout_us=timeout_us)


def _load(scene: Scene, settings: Settings, server: Server, request: bytes, able: float) -> Ledger:
    normal = settings.share * able
    order = Order(
        server.port,
        [request],
        [
            Phase(settings.before_s, normal),
            Phase(settings.seconds, settings.times * able),
            Phase(settings.after_s, normal),
        ],
        str(scene.folder / "ledger.npz"),
        seed=scene.seed,
        connections=settings.connections,
        give_up_s=10.0,
        core=scene.load_core,
    )
    return load_of(order, scene.say)


def _judge(report: Report, settings: Settings, name: str, ledger: Ledger, able: float) -> None:
    start = ledger.began + settings.before_s
    end = start + settings.seconds
    before, during = ledger.between(ledger.began, start), ledger.between(start, end)
    accepted, refused = during.ok, during.only(np.isin(during.status, _REFUSALS))
    good = ledger.only(
        (ledger.status == 200)
        & (ledger.latency_ms <= settings.deadline_ms)
        & (ledger.done >= start)
        & (ledger.done < end)
    )
    refused_p99 = refused.percentile_ms(99) if len(refused) else 0.0
    expired = int((during.status == 504).sum())
    lost = len(during) - len(accepted) - len(refused) - expired
    goodput = len(good) / settings.seconds / able
    report.observed[name] = {"calls": len(during), "statuses": during.statuses()}
    report.figures[name] = {
        "capacity calls/s": round(able, 1),
        "goodput calls/s": round(goodput * able, 1),
        "p50, p99 ms before": [round(before.percentile_ms(p), 2) for p in (50, 99)],
        "p50, p99 ms accepted": [round(accepted.percentile_ms(p), 2) for p in (50, 99)],
        "p50, p99 ms refused": [round(refused.percentile_ms(p), 2) for p in (50, 99)],
        "generator": during.instrument(),
    }
    report.verdicts += [
        at_least(_GOODPUT.format(name), goodput, 0.9),
        at_most(_ACCEPTED.format(name), accepted.percentile_ms(99), settings.deadline_ms),
        at_most(_REFUSED.format(name), refused_p99, 20.0),
        exactly(_HINT.format(name), int((refused.retry_after < 1).sum()), 0),
        exactly(_LOST.format(name), lost, 0),
        at_most(_NORMAL.format(name), _until_normal(ledger, before, end), 5.0),
    ]


def _until_normal(ledger: Ledger, before: Ledger, end: float) -> float:
    """From the end of the overload to the last half second that was not as before it.

    As before: every call is answered, and the median is at most twice what it was.
    """
    usual = 2 * before.percentile_ms(50)
    last = float(ledger.due.max())
    bad = 0.0
    for start in np.arange(end, last, _BUCKET_S).tolist():
        part = ledger.between(start, start + _BUCKET_S)
        if part.failed or (len(part) and part.percentile_ms(50) > usual):
            bad = start + _BUCKET_S - end
    return bad
