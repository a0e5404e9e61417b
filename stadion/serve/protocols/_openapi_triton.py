"""What Triton's extensions beside inference take and give, as schemas."""

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

__all__ = ["DESCRIBED", "SHARED_MEMORY"]

_KINDS = ("/v2/systemsharedmemory", "/v2/cudasharedmemory")
SHARED_MEMORY = tuple(
    (method, f"{kind}{tail}")
    for kind in _KINDS
    for method, tail in (
        ("GET", "/status"),
        ("GET", "/region/{region}/status"),
        ("POST", "/region/{region}/register"),
        ("POST", "/region/{region}/unregister"),
        ("POST", "/unregister"),
    )
)
"""Routes of Triton that this server refuses, because its clients ask them."""

_COUNT: Schema = {"type": "integer", "minimum": 0}
_OBJECT: Schema = {"type": "object"}
_CHANGE = record({}, {"parameters": {"type": ["object", "null"]}})
_SETTING: Schema = {"type": ["string", "boolean", "integer", "array", "null"], "items": TEXT}
_SETTINGS: Schema = {"type": "object", "additionalProperties": _SETTING}
_DIMS = list_of({"type": "integer", "minimum": -1})
_SCHEMAS: dict[str, Schema] = {
    "V2Indexed": record(
        {
            "name": TEXT,
            "version": TEXT,
            "state": words("READY", "UNAVAILABLE", "LOADING", "UNLOADING", "UNKNOWN"),
            "reason": TEXT,
        }
    ),
    "V2Statistics": record(
        {
            "model_stats": list_of(
                record(
                    {
                        "name": TEXT,
                        "version": TEXT,
                        "last_inference": _COUNT,
                        "inference_count": _COUNT,
                        "execution_count": _COUNT,
                        "inference_stats": _OBJECT,
                        "batch_stats": list_of(_OBJECT),
                    }
                )
            )
        }
    ),
    "V2ConfiguredTensor": record({"name": TEXT, "data_type": TEXT, "dims": _DIMS}),
    "V2Config": record(
        {
            "name": TEXT,
            "platform": TEXT,
            "backend": TEXT,
            "max_batch_size": _COUNT,
            "input": list_of(ref("V2ConfiguredTensor")),
            "output": list_of(ref("V2ConfiguredTensor")),
        }
    ),
}
_STATISTICS = Operation("What versions have done, over all workers", ref("V2Statistics"))
_CONFIG = Operation("The configuration of a version", ref("V2Config"))
_MODEL = "/v2/models/{model}"


def _settings(what: str) -> dict[str, Operation]:
    return {
        "GET": Operation(f"The {what} settings of this server", _SETTINGS),
        "POST": Operation(
            f"The {what} settings; other values than those it has are refused",
            _SETTINGS,
            {JSON_KIND: _SETTINGS},
            needs_body=False,
            fails=(501,),
        ),
    }


def _changing(what: str) -> Operation:
    return Operation(what, _OBJECT, {JSON_KIND: _CHANGE}, needs_body=False, fails=(409, 501, 504))


DESCRIBED = Described(
    {"$ref": "#/components/schemas/V2Error"},
    {
        "POST /v2/repository/index": Operation(
            "All versions and how they stand",
            list_of(ref("V2Indexed")),
            {JSON_KIND: record({}, {"ready": {"type": "boolean"}})},
            needs_body=False,
        ),
        "POST /v2/repository/models/{model}/load": _changing("Have a deployed model in memory"),
        "POST /v2/repository/models/{model}/unload": _changing("Answer for a model no more"),
        "GET /v2/models/stats": _STATISTICS,
        **{
            f"GET {path}/{tail}": operation
            for path in (_MODEL, f"{_MODEL}/versions/{{version}}")
            for tail, operation in (("config", _CONFIG), ("stats", _STATISTICS))
        },
        **{
            f"{method} {path}": operation
            for path, what in (
                ("/v2/logging", "log"),
                ("/v2/trace/setting", "trace"),
                (f"{_MODEL}/trace/setting", "trace"),
            )
            for method, operation in _settings(what).items()
        },
        **{
            f"{method} {path}": Operation(
                "Not answered: this server shares no memory",
                None,
                {JSON_KIND: {}} if method == "POST" else {},
                needs_body=False,
                fails=(501,),
            )
            for method, path in SHARED_MEMORY
        },
    },
    _SCHEMAS,
)
