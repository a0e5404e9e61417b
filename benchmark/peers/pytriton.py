"""Triton with its Python backend, as pytriton brings it in a wheel."""

from __future__ import annotations

import sysconfig

from benchmark.models import Network
from benchmark.peers.base import PROGRAMS, Peer, Place
from benchmark.wire import BINARY, JSON, Call, open_inference, open_inference_grpc
from stadion.core.arrays import Array

__all__ = ["PEER"]


def _command(place: Place) -> list[str]:
    program, ports = PROGRAMS / "pytriton_server.py", (str(place.http), str(place.grpc))
    home = f"PYTRITON_HOME={place.folder}"
    return ["env", home, str(place.python), str(program), *ports, *map(str, place.models.values())]


def _calls(network: Network, rows: Array) -> dict[str, Call]:
    calls = open_inference(network, rows)
    return {JSON: calls[JSON], BINARY: calls[BINARY]} | open_inference_grpc(network, rows)


PEER = Peer(
    "pytriton",
    "Triton (pytriton, Python backend), dynamic batches of at most 32 without delay",
    "nvidia-pytriton",
    _command,
    _calls,
    together=False,
    requirements="pytriton.txt",
    # Its backend embeds a Python and must not find another build of the same version.
    environment={"LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))},
)
