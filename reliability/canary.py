"""A canary and three shadows in; the canary's share, and whether callers noticed a shadow, out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reliability.homes import rows_request, with_models
from reliability.ledger import Ledger
from reliability.load import capacity, load_of
from reliability.models import fragile, slow, tabular
from reliability.orders import Order, Phase
from reliability.proof import Report, Scene, Verdict, at_most, exactly
from reliability.server import Server, serving

__all__ = ["RED", "SHORT", "Settings", "run"]

MODEL = "shared"
PLAIN, CANARY, FRAGILE, SLOW = 1, 2, 3, 4
_Z99 = 2.5758293035489004  # two-sided 99% of the normal distribution, which the binomial is near
_SLOW_ROUNDS = 20_000
_SHARE = "canary's share beside the 99% binomial interval"
_FAILED = "failed requests with a shadow that {}"
_FOREIGN = "answers of the shadow that {}"
_P99 = "p99 with a shadow that {} against without"


@dataclass(frozen=True, slots=True)
class Settings:
    """How much of it."""

    calls: int = 100_000
    percent: float = 10.0
    share: float = 0.3
    rows: int = 64
    shadow_s: float = 20.0
    capacity_s: float = 3.0
    connections: int = 64
    workers: int = 1


SHORT: Mapping[str, Any] = {
    "calls": 2_000, "share": 0.1, "shadow_s": 0.7, "capacity_s": 0.3,
}  # fmt: skip
RED = (
    _SHARE,
    _FAILED.format("fails"),
    _FOREIGN.format("is slow"),
    _P99.format("is slow"),
)


def run(scene: Scene, settings: Settings, sabotaged: bool) -> Report:
    """Share out the calls; then let a failing and a slow version see copies of them.

    The control gives the canary twice its share, and lets the versions that should only have
    copies answer.
    """
    folder = scene.folder
    packages = [tabular(folder / "1", 1), tabular(folder / "2", 2)]
    packages += [fragile(folder / "3"), slow(folder / "4", 100, _SLOW_ROUNDS)]
    home = with_models(folder / "home", [(MODEL, package) for package in packages])
    report = Report()
    with serving(home, settings.workers) as server:
        able = capacity(
            server.port,
            [rows_request(MODEL, settings.rows)],
            settings.capacity_s,
            core=scene.load_core,
        )
        rate = settings.share * able
        canary = settings.percent * (2 if sabotaged else 1)
        server.client.deploy(f"{MODEL}:{CANARY}", canary)
        scene.say(f"{settings.calls:,} calls at {rate:,.0f} calls/s")
        _share(report, settings, _load(scene, settings, server, rate, settings.calls / rate))
        server.client.deploy(f"{MODEL}:{PLAIN}")
        plain = _load(scene, settings, server, rate, settings.shadow_s)
        for number, what in ((FRAGILE, "fails"), (SLOW, "is slow")):
            scene.say(f"a shadow that {what}")
            if sabotaged:
                server.client.deploy(f"{MODEL}:{number}", 10.0)
            else:
                server.client.deploy(f"{MODEL}:{number}", shadow=True)
            ledger = _load(scene, settings, server, rate, settings.shadow_s)
            _shadow(report, what, ledger, plain)
            report.observed[f"copies to the shadow that {what}"] = _copies(server, number)
            server.client.deploy(f"{MODEL}:{PLAIN}")
    report.injected = {"canary percent": canary, "shadows": "one fails, one takes 20 ms or more"}
    report.figures["capacity calls/s"] = round(able, 1)
    return report


def _load(scene: Scene, settings: Settings, server: Server, rate: float, seconds: float) -> Ledger:
    order = Order(
        server.port,
        [rows_request(MODEL, settings.rows)],
        [Phase(seconds, rate)],
        str(scene.folder / "ledger.npz"),
        seed=scene.seed,
        connections=settings.connections,
        core=scene.load_core,
    )
    return load_of(order, scene.say)


def _share(report: Report, settings: Settings, ledger: Ledger) -> None:
    """Within z standard deviations of the mean, as 99 of 100 runs of a fair coin are."""
    calls, share = len(ledger), settings.percent / 100
    found = int((ledger.version == CANARY).sum())
    wide = _Z99 * math.sqrt(calls * share * (1 - share))
    low, high = share * calls - wide, share * calls + wide
    wanted = f"{low:.0f} to {high:.0f} of {calls}"
    report.verdicts.append(exactly("failed requests with a canary", ledger.failed, 0))
    report.verdicts.append(Verdict(_SHARE, wanted, found, low <= found <= high))
    report.figures["canary percent"] = round(100 * found / max(1, calls), 3)


def _shadow(report: Report, what: str, ledger: Ledger, plain: Ledger) -> None:
    ok = ledger.ok
    p99, without = ledger.percentile_ms(99), plain.percentile_ms(99)
    report.figures[f"p99 ms with a shadow that {what}, without"] = [
        round(p99, 3),
        round(without, 3),
    ]
    report.figures[f"generator with a shadow that {what}"] = ledger.instrument()
    report.verdicts += [
        exactly(_FAILED.format(what), ledger.failed, 0),
        exactly(_FOREIGN.format(what), int((ok.version != PLAIN).sum()), 0),
        at_most(_P99.format(what), p99 / without, 1.5),
    ]


def _copies(server: Server, number: int) -> dict[str, int]:
    """What the server says it did with the copies."""
    versions = server.plane.status()["models"][MODEL]["versions"][str(number)]
    return {name: n for name, n in versions.items() if name.startswith("shadow_")}
