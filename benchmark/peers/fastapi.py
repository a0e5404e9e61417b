"""FastAPI + uvicorn: the usual way to serve a model, its session loaded once."""

from __future__ import annotations

from benchmark.models import Network
from benchmark.peers.base import PROGRAMS, Peer, Place
from benchmark.wire import Call, json_call, raw_call
from stadion.core.arrays import Array

__all__ = ["PEER"]


def _command(place: Place) -> list[str]:
    program = PROGRAMS / "fastapi_server.py"
    return [str(place.python), str(program), str(place.http), *map(str, place.models.values())]


def _calls(network: Network, rows: Array) -> dict[str, Call]:
    own = json_call(f"/predict/{network.name}", "input", rows, "output")
    return own | raw_call(f"/raw/{network.name}", rows)


PEER = Peer(
    "fastapi",
    "FastAPI + uvicorn (uvloop, httptools), pydantic body, session loaded once; "
    "binary: the array's bytes without any description",
    "fastapi",
    _command,
    _calls,
    requirements="fastapi.txt",
)
