"""What a protocol says of its routes, for programs that read it: bodies, answers, failures.

A plug-in may carry it as `described`; `openapi.py` makes one document of them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "BINARY_KIND",
    "JSON_KIND",
    "TEXT",
    "Described",
    "Operation",
    "Schema",
    "header",
    "list_of",
    "query",
    "record",
    "ref",
    "words",
]

Schema = Mapping[str, Any]
"""A JSON Schema of draft 2020-12, as OpenAPI 3.1 has it."""

JSON_KIND = "application/json"
BINARY_KIND = "application/octet-stream"
TEXT: Schema = {"type": "string"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One route.

    Parameters
    ----------
    answer
        Of status 200; None where its body is not JSON, or where the call is always refused.
    body
        What the call carries, by content type; empty for nothing.
    needs_body
        Whether a call without a body is refused.
    fails
        Statuses beyond those that every call may get.
    parameters
        Queries and headers, see `query` and `header`; the parts of the path describe themselves.
    answers
        More content types of the answer, with their schemas.
    answer_headers
        Of the answer, by name.
    example
        A JSON body for the model 'pace', which has one input x of two columns.
    """

    summary: str
    answer: Schema | None
    body: Mapping[str, Schema] = field(default_factory=dict)
    needs_body: bool = True
    fails: Sequence[int] = ()
    parameters: Sequence[Schema] = ()
    answers: Mapping[str, Schema] = field(default_factory=dict)
    answer_headers: Mapping[str, Schema] = field(default_factory=dict)
    example: Any = None


@dataclass(frozen=True, slots=True)
class Described:
    """All routes of a protocol by 'METHOD /path', the schemas they share, the form of an error."""

    error: Schema
    operations: Mapping[str, Operation]
    schemas: Mapping[str, Schema] = field(default_factory=dict)


def ref(name: str) -> Schema:
    """A schema of `Described.schemas`."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object of which nobody reads names that are not listed."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def list_of(items: Schema, **more: Any) -> Schema:
    """A list of anything."""
    return {"type": "array", "items": items, **more}


def words(*known: str) -> Schema:
    """One of a few texts."""
    return {"type": "string", "enum": list(known)}


def query(name: str, description: str, schema: Schema) -> Schema:
    """An optional field of the query."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def header(name: str, description: str, schema: Schema) -> Schema:
    """An optional header of the call."""
    return {"name": name, "in": "header", "description": description, "schema": schema}
