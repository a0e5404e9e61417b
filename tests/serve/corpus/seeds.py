"""Good calls of every protocol, from which mutated ones are made."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

__all__ = ["SEEDS", "TOKENS", "Seed"]

_JSON = {"Content-Type": "application/json"}
_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True, slots=True)
class Seed:
    """A call that is answered with 200; `route` is its path in the document."""

    route: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: dict(_JSON))


def _v2(model: str, body: bytes, blob: bytes = b"") -> Seed:
    headers = {_LENGTH: str(len(body))} if blob else dict(_JSON)
    path = f"/v2/models/{model}/infer"
    return Seed("/v2/models/{model}/infer", path, body + blob, headers)


def _v1(model: str, body: bytes) -> Seed:
    return Seed("/v1/models/{model}:predict", f"/v1/models/{model}:predict", body)


def _mlflow(body: bytes, model: str = "pace") -> Seed:
    return Seed("/invocations", f"/invocations?model={model}", body)


_BINARY = (
    b'{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32",'
    b'"parameters":{"binary_data_size":16}}],"parameters":{"binary_data_output":true}}'
)
_STRINGS = (
    b'{"inputs":[{"name":"x","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":13}}]}'
)

SEEDS: dict[str, Seed] = {
    "v2": _v2(
        "pace",
        b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[4.5,160]}]}',
    ),
    "v2 with everything": _v2(
        "two",
        b'{"id":"7","parameters":{"priority":1,"timeout":9000000},"inputs":['
        b'{"name":"a","shape":[2,2],"datatype":"INT64","data":[[1,2],[3,4]]},'
        b'{"name":"b","shape":[2,2],"datatype":"INT64","data":[5,6,7,8],"parameters":{}}],'
        b'"outputs":[{"name":"total"},{"name":"larger","parameters":{"binary_data":true}}]}',
    ),
    "v2 with classes": _v2(
        "activity",
        b'{"inputs":[{"name":"scores","shape":[1,4],"datatype":"FP32","data":[1,2,null,4]}],'
        b'"outputs":[{"name":"activity","parameters":{"classification":2}}]}',
    ),
    "v2 with texts": _v2(
        "texts",
        b'{"inputs":[{"name":"x","shape":[2],"datatype":"BYTES","data":["a","\\u00e9"]}]}',
    ),
    "v2 binary": _v2("pace", _BINARY, struct.pack("<4f", 1.5, 2.5, 3.5, 4.5)),
    "v2 binary texts": _v2("texts", _STRINGS, b"\x03\0\0\0abc\x02\0\0\0de"),
    "v2 raw": Seed(
        "/v2/models/{model}/infer", "/v2/models/strict/infer", b"\0\0\xc0?", {_LENGTH: "0"}
    ),
    "plain": Seed("/predict/{model}", "/predict/pace", b'{"inputs":[[4.5,160]]}'),
    "plain by name": Seed(
        "/predict/{model}",
        "/predict/two?version=1",
        b'{"input_data":{"a":[[1,2]],"b":[[3,4]]},"parameters":{"sport":"running"}}',
    ),
    "plain recording": Seed("/predict/{model}", "/predict/rate", b"numbers\n" + b"1 " * 32, {}),
    "v1 in rows": _v1("pace", b'{"instances":[[4.5,160],[null,2e2]]}'),
    "v1 in named rows": _v1(
        "two", b'{"signature_name":"serving_default","instances":[{"a":[1,2],"b":[3,4]}]}'
    ),
    "v1 in columns": _v1("two", b'{"inputs":{"a":[[1,2]],"b":[[3,4]]}}'),
    "mlflow rows": _mlflow(
        b'{"dataframe_records":[{"a":[1,2],"b":[3,4]}],"params":{"k":1}}', "two"
    ),
    "mlflow table": _mlflow(b'{"dataframe_split":{"columns":["u","v"],"data":[[1,2.5],[3,null]]}}'),
    "mlflow columns": _mlflow(b'{"inputs":{"x":[[1.5,2.5]]}}'),
    "mlflow CSV": Seed(
        "/invocations", "/invocations?model=pace", b"u,v\n1,2.5\n3,\n", {"Content-Type": "text/csv"}
    ),
    "repository": Seed("/v2/repository/index", "/v2/repository/index", b'{"ready":true}'),
    "v1 with bytes": _v1("texts", b'{"instances":[{"b64":"YWI="},"c"]}'),
}

TOKENS: tuple[bytes, ...] = (
    b"",
    b"null",
    b"true",
    b"NaN",
    b"-1",
    b"0",
    b"1.0",
    b"1e999",
    b"1e39",
    b"9223372036854775808",
    b"18446744073709551616",
    b"1099511627776",
    b"9" * 400,
    b'"',
    b'""',
    b"\\",
    b"\\ud800",
    b"\\u0000",
    b"[",
    b"]",
    b"[[[[[[[[",
    b"[]",
    b"{",
    b"}",
    b"{}",
    b",",
    b":",
    b" ",
    b"\0",
    b"\xff",
    b"\xc3\x28",
    b"\xef\xbb\xbf",
    b'"data":',
    b'"shape":[',
    b'"inputs":',
    b'"binary_data_size":',
    b'{"b64":"',
)
"""What is put into bodies."""
