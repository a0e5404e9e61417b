"""Stadion itself: `stadion up` on a home with the networks deployed."""

from __future__ import annotations

from benchmark.models import Network
from benchmark.peers.base import Peer, Place
from benchmark.wire import Call, open_inference, open_inference_grpc
from stadion.core.arrays import Array

__all__ = ["PEER"]


def _command(place: Place) -> list[str]:
    return [
        str(place.python), "-m", "stadion", "up", "--home", str(place.home), "--json",
        "--workers", str(place.workers),
        "--http", f"127.0.0.1:{place.http}",
        "--grpc", f"127.0.0.1:{place.grpc}",
        "--control", f"127.0.0.1:{place.more}",
    ]  # fmt: skip


def _calls(network: Network, rows: Array) -> dict[str, Call]:
    return open_inference(network, rows) | open_inference_grpc(network, rows)


PEER = Peer("stadion", "`stadion up --workers 1`", "stadion", _command, _calls)
