"""Nothing in; the hardware, the cores that may be used and the versions that count, out."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from stadion.core.version import code_version

__all__ = ["cores", "describe"]


def cores() -> tuple[int, int]:
    """The server's core and the load generator's; the same one where there is no second."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[min(1, len(usable) - 1)]


def describe() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cpu": _after("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": _after("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "stadion": code_version(),
        "onnxruntime": metadata.version("onnxruntime"),
        "wrk": _first_line(["wrk", "-v"]),
        "h2load": _first_line(["h2load", "--version"]),
    }


def _after(file: str, key: str) -> str:
    for line in Path(file).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"


def _first_line(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except FileNotFoundError:
        return "not installed"
    return (done.stdout + done.stderr).split("\n", 1)[0].partition(" Copyright")[0].strip()
