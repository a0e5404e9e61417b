"""A method and a URL in, the handler for it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from stadion.core.errors import Code, StadionError
from stadion.serve.http.reply import refusal
from stadion.serve.protocols.base import Answer, Call, Reply, Route, WireProtocol

__all__ = ["Found", "Router"]

_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Found:
    """Who answers a URL: its handler, how it writes errors, the path's parts and the query."""

    handle: Callable[[Call], Answer]
    failure: Callable[[StadionError], Reply]
    params: dict[str, str]
    query: str


class Router:
    """The routes of all protocols. What was found for a URL is remembered.

    Raises
    ------
    StadionError
        CONFLICT when two protocols claim the same method and path.
    """

    def __init__(self, mounted: Sequence[tuple[WireProtocol, Sequence[Route]]]) -> None:
        self._routes: dict[tuple[str, ...], dict[str, tuple[WireProtocol, Route]]] = {}
        for protocol, routes in mounted:
            for route in routes:
                methods = self._routes.setdefault(tuple(route.path.split("/")[1:]), {})
                if route.method in methods:
                    raise StadionError(
                        Code.CONFLICT, f"two protocols answer {route.method} {route.path}"
                    )
                methods[route.method] = (protocol, route)
        self._found: dict[tuple[bytes, bytes], Found] = {}

    def find(self, method: bytes, url: bytes) -> Found:
        """The handler; for an unknown path or a wrong method, one that says so."""
        found = self._found.get((method, url))
        if found is None:
            found = self._search(method.decode("latin-1"), url.decode("latin-1"))
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[method, url] = found
        return found

    def _search(self, method: str, url: str) -> Found:
        path, query = _split(url)
        segments = tuple(unquote(segment) for segment in path.split("/")[1:])
        allowed: dict[str, None] = {}
        for pattern, methods in self._routes.items():
            params = _match(pattern, segments)
            if params is None:
                continue
            protocol, route = methods.get("GET" if method == "HEAD" else method, (None, None))
            if protocol is not None and route is not None:
                return Found(route.handle, protocol.failure, params, query)
            allowed |= dict.fromkeys(methods)
        return _refused(405, method, tuple(allowed)) if allowed else _refused(404, method, ())


def _split(url: str) -> tuple[str, str]:
    """Path and query; a proxy's absolute form is accepted."""
    if not url.startswith("/"):
        try:
            parts = urlsplit(url)
        except ValueError:
            return "", ""
        return parts.path or "/", parts.query
    path, _, query = url.partition("?")
    return path, query


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    params = {}
    for want, got in zip(pattern, segments, strict=True):
        if want.startswith("{"):
            if not got:
                return None
            params[want[1:-1]] = got
        elif want != got:
            return None
    return params


def _refused(status: int, method: str, allowed: tuple[str, ...]) -> Found:
    if status == 404:
        reply = refusal(404, "there is no such path")
    else:
        names = ", ".join(sorted({*allowed, *(("HEAD",) if "GET" in allowed else ())}))
        reply = refusal(
            405, f"method is {method}; expected {names}", b"Allow: %b\r\n" % names.encode()
        )

    def handle(_call: Call) -> Reply:
        return reply

    def failure(_error: StadionError) -> Reply:
        return refusal(500, "internal error")

    return Found(handle, failure, {}, "")
