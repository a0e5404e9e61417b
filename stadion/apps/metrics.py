"""`GET /metrics` of the control port: counts of a home's server in, Prometheus' text out."""

from __future__ import annotations

import gzip
import threading

from fastapi import FastAPI, Request, Response

from stadion.core.metric import CONTENT_TYPE
from stadion.platform import Platform
from stadion.platform.watching import Watching

__all__ = ["add_metrics"]

_SMALL = 1400
_FASTEST = 1


def add_metrics(app: FastAPI, platform: Platform) -> None:
    """Let an application answer it."""
    watching = Watching(platform.home)
    lock = threading.Lock()  # a reading is a difference to the one before

    @app.get("/metrics", tags=["server"], response_class=Response)
    def metrics(request: Request) -> Response:
        """All workers' counts, times and memory, and the machine's, for Prometheus."""
        with lock:
            text = watching.metrics()
        headers = {"Content-Type": CONTENT_TYPE, "Vary": "Accept-Encoding"}
        if len(text) > _SMALL and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            text = gzip.compress(text, _FASTEST)
        return Response(text, headers=headers)
