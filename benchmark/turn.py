"""One server's turn: start it, check its answers, load every request of it, end it; figures out."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.asking import NotYet, ask, check
from benchmark.environments import version_of
from benchmark.load import WARM_UP_S, Loader
from benchmark.models import MODELS, row
from benchmark.peers.base import Peer, Place
from benchmark.ports import free_ports
from benchmark.processes import Tree, running
from benchmark.raw import Raw
from benchmark.wire import GRPC, JSON, Call
from stadion.core.arrays import Array

__all__ = ["CONNECTIONS", "Bench", "Cell", "cells_of", "serving", "turn"]

CONNECTIONS = 32
_START_S, _POLL_S = 120.0, 0.02
_ANSWERS, _LONGEST = 200, 4
"""A load lasts long enough for so many answers, at most so many times its usual length."""
_TRIES = 2

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all turns share.

    Parameters
    ----------
    folder
        Cache of environments, graphs, homes and figures.
    graphs, answers
        By network: its ONNX file, and what raw ONNX Runtime says about the row of `seed`.
    pythons
        The interpreter of each server that could be installed.
    """

    folder: Path
    graphs: Mapping[str, Path]
    answers: Mapping[str, Array]
    pythons: Mapping[str, Path]
    home: Path
    raw: Raw
    seed: int
    seconds: int
    raw_s: float
    server_core: int
    load_core: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of the table."""

    model: str
    protocol: str
    connections: int
    call: Call


def cells_of(peer: Peer, models: Sequence[str], seed: int, protocols: Sequence[str]) -> list[Cell]:
    """Every request that the server knows, and tabular JSON over one connection too."""
    cells = []
    for model in models:
        network = MODELS[model]
        calls = peer.calls(network, row(network, seed))
        for protocol, call in calls.items():
            if protocol in protocols:
                cells.append(Cell(model, protocol, CONNECTIONS, call))
        if model == "tabular" and JSON in calls and JSON in protocols:
            cells.append(Cell(model, JSON, 1, calls[JSON]))
    return cells


def turn(bench: Bench, peer: Peer, models: Sequence[str], protocols: Sequence[str]) -> Record:
    """The server's figures, raw ONNX Runtime's around all of it and around each cell."""
    record: Record = {"version": version_of(peer.distribution, bench.pythons[peer.name])}
    before = {model: bench.raw.measure(model, bench.raw_s) for model in models}
    groups = [list(models)] if peer.together else [[model] for model in models]
    parts = [_part(bench, peer, group, protocols, _TRIES) for group in groups]
    record["cells"] = [cell for part in parts for cell in part["cells"]]
    record["starts"] = [{k: v for k, v in part.items() if k != "cells"} for part in parts]
    after = {model: bench.raw.measure(model, bench.raw_s) for model in models}
    return record | {"raw_before": before, "raw_after": after}


def _part(
    bench: Bench, peer: Peer, models: Sequence[str], protocols: Sequence[str], tries: int
) -> Record:
    """One process's figures; a server that broke gets another chance, one that lied does not."""
    try:
        return _attempt(bench, peer, models, protocols)
    except (NotYet, RuntimeError, subprocess.TimeoutExpired) as error:
        if tries == 1:
            raise
        print(f"  once more, since {peer.name} broke: {str(error)[:200]}", flush=True)
        return _part(bench, peer, models, protocols, tries - 1)


def _attempt(bench: Bench, peer: Peer, models: Sequence[str], protocols: Sequence[str]) -> Record:
    cells = cells_of(peer, models, bench.seed, protocols)
    loader = Loader((bench.load_core,))
    started = time.monotonic()
    with serving(bench, peer, models, (bench.server_core,), cells[0]) as (tree, port_of):
        first_s = time.monotonic() - started
        idle_cpu = tree.settle(limit_s=4.0, quiet=0.02, every_s=0.5)
        figures = [_measured(bench, tree, loader, cell, port_of(cell)) for cell in cells]
        rss_mb = tree.rss_mb()
    facts = {"models": list(models), "first_answer_s": first_s, "idle_cpu": idle_cpu}
    return facts | {"rss_mb": rss_mb, "cells": figures}


@contextmanager
def serving(
    bench: Bench,
    peer: Peer,
    models: Sequence[str],
    cores: Sequence[int],
    first: Cell,
    workers: int = 1,
) -> Iterator[tuple[Tree, Callable[[Cell], int]]]:
    """The server on these cores from its first right answer on, and the port of a cell."""
    folder = bench.folder / "work" / "-".join((peer.name, *models))
    folder.mkdir(parents=True, exist_ok=True)
    http, grpc, more = free_ports(3)
    graphs = {model: bench.graphs[model] for model in models}
    place = Place(bench.pythons[peer.name], folder, graphs, http, grpc, more, bench.home, workers)
    log = folder / "server.log"
    ports = {True: grpc, False: http}
    path = f"{place.python.parent}{os.pathsep}{os.environ['PATH']}"
    with running(peer.command(place), cores, log, peer.environment | {"PATH": path}) as tree:
        _await_answer(tree, first, ports[first.call.is_grpc], bench.answers[first.model], log)
        yield tree, lambda cell: ports[cell.call.is_grpc]


def _await_answer(tree: Tree, cell: Cell, port: int, wanted: Array, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            check(ask(cell.call, port), wanted)
            return
        except NotYet as reason:
            if not tree.alive or time.monotonic() > deadline:
                words = log.read_text(errors="replace")[-1500:]
                raise RuntimeError(f"no answer: {reason}; the server said: {words}") from None
            time.sleep(_POLL_S)


def _measured(bench: Bench, tree: Tree, loader: Loader, cell: Cell, port: int) -> Record:
    """Raw, check, warm up, load, check, raw."""
    wanted = bench.answers[cell.model]
    before = bench.raw.measure(cell.model, bench.raw_s)
    size = check(ask(cell.call, port), wanted).bytes
    seconds = _long_enough(bench.seconds, cell, port)
    if cell.protocol != GRPC:  # h2load warms up by itself
        loader.run(cell.call, port, WARM_UP_S, cell.connections, size)
        tree.settle()
    used_s, started = tree.cpu_s(), time.monotonic()
    load = loader.run(cell.call, port, seconds, cell.connections, size)
    cpu = (tree.cpu_s() - used_s) / (time.monotonic() - started)
    tree.settle()
    check(ask(cell.call, port), wanted)
    return {
        "model": cell.model,
        "protocol": cell.protocol,
        "connections": cell.connections,
        **dataclasses.asdict(load),
        "cpu": cpu,
        "raw_before": before,
        "raw_after": bench.raw.measure(cell.model, bench.raw_s),
    }


def _long_enough(seconds: int, cell: Cell, port: int) -> int:
    """More than the usual seconds for a server that takes long for one answer."""
    started = time.perf_counter()
    ask(cell.call, port)
    took_s = time.perf_counter() - started
    return min(max(seconds, math.ceil(_ANSWERS * took_s)), _LONGEST * seconds)
