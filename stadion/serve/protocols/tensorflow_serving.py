"""Calls of TensorFlow Serving's REST interface (/v1) in, predictions, status and metadata out.

References
----------
TensorFlow Serving, RESTful API: Predict, Model status and Model metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import orjson

from stadion.core.access import Access
from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.request import Prediction, Request
from stadion.core.signature import Tensor
from stadion.serve.nesting import check_nesting
from stadion.serve.protocols._instances import parse_json, read_columns, read_rows
from stadion.serve.protocols._openapi_v1 import TENSORFLOW_SERVING
from stadion.serve.protocols._predictions import column_reply, row_reply
from stadion.serve.protocols._versions import package_of, version_of
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
from stadion.serve.values import Parameter

__all__ = ["PLUGIN", "TensorFlowServing"]

_MODEL = "/v1/models/{model}"
_PLACES = (_MODEL, f"{_MODEL}/versions/{{version}}", f"{_MODEL}/labels/{{label}}")
_SIGNATURE = "serving_default"
_TYPES = {
    "BOOL": "DT_BOOL",
    "UINT8": "DT_UINT8",
    "UINT16": "DT_UINT16",
    "UINT32": "DT_UINT32",
    "UINT64": "DT_UINT64",
    "INT8": "DT_INT8",
    "INT16": "DT_INT16",
    "INT32": "DT_INT32",
    "INT64": "DT_INT64",
    "FP16": "DT_HALF",
    "BF16": "DT_BFLOAT16",
    "FP32": "DT_FLOAT",
    "FP64": "DT_DOUBLE",
    "BYTES": "DT_STRING",
}


class Body(msgspec.Struct, gc=False):
    """A call to predict; `parameters` are this server's own: segment, priority, timeout."""

    instances: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    inputs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    signature_name: str | None = None
    parameters: dict[str, Parameter] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A decoded call, and how its answer is written."""

    lane: Lane
    request: Request
    encode: Callable[[Prediction], Reply]


class TensorFlowServing:
    """The protocol that TensorFlow Serving's and KServe's v1 clients speak."""

    name = "tensorflow_serving"
    summary = "TensorFlow Serving REST and KServe v1: predict in rows or columns, status, metadata"
    described = TENSORFLOW_SERVING

    def routes(self, services: Services) -> Sequence[Route]:
        """See `WireProtocol.routes`."""
        calls = _Calls(services)
        return [
            route
            for path in _PLACES
            for route in (
                Route("GET", path, calls.status, Access.PREDICT),
                Route("GET", f"{path}/metadata", calls.metadata, Access.PREDICT),
                Route("POST", f"{path}:predict", calls.predict, Access.PREDICT),
                Route("POST", f"{path}:classify", calls.examples, Access.PREDICT),
                Route("POST", f"{path}:regress", calls.examples, Access.PREDICT),
            )
        ]

    def failure(self, error: StadionError) -> Reply:
        """{"error": text}, as both protocols have it."""
        text = f"{error.message}: {error.hint}" if error.hint else error.message
        return Reply(orjson.dumps({"error": text}), STATUS[error.code], headers=retry_after(error))


class _Calls:
    """One handler per route."""

    def __init__(self, services: Services) -> None:
        self._plane = services.plane

    def predict(self, call: Call) -> Answer:
        if len(call.body) > LARGE_BODY:
            return self._predict_large(call)
        asked = self._decode(call)
        return after(self._plane.run(asked.lane, asked.request), asked.encode)

    async def _predict_large(self, call: Call) -> Reply:
        asked = await self._plane.off_loop(lambda: self._decode(call))
        return asked.encode(await self._plane.wait(asked.lane, asked.request))

    def examples(self, _call: Call) -> Reply:
        raise StadionError(
            Code.UNSUPPORTED,
            "classify and regress take tf.Example records, which no model here does",
            "send tensors to :predict",
        )

    def status(self, call: Call) -> Reply:
        """Both protocols read it: TensorFlow Serving's versions, KServe's name and ready."""
        model, version = call.params["model"], version_of(self._plane, call)
        self._plane.table.check(model, version)
        deployed = self._plane.table.placements[model].packages
        versions = sorted(deployed, reverse=True) if version is None else [version]
        content = {
            "name": model,
            "ready": True,
            "model_version_status": [_available(number) for number in versions],
        }
        return Reply(orjson.dumps(content))

    def metadata(self, call: Call) -> Reply:
        model, version = call.params["model"], version_of(self._plane, call)
        number, package = package_of(self._plane, model, version)
        signature = {
            "inputs": _tensors(package.signature.inputs),
            "outputs": _tensors(package.signature.outputs),
            "method_name": "tensorflow/serving/predict",
        }
        content = {
            "model_spec": {"name": model, "signature_name": "", "version": str(number)},
            "metadata": {"signature_def": {"signature_def": {_SIGNATURE: signature}}},
        }
        return Reply(orjson.dumps(content))

    def _decode(self, call: Call) -> _Asked:
        check_nesting(call.body)
        body = parse_json(call.body, _BODY)
        if body.signature_name not in (None, "", _SIGNATURE):
            raise _invalid(
                f"signature_name is {body.signature_name[:80]!r}; expected {_SIGNATURE!r}"
            )
        model, version = call.params["model"], version_of(self._plane, call)
        parameters = body.parameters or _NONE
        lane = self._plane.lane(model, version, parameters)
        inputs, encode = _read(body, lane.loaded.inputs)
        return _Asked(lane, Request(model, inputs, version, parameters=parameters), encode)


def _read(
    body: Body, known: Mapping[str, Tensor]
) -> tuple[dict[str, Array], Callable[[Prediction], Reply]]:
    rows, columns = body.instances, body.inputs
    if isinstance(rows, msgspec.Raw) and not isinstance(columns, msgspec.Raw):
        return read_rows(bytes(rows), known), row_reply
    if isinstance(columns, msgspec.Raw) and not isinstance(rows, msgspec.Raw):
        return read_columns(bytes(columns), known), column_reply
    raise _invalid("expected one of instances and inputs in the JSON object")


def _available(version: int) -> dict[str, object]:
    status = {"error_code": "OK", "error_message": ""}
    return {"version": str(version), "state": "AVAILABLE", "status": status}


def _tensors(tensors: Sequence[Tensor]) -> dict[str, object]:
    return {
        tensor.name: {
            "name": tensor.name,
            "dtype": _TYPES[tensor.datatype],
            "tensor_shape": {
                "dim": [{"size": str(size), "name": ""} for size in tensor.wire_shape],
                "unknown_rank": False,
            },
        }
        for tensor in tensors
    }


def _invalid(text: str) -> StadionError:
    return StadionError(Code.INVALID, text)


_BODY = msgspec.json.Decoder(Body)
_NONE: dict[str, Parameter] = {}
PLUGIN = TensorFlowServing()
