"""Hot swaps under load in: what callers saw of them out.

Versions are deployed, refused and rolled back again and again while calls arrive at a share of
the measured capacity. Each version signs its answers, and a ledger beside the server holds when
each change was asked for and acknowledged: so every answer can be judged by itself.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from os import kill
from pathlib import Path
from threading import Timer

import numpy as np

from reliability.homes import damage, one_row, rows_request, with_models
from reliability.ledger import Ledger
from reliability.load import capacity, loading
from reliability.models import failing, sized, tabular
from reliability.orders import Order, opened
from reliability.proof import Report, Scene, at_most, exactly
from reliability.server import Server, serving
from stadion.core.errors import StadionError
from stadion.registry import Registry

__all__ = ["RED", "SHORT", "Settings", "run"]

MODEL = "swapped"
_LONG_S = 24 * 3600.0
_SETTLE_S = 2.0
_STALL_S = 0.3
_MOST_SHOWN = 20
_FAILED, _STALE = "failed requests", "answers of another version than the acknowledged one"
_FOREIGN, _P99 = "answers that no version gave", "p99 during swaps against without"
_MEMORY = "memory after against before"
_REFUSED = "broken candidates that were not refused"


@dataclass(frozen=True, slots=True)
class Settings:
    """How much of it."""

    swaps: int = 300
    broken: int = 100
    rollbacks: int = 50
    share: float = 0.7
    rows: int = 128
    gap_s: float = 0.4
    quiet_s: float = 10.0
    capacity_s: float = 5.0
    connections: int = 64
    workers: int = 1


SHORT = {
    "swaps": 4, "broken": 2, "rollbacks": 1, "share": 0.2, "gap_s": 0.3, "quiet_s": 0.5,
    "capacity_s": 0.3,
}  # fmt: skip
RED = (_FAILED, _STALE, _P99, _MEMORY)


@dataclass(slots=True)
class Act:
    """One change: when it was asked for and acknowledged, and what must answer after it."""

    kind: str
    intent: float
    ack: float
    version: int
    is_as_wanted: bool


@dataclass(slots=True)
class Book:
    """The ledger of changes, and the pile of versions that rollbacks go down."""

    pile: list[int] = field(default_factory=lambda: [1])
    acts: list[Act] = field(default_factory=list)
    quiet: list[tuple[float, float]] = field(default_factory=list)


def run(scene: Scene, settings: Settings, sabotaged: bool) -> Report:
    """Swap under load, then judge every call."""
    plan = _plan(settings, random.Random(scene.seed))  # noqa: S311  # lots, no secret
    home, broken = _home(scene.folder, plan)
    requests = [rows_request(MODEL, settings.rows)]
    with serving(home, settings.workers) as server:
        able = capacity(server.port, requests, settings.capacity_s, core=scene.load_core)
        rate = settings.share * able
        scene.say(f"capacity {able:,.0f} calls/s; {len(plan)} changes at {rate:,.0f} calls/s")
        order = Order(
            server.port,
            [*requests, one_row("nobody")] if sabotaged else requests,
            opened(rate, _LONG_S),
            str(scene.folder / "ledger.npz"),
            weights=[0.999, 0.001] if sabotaged else [],
            seed=scene.seed,
            connections=settings.connections,
            core=scene.load_core,
        )
        book = Book()
        with loading(order) as load:
            _warm(server, book)
            before = server.memory()
            _change(scene, settings, server, plan, broken, book, sabotaged)
            if sabotaged:
                server.client.deploy(f"{MODEL}:{max(broken) + 1}")  # never in the book
            time.sleep(_SETTLE_S)
            after = server.memory()
            ledger = load.end()
    return _judge(book, ledger, plan, able, (before, after))


def _plan(settings: Settings, chance: random.Random) -> list[str]:
    """The kinds of changes in their order; a rollback always has something to go back to."""
    good = settings.swaps - settings.broken - settings.rollbacks
    plan = ["deploy"] * good + ["rollback"] * settings.rollbacks
    plan += ["damaged"] * (settings.broken // 2)
    plan += ["failing"] * (settings.broken - settings.broken // 2)
    chance.shuffle(plan)
    depth = 2  # the warm-up leaves two
    for i, kind in enumerate(plan):
        if kind == "rollback" and depth < 2:
            later = plan.index("deploy", i)
            plan[i], plan[later] = plan[later], kind
        depth += {"deploy": 1, "rollback": -1}.get(plan[i], 0)
    return plan


def _home(folder: Path, plan: list[str]) -> tuple[Path, dict[int, str]]:
    """Good versions from 1, then one damaged, one that fails its trial, and one that is large."""
    good = plan.count("deploy") + 2
    packages = [tabular(folder / f"v{n}", n) for n in range(1, good + 1)]
    packages.append(tabular(folder / "damaged", good + 1))
    packages.append(failing(folder / "failing", good + 2))
    packages.append(sized(folder / "large", good + 3, 48 << 10))
    home = with_models(folder / "home", ((MODEL, package) for package in packages))
    with Registry.open(home / "registry") as registry:
        damage(registry.version(f"{MODEL}:{good + 1}"))
    return home, {good + 1: "damaged", good + 2: "failing"}


def _warm(server: Server, book: Book) -> None:
    """The first change of a server brings code and memory with it that stay."""
    time.sleep(1.0)
    _act(book, "deploy", 2, lambda: server.client.deploy(f"{MODEL}:2"))
    time.sleep(1.0)


def _change(
    scene: Scene,
    settings: Settings,
    server: Server,
    plan: list[str],
    broken: dict[int, str],
    book: Book,
    sabotaged: bool,
) -> None:
    """Carry the plan out, with a quiet stretch before, in the middle and after."""
    numbers = {kind: number for number, kind in broken.items()}
    following = iter(range(3, min(broken)))
    _quiet(book, settings.quiet_s)
    for i, kind in enumerate(plan):
        if sabotaged:
            _stall(server)
        if kind == "rollback":
            _act(book, kind, book.pile[-2], lambda: server.client.rollback(MODEL))
        elif kind == "deploy":
            number = next(following)
            _act(book, kind, number, partial(server.client.deploy, f"{MODEL}:{number}"))
        else:
            number = numbers[kind]
            _act(book, kind, number, partial(server.client.deploy, f"{MODEL}:{number}"))
        time.sleep(settings.gap_s)
        if i == len(plan) // 2:
            _quiet(book, settings.quiet_s)
        if (i + 1) % 25 == 0:
            scene.say(f"{i + 1} of {len(plan)} changes")
    _quiet(book, settings.quiet_s)
    if sabotaged:
        book.acts[-1].version = 0  # as if a change had been acknowledged that never happened


def _act(book: Book, kind: str, number: int, change: Callable[[], object]) -> None:
    """Ask for one change and write down what came of it."""
    intent = time.perf_counter()
    try:
        change()
        is_done = True
    except StadionError:
        is_done = False
    ack = time.perf_counter()
    if is_done and kind == "rollback":
        book.pile.pop()
    elif is_done:
        book.pile.append(number)
    is_as_wanted = is_done is (kind in {"deploy", "rollback"})
    book.acts.append(Act(kind, intent, ack, book.pile[-1], is_as_wanted))


def _quiet(book: Book, seconds: float) -> None:
    began = time.perf_counter()
    time.sleep(seconds)
    book.quiet.append((began, time.perf_counter()))


def _stall(server: Server) -> None:
    """Stop a worker for a moment, as a swap that holds up its loop would."""
    pid = server.workers()[0]
    kill(pid, signal.SIGSTOP)
    Timer(_STALL_S, kill, (pid, signal.SIGCONT)).start()


def _judge(
    book: Book,
    ledger: Ledger,
    plan: list[str],
    able: float,
    memory: Sequence[Mapping[str, int]],
) -> Report:
    swaps = [ledger.between(act.intent, act.ack) for act in book.acts[1:]]
    quiet = [ledger.between(*stretch) for stretch in book.quiet]
    during = np.concatenate([part.latency_ms for part in swaps])
    without = np.concatenate([part.latency_ms for part in quiet])
    p99, p99_without = (float(np.percentile(part, 99)) for part in (during, without))
    took = [act.ack - act.intent for act in book.acts[1:] if act.kind == "deploy"]
    before, after = (sum(part.values()) for part in memory)
    ok = ledger.ok
    refused = [act for act in book.acts if act.kind in {"damaged", "failing"}]
    return Report(
        injected=dict(Counter(plan)),
        observed={
            "calls": len(ledger),
            "statuses": ledger.statuses(),
            "versions that answered": len(np.unique(ok.version)),
            "refused candidates": sum(act.is_as_wanted for act in refused),
            "changes that went otherwise": sum(not act.is_as_wanted for act in book.acts),
        },
        figures={
            "capacity calls/s": round(able, 1),
            "calls due during swaps": len(during),
            "p50 ms during, without": [round(float(np.median(p)), 3) for p in (during, without)],
            "p99 ms during, without": [round(p99, 3), round(p99_without, 3)],
            "p99.9 ms during, without": [
                round(float(np.percentile(p, 99.9)), 3) for p in (during, without)
            ],
            "generator": ledger.instrument(),
            "deployment s, median and worst": [
                round(float(np.median(took)), 3),
                round(max(took), 3),
            ],
            "slowest call ms by kind of change": {
                kind: [
                    round(float(part.latency_ms.max(initial=0)), 1)
                    for act, part in zip(book.acts[1:], swaps, strict=True)
                    if act.kind == kind
                ][:_MOST_SHOWN]
                for kind in dict.fromkeys(plan)
            },
            "memory MiB before, after": [
                {name: round(size / 2**20, 1) for name, size in part.items()} for part in memory
            ],
        },
        verdicts=[
            exactly(_FAILED, ledger.failed, 0),
            exactly(_STALE, _stale(book, ok), 0),
            exactly(_FOREIGN, int((ok.value != ok.version).sum()), 0),
            exactly(_REFUSED, sum(not act.is_as_wanted for act in refused), 0),
            at_most(_P99, p99 / p99_without, 1.5),
            at_most(_MEMORY, after / before, 1.05),
        ],
    )


def _stale(book: Book, ok: Ledger) -> int:
    """Calls that another version answered than the last acknowledged one when they began.

    While a change is under way, what it changes to may answer too.
    """
    acks = np.array([act.ack for act in book.acts])
    intents = np.array([act.intent for act in book.acts] + [np.inf])
    versions = np.array([1] + [act.version for act in book.acts])
    last = np.searchsorted(acks, ok.sent, side="right")
    is_settled = ok.done < intents[np.minimum(last, len(acks))]
    upcoming = versions[np.minimum(last + 1, len(acks))]
    is_right = (ok.version == versions[last]) | (~is_settled & (ok.version == upcoming))
    return int((~is_right).sum())
