"""GET /openapi.json in, the description of everything this server answers out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import orjson

from stadion.core.access import Access
from stadion.core.errors import StadionError
from stadion.serve.described import Described, Operation, record, ref
from stadion.serve.openapi import document
from stadion.serve.protocols.base import STATUS, Call, Reply, Route, Services, retry_after

__all__ = ["PLUGIN", "Discovery"]


class Discovery:
    """The data plane describes itself, plug-ins of others included."""

    name = "discovery"
    summary = "GET /openapi.json: every route of this server in OpenAPI 3.1"
    described = Described(
        ref("HttpError"),
        {
            "GET /openapi.json": Operation(
                "This document",
                record(
                    {
                        "openapi": {"type": "string"},
                        "info": {"type": "object"},
                        "paths": {"type": "object"},
                    }
                ),
            )
        },
    )

    def routes(self, services: Services) -> Sequence[Route]:
        """See `WireProtocol.routes`."""
        return [Route("GET", "/openapi.json", _Calls(services).describe, Access.KEY)]

    def failure(self, error: StadionError) -> Reply:
        """As HTTP itself refuses."""
        return Reply(
            orjson.dumps({"error": error.message}), STATUS[error.code], headers=retry_after(error)
        )


class _Calls:
    """One handler per route."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self, _call: Call) -> Reply:
        return Reply(self._text)

    @cached_property
    def _text(self) -> bytes:
        """Made once, when it is first asked for: plug-ins do not change while a worker runs."""
        services = self._services
        mounted = [(protocol, protocol.routes(services)) for protocol in services.protocols]
        return orjson.dumps(document(mounted))


PLUGIN = Discovery()
