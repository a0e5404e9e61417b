"""Traces reach a real OTLP collector, keep the caller's context, and obey its sampling."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stadion.core.package import ModelPackage
from stadion.serve.tracing import is_configured
from tests.serve import graphs
from tests.serve.running import Server, ask, running

proto = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="the extra traces is absent"
)

ONE = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [0]}]}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """What an OTLP/HTTP endpoint has received."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resources: list[dict[str, str]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                collector.take(self.path, body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        request = proto.ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            about = {a.key: a.value.string_value for a in resource.resource.attributes}
            self.resources.append(about)
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def wait(self, truth: Callable[[list[Any]], Any], limit_s: float = 15.0) -> Any:
        deadline = time.monotonic() + limit_s
        while not (found := truth(list(self.spans))):
            assert time.monotonic() < deadline, [span.name for span in self.spans]
            time.sleep(0.05)
        return found


@pytest.fixture(scope="module")
def package(home: Path) -> ModelPackage:
    return graphs.constant(home, 1.0)


@contextmanager
def traced(
    home: Path, package: ModelPackage, monkeypatch: pytest.MonkeyPatch, **environment: str
) -> Iterator[tuple[Server, Collector]]:
    collector = Collector()
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    try:
        with running(home, {"first": package}) as server:
            yield server, collector
    finally:
        collector.close()


def call(server: Server, headers: dict[str, str] | None = None) -> None:
    assert ask(server, "POST", "/v2/models/first/infer", ONE, headers).status == 200


def attributes(span: Any) -> dict[str, Any]:
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}


def test_a_call_is_a_span_with_its_wait_and_its_run(
    tmp_path: Path, package: ModelPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with traced(tmp_path, package, monkeypatch) as (server, collector):
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "run-1"}
        call(server, headers | {"tracestate": "club=7"})
        whole = collector.wait(lambda spans: [s for s in spans if s.name.startswith("POST")])[0]
        parts = collector.wait(
            lambda spans: (
                len(inner := [s for s in spans if s.parent_span_id == whole.span_id]) == 2 and inner
            )
        )
    assert whole.trace_id.hex() == TRACE
    assert whole.parent_span_id.hex() == PARENT
    assert whole.trace_state == "club=7"
    assert whole.name == "POST /v2/models/first/infer"
    assert attributes(whole) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.path": "/v2/models/first/infer",
        "stadion.model": "first",
        "stadion.version": 1,
        "stadion.request_id": "run-1",
    }
    queue, infer = sorted(parts, key=lambda span: span.start_time_unix_nano)
    assert (queue.name, infer.name) == ("queue", "infer")
    assert whole.start_time_unix_nano <= queue.start_time_unix_nano
    assert queue.end_time_unix_nano == infer.start_time_unix_nano
    assert infer.end_time_unix_nano <= whole.end_time_unix_nano
    assert abs(whole.end_time_unix_nano - time.time_ns()) < 60e9
    assert collector.resources[0]["service.name"] == "stadion"


def test_a_caller_that_is_not_sampled_stays_so(
    tmp_path: Path, package: ModelPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with traced(tmp_path, package, monkeypatch) as (server, collector):
        call(server, {"traceparent": f"00-{TRACE}-{PARENT}-00"})
        call(server, {"traceparent": "nonsense"})
        collector.wait(lambda spans: any(span.name.startswith("POST") for span in spans))
    whole = [span for span in collector.spans if span.name.startswith("POST")]
    assert [span.trace_id.hex() == TRACE for span in whole] == [False]


def test_the_sampling_ratio_is_obeyed(
    tmp_path: Path, package: ModelPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with traced(
        tmp_path,
        package,
        monkeypatch,
        OTEL_TRACES_SAMPLER="parentbased_traceidratio",
        OTEL_TRACES_SAMPLER_ARG="0.25",
        OTEL_SERVICE_NAME="club",
    ) as (server, collector):
        for _ in range(400):
            call(server)
        collector.wait(lambda spans: len(spans) > 0)
    found = len([span for span in collector.spans if span.name.startswith("POST")])
    assert 60 <= found <= 145  # 100 expected; beyond six standard deviations
    assert collector.resources[0]["service.name"] == "club"


def test_a_failure_of_ours_is_marked(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with traced(tmp_path, graphs.patient(home), monkeypatch) as (server, collector):
        rounds = {"name": "rounds", "shape": [1], "datatype": "INT64", "data": [50_000_000]}
        asked = {"inputs": [rounds], "parameters": {"timeout": 50_000}}
        assert ask(server, "POST", "/v2/models/first/infer", asked).status == 504
        span = collector.wait(lambda spans: spans)[0]
    assert span.status.code == 2
    assert attributes(span)["http.response.status_code"] == 504


def test_a_collector_that_is_away_is_no_reason_not_to_answer(
    tmp_path: Path, package: ModelPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with running(tmp_path, {"first": package}) as server:
        for _ in range(20):
            call(server)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_traces_are_made_where_somebody_says_where_to(
    environment: dict[str, str], wanted: bool
) -> None:
    assert is_configured(environment) is wanted
