"""What TensorFlow Serving's and KServe's v1 protocols take and give, as schemas."""

from __future__ import annotations

from stadion.serve.described import (
    JSON_KIND,
    TEXT,
    Described,
    Operation,
    Schema,
    list_of,
    record,
    ref,
    words,
)

__all__ = ["KSERVE", "TENSORFLOW_SERVING"]

_MORE: dict[str, Schema] = {
    "signature_name": {"type": ["string", "null"]},
    "parameters": {
        "type": ["object", "null"],
        "additionalProperties": {"type": ["string", "integer", "number", "boolean"]},
    },
}
_ROWS = list_of({}, minItems=1, description="Rows of the only input, or objects of all inputs")
_COLUMNS: Schema = {
    "type": ["array", "object"],
    "description": "The only input's tensor, or an object of all inputs' tensors",
}
_SCHEMAS: dict[str, Schema] = {
    "V1Error": record({"error": TEXT}),
    "V1Request": {
        "oneOf": [
            {**record({"instances": _ROWS}, _MORE), "not": {"required": ["inputs"]}},
            {**record({"inputs": _COLUMNS}, _MORE), "not": {"required": ["instances"]}},
        ]
    },
    "V1Response": {
        "anyOf": [record({"predictions": list_of({})}), record({"outputs": {}})],
    },
    "V1Status": record(
        {
            "name": TEXT,
            "ready": {"type": "boolean"},
            "model_version_status": list_of(
                record(
                    {
                        "version": TEXT,
                        "state": words("START", "LOADING", "AVAILABLE", "UNLOADING", "END"),
                        "status": record({"error_code": TEXT, "error_message": TEXT}),
                    }
                )
            ),
        }
    ),
    "V1Metadata": record(
        {
            "model_spec": record({"name": TEXT, "signature_name": TEXT, "version": TEXT}),
            "metadata": record({"signature_def": record({"signature_def": {"type": "object"}})}),
        }
    ),
}
_REFUSED = Operation(
    "Not answered by this server", None, {JSON_KIND: {}}, needs_body=False, fails=(501,)
)
_OPERATIONS = (
    ("GET", "", Operation("The versions of a model and how they stand", ref("V1Status"))),
    ("GET", "/metadata", Operation("Inputs and outputs of a model", ref("V1Metadata"))),
    (
        "POST",
        ":predict",
        Operation(
            "Predict from rows or from columns",
            ref("V1Response"),
            {JSON_KIND: ref("V1Request")},
            fails=(501, 504),
            example={"instances": [[4.5, 160]]},
        ),
    ),
    ("POST", ":classify", _REFUSED),
    ("POST", ":regress", _REFUSED),
)
_MODEL = "/v1/models/{model}"

TENSORFLOW_SERVING = Described(
    ref("V1Error"),
    {
        f"{method} {path}{tail}": operation
        for path in (_MODEL, f"{_MODEL}/versions/{{version}}", f"{_MODEL}/labels/{{label}}")
        for method, tail, operation in _OPERATIONS
    },
    _SCHEMAS,
)
KSERVE = Described(
    ref("V1Error"),
    {
        "GET /v1/models": Operation("The models that answer", record({"models": list_of(TEXT)})),
        "POST /v1/models/{model}:explain": _REFUSED,
    },
    _SCHEMAS,
)
