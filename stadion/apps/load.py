"""A running server and a model in, its throughput and latency out."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import numpy as np
import uvloop

from stadion.core.errors import Code, StadionError
from stadion.core.settings import api_key
from stadion.core.signature import DATATYPES

__all__ = ["infer_request", "measure", "run_load"]

_WARM_UP_S = 0.3


def measure(
    place: Any, model: str, seconds: float, connections: int, binary: bool = False
) -> dict[str, Any]:
    """Send one row again and again over `connections` kept-alive connections.

    The caller is Python and shares the machine with the server, so the figure is a lower bound.
    """
    status = place.status()
    if not status.get("predictions"):
        raise StadionError(Code.NOT_READY, "no server runs on this home", "stadion up")
    address = urlsplit(status["predictions"])
    request = infer_request(place.model(model)["signature"], model, address.netloc, binary)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    latencies_s, failed, took_s = uvloop.run(run_load(host, port, request, seconds, connections))
    if not latencies_s:
        raise StadionError(Code.UNAVAILABLE, f"all {failed} requests to {model!r} failed")
    p50, p95, p99 = np.percentile(np.array(latencies_s) * 1e3, [50, 95, 99])
    return {
        "model": model,
        "form": "binary" if binary else "json",
        "connections": connections,
        "seconds": round(took_s, 2),
        "requests": len(latencies_s),
        "failed": failed,
        "requests_per_s": round(len(latencies_s) / took_s, 1),
        "p50_ms": round(float(p50), 3),
        "p95_ms": round(float(p95), 3),
        "p99_ms": round(float(p99), 3),
    }


def infer_request(signature: dict[str, Any], model: str, host: str, binary: bool = False) -> bytes:
    """One row for every input, zeros or empty texts, as the Open Inference Protocol writes it."""
    inputs, blobs = [], b""
    for tensor in signature["inputs"]:
        shape = [1 if size is None else size for size in tensor["shape"]]
        is_text = tensor["datatype"] == "BYTES"
        values = np.zeros(shape, object if is_text else DATATYPES[tensor["datatype"]])
        one = {"name": tensor["name"], "shape": shape, "datatype": tensor["datatype"]}
        if binary:
            blob = bytes(4 * values.size) if is_text else values.tobytes()
            blobs += blob
            inputs.append(one | {"parameters": {"binary_data_size": len(blob)}})
        else:
            inputs.append(one | {"data": [("" if is_text else 0)] * values.size})
    body = msgspec.json.encode({"inputs": inputs, "parameters": {"binary_data_output": binary}})
    head = f"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: {host}\r\n"
    if binary:
        head += f"Inference-Header-Content-Length: {len(body)}\r\n"
    if key := api_key():
        head += f"Authorization: Bearer {key}\r\n"
    return f"{head}Content-Length: {len(body + blobs)}\r\n\r\n".encode() + body + blobs


async def run_load(
    host: str, port: int, request: bytes, seconds: float, connections: int
) -> tuple[list[float], int, float]:
    """Latencies in seconds of the answers, how many requests failed, and how long it took."""
    loop = asyncio.get_running_loop()
    callers = [_Caller(request) for _ in range(connections)]
    for caller in callers:
        await asyncio.wait_for(loop.create_connection(lambda c=caller: c, host, port), 10)  # type: ignore[misc]
    await asyncio.sleep(_WARM_UP_S)
    for caller in callers:
        caller.latencies_s.clear()
    started = time.perf_counter()
    await asyncio.sleep(seconds)
    took_s = time.perf_counter() - started
    latencies_s = [value for caller in callers for value in caller.latencies_s]
    failed = sum(caller.failed for caller in callers)
    for caller in callers:
        caller.close()
    return latencies_s, failed, took_s


class _Caller(asyncio.Protocol):
    """Sends the request, waits for the whole answer, sends it again."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.latencies_s: list[float] = []
        self.failed = 0
        self._received = bytearray()
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        if head.startswith(b"HTTP/1.1 200"):
            self.latencies_s.append(time.perf_counter() - self._sent)
        else:
            self.failed += 1
        self._received.clear()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.failed += self._transport is not None
        self._transport = None

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport:
            transport.close()

    def _send(self) -> None:
        if self._transport:
            self._sent = time.perf_counter()
            self._transport.write(self.request)


def _length(head: bytes | bytearray) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
