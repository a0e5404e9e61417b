"""A network and its input in; the requests of every wire form out, and their answers read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import orjson

from benchmark.models import Network
from benchmark.protobuf import infer_message, infer_tensor
from stadion.core.arrays import Array

__all__ = [
    "BINARY",
    "BYTES",
    "GRPC",
    "JSON",
    "Call",
    "json_call",
    "open_inference",
    "open_inference_grpc",
    "raw_call",
]

JSON, BINARY, BYTES, GRPC = "json", "binary", "bytes", "grpc"
GRPC_PATH = "/inference.GRPCInferenceService/ModelInfer"
_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it goes over the wire, and how the numbers of its answer are found.

    Parameters
    ----------
    read
        Body of the answer and its headers in lower case -> the numbers, in any shape.
    """

    path: str
    body: bytes
    read: Callable[[bytes, Mapping[str, str]], Array]
    headers: Mapping[str, str] = field(default_factory=dict)
    is_grpc: bool = False


def open_inference(network: Network, rows: Array) -> dict[str, Call]:
    """JSON, binary tensors, and a bare tensor, as Stadion and Triton understand them."""
    path = f"/v2/models/{network.name}/infer"
    tensor = {"name": network.input, "shape": list(rows.shape), "datatype": "FP32"}
    text = orjson.dumps(
        {"inputs": [tensor | {"data": rows.ravel()}]}, option=orjson.OPT_SERIALIZE_NUMPY
    )
    sized = tensor | {"parameters": {"binary_data_size": rows.nbytes}}
    head = orjson.dumps({"inputs": [sized], "parameters": {"binary_data_output": True}})
    binary_headers = {"Content-Type": "application/octet-stream", _LENGTH: str(len(head))}
    return {
        JSON: Call(path, text, _read_output, {"Content-Type": "application/json"}),
        BINARY: Call(path, head + rows.tobytes(), _read_binary, binary_headers),
        BYTES: Call(path, rows.tobytes(), _read_binary, binary_headers | {_LENGTH: "0"}),
    }


def open_inference_grpc(network: Network, rows: Array) -> dict[str, Call]:
    """The same question to `inference.GRPCInferenceService`, with raw contents."""
    message = infer_message(network.name, network.input, rows)
    return {GRPC: Call(GRPC_PATH, message, lambda body, _: infer_tensor(body), is_grpc=True)}


def json_call(path: str, key: str, rows: Array, answer: str) -> dict[str, Call]:
    """A server's own JSON: nested lists under one key in and under another out."""
    body = orjson.dumps({key: rows}, option=orjson.OPT_SERIALIZE_NUMPY)

    def read(reply: bytes, _: Mapping[str, str]) -> Array:
        values = orjson.loads(reply)
        return _numbers(values[answer] if answer else values)

    return {JSON: Call(path, body, read, {"Content-Type": "application/json"})}


def raw_call(path: str, rows: Array) -> dict[str, Call]:
    """The bytes of a float32 array in and out, and nothing else."""
    headers = {"Content-Type": "application/octet-stream"}
    return {
        BYTES: Call(path, rows.tobytes(), lambda body, _: np.frombuffer(body, np.float32), headers)
    }


def _read_output(body: bytes, _: Mapping[str, str]) -> Array:
    return _numbers(orjson.loads(body)["outputs"][0]["data"])


def _read_binary(body: bytes, headers: Mapping[str, str]) -> Array:
    length = int(headers[_LENGTH.lower()])
    size = json.loads(body[:length])["outputs"][0]["parameters"]["binary_data_size"]
    assert length + size == len(body)
    return np.frombuffer(body[length:], np.float32)


def _numbers(values: object) -> Array:
    """Nested lists, or a mapping with one output's lists, as an array."""
    if isinstance(values, dict):
        (values,) = values.values()
    return np.asarray(values, np.float32)
