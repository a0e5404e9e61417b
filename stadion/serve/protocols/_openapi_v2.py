"""What the Open Inference Protocol takes and gives, as schemas."""

from __future__ import annotations

from stadion.core.signature import DATATYPES
from stadion.serve.described import (
    BINARY_KIND,
    JSON_KIND,
    TEXT,
    Described,
    Operation,
    Schema,
    header,
    list_of,
    record,
    ref,
    words,
)

__all__ = ["DESCRIBED", "JSON_LENGTH"]

_SIZE: Schema = {"type": "integer", "minimum": 0, "maximum": (1 << 63) - 1}
_AXIS: Schema = {"type": "integer", "minimum": -1, "description": "-1 where any size will do"}
_OR_NULL: Schema = {"type": "null"}
_BINARY_ONLY = ("FP16", "BF16")
JSON_LENGTH = header(
    "Inference-Header-Content-Length",
    "How many bytes of the body are JSON, where binary tensors follow; 0 for one raw tensor",
    {"type": "integer", "minimum": 0},
)

_SCHEMAS: dict[str, Schema] = {
    "V2Parameters": {
        "type": ["object", "null"],
        "additionalProperties": {"type": ["string", "integer", "number", "boolean"]},
    },
    "V2Data": list_of(
        {"anyOf": [{"type": ["number", "boolean", "string", "null"]}, ref("V2Data")]},
        description="Flat in row-major order, or nested as the shape is; null is a missing value",
    ),
    "V2Input": record(
        {
            "name": TEXT,
            "shape": list_of(_SIZE, maxItems=16),
            "datatype": words(*(name for name in DATATYPES if name not in _BINARY_ONLY)),
            "data": ref("V2Data"),
        },
        {"parameters": ref("V2Parameters")},
    ),
    "V2Wanted": record({"name": TEXT}, {"parameters": ref("V2Parameters")}),
    "V2Request": record(
        {"inputs": list_of(ref("V2Input"), minItems=1)},
        {
            "id": {"type": ["string", "null"]},
            "parameters": ref("V2Parameters"),
            "outputs": {"anyOf": [list_of(ref("V2Wanted")), _OR_NULL]},
        },
    ),
    "V2Output": record(
        {"name": TEXT, "shape": list_of(_SIZE), "datatype": words(*DATATYPES)},
        {"data": ref("V2Data"), "parameters": ref("V2Parameters")},
    ),
    "V2Response": record(
        {"model_name": TEXT, "model_version": TEXT, "outputs": list_of(ref("V2Output"))},
        {"id": TEXT, "parameters": ref("V2Parameters")},
    ),
    "V2Tensor": record({"name": TEXT, "datatype": words(*DATATYPES), "shape": list_of(_AXIS)}),
    "V2Model": record(
        {
            "name": TEXT,
            "platform": TEXT,
            "inputs": list_of(ref("V2Tensor")),
            "outputs": list_of(ref("V2Tensor")),
        },
        {"versions": list_of(TEXT)},
    ),
    "V2Error": {**record({"error": TEXT}), "additionalProperties": False},
}

_TRUE: Schema = {"const": True}
_INFER = Operation(
    "Infer: tensors in JSON, or JSON and binary tensors behind it",
    ref("V2Response"),
    {JSON_KIND: ref("V2Request"), BINARY_KIND: {}},
    fails=(501, 504),
    parameters=(JSON_LENGTH,),
    answers={BINARY_KIND: {}},
    answer_headers={
        "Inference-Header-Content-Length": {
            "description": "How many bytes of the answer are JSON; binary tensors follow",
            "schema": {"type": "integer", "minimum": 2},
        }
    },
    example={
        "id": "7",
        "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [4.5, 160]}],
    },
)
_METADATA = Operation("Inputs and outputs of a model", ref("V2Model"))
_READY = Operation("Whether a model answers", record({"name": TEXT, "ready": _TRUE}))
_MODEL = "/v2/models/{model}"
_VERSION = f"{_MODEL}/versions/{{version}}"

DESCRIBED = Described(
    ref("V2Error"),
    {
        "GET /v2": Operation(
            "Name, version and extensions of this server",
            record({"name": TEXT, "version": TEXT, "extensions": list_of(TEXT)}),
        ),
        "GET /v2/health/live": Operation("Whether the server lives", record({"live": _TRUE})),
        "GET /v2/health/ready": Operation(
            "Whether every model of the server answers", record({"ready": _TRUE, "live": _TRUE})
        ),
        "GET /v2/models": Operation("The models that answer", record({"models": list_of(TEXT)})),
        **{
            f"{method} {path}{tail}": operation
            for path in (_MODEL, _VERSION)
            for method, tail, operation in (
                ("GET", "", _METADATA),
                ("GET", "/ready", _READY),
                ("POST", "/infer", _INFER),
            )
        },
    },
    _SCHEMAS,
)
