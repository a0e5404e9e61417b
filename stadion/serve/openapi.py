"""The routes of all protocols in, the OpenAPI 3.1 document of the data plane out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.core.version import __version__
from stadion.serve.described import JSON_KIND, Described, Operation, Schema, record
from stadion.serve.protocols.base import Route, WireProtocol

__all__ = ["ALWAYS", "FAILURES", "described_of", "document"]

FAILURES: dict[int, str] = {
    400: "The request is not as the protocol has it; the error names what, and what would be right",
    401: "No API key, or one that is not valid here",
    403: "The API key may not do this",
    404: "There is no such path, model or version",
    408: "The request was not complete in time; the connection ends",
    409: "The model is being changed by somebody else",
    413: "The body is larger than the limit, before or after it is inflated",
    414: "The URL is longer than the limit",
    415: "The content type or content encoding is not one of those that are read here",
    417: "Expect asks for something else than 100-continue",
    429: "Too much is asked at once; Retry-After says in seconds when to come back",
    431: "The head is larger than the limit",
    501: "The model or this server does not do that",
    503: "Not ready, or too many connections; the same call may succeed later",
    504: "The deadline passed before the answer was there; the run was ended",
}
"""What each failing status means."""

ALWAYS = (400, 408, 414, 429, 431, 503)
"""Statuses that any call may get, whatever it asks."""
_WITH_BODY = (413, 415, 417)
_WITH_KEY = (401, 403)
_ASKS_MODEL = (404,)

_HTTP_ERROR = "HttpError"
_PARTS = {
    "model": ("The name of a model", "pace"),
    "version": ("The number of a version", "1"),
    "label": ("A label or alias of a version", "stable"),
}
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key"},
}
_ABOUT = (
    "Predictions and whatever is asked about models, in every protocol that this server speaks. "
    "Every GET answers HEAD as well. A path that knows another method answers 405 with Allow. "
    "Bodies may be compressed: Content-Encoding gzip or deflate. A model that fails of itself "
    "answers 500 in the same form as any other error. API keys are needed on addresses that "
    "other machines reach."
)


def document(mounted: Iterable[tuple[WireProtocol, Sequence[Route]]]) -> dict[str, Any]:
    """All routes with their bodies, answers and failures.

    Raises
    ------
    StadionError
        CONFLICT when two protocols name different schemas alike.
    """
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Schema] = {_HTTP_ERROR: record({"error": {"type": "string"}})}
    tags = []
    for protocol, routes in mounted:
        described = described_of(protocol)
        tags.append({"name": protocol.name, "description": protocol.summary})
        _add_schemas(schemas, described.schemas)
        for route in routes:
            operation = described.operations.get(f"{route.method} {route.path}", _UNTOLD)
            methods = paths.setdefault(route.path, {})
            methods[route.method.lower()] = _operation(protocol, described, route, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Stadion", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": schemas, "securitySchemes": _KEYS},
    }


def described_of(protocol: WireProtocol) -> Described:
    """What a plug-in says of itself; next to nothing where it does not."""
    found = getattr(protocol, "described", None)
    return found if isinstance(found, Described) else _UNDESCRIBED


def _add_schemas(schemas: dict[str, Schema], more: Mapping[str, Schema]) -> None:
    for name, schema in more.items():
        if schemas.setdefault(name, schema) != schema:
            raise StadionError(Code.CONFLICT, f"two protocols have a schema of the name {name!r}")


def _operation(
    protocol: WireProtocol, described: Described, route: Route, operation: Operation
) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", route.path)
    content: dict[str, Any] = {
        "tags": [protocol.name],
        "operationId": _identifier(route),
        "summary": operation.summary,
        "parameters": [*map(_part, names), *operation.parameters],
        "responses": _responses(described, route, operation, bool(names)),
        "security": [] if route.access is Access.OPEN else [{}, {"bearer": []}, {"key": []}],
    }
    if operation.body:
        content["requestBody"] = {
            "required": operation.needs_body,
            "content": {kind: _media(schema, operation) for kind, schema in operation.body.items()},
        }
    return content


def _media(schema: Schema, operation: Operation) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": schema}
    if operation.example is not None and operation.body.get(JSON_KIND) is schema:
        media["example"] = operation.example
    return media


def _part(name: str) -> dict[str, Any]:
    about, example = _PARTS.get(name, (name, name))
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": about,
        "schema": {"type": "string", "minLength": 1},
        "example": example,
    }


def _responses(
    described: Described, route: Route, operation: Operation, asks_model: bool
) -> dict[str, Any]:
    kinds = {kind: {"schema": schema} for kind, schema in operation.answers.items()}
    if operation.answer is not None:
        kinds = {JSON_KIND: {"schema": operation.answer}, **kinds}
    good: dict[str, Any] = {"description": operation.summary, "content": kinds}
    if operation.answer_headers:
        good["headers"] = dict(operation.answer_headers)
    found = {"200": good} if kinds else {}
    statuses = {*ALWAYS, *operation.fails}
    statuses |= {*(_WITH_BODY if route.method == "POST" else ())}
    statuses |= {*(() if route.access is Access.OPEN else _WITH_KEY)}
    statuses |= {*(_ASKS_MODEL if asks_model else ())}
    return found | {str(n): _failure(n, described.error) for n in sorted(statuses)}


def _failure(status: int, error: Schema) -> dict[str, Any]:
    own = {"$ref": f"#/components/schemas/{_HTTP_ERROR}"}
    schema = {"anyOf": [error, own]}  # HTTP itself refuses in one form, whatever the protocol
    found: dict[str, Any] = {
        "description": FAILURES[status],
        "content": {JSON_KIND: {"schema": schema}},
    }
    if status in (429, 503):
        seconds = {"type": "integer", "minimum": 0}
        found["headers"] = {"Retry-After": {"schema": seconds, "description": "Seconds to wait"}}
    return found


def _identifier(route: Route) -> str:
    """'POST /v1/models/{model}:predict' -> 'post_v1_models_model_predict'."""
    parts = re.findall(r"\w+", route.path.replace(".", "_")) or ["root"]
    return "_".join((route.method.lower(), *parts))


_UNTOLD = Operation("Not described by its plug-in", {}, {"*/*": {}}, needs_body=False)
_UNDESCRIBED = Described({}, {})
