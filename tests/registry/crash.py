"""A registry's folder and a seed in; writers started, killed at random moments, checked out."""

from __future__ import annotations

import io
import multiprocessing
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, count
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import BinaryIO

import msgspec

from stadion.core.deployment import Route
from stadion.core.errors import StadionError
from stadion.registry import BlobStore, Registry
from stadion.registry.database import Database
from stadion.registry.storage import Storage
from tests.registry.ledger import (
    Ack,
    Act,
    Intent,
    Ledger,
    Line,
    State,
    broken_promises,
    state_of,
)
from tests.registry.packages import make_package

__all__ = ["Child", "Outcome", "crash_and_check", "kill_after", "perform", "starter"]

MODELS = ("sprint", "swim", "row")
Child = tuple[Callable[..., None], tuple[object, ...]]
_ACTS: tuple[Act, ...] = ("register", "register", "register", "deploy", "deploy", "rollback")
_LINE = msgspec.json.Decoder(Line)


@dataclass(slots=True)
class Outcome:
    """What was done to the registry and what was seen; `broken` must stay empty."""

    seed: int
    kills: int = 0
    intents: int = 0
    acks: int = 0
    interrupted: int = 0
    unfinished_files: int = 0
    hot_journals: int = 0
    slowest_open_s: float = 0.0
    broken: list[str] = field(default_factory=list)


def crash_and_check(
    home: Path, seed: int, writers: Iterable[int], unsafe: str = "", until_broken: bool = False
) -> Outcome:
    """Kill a group of writers at a random moment, restart, check everything; and again.

    Parameters
    ----------
    home
        An empty folder for the registry, the ledger and the packages.
    writers
        How many processes write at once, one entry per kill.
    unsafe
        `ack first` or `row first`: writers that break the order of writes on purpose.
    until_broken
        Stop at the first broken promise.
    """
    outcome, chance, context = Outcome(seed), random.Random(seed), starter()
    ledger, before = Ledger(home / "ledger.jsonl"), State()

    def hear(line: bytes) -> None:
        ledger.write(_LINE.decode(line))

    for turn, group in enumerate(writers):
        redo = ledger.unanswered() if not unsafe else []
        children: list[Child] = [
            (_write, (home, seed, f"{turn}.{w}", redo[w::group], unsafe)) for w in range(group)
        ]
        kill_after(context, children, chance.uniform(0.0, 0.25), hear)
        outcome.kills += group
        outcome.interrupted += len(ledger.unanswered())
        before = _check(home, ledger, before, outcome, turn)
        if outcome.broken and until_broken:
            break
    outcome.intents = sum(isinstance(line, Intent) for line in ledger.lines)
    outcome.acks = len(ledger.lines) - outcome.intents
    ledger.close()
    return outcome


def starter() -> ForkServerContext:
    """Starts children in milliseconds: they fork from a process that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.registry.crash"])
    return context


def kill_after(
    context: ForkServerContext,
    children: Iterable[Child],
    moment_s: float,
    hear: Callable[[bytes], None],
) -> None:
    """Start `target(pipe, *arguments)` in children; kill -9 all, `moment_s` after the first line.

    `hear` is given each line as it comes; also what they wrote to their pipes just before they
    died.
    """
    with _running(context, children) as (processes, pipes):
        _collect(pipes, time.monotonic() + 30.0, hear, most=1)
        _collect(pipes, time.monotonic() + moment_s, hear)
        for process in processes:
            process.kill()
        for process in processes:
            process.join(10.0)
        _collect(pipes, time.monotonic() + 10.0, hear)


def perform(registry: Registry, folder: Path, intent: Intent) -> Ack:
    """Make one call; a refusal is an answer too."""
    try:
        if intent.act == "register":
            package = make_package(folder, intent.id, extra_bytes=20_000)
            version = registry.register(intent.model, package, idempotency_key=intent.id)
            return Ack(intent.id, version.number, version.digest)
        if intent.act == "deploy":
            done = registry.record_deployment(
                intent.model, [Route(intent.version)], intent.id, idempotency_key=intent.id
            )
        else:
            done = registry.rollback(intent.model, intent.id, idempotency_key=intent.id)
    except StadionError as error:
        return Ack(intent.id, 0, error.code)
    return Ack(intent.id, done.generation, str(done.primary))


@contextmanager
def _running(
    context: ForkServerContext, children: Iterable[Child]
) -> Iterator[tuple[list[ForkServerProcess], list[Connection[bytes, bytes]]]]:
    processes: list[ForkServerProcess] = []
    pipes: list[Connection[bytes, bytes]] = []
    try:
        for target, arguments in children:
            mine, theirs = context.Pipe(duplex=False)
            process = context.Process(target=target, args=(theirs, *arguments), daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            pipes.append(mine)
        yield processes, pipes
    finally:
        for process in processes:
            process.kill()
            process.join(10.0)
        for pipe in pipes:
            pipe.close()


def _collect(
    pipes: list[Connection[bytes, bytes]],
    until_s: float,
    hear: Callable[[bytes], None],
    most: int | None = None,
) -> None:
    """Write down what the children say until the moment, `most` lines, or the end of all pipes."""
    open_pipes = [pipe for pipe in pipes if not pipe.closed]
    lines = 0
    while open_pipes and (most is None or lines < most):
        ready = wait(open_pipes, max(0.0, until_s - time.monotonic()))
        if not ready:
            assert most is None or lines, "no child said anything"
            return
        for pipe in ready:
            assert isinstance(pipe, Connection)
            try:
                hear(pipe.recv_bytes())
                lines += 1
            except EOFError:
                open_pipes.remove(pipe)
                pipe.close()


def _check(home: Path, ledger: Ledger, before: State, outcome: Outcome, turn: int) -> State:
    journal = home / "registry" / "registry.sqlite-journal"
    outcome.unfinished_files += len(list((home / "registry" / "blobs").glob("*/.tmp-*")))
    outcome.hot_journals += journal.exists() and journal.stat().st_size > 0
    started = time.monotonic()
    registry = Registry.open(home / "registry")
    outcome.slowest_open_s = max(outcome.slowest_open_s, time.monotonic() - started)
    report = registry.verify()
    outcome.broken += [f"turn {turn}: {fault}" for fault in (*report.problems, *report.database)]
    if outcome.broken:
        return before
    after = state_of(registry)
    outcome.broken += [f"turn {turn}: {p}" for p in broken_promises(ledger.lines, before, after)]
    acts: tuple[Act, Act] = ("register", "deploy")
    for act in acts:
        intent = Intent(f"next.{turn}.{act}", act, "next", turn + 1)
        ledger.write(intent)
        ack = perform(registry, home / "packages", intent)
        ledger.write(ack)
        if ack.number != turn + 1:
            outcome.broken.append(f"turn {turn}: the next {act} was answered with {ack}")
    registry.close()
    return after


def _write(
    pipe: Connection[bytes, bytes],
    home: Path,
    seed: int,
    name: str,
    redo: list[Intent],
    unsafe: str,
) -> None:
    """A client's life: say what you want, call, say what you were told; until killed."""
    chance = random.Random(f"{seed} {name}")
    store = _RowFirst if unsafe == "row first" else BlobStore
    folder = home / "registry"
    blobs = store(folder / "blobs")
    registry = Registry(Storage(Database(folder / "registry.sqlite"), blobs))
    for intent in chain(redo, _intents(registry, chance, name)):
        pipe.send_bytes(msgspec.json.encode(intent))
        if unsafe == "ack first" and intent.act == "register":
            _ack_first(pipe, registry, home, intent)
        ack = perform(registry, home / "packages", intent)
        if isinstance(blobs, _RowFirst):
            blobs.add_late()
        pipe.send_bytes(msgspec.json.encode(ack))


def _intents(registry: Registry, chance: random.Random, name: str) -> Iterator[Intent]:
    for step in count():
        model = chance.choice(MODELS)
        newest = {summary.model: summary.newest for summary in registry.models()}.get(model, 0)
        act = chance.choice(_ACTS) if newest else "register"
        version = chance.randint(1, newest) if act == "deploy" else 0
        yield Intent(f"{name}.{step}", act, model, version)


def _ack_first(
    pipe: Connection[bytes, bytes], registry: Registry, home: Path, intent: Intent
) -> None:
    """The first control: promise a version before it is committed."""
    newest = {summary.model: summary.newest for summary in registry.models()}
    digest = make_package(home / "packages", intent.id, extra_bytes=20_000).digest
    early = Ack(intent.id, newest.get(intent.model, 0) + 1, digest)
    pipe.send_bytes(msgspec.json.encode(early))


class _RowFirst(BlobStore):
    """The second control: blobs are written after the row that needs them is committed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._late: dict[str, bytes] = {}

    def add(self, source: BinaryIO, sha256: str, size: int, what: str) -> None:
        del size, what
        self._late[sha256] = source.read()

    def has(self, sha256: str) -> bool:
        return sha256 in self._late

    def read(self, sha256: str, what: str) -> bytes:
        del what
        return self._late[sha256]

    def add_late(self) -> None:
        """What should have come first."""
        while self._late:
            sha256, data = self._late.popitem()
            with io.BytesIO(data) as source:
                super().add(source, sha256, len(data), "a late blob")
