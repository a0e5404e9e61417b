"""The child process that opens a foreign graph: an order on stdin in, a report on stdout out."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

__all__ = ["main"]

_MOST_WRITTEN_BYTES = 4 << 20


def main() -> None:
    """Read the order, bind this process to its limits, look at the file, say what it is."""
    order = json.loads(sys.stdin.buffer.read())
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is no part of the report
    _bind(order)
    report = _report(Path(order["graph"]), order["test_s"])
    with os.fdopen(answer, "wb") as stream:
        stream.write(json.dumps(report).encode())
    os._exit(0)  # a runtime that was stopped in the middle may not end on its own


def _bind(order: dict[str, Any]) -> None:
    """Limit memory, processor time and what is written; a core dump is not."""
    memory, seconds = int(order["memory_bytes"]), int(order["cpu_s"])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_WRITTEN_BYTES, _MOST_WRITTEN_BYTES))


def _report(path: Path, test_s: float) -> dict[str, Any]:
    from stadion.core.errors import Code, StadionError
    from stadion.export.inspection import inspected

    try:
        return inspected(path.read_bytes(), test_s)
    except StadionError as error:
        return {"code": error.code.value, "message": error.message, "hint": error.hint}
    except MemoryError:
        return {"code": Code.INVALID.value, "message": "the graph needs too much memory"}
