"""Workers killed and stopped under load in; lost calls and the time to a new worker out."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from reliability.homes import one_row, with_models
from reliability.ledger import Ledger
from reliability.load import capacity, loading
from reliability.models import tabular
from reliability.orders import Order, opened
from reliability.proof import Report, Scene, at_least, at_most, exactly
from reliability.server import Server, serving, until
from stadion.core.errors import StadionError

__all__ = ["RED", "SHORT", "Settings", "run"]

MODEL = "steady"
_LONG_S = 24 * 3600.0
_LOOK_S = 15.0
_SUCCESS, _WRONG = "share of calls that succeeded", "answers that the model did not give"
_REPLACED = "slowest replacement after {}, s"
_SIGNALS = {"kill -9": signal.SIGKILL, "a stop": signal.SIGSTOP}


@dataclass(frozen=True, slots=True)
class Settings:
    """How much of it; `tries` is how often a caller repeats a call within `give_up_s`."""

    kills: int = 5
    stops: int = 5
    share: float = 0.3
    pause_s: float = 3.0
    tries: int = 10
    try_s: float = 0.5
    give_up_s: float = 10.0
    capacity_s: float = 3.0
    connections: int = 64
    workers: int = 2


SHORT: Mapping[str, Any] = {"kills": 1, "stops": 1, "share": 0.1, "pause_s": 0.3, "capacity_s": 0.3}
RED = (_SUCCESS, _REPLACED.format("kill -9"), _REPLACED.format("a stop"))


def run(scene: Scene, settings: Settings, sabotaged: bool) -> Report:
    """Hit one worker after another while calls that may be repeated arrive.

    In the control nobody repeats a call, and the supervisor is kept from its work for a while.
    """
    home = with_models(scene.folder / "home", [(MODEL, tabular(scene.folder / "1", 1))])
    with serving(home, settings.workers) as server:
        able = capacity(server.port, [one_row(MODEL)], settings.capacity_s, core=scene.load_core)
        scene.say(f"capacity {able:,.0f} calls/s; load {settings.share * able:,.0f} calls/s")
        order = Order(
            server.port,
            [one_row(MODEL)],
            opened(settings.share * able, _LONG_S),
            str(scene.folder / "ledger.npz"),
            seed=scene.seed,
            connections=settings.connections,
            tries=1 if sabotaged else settings.tries,
            try_s=settings.try_s,
            give_up_s=settings.give_up_s,
            core=scene.load_core,
        )
        took: dict[str, list[float]] = {what: [] for what in _SIGNALS}
        with loading(order) as load:
            for turn in range(max(settings.kills, settings.stops)):
                for what, times in (("kill -9", settings.kills), ("a stop", settings.stops)):
                    time.sleep(settings.pause_s)
                    if turn < times:
                        took[what].append(_hit(server, settings, what, sabotaged))
                        scene.say(f"{what}: replaced after {took[what][-1]:.2f} s")
            time.sleep(settings.pause_s)
            ledger = load.end()
    return _judge(ledger, took, able)


def _hit(server: Server, settings: Settings, what: str, sabotaged: bool) -> float:
    """One worker; the seconds until all places are filled by processes that stand."""
    victim = server.busiest()
    if sabotaged:
        supervisor = server.process.pid
        os.kill(supervisor, signal.SIGSTOP)
        threading.Timer(3.2, os.kill, (supervisor, signal.SIGCONT)).start()
    os.kill(victim, _SIGNALS[what])
    return until(partial(_is_replaced, server.workers, victim, settings.workers), _LOOK_S)


def _is_replaced(workers: Callable[[], list[int]], victim: int, count: int) -> bool:
    try:
        standing = workers()
    except StadionError:
        return False  # the supervisor does not answer: then nobody knows
    return victim not in standing and len(standing) == count


def _judge(ledger: Ledger, took: dict[str, list[float]], able: float) -> Report:
    ok = ledger.ok
    success = len(ok) / max(1, len(ledger))
    repeated = ledger.only(ledger.tries > 1)
    return Report(
        injected={what: len(times) for what, times in took.items()},
        observed={
            "calls": len(ledger),
            "statuses": ledger.statuses(),
            "repeated calls": len(repeated),
            "most tries of a call": int(ledger.tries.max()),
        },
        figures={
            "capacity calls/s": round(able, 1),
            "p50, p99, p99.9 ms": [round(ledger.percentile_ms(p), 2) for p in (50, 99, 99.9)],
            "generator": ledger.instrument(),
            "slowest good answer ms": round(float(ok.latency_ms.max()), 1),
            "replacements s": {w: [round(s, 2) for s in times] for w, times in took.items()},
        },
        verdicts=[
            at_least(_SUCCESS, success, 0.9999),
            exactly(_WRONG, int(((ok.version != 1) | (ok.value != 1)).sum()), 0),
            *(at_most(_REPLACED.format(w), max(times), 3.0) for w, times in took.items() if times),
        ],
    )
