"""KServe's Python model server with a model class for ONNX."""

from __future__ import annotations

from benchmark.models import Network
from benchmark.peers.base import PROGRAMS, Peer, Place
from benchmark.wire import BINARY, JSON, Call, open_inference, open_inference_grpc
from stadion.core.arrays import Array

__all__ = ["PEER"]


def _command(place: Place) -> list[str]:
    program, ports = PROGRAMS / "kserve_server.py", (str(place.http), str(place.grpc))
    return [str(place.python), str(program), *ports, *map(str, place.models.values())]


def _calls(network: Network, rows: Array) -> dict[str, Call]:
    calls = open_inference(network, rows)
    return {JSON: calls[JSON], BINARY: calls[BINARY]} | open_inference_grpc(network, rows)


PEER = Peer(
    "kserve",
    "KServe's model server, one worker on uvloop, latency log off",
    "kserve",
    _command,
    _calls,
    requirements="kserve.txt",
)
