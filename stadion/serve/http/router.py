"""A method and a URL in, the handler for it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.serve.http.reply import refusal
from stadion.serve.pool import Overloaded
from stadion.serve.protocols.base import STATUS, Answer, Call, Reply, Route, WireProtocol

__all__ = ["Found", "Router"]

_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Found:
    """Who answers a URL: its handler, how it writes errors, the path's parts and the query.

    `path` is without the query, and empty where nobody answers.
    """

    handle: Callable[[Call], Answer]
    failure: Callable[[StadionError], Reply]
    params: dict[str, str]
    query: str
    access: Access | None = None
    path: str = ""
    is_express: bool = False
    names: Callable[[str, Mapping[bytes, bytes]], str] | None = None

    def model(self, headers: Mapping[bytes, bytes]) -> str:
        """Which model a call with these headers is about; empty where it does not say.

        Raises
        ------
        StadionError
            INVALID when the query cannot be read.
        """
        return self.names(self.query, headers) if self.names else self.params.get("model", "")


class Router:
    """The routes of all protocols. What was found for a URL is remembered.

    Paths match segment by segment. '{model}' stands for a segment without a colon,
    '{model}:predict' for one that ends so; where several paths match, the one that says more
    decides.

    Raises
    ------
    StadionError
        CONFLICT when two protocols claim the same method and path.
    """

    def __init__(self, mounted: Sequence[tuple[WireProtocol, Sequence[Route]]]) -> None:
        known: dict[tuple[str, ...], dict[str, tuple[WireProtocol, Route]]] = {}
        for protocol, routes in mounted:
            for route in routes:
                methods = known.setdefault(tuple(route.path.split("/")[1:]), {})
                if route.method in methods:
                    raise StadionError(
                        Code.CONFLICT, f"two protocols answer {route.method} {route.path}"
                    )
                methods[route.method] = (protocol, route)
        self._routes = dict(sorted(known.items(), key=lambda item: _vagueness(item[0])))
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
                return Found(
                    route.handle, protocol.failure, params, query, route.access, path,
                    route.is_express, route.names,
                )  # fmt: skip
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
            name, _, end = want[1:].partition("}")
            value = got.removesuffix(end) if got.endswith(end) else ""
            if not value or ":" in value:
                return None
            params[name] = value
        elif want != got:
            return None
    return params


def _vagueness(pattern: tuple[str, ...]) -> tuple[bool, ...]:
    """Sorts a path whose words are given before one that leaves them open."""
    return tuple(segment.startswith("{") for segment in pattern)


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

    def failure(error: StadionError) -> Reply:
        wait_s = error.retry_after_s if isinstance(error, Overloaded) else 0
        headers = b"Retry-After: %d\r\n" % wait_s if wait_s else b""
        return refusal(STATUS[error.code], error.message, headers)

    return Found(handle, failure, {}, "", Access.KEY)
