"""Flask with a session made in every request: the server of many first articles."""

from __future__ import annotations

from benchmark.models import Network
from benchmark.peers.base import PROGRAMS, Peer, Place
from benchmark.wire import Call, json_call
from stadion.core.arrays import Array

__all__ = ["PEER"]


def _command(place: Place) -> list[str]:
    program = PROGRAMS / "flask_server.py"
    return [str(place.python), str(program), str(place.http), *map(str, place.models.values())]


def _calls(network: Network, rows: Array) -> dict[str, Call]:
    return json_call(f"/predict/{network.name}", "inputs", rows, "output")


PEER = Peer(
    "flask",
    "Flask's own server (threads, kept-alive connections), a session per request",
    "flask",
    _command,
    _calls,
    requirements="flask.txt",
)
