"""Servers by name in; their environments, the graphs and the right answers to measure with out."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmark.environments import Missing, python_for
from benchmark.machine import cores
from benchmark.models import MODELS, row, write_model
from benchmark.peers.base import Peer
from benchmark.raw import Raw, answer
from benchmark.turn import Bench
from stadion.core.arrays import Array
from stadion.platform import Platform

__all__ = ["SEED", "prepared"]

SEED = 0
_RAW_S = 0.2


@contextmanager
def prepared(
    cache: Path,
    peers: Mapping[str, Peer],
    names: Sequence[str],
    models: Sequence[str],
    seconds: int,
) -> Iterator[Bench]:
    """What all turns share; this process and the load stay off the server's core meanwhile.

    A peer that cannot be installed is left out of `pythons`, and it is said why.
    """
    server_core, load_core = cores()
    if server_core == load_core:
        print("there is one core only: the load takes from the server, the figures are too low")
    pythons = _installed(peers, names, cache / "venvs")
    graphs = {name: write_model(MODELS[name], cache / "graphs", SEED) for name in models}
    answers = {name: _answer(name, graph) for name, graph in graphs.items()}
    shutil.rmtree(cache / "work", ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="stadion-bench-") as folder, _off(server_core):
        home = Path(folder) / "home"
        _deploy(home, graphs)
        with Raw.running(cache / "graphs", SEED, server_core) as raw:
            yield Bench(
                folder=cache,
                graphs=graphs,
                answers=answers,
                pythons=pythons,
                home=home,
                raw=raw,
                seed=SEED,
                seconds=seconds,
                raw_s=_RAW_S,
                server_core=server_core,
                load_core=load_core,
            )


def _installed(peers: Mapping[str, Peer], names: Sequence[str], folder: Path) -> dict[str, Path]:
    pythons = {"stadion": Path(sys.executable)}
    for name in names:
        if name in peers:
            try:
                pythons[name] = python_for(peers[name], folder)
            except Missing as reason:
                print(f"{name}: left out, it cannot be installed: {reason}", flush=True)
    return pythons


@contextmanager
def _off(core: int) -> Iterator[None]:
    """Keep this process on the other cores, if there are any."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, usable - {core} or usable)
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


def _answer(name: str, graph: Path) -> Array:
    return answer(MODELS[name], graph, row(MODELS[name], SEED))


def _deploy(home: Path, graphs: Mapping[str, Path]) -> None:
    """Register and deploy the networks: this is when Stadion measures how to run them."""
    platform = Platform.open(home)
    for name, graph in graphs.items():
        platform.import_model(graph, name)
        platform.deploy(name)
