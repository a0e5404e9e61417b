"""A worker's plane in, its gRPC port out: opened, drained."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from stadion.core.access import Access
from stadion.serve.config import Limits
from stadion.serve.finished import Finished
from stadion.serve.gate import Gate
from stadion.serve.grpc.catalogue import Catalogue
from stadion.serve.grpc.health import Health
from stadion.serve.grpc.infer import Infer
from stadion.serve.grpc.operations import Operations
from stadion.serve.grpc.port import Port
from stadion.serve.grpc.reporter import Reporter
from stadion.serve.grpc.service import Method, Service
from stadion.serve.grpc.stream import Streams
from stadion.serve.plane import Plane
from stadion.serve.repository import Repository

__all__ = ["open_grpc"]

_PATH = "/inference.GRPCInferenceService/"


def open_grpc(
    loop: asyncio.AbstractEventLoop,
    plane: Plane,
    repository: Repository,
    gate: Gate,
    sinks: Sequence[Callable[[Finished], None]],
    limits: Limits,
    host: str,
    port: int,
) -> Port:
    """Answer gRPC calls on that address, which other workers may share.

    Parameters
    ----------
    sinks
        Told of every message that was answered; each must return at once.

    Raises
    ------
    StadionError
        CONFLICT when the port cannot be bound.
    """
    infer, reporter = Infer(plane, limits.run_s), Reporter(plane.book, sinks)
    methods = {
        **Catalogue(plane).methods(),
        **Operations(plane, repository).methods(),
        "ModelInfer": Method(Access.KEY, infer.ask),
        "ModelStreamInfer": Method(Access.KEY, stream=Streams(loop, infer, reporter).begin),
    }
    paths = {f"{_PATH}{name}": method for name, method in methods.items()}
    service = Service(loop, {**paths, **Health(loop, plane).methods()}, gate, reporter)
    opened = Port(loop, limits, service.begin)
    opened.listen(host, port)
    return opened
