"""Finished calls in, OpenTelemetry spans at the configured collector out.

Configured by the standard's own environment: OTEL_EXPORTER_OTLP_ENDPOINT turns it on,
OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG say which share, OTEL_SERVICE_NAME who we are.

References
----------
OpenTelemetry, environment variable specification; W3C Trace Context.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from stadion.core.errors import Code, StadionError
from stadion.core.version import __version__
from stadion.serve.backlog import Backlog
from stadion.serve.finished import Finished

__all__ = ["Tracer", "is_configured"]

_MOST = 1 << 14
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def is_configured(environment: Mapping[str, str] = os.environ) -> bool:
    """True when somebody has said where traces go."""
    is_off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not is_off and any(environment.get(name) for name in _ENDPOINTS)


class Tracer:
    """One span per call, with children for its wait and its run, made on a thread afterwards.

    Raises
    ------
    StadionError
        UNSUPPORTED when the extra `traces` is not installed.
    """

    def __init__(self) -> None:
        self._open()
        self._backlog: Backlog[Finished] = Backlog("traces", self._write, _MOST)
        self.note = self._backlog.add

    def close(self, limit_s: float = 5.0) -> None:
        """Send what waits; a collector that does not answer is not waited for longer."""
        self._backlog.close(limit_s)
        last = threading.Thread(target=self._provider.shutdown, name="last traces", daemon=True)
        last.start()
        last.join(limit_s)

    def _open(self) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError:
            raise StadionError(
                Code.UNSUPPORTED,
                "traces are configured and OpenTelemetry is not installed",
                "pip install 'stadion[traces]'",
            ) from None
        names = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "stadion"}
        resource = Resource.create({**names, "service.version": __version__})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("stadion.serve", __version__)
        self._read_context = TraceContextTextMapPropagator().extract
        self._inside = set_span_in_context
        self._kind = SpanKind.SERVER
        self._error = Status(StatusCode.ERROR)

    # --- on the thread

    def _write(self, calls: Sequence[Finished]) -> None:
        for call in calls:
            self._span(call)

    def _span(self, call: Finished) -> None:
        context = None
        if call.trace is not None:
            parent, state = call.trace
            context = self._read_context({"traceparent": parent, "tracestate": state})
        began = call.ended_ns - call.total_ns
        span = self._tracer.start_span(
            f"{call.method} {call.path}".rstrip(), context, self._kind, start_time=began
        )
        if span.is_recording():
            span.set_attributes(_attributes(call))
            if call.status >= 500:
                span.set_status(self._error)
            asked = began + call.input_ns
            self._child(span, "queue", asked, call.queue_ns)
            self._child(span, "infer", asked + call.queue_ns, call.infer_ns)
        span.end(call.ended_ns)

    def _child(self, parent: Any, name: str, began_ns: int, took_ns: int) -> None:
        if took_ns > 0:
            inside = self._inside(parent)
            self._tracer.start_span(name, inside, start_time=began_ns).end(began_ns + took_ns)


def _attributes(call: Finished) -> dict[str, str | int]:
    found: dict[str, str | int] = {
        "http.request.method": call.method,
        "http.response.status_code": call.status,
        "url.path": call.path,
        "stadion.model": call.model,
        "stadion.version": call.version,
        "stadion.request_id": call.request_id or call.id,
    }
    return {name: value for name, value in found.items() if value}
