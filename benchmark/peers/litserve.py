"""LitServe: a LitAPI with one worker."""

from __future__ import annotations

from benchmark.models import Network
from benchmark.peers.base import PROGRAMS, Peer, Place
from benchmark.wire import Call, json_call
from stadion.core.arrays import Array

__all__ = ["PEER"]


def _command(place: Place) -> list[str]:
    (graph,) = place.models.values()
    program = PROGRAMS / "litserve_server.py"
    return [str(place.python), str(program), str(place.http), str(graph)]


def _calls(_: Network, rows: Array) -> dict[str, Call]:
    return json_call("/predict", "input", rows, "output")


PEER = Peer(
    "litserve",
    "LitServe, one API process and one worker, fast queue",
    "litserve",
    _command,
    _calls,
    together=False,
    requirements="litserve.txt",
)
