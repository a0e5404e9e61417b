"""What a wire protocol is: HTTP calls in, replies out, over one plane."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from stadion.core.access import Access
from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.core.request import Prediction
from stadion.serve.plane import Plane
from stadion.serve.pool import Overloaded
from stadion.serve.repository import Repository
from stadion.serve.ticket import Ticket

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
    "retry_after",
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


class Call(msgspec.Struct, gc=False):
    """One complete HTTP request.

    `params` are the path's named parts, decoded; header names are in lower case.
    """

    params: dict[str, str]
    query: str
    headers: dict[bytes, bytes]
    body: bytes


class Reply(msgspec.Struct, gc=False):
    """One HTTP response; the length is added on the way out."""

    body: bytes
    status: int = 200
    kind: bytes = JSON
    headers: bytes = b""
    """More header lines, each ending with CR LF."""


Answer = Reply | Ticket | Awaitable[Reply | Ticket]
"""A reply, or a ticket that knows how its answer is written, or either that is to come."""
FileReader = Callable[[ModelPackage, bytes, str], dict[str, Array]]


@dataclass(frozen=True, slots=True)
class Services:
    """What a protocol works with; `protocols` are all that are mounted beside it."""

    plane: Plane
    read_file: FileReader
    protocols: Sequence[WireProtocol] = ()
    repository: Repository = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path such as '/predict/{model}'. GET routes answer HEAD as well.

    `access` is what it asks of its caller; where keys are needed, a route that declares nothing
    is open to nobody. `is_express` is for calls that `Express` understands. `names` tells from
    query and headers which model a call is about, where the path does not.
    """

    method: str
    path: str
    handle: Callable[[Call], Answer] = field(compare=False)
    access: Access | None = None
    is_express: bool = False
    names: Callable[[str, Mapping[bytes, bytes]], str] | None = None


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


def after(ticket: Ticket, then: Callable[[Prediction], Reply]) -> Ticket:
    """Have the answer of a ticket written by `then`."""
    ticket.encode = then
    return ticket


def retry_after(error: StadionError) -> bytes:
    """The header line that tells when to come back, where an error knows it."""
    return b"Retry-After: %d\r\n" % error.retry_after_s if isinstance(error, Overloaded) else b""
