"""MLServer: a runtime of our own for ONNX, without its parallel workers."""

from __future__ import annotations

import json

from benchmark.models import Network
from benchmark.peers.base import PROGRAMS, Peer, Place
from benchmark.wire import JSON, Call, open_inference, open_inference_grpc
from stadion.core.arrays import Array

__all__ = ["PEER"]

_LOGGING = {"version": 1, "disable_existing_loggers": True, "root": {"level": "ERROR"}}


def _command(place: Place) -> list[str]:
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": place.http,
        "grpc_port": place.grpc,
        "metrics_port": place.more,
        "metrics_endpoint": None,
        "parallel_workers": 0,
        "gzip_enabled": False,
        "logging_settings": _LOGGING,
    }
    (place.folder / "settings.json").write_text(json.dumps(settings))
    for name, graph in place.models.items():
        model = {
            "name": name,
            "implementation": "mlserver_runtime.OnnxRuntime",
            "parameters": {"uri": str(graph)},
        }
        folder = place.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "model-settings.json").write_text(json.dumps(model))
    return [str(place.python.parent / "mlserver"), "start", str(place.folder)]


def _calls(network: Network, rows: Array) -> dict[str, Call]:
    # It has no binary tensors over HTTP.
    return {JSON: open_inference(network, rows)[JSON]} | open_inference_grpc(network, rows)


PEER = Peer(
    "mlserver",
    "MLServer, runtime for ONNX, parallel_workers 0, gzip and metrics off",
    "mlserver",
    _command,
    _calls,
    requirements="mlserver.txt",
    environment={"PYTHONPATH": str(PROGRAMS)},
)
