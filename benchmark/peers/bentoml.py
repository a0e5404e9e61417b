"""BentoML: a service with one worker, arrays in and out."""

from __future__ import annotations

import json

from benchmark.models import Network
from benchmark.peers.base import PROGRAMS, Peer, Place
from benchmark.wire import Call, json_call
from stadion.core.arrays import Array

__all__ = ["PEER"]


def _command(place: Place) -> list[str]:
    networks = json.dumps({name: str(graph) for name, graph in place.models.items()})
    return [
        "env", f"NETWORKS={networks}", f"BENTOML_HOME={place.folder}",
        str(place.python), "-m", "bentoml", "serve", "bentoml_service:Networks",
        "--working-dir", str(PROGRAMS), "--host", "127.0.0.1", "--port", str(place.http),
        "--quiet",
    ]  # fmt: skip


def _calls(network: Network, rows: Array) -> dict[str, Call]:
    return json_call(f"/{network.name}", "rows", rows, "")


PEER = Peer(
    "bentoml",
    "BentoML, one worker, async methods on arrays, access log off",
    "bentoml",
    _command,
    _calls,
    requirements="bentoml.txt",
    environment={"BENTOML_DO_NOT_TRACK": "True"},
)
