"""Payloads of MLflow's scoring server in, predictions out.

References
----------
MLflow, Deploy MLflow Model as a Local Inference Server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

import orjson

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.core.request import Request
from stadion.core.version import __version__
from stadion.serve.plane import Plane
from stadion.serve.protocols._invocation import ForeignKind, parse_invocation
from stadion.serve.protocols._openapi_mlflow import DESCRIBED
from stadion.serve.protocols._predictions import row_reply
from stadion.serve.protocols.base import (
    LARGE_BODY,
    STATUS,
    Answer,
    Call,
    Reply,
    Route,
    Services,
    after,
    retry_after,
)
from stadion.serve.traffic import Lane

__all__ = ["PLUGIN", "MLflow"]

_HEADER = b"x-stadion-model"
_CODES = {
    Code.NOT_FOUND: "RESOURCE_DOES_NOT_EXIST",
    Code.INVALID: "BAD_REQUEST",
    Code.CONFLICT: "RESOURCE_CONFLICT",
    Code.NOT_READY: "TEMPORARILY_UNAVAILABLE",
    Code.OVERLOADED: "REQUEST_LIMIT_EXCEEDED",
    Code.TIMEOUT: "DEADLINE_EXCEEDED",
    Code.UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
    Code.UNSUPPORTED: "NOT_IMPLEMENTED",
    Code.FORBIDDEN: "PERMISSION_DENIED",
    Code.INTERNAL: "INTERNAL_ERROR",
}


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A decoded call."""

    lane: Lane
    request: Request


class MLflow:
    """What MLflow's clients send to a model server."""

    name = "mlflow"
    summary = "MLflow scoring: /invocations with tables, tensors or CSV, and its health checks"
    described = DESCRIBED

    def routes(self, services: Services) -> Sequence[Route]:
        """See `WireProtocol.routes`."""
        calls = _Calls(services.plane)
        return [
            Route("GET", "/ping", calls.health, Access.OPEN),
            Route("GET", "/health", calls.health, Access.OPEN),
            Route("GET", "/version", calls.version, Access.KEY),
            Route("POST", "/invocations", calls.invoke, Access.PREDICT, names=_named),
        ]

    def failure(self, error: StadionError) -> Reply:
        """{"error_code", "message"}, and never a stack trace."""
        text = f"{error.message}: {error.hint}" if error.hint else error.message
        status = 415 if isinstance(error, ForeignKind) else STATUS[error.code]
        content = {"error_code": _CODES[error.code], "message": text}
        return Reply(orjson.dumps(content), status, headers=retry_after(error))


class _Calls:
    """One handler per route."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def health(self, _call: Call) -> Reply:
        if not self._plane.is_ready:
            raise StadionError(Code.NOT_READY, "the server is not ready")
        return Reply(b"\n", kind=b"text/plain; charset=utf-8")

    def version(self, _call: Call) -> Reply:
        return Reply(__version__.encode(), kind=b"text/plain; charset=utf-8")

    def invoke(self, call: Call) -> Answer:
        if len(call.body) > LARGE_BODY:
            return self._invoke_large(call)
        asked = self._decode(call)
        return after(self._plane.run(asked.lane, asked.request), row_reply)

    async def _invoke_large(self, call: Call) -> Reply:
        asked = await self._plane.off_loop(lambda: self._decode(call))
        return row_reply(await self._plane.wait(asked.lane, asked.request))

    def _decode(self, call: Call) -> _Asked:
        invocation = parse_invocation(call)
        model, version = self._model_of(call)
        parameters = invocation.parameters
        lane = self._plane.lane(model, version, parameters)
        inputs = invocation.read(lane.loaded.inputs)
        return _Asked(lane, Request(model, inputs, version, parameters=parameters))

    def _model_of(self, call: Call) -> tuple[str, int | None]:
        """The model that the query or the header names, or else the only one there is."""
        number = _asked_in(call.query)[1]
        if named := _named(call.query, call.headers):
            return named, number
        models = self._plane.names()
        if len(models) != 1:
            raise _invalid(
                f"{len(models)} models are served and the call names none; "
                "expected ?model=NAME or the header X-Stadion-Model"
            )
        return models[0], number


def _named(query: str, headers: Mapping[bytes, bytes]) -> str:
    """The model in the query, or else in the header; empty where neither names one."""
    return _asked_in(query)[0] or headers.get(_HEADER, b"").decode("latin-1")


@lru_cache(maxsize=256)
def _asked_in(query: str) -> tuple[str, int | None]:
    """Model and version of a query."""
    try:
        fields = dict(parse_qsl(query, max_num_fields=16))
    except ValueError:
        raise _invalid("the query has more than 16 fields") from None
    version = fields.get("version")
    if version is None:
        return fields.get("model", ""), None
    if not (version.isascii() and version.isdecimal() and len(version) < 10):
        raise _invalid(f"version is {version[:80]!r}; expected a whole number from 1")
    return fields.get("model", ""), int(version)


def _invalid(text: str) -> StadionError:
    return StadionError(Code.INVALID, text)


PLUGIN = MLflow()
