"""What Triton adds to the Open Inference Protocol, beside inference: operators' calls in and out.

References
----------
Triton Inference Server, docs/protocol: extension_model_repository, extension_model_configuration,
extension_statistics, extension_logging, extension_trace.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any

import msgspec
import orjson

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.serve.fixed_settings import check_unchanged, log_settings, trace_settings
from stadion.serve.plane import Plane
from stadion.serve.protocols._model_config import model_config
from stadion.serve.protocols._openapi_triton import DESCRIBED, SHARED_MEMORY
from stadion.serve.protocols._versions import number_of, package_of
from stadion.serve.protocols.base import Call, Reply, Route, Services
from stadion.serve.protocols.open_inference import PLUGIN as OPEN_INFERENCE
from stadion.serve.repository import Repository
from stadion.serve.statistics import all_statistics

__all__ = ["PLUGIN", "Triton"]

_MODEL = "/v2/models/{model}"
_PLACES = (_MODEL, f"{_MODEL}/versions/{{version}}")
_LOAD = "/v2/repository/models/{model}"


class Index(msgspec.Struct):
    """What of the repository is asked for."""

    ready: bool = False


class Change(msgspec.Struct):
    """How a model is to be loaded or unloaded."""

    parameters: dict[str, msgspec.Raw] | None = None  # only their names are looked at


class Triton:
    """Repository, configuration, statistics and settings."""

    name = "triton"
    summary = "Triton's extensions: repository, model configuration, statistics, log and trace"
    described = DESCRIBED

    def routes(self, services: Services) -> Sequence[Route]:
        """See `WireProtocol.routes`."""
        calls = _Calls(services.plane, services.repository)
        return [
            Route("POST", "/v2/repository/index", calls.index, Access.CATALOGUE),
            Route("POST", f"{_LOAD}/load", calls.load, Access.CONTROL),
            Route("POST", f"{_LOAD}/unload", calls.unload, Access.CONTROL),
            Route("GET", "/v2/models/stats", calls.all_stats, Access.CATALOGUE),
            *(
                route
                for path in _PLACES
                for route in (
                    Route("GET", f"{path}/config", calls.config, Access.PREDICT),
                    Route("GET", f"{path}/stats", calls.stats, Access.PREDICT),
                )
            ),
            *(
                Route(method, path, handle, Access.CONTROL)
                for method in ("GET", "POST")
                for path, handle in (
                    ("/v2/logging", calls.logging),
                    ("/v2/trace/setting", calls.tracing),
                    (f"{_MODEL}/trace/setting", calls.tracing),
                )
            ),
            *(Route(method, path, _no_shared_memory, Access.KEY) for method, path in SHARED_MEMORY),
        ]

    def failure(self, error: StadionError) -> Reply:
        """As the protocol that this extends."""
        return OPEN_INFERENCE.failure(error)


class _Calls:
    """One handler per route."""

    def __init__(self, plane: Plane, repository: Repository) -> None:
        self._plane = plane
        self._repository = repository

    def index(self, call: Call) -> Reply:
        return _json(self._repository.index(_read(call, _INDEX).ready))

    async def load(self, call: Call) -> Reply:
        given = _read(call, _CHANGE).parameters
        if given:
            raise StadionError(
                Code.UNSUPPORTED,
                f"load takes no parameters here; received {[n[:80] for n in given][:4]}",
                "deploy a version to change a model or its configuration",
            )
        await self._repository.load(call.params["model"])
        return _json({})

    async def unload(self, call: Call) -> Reply:
        given = _read(call, _CHANGE).parameters or {}
        if set(given) - {"unload_dependents"}:  # no model here has dependents
            raise StadionError(
                Code.UNSUPPORTED,
                f"unload takes no parameter but unload_dependents; "
                f"received {[n[:80] for n in given][:4]}",
            )
        await self._repository.unload(call.params["model"])
        return _json({})

    def config(self, call: Call) -> Reply:
        model = call.params["model"]
        number, _ = package_of(self._plane, model, number_of(call))
        return _json(model_config(self._plane.table.placements[model], number))

    def all_stats(self, _call: Call) -> Awaitable[Reply]:
        return self._stats(None, None)

    def stats(self, call: Call) -> Awaitable[Reply]:
        model, version = call.params["model"], number_of(call)
        self._plane.table.check(model, version)
        return self._stats(model, version)

    async def _stats(self, model: str | None, version: int | None) -> Reply:
        return _json({"model_stats": await all_statistics(self._plane, model, version)})

    def logging(self, call: Call) -> Reply:
        known = log_settings()
        check_unchanged("log", _read(call, _SETTINGS), known)
        return _json(known)

    def tracing(self, call: Call) -> Reply:
        if "model" in call.params:
            self._plane.table.check(call.params["model"])
        known = trace_settings()
        check_unchanged("trace", _read(call, _SETTINGS), known)
        return _json(known)


def _no_shared_memory(_call: Call) -> Reply:
    raise StadionError(
        Code.UNSUPPORTED, "this server shares no memory", "send tensors in the body, as binary data"
    )


def _read(call: Call, decoder: msgspec.json.Decoder[Any]) -> Any:
    """The JSON of a body; an empty one is {}, as Triton's own clients send it."""
    try:
        return decoder.decode(call.body.strip() or b"{}")
    except msgspec.ValidationError as error:
        raise StadionError(Code.INVALID, f"the request is not as expected: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StadionError(Code.INVALID, f"the body is not JSON: {error}") from None


def _json(content: Any) -> Reply:
    return Reply(orjson.dumps(content))


_INDEX = msgspec.json.Decoder(Index)
_CHANGE = msgspec.json.Decoder(Change)
_SETTINGS = msgspec.json.Decoder(dict[str, str | bool | int | list[str] | None])
PLUGIN = Triton()
