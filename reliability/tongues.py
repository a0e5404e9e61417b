"""One question in, as each protocol writes it; the answer's numbers and id out of what comes back.

Each question has numbers of its own, which add up to what a ramp's answer is read from: so an
answer that belongs to another question cannot pass for this one's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from reliability.models import FEATURES
from reliability.orders import infer
from stadion.core.arrays import Array

__all__ = ["HTTP", "Question", "Tongue", "numbers_of", "question"]


@dataclass(frozen=True, slots=True)
class Question:
    """Rows for one model, and what it must answer."""

    model: str
    rows: Array
    wanted: Array
    id: str


@dataclass(frozen=True, slots=True)
class Tongue:
    """How a protocol asks, and reads numbers, and the id if it has one, from head and body."""

    name: str
    ask: Callable[[Question], bytes]
    read: Callable[[bytes, bytes], tuple[Array, str | None]]


def question(number: int, rows: int, model: str, factor: float, seed: int) -> Question:
    """The question of that number: row r of it adds up to `number` + r, in 32 whole numbers."""
    rng = np.random.default_rng((seed, number))
    features = rng.integers(-50, 50, (rows, FEATURES)).astype(np.float32)
    totals = number + np.arange(rows)
    features[:, -1] = totals - features[:, :-1].sum(axis=1)
    return Question(model, features, (totals * factor).astype(np.float32), f"q{number}")


def numbers_of(content: Any) -> Array:
    """Nested lists of single numbers, flat."""
    return np.asarray(content, np.float32).ravel()


def _oip_json(it: Question) -> bytes:
    return infer(it.model, msgspec.json.encode(_v2(it) | {"id": it.id}))


def _oip_bare(it: Question) -> bytes:
    """Without an id, as most clients ask: all calls of a model have the same bytes around them."""
    return infer(it.model, msgspec.json.encode(_v2(it)))


def _read_oip_bare(_head: bytes, body: bytes) -> tuple[Array, str | None]:
    return numbers_of(json.loads(body)["outputs"][0]["data"]), None


def _read_oip_json(_head: bytes, body: bytes) -> tuple[Array, str | None]:
    answer = json.loads(body)
    return numbers_of(answer["outputs"][0]["data"]), answer.get("id", "")


def _oip_binary(it: Question) -> bytes:
    return _binary(it, {"id": it.id})


def _oip_binary_bare(it: Question) -> bytes:
    return _binary(it, {})


def _binary(it: Question, more: dict[str, str]) -> bytes:
    data = it.rows.tobytes()
    tensor = {
        "name": "features",
        "shape": it.rows.shape,
        "datatype": "FP32",
        "parameters": {"binary_data_size": len(data)},
    }
    content: dict[str, Any] = more | {
        "inputs": [tensor],
        "parameters": {"binary_data_output": True},
    }
    head = msgspec.json.encode(content)
    return infer(it.model, head + data, f"Inference-Header-Content-Length: {len(head)}\r\n")


def _read_oip_binary(head: bytes, body: bytes) -> tuple[Array, str | None]:
    name = b"inference-header-content-length: "
    at = head.lower().index(name) + len(name)
    size = int(head[at:].partition(b"\r")[0])
    return np.frombuffer(body[size:], "<f4"), json.loads(body[:size]).get("id")


def _tensorflow_rows(it: Question) -> bytes:
    return _post(f"/v1/models/{it.model}:predict", {"instances": it.rows.tolist()})


def _tensorflow_columns(it: Question) -> bytes:
    return _post(f"/v1/models/{it.model}:predict", {"inputs": {"features": it.rows.tolist()}})


def _kserve_v1(it: Question) -> bytes:
    instances = [{"features": row} for row in it.rows.tolist()]
    return _post(f"/v1/models/{it.model}:predict", {"instances": instances})


def _read_v1(_head: bytes, body: bytes) -> tuple[Array, str | None]:
    answer = json.loads(body)
    return numbers_of(_bare(answer.get("predictions", answer.get("outputs")))), None


def _mlflow(it: Question) -> bytes:
    return _post(f"/invocations?model={it.model}", {"inputs": {"features": it.rows.tolist()}})


def _plain(it: Question) -> bytes:
    return _post(f"/predict/{it.model}", {"inputs": {"features": it.rows.tolist()}})


def _read_plain(_head: bytes, body: bytes) -> tuple[Array, str | None]:
    return numbers_of(_bare(json.loads(body)["output"])), None


def _bare(content: Any) -> Any:
    """What the answer's only tensor holds, with its name or without it."""
    if isinstance(content, dict):
        return content["score"]
    if content and isinstance(content[0], dict):
        return [row["score"] for row in content]
    return content


def _v2(it: Question) -> dict[str, Any]:
    tensor = {"name": "features", "shape": it.rows.shape, "datatype": "FP32"}
    return {"inputs": [tensor | {"data": it.rows.ravel().tolist()}]}


def _post(path: str, content: Any) -> bytes:
    body = msgspec.json.encode(content)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


HTTP = (
    Tongue("open inference, JSON", _oip_json, _read_oip_json),
    Tongue("open inference, binary", _oip_binary, _read_oip_binary),
    Tongue("open inference, JSON without id", _oip_bare, _read_oip_bare),
    Tongue("open inference, binary without id", _oip_binary_bare, _read_oip_binary),
    Tongue("tensorflow serving, rows", _tensorflow_rows, _read_v1),
    Tongue("tensorflow serving, columns", _tensorflow_columns, _read_v1),
    Tongue("kserve v1", _kserve_v1, _read_v1),
    Tongue("mlflow", _mlflow, _read_v1),
    Tongue("plain", _plain, _read_plain),
)
