"""How a background job's view reads, on a home folder and over a wire."""

from __future__ import annotations

from typing import Any

from stadion.core.errors import Code, StadionError

__all__ = ["result_of"]


def result_of(view: dict[str, Any]) -> dict[str, Any]:
    """The result in an ended job's view; its error is raised."""
    if view["state"] == "done":
        result: dict[str, Any] = view["result"]
        return result
    log = view.get("log")
    if isinstance(log, dict) and "code" in log:
        raise StadionError(Code(log["code"]), log["error"], log.get("hint", ""))
    raise StadionError(Code.UNAVAILABLE, f"{view['job']} ended as {view['state']}: {log or '-'}")
