"""What a wire protocol is: HTTP calls in, replies out, over one plane."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.core.request import Prediction
from stadion.serve.plane import Plane

__all__ = [
    "JSON",
    "LARGE_BODY",
    "STATUS",
    "Answer",
    "Call",
    "FileReader",
    "Reply",
    "Route",
    "Services",
    "WireProtocol",
    "after",
]

JSON = b"application/json"
LARGE_BODY = 256 << 10
"""Bodies above this are decoded on the pool's thread, so that other calls go on meanwhile."""

STATUS: dict[Code, int] = {
    Code.NOT_FOUND: 404,
    Code.INVALID: 400,
    Code.CONFLICT: 409,
    Code.NOT_READY: 503,
    Code.OVERLOADED: 429,
    Code.TIMEOUT: 504,
    Code.UNAVAILABLE: 503,
    Code.UNSUPPORTED: 501,
    Code.FORBIDDEN: 403,
    Code.INTERNAL: 500,
}


@dataclass(slots=True)
class Call:
    """One complete HTTP request.

    `params` are the path's named parts, decoded; header names are in lower case.
    """

    params: dict[str, str]
    query: str
    headers: dict[bytes, bytes]
    body: bytes


@dataclass(slots=True)
class Reply:
    """One HTTP response; the length is added on the way out."""

    body: bytes
    status: int = 200
    kind: bytes = JSON
    headers: bytes = b""
    """More header lines, each ending with CR LF."""


Answer = Reply | Awaitable[Reply]
FileReader = Callable[[ModelPackage, bytes, str], dict[str, Array]]


@dataclass(frozen=True, slots=True)
class Services:
    """What a protocol works with."""

    plane: Plane
    read_file: FileReader


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path such as '/predict/{model}'. GET routes answer HEAD as well."""

    method: str
    path: str
    handle: Callable[[Call], Answer] = field(compare=False)


class WireProtocol(Protocol):
    """A plug-in of this room."""

    name: str
    summary: str

    def routes(self, services: Services) -> Sequence[Route]:
        """Everything the protocol answers. Handlers raise StadionError and nothing else."""
        ...

    def failure(self, error: StadionError) -> Reply:
        """An error as the protocol writes it; every code of `Code` has a status."""
        ...


def after(
    answer: Prediction | Awaitable[Prediction], then: Callable[[Prediction], Reply]
) -> Answer:
    """`then` of a prediction that is there or will be; what is there is answered at once."""
    if isinstance(answer, Prediction):
        return then(answer)
    return _later(answer, then)


async def _later(answer: Awaitable[Prediction], then: Callable[[Prediction], Reply]) -> Reply:
    return then(await answer)
