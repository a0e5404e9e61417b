"""What the benchmark must know of a server: how it starts, and what its requests look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.models import Network
from benchmark.wire import Call
from stadion.core.arrays import Array

__all__ = ["PROGRAMS", "Peer", "Place"]

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"
"""What runs in the peers' own environments."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is started.

    Parameters
    ----------
    python
        The interpreter of the environment that the server is installed in.
    folder
        For what the server wants to find or to write; the same in all its turns.
    models
        Name -> ONNX file, of the networks it should serve.
    http, grpc
        Free ports of the loopback interface.
    more
        A third free port.
    home
        A Stadion home in which the networks are registered and deployed.
    """

    python: Path
    folder: Path
    models: Mapping[str, Path]
    http: int
    grpc: int
    more: int
    home: Path
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Peer:
    """One server.

    Parameters
    ----------
    distribution
        The distribution whose version is told in the table.
    command
        What to start; one process that answers, one thread per run, no log of requests.
    calls
        A network and one row -> the request by protocol: 'json', 'binary' or 'grpc'.
    together
        False when one process serves one model: then it is started once for each.
    requirements
        File of the environment it needs; empty for this interpreter's own.
    """

    name: str
    what: str
    distribution: str
    command: Callable[[Place], Sequence[str]]
    calls: Callable[[Network, Array], dict[str, Call]]
    together: bool = True
    requirements: str = ""
    environment: dict[str, str] = field(default_factory=dict)
