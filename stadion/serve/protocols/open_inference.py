"""Calls of the Open Inference Protocol (/v2) in, predictions and metadata out.

References
----------
Open Inference Protocol, REST; Triton's binary tensor data and classification extensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import orjson

from stadion.core.errors import Code, StadionError
from stadion.core.signature import Tensor
from stadion.core.version import __version__
from stadion.serve.plane import Plane
from stadion.serve.pool import Overloaded
from stadion.serve.protocols._v2_reply import encode
from stadion.serve.protocols._v2_request import Asked, decode
from stadion.serve.protocols.base import (
    LARGE_BODY,
    STATUS,
    Answer,
    Call,
    Reply,
    Route,
    Services,
    after,
)

__all__ = ["PLUGIN", "OpenInference"]

_MODEL = "/v2/models/{model}"
_VERSION = "/v2/models/{model}/versions/{version}"


class OpenInference:
    """The protocol that Triton, KServe and MLServer clients speak."""

    name = "open_inference"
    summary = "Open Inference Protocol v2 over HTTP, with binary tensors and classification"

    def routes(self, services: Services) -> Sequence[Route]:
        """See `WireProtocol.routes`."""
        calls = _Calls(services.plane)
        return [
            Route("GET", "/v2", calls.server),
            Route("GET", "/v2/health/live", calls.live),
            Route("GET", "/v2/health/ready", calls.ready),
            Route("GET", "/v2/models", calls.models),
            *(
                route
                for path in (_MODEL, _VERSION)
                for route in (
                    Route("GET", path, calls.metadata),
                    Route("GET", f"{path}/ready", calls.model_ready),
                    Route("POST", f"{path}/infer", calls.infer),
                )
            ),
        ]

    def failure(self, error: StadionError) -> Reply:
        """Exactly {"error": text}: the protocol's clients read nothing else."""
        text = f"{error.message}: {error.hint}" if error.hint else error.message
        headers = b""
        if isinstance(error, Overloaded):
            headers = b"Retry-After: %d\r\n" % error.retry_after_s
        return Reply(orjson.dumps({"error": text}), STATUS[error.code], headers=headers)


class _Calls:
    """One handler per route."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def server(self, _call: Call) -> Reply:
        extensions = ["binary_tensor_data", "classification"]
        return _json({"name": "stadion", "version": __version__, "extensions": extensions})

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
        self._plane.lane(model, _version(call), {})
        return _json({"name": model, "ready": True})

    def metadata(self, call: Call) -> Reply:
        model = call.params["model"]
        served = self._plane.table.get(model)
        version = _version(call)
        loaded = served.lane(served.deployment.primary if version is None else version, {}).loaded
        return _json(
            {
                "name": model,
                "versions": [str(number) for number in sorted(served.versions)],
                "platform": "onnxruntime_onnx",
                "inputs": [_tensor(tensor) for tensor in loaded.signature.inputs],
                "outputs": [_tensor(tensor) for tensor in loaded.signature.outputs],
            }
        )

    def infer(self, call: Call) -> Answer:
        model, version = call.params["model"], _version(call)
        if len(call.body) > LARGE_BODY:
            return self._infer_large(call, model, version)
        asked = decode(self._plane, call, model, version)
        return after(self._plane.run(asked.lane, asked.request), partial(encode, asked))

    async def _infer_large(self, call: Call, model: str, version: int | None) -> Reply:
        asked: Asked = await self._plane.off_loop(lambda: decode(self._plane, call, model, version))
        return encode(asked, await self._plane.wait(asked.lane, asked.request))


def _version(call: Call) -> int | None:
    """The version in the path; a text that is no number is the name of no version here."""
    text = call.params.get("version")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise StadionError(
            Code.NOT_FOUND,
            f"there is no version {text[:80]!r} of model {call.params['model'][:80]!r}",
        )
    return int(text)


def _tensor(tensor: Tensor) -> dict[str, object]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.wire_shape}


def _json(content: dict[str, object]) -> Reply:
    return Reply(orjson.dumps(content))


PLUGIN = OpenInference()
