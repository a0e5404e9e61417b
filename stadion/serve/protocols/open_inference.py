"""Calls of the Open Inference Protocol (/v2) in, predictions and metadata out.

References
----------
Open Inference Protocol, REST; Triton's binary tensor data and classification extensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import orjson

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Tensor
from stadion.core.version import __version__
from stadion.serve.plane import Plane
from stadion.serve.protocols._openapi_v2 import DESCRIBED
from stadion.serve.protocols._v2_reply import encode
from stadion.serve.protocols._v2_request import Asked, decode
from stadion.serve.protocols._versions import number_of, package_of
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

__all__ = ["PLUGIN", "OpenInference"]

_EXTENSIONS = (
    "binary_tensor_data",
    "classification",
    "logging",
    "model_configuration",
    "model_repository",
    "parameters",
    "schedule_policy",
    "statistics",
    "trace",
)
_MODEL = "/v2/models/{model}"
_VERSION = "/v2/models/{model}/versions/{version}"


class OpenInference:
    """The protocol that Triton, KServe and MLServer clients speak."""

    name = "open_inference"
    summary = "Open Inference Protocol v2 over HTTP, with binary tensors and classification"
    described = DESCRIBED

    def routes(self, services: Services) -> Sequence[Route]:
        """See `WireProtocol.routes`."""
        calls = _Calls(services.plane)
        return [
            Route("GET", "/v2", calls.server, Access.KEY),
            Route("GET", "/v2/health/live", calls.live, Access.OPEN),
            Route("GET", "/v2/health/ready", calls.ready, Access.OPEN),
            Route("GET", "/v2/models", calls.models, Access.CATALOGUE),
            *(
                route
                for path in (_MODEL, _VERSION)
                for route in (
                    Route("GET", path, calls.metadata, Access.PREDICT),
                    Route("GET", f"{path}/ready", calls.model_ready, Access.PREDICT),
                    Route("POST", f"{path}/infer", calls.infer, Access.PREDICT, is_express=True),
                )
            ),
        ]

    def failure(self, error: StadionError) -> Reply:
        """Exactly {"error": text}: the protocol's clients read nothing else."""
        text = f"{error.message}: {error.hint}" if error.hint else error.message
        return Reply(orjson.dumps({"error": text}), STATUS[error.code], headers=retry_after(error))


class _Calls:
    """One handler per route."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def server(self, _call: Call) -> Reply:
        return _json({"name": "stadion", "version": __version__, "extensions": _EXTENSIONS})

    def live(self, _call: Call) -> Reply:
        return _json({"live": True})

    def ready(self, _call: Call) -> Reply:
        if not self._plane.is_ready:
            raise StadionError(Code.NOT_READY, "the server is not ready")
        return _json({"ready": True, "live": True})

    def models(self, _call: Call) -> Reply:
        return _json({"models": self._plane.names()})

    def model_ready(self, call: Call) -> Reply:
        model = call.params["model"]
        self._plane.table.check(model, number_of(call))
        return _json({"name": model, "ready": True})

    def metadata(self, call: Call) -> Reply:
        model = call.params["model"]
        _, package = package_of(self._plane, model, number_of(call))
        deployed = self._plane.table.placements[model].packages
        return _json(
            {
                "name": model,
                "versions": [str(number) for number in sorted(deployed)],
                "platform": "onnxruntime_onnx",
                "inputs": [_tensor(tensor) for tensor in package.signature.inputs],
                "outputs": [_tensor(tensor) for tensor in package.signature.outputs],
            }
        )

    def infer(self, call: Call) -> Answer:
        model, version = call.params["model"], number_of(call)
        if len(call.body) > LARGE_BODY:
            return self._infer_large(call, model, version)
        asked = decode(self._plane, call, model, version)
        return after(self._plane.run(asked.lane, asked.request), partial(encode, asked))

    async def _infer_large(self, call: Call, model: str, version: int | None) -> Reply:
        asked: Asked = await self._plane.off_loop(lambda: decode(self._plane, call, model, version))
        return encode(asked, await self._plane.wait(asked.lane, asked.request))


def _tensor(tensor: Tensor) -> dict[str, object]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.wire_shape}


def _json(content: dict[str, object]) -> Reply:
    return Reply(orjson.dumps(content))


PLUGIN = OpenInference()
