"""One line of the table of results, and how the table is printed and kept."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from stadion.core.version import code_version

__all__ = ["Result", "machine", "show", "write"]

_LIBRARIES = ("numpy", "torch", "lightgbm", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Result:
    """What was asked of which data under which protocol, and how well it was answered."""

    task: str
    data: str
    protocol: str
    metric: str
    value: float
    spread: float
    baselines: Mapping[str, float]
    anchor: str
    learner: str
    test_rows: int
    seconds: float
    model_bytes: int
    prediction_ms: float
    details: Mapping[str, Any]


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpu = Path("/proc/cpuinfo").read_text().split("model name\t: ", 1)[-1].split("\n", 1)[0]
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "stadion": code_version(),
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
    }


def show(r: Result) -> None:
    """One block of the table."""
    baselines = ", ".join(f"{name} {value:.3f}" for name, value in r.baselines.items())
    print(f"\n{r.task} on {r.data}, {r.protocol}")
    print(f"  {r.metric} {r.value:.4f} (+-{r.spread:.4f})  {r.learner}, {r.test_rows} rows")
    print(f"  baselines: {baselines}")
    print(f"  published: {r.anchor}")
    kilobytes = r.model_bytes / 1024
    print(f"  {r.seconds:.0f} s, {kilobytes:.0f} kB, {r.prediction_ms:.2f} ms per prediction")
    for name, value in r.details.items():
        print(f"  {name}: {value}")


def write(results: Sequence[Result], seeds: Sequence[int], path: Path) -> None:
    """Keep the table as JSON with seeds, versions and hardware."""
    content = {
        "seeds": list(seeds),
        "machine": machine(),
        "results": [asdict(result) for result in results],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")
