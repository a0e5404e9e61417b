"""A request in; throughput and latency under wrk (HTTP) or h2load (gRPC) out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import numpy as np

from benchmark.protobuf import FRAME_HEAD, grpc_frame
from benchmark.wire import Call

__all__ = ["GRPC_STREAMS", "WARM_UP_S", "Load", "Loader", "missing_tools"]

GRPC_STREAMS = 4
"""Streams in flight on each HTTP/2 connection; connections x streams is what is asked for."""
WARM_UP_S = 1
_GRACE_S = 60
_TIMEOUT_S = 30
_HINTS = {"wrk": "apt-get install wrk", "h2load": "apt-get install nghttp2-client"}
_LUA = """
local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end
wrk.method = "POST"
wrk.body = read({body})
{headers}
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {{"requests": %d, "us": %d, "p50": %f, "p99": %f, "failed": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What the callers saw. `failed` counts wrong status, broken connections and time-outs."""

    requests: int
    failed: int
    seconds: float
    per_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Loader:
    """The load generator: one thread on `cores`, `nice` above 0 where it shares them."""

    cores: tuple[int, ...]
    nice: int = 0

    def run(self, call: Call, port: int, seconds: int, connections: int, answer_bytes: int) -> Load:
        """The same request again and again, each connection waiting for its answer.

        `answer_bytes` is what a right answer's body has: gRPC says 200 to failed calls too, and
        then sends no body.
        """
        with tempfile.TemporaryDirectory(prefix="stadion-bench-") as name:
            folder = Path(name)
            if call.is_grpc:
                return self._h2load(call, port, seconds, connections, answer_bytes, folder)
            return self._wrk(call, port, seconds, connections, folder)

    def _wrk(self, call: Call, port: int, seconds: int, connections: int, folder: Path) -> Load:
        (folder / "body").write_bytes(call.body)
        headers = (f"wrk.headers[{_lua(k)}] = {_lua(v)}" for k, v in call.headers.items())
        script = _LUA.format(body=_lua(str(folder / "body")), headers="\n".join(headers))
        (folder / "call.lua").write_text(script)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={_TIMEOUT_S}s"]
        command += ["-s", str(folder / "call.lua"), f"http://127.0.0.1:{port}{call.path}"]
        said = self._said(command, seconds)
        got = json.loads(said.rpartition("RESULT ")[2])
        took_s = got["us"] / 1e6
        good = got["requests"] - got["failed"]
        return Load(
            got["requests"], got["failed"], took_s, good / took_s, got["p50"] / 1e3,
            got["p99"] / 1e3,
        )  # fmt: skip

    def _h2load(
        self, call: Call, port: int, seconds: int, in_flight: int, answer_bytes: int, folder: Path
    ) -> Load:
        body, log = folder / "frame", folder / "log"
        body.write_bytes(grpc_frame(call.body))
        streams = min(GRPC_STREAMS, in_flight)
        command = ["h2load", "-t1", f"-c{in_flight // streams}", f"-m{streams}", f"-D{seconds}"]
        command += [f"--warm-up-time={WARM_UP_S}", f"--log-file={log}", f"-d{body}"]
        command += ["-Hcontent-type: application/grpc", "-Hte: trailers"]
        said = self._said([*command, f"http://127.0.0.1:{port}{call.path}"], seconds)
        _, status, took_us = np.loadtxt(log, dtype=np.int64, ndmin=2).reshape(-1, 3).T
        if not len(took_us):
            return Load(0, 0, seconds, 0.0, 0.0, 0.0)
        p50, p99 = np.percentile(took_us / 1e3, [50, 99])
        without_body = len(took_us) - _data_bytes(said) / (answer_bytes + FRAME_HEAD)
        # Answers may lie across the ends of the measured time, one for each call in flight.
        refused = max(int((status != HTTPStatus.OK).sum()), round(without_body) - in_flight, 0)
        good = len(took_us) - refused
        return Load(len(took_us), refused, seconds, good / seconds, float(p50), float(p99))

    def _said(self, command: list[str], seconds: int) -> str:
        pinned = ["taskset", "-c", ",".join(map(str, self.cores))]
        pinned += ["nice", "-n", str(self.nice)] if self.nice else []
        done = subprocess.run(
            pinned + command,
            capture_output=True,
            text=True,
            timeout=seconds + _GRACE_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stdout[-300:]}{done.stderr[-300:]}")
        return done.stdout


def missing_tools() -> dict[str, str]:
    """Load generators that are not installed -> how to get them."""
    return {name: hint for name, hint in _HINTS.items() if not shutil.which(name)}


def _data_bytes(said: str) -> int:
    """'traffic: ... headers ..., 260.61KB (266868) data' -> 266868."""
    found = re.search(r"\((\d+)\) data", said)
    if not found:
        raise RuntimeError(f"h2load: no traffic in {said[-300:]}")
    return int(found.group(1))


def _lua(text: str) -> str:
    return json.dumps(text)
