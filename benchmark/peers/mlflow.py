"""MLflow's scoring server on its ONNX flavour."""

from __future__ import annotations

import subprocess

from benchmark.models import Network
from benchmark.peers.base import PROGRAMS, Peer, Place
from benchmark.wire import Call, json_call
from stadion.core.arrays import Array

__all__ = ["PEER"]

_SAVE_S = 120


def _command(place: Place) -> list[str]:
    (graph,) = place.models.values()
    model = str(place.folder / "model")
    program = [str(place.python), str(PROGRAMS / "mlflow_model.py"), model, str(graph)]
    if not (place.folder / "model" / "MLmodel").exists():
        subprocess.run(program, check=True, capture_output=True, timeout=_SAVE_S)
    return [
        str(place.python), "-m", "mlflow", "models", "serve", "--model-uri", model,
        "--env-manager", "local", "--workers", "1",
        "--host", "127.0.0.1", "--port", str(place.http),
    ]  # fmt: skip


def _calls(_: Network, rows: Array) -> dict[str, Call]:
    return json_call("/invocations", "inputs", rows, "predictions")


PEER = Peer(
    "mlflow",
    "`mlflow models serve` (uvicorn, one worker) on the ONNX flavour",
    "mlflow",
    _command,
    _calls,
    together=False,
    requirements="mlflow.txt",
    environment={"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
)
