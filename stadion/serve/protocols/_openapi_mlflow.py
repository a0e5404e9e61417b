"""What MLflow's scoring server takes and gives, as schemas."""

from __future__ import annotations

from stadion.serve.described import (
    JSON_KIND,
    TEXT,
    Described,
    Operation,
    Schema,
    header,
    list_of,
    query,
    record,
    ref,
)

__all__ = ["DESCRIBED"]

_PLAIN = "text/plain; charset=utf-8"
_PARAMS: dict[str, Schema] = {
    "params": {
        "type": ["object", "null"],
        "additionalProperties": {"type": ["string", "integer", "number", "boolean"]},
    }
}
_FORMS: dict[str, Schema] = {
    "dataframe_split": record(
        {"data": list_of(list_of({}, minItems=1), minItems=1)},
        {"columns": {"anyOf": [list_of({"type": ["string", "integer"]}), {"type": "null"}]}},
    ),
    "dataframe_records": list_of({"type": "object", "minProperties": 1}, minItems=1),
    "instances": list_of({}, minItems=1, description="Rows of the only input, or objects"),
    "inputs": {"type": ["array", "object"], "description": "The only input's tensor, or an object"},
}


def _only(form: str) -> Schema:
    others = [{"required": [other]} for other in _FORMS if other != form]
    return {**record({form: _FORMS[form]}, _PARAMS), "not": {"anyOf": others}}


_HEALTH = Operation("Whether the server is ready", None, answers={_PLAIN: TEXT})

DESCRIBED = Described(
    ref("MLflowError"),
    {
        "GET /ping": _HEALTH,
        "GET /health": _HEALTH,
        "GET /version": Operation("The version of this server", None, answers={_PLAIN: TEXT}),
        "POST /invocations": Operation(
            "Predict from a table or from tensors",
            record({"predictions": {}}),
            {JSON_KIND: {"oneOf": [_only(form) for form in _FORMS]}, "text/csv": TEXT},
            fails=(404, 501, 504),
            parameters=(
                query("model", "The model that shall answer", TEXT),
                query("version", "The version that shall answer", TEXT),
                header("X-Stadion-Model", "The model, where the query names none", TEXT),
            ),
        ),
    },
    {"MLflowError": record({"error_code": TEXT, "message": TEXT})},
)
