"""One worker on one core, then two workers on two, under the same load; figures of both out.

On two cores the load generator has none of its own: in both parts it runs with nice 10 on all
the cores together, so that a worker that has something to do goes first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from benchmark.asking import ask, check
from benchmark.load import WARM_UP_S, Loader
from benchmark.models import MODELS, row
from benchmark.peers.base import Peer
from benchmark.turn import Bench, Cell, serving
from benchmark.wire import BINARY, JSON

__all__ = ["CASES", "IN_FLIGHT", "NAME", "NICE", "cases", "scaling"]

NAME = "scaling"
CASES = (("tabular", JSON), ("tabular", BINARY), ("lstm", BINARY), ("cnn", BINARY))
NICE, IN_FLIGHT = 10, 64
"""Connections spread over the workers by chance; with 64 neither is ever without work."""


def cases(models: Sequence[str], protocols: Sequence[str]) -> list[tuple[str, str]]:
    """Those of the cases that are wanted."""
    return [(model, wire) for model, wire in CASES if model in models and wire in protocols]


def scaling(
    bench: Bench, peer: Peer, models: Sequence[str], protocols: Sequence[str]
) -> dict[str, Any]:
    """A record like a turn's; its cells say how many workers there were."""
    wanted = cases(models, protocols)
    return {"cells": [cell for workers in (1, 2) for cell in _part(bench, peer, wanted, workers)]}


def _part(
    bench: Bench, peer: Peer, wanted: Sequence[tuple[str, str]], workers: int
) -> list[dict[str, Any]]:
    cores = (bench.server_core, bench.load_core)
    loader = Loader(cores, NICE)
    models = list(dict.fromkeys(model for model, _ in wanted))
    asked = [_cell(bench, peer, model, protocol) for model, protocol in wanted]
    figures = []
    with serving(bench, peer, models, cores[:workers], asked[0], workers) as (tree, port_of):
        tree.settle()
        for cell in asked:
            port, right = port_of(cell), bench.answers[cell.model]
            size = check(ask(cell.call, port), right).bytes
            loader.run(cell.call, port, WARM_UP_S, IN_FLIGHT, size)
            load = loader.run(cell.call, port, bench.seconds, IN_FLIGHT, size)
            tree.settle()
            check(ask(cell.call, port), right)
            facts = {"model": cell.model, "protocol": cell.protocol, "workers": workers}
            figures.append(facts | {"connections": IN_FLIGHT} | dataclasses.asdict(load))
    return figures


def _cell(bench: Bench, peer: Peer, model: str, protocol: str) -> Cell:
    network = MODELS[model]
    return Cell(model, protocol, IN_FLIGHT, peer.calls(network, row(network, bench.seed))[protocol])
