"""What the plain form takes and gives, as schemas."""

from __future__ import annotations

from stadion.core.errors import Code
from stadion.serve.described import (
    BINARY_KIND,
    JSON_KIND,
    TEXT,
    Described,
    Operation,
    Schema,
    list_of,
    query,
    record,
    ref,
    words,
)

__all__ = ["DESCRIBED"]

_VALUES: Schema = {
    "anyOf": [
        list_of({}, description="Rows of the only input"),
        {"type": "object", "description": "Rows of each input by its name"},
    ]
}
_ANSWER: Schema = {"type": "object", "description": "Values of each output by its name"}
_PARAMETERS: Schema = {
    "type": "object",
    "additionalProperties": {"type": ["string", "integer", "number", "boolean"]},
}


def _body(key: str) -> Schema:
    form = record({key: _VALUES}, {"parameters": _PARAMETERS})
    return {**form, "additionalProperties": False}


def _answer(key: str) -> Schema:
    return record(
        {"model": TEXT, "version": {"type": "integer"}, key: _ANSWER},
        {"rows": {"type": "integer", "description": "Of a recording"}},
    )


DESCRIBED = Described(
    ref("PlainError"),
    {
        "GET /": Operation(
            "Whether the server lives",
            record({"name": TEXT, "version": TEXT, "status": words("alive")}),
        ),
        "POST /predict/{model}": Operation(
            "Predict from JSON, or from the bytes of an activity file as it left the watch",
            {"anyOf": [_answer("output"), _answer("prediction")]},
            {JSON_KIND: {"oneOf": [_body("inputs"), _body("input_data")]}, BINARY_KIND: {}},
            fails=(501, 504),
            parameters=(
                query("version", "The version that shall answer", {"type": "string"}),
                query("name", "The name of the activity file", {"type": "string"}),
            ),
            example={"inputs": [[4.5, 160]]},
        ),
    },
    {"PlainError": record({"error": TEXT, "code": words(*Code), "hint": TEXT})},
)
