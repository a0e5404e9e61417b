"""The contract of a protocol, executable: each function takes one and raises if it is broken."""

from __future__ import annotations

import asyncio

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.names import checked_name
from stadion.core.package import ModelPackage
from stadion.serve.http.router import Router
from stadion.serve.plane import Plane
from stadion.serve.pool import Overloaded, Pool
from stadion.serve.protocols.base import Call, Reply, Route, Services, WireProtocol
from stadion.serve.repository import Repository

__all__ = [
    "check_every_code_has_a_status",
    "check_every_route_says_what_it_asks_of_its_caller",
    "check_it_says_what_it_is",
    "check_overload_says_when_to_come_back",
    "check_routes_are_paths_of_their_own",
    "check_unknown_models_are_told_as_such",
    "routes_of",
]


def _services() -> Services:
    """An empty plane, as a worker without models has it."""
    loop = asyncio.new_event_loop()
    plane = Plane(loop, Pool(loop, threads=0), Pool(loop, threads=0), run_s=1.0)
    loop.close()
    repository = Repository(plane.table, lambda _wish: None, 1.0)
    return Services(plane, _no_recordings, repository=repository)


def _no_recordings(_package: ModelPackage, _data: bytes, _name: str) -> dict[str, Array]:
    raise StadionError(Code.UNSUPPORTED, "no recordings here")


def routes_of(protocol: WireProtocol) -> list[Route]:
    """What a protocol answers, over an empty plane."""
    return list(protocol.routes(_services()))


def check_it_says_what_it_is(protocol: WireProtocol) -> None:
    """Name and summary are there."""
    checked_name(protocol.name, "protocol name")
    assert protocol.summary, "the protocol has no summary"


def check_routes_are_paths_of_their_own(protocol: WireProtocol) -> None:
    """Paths are absolute, methods are HTTP's, no two routes are the same."""
    routes = routes_of(protocol)
    assert routes, "the protocol answers nothing"
    for route in routes:
        assert route.path.startswith("/"), route
        assert route.method in {"GET", "POST", "PUT", "DELETE", "PATCH"}, route
    Router([(protocol, routes)])


def check_every_route_says_what_it_asks_of_its_caller(protocol: WireProtocol) -> None:
    """No route forgets its access: where keys are needed, it would be open to nobody."""
    for route in routes_of(protocol):
        assert route.access is not None, route


def check_every_code_has_a_status(protocol: WireProtocol) -> None:
    """Each code becomes an HTTP error that holds the message."""
    for code in Code:
        reply = protocol.failure(StadionError(code, f"because of {code}"))
        assert 400 <= reply.status < 600, (code, reply.status)
        assert f"because of {code}".encode() in reply.body, (code, reply.body)


def check_overload_says_when_to_come_back(protocol: WireProtocol) -> None:
    """OVERLOADED is 429 with Retry-After in whole seconds."""
    reply = protocol.failure(Overloaded("too much", 7))
    assert reply.status == 429, reply.status
    assert b"Retry-After: 7\r\n" in reply.headers, reply.headers


def check_unknown_models_are_told_as_such(protocol: WireProtocol) -> None:
    """A GET that names a model which is not there raises NOT_FOUND."""
    for route in routes_of(protocol):
        if route.method != "GET" or "{model}" not in route.path:
            continue
        call = Call({"model": "nobody", "version": "1"}, "", {}, b"")
        try:
            reply = route.handle(call)
        except StadionError as error:
            assert error.code is Code.NOT_FOUND, (route, error)
        else:
            assert isinstance(reply, Reply), (route, reply)
            assert reply.status == 404, (route, reply)
