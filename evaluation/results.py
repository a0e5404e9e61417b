"""One line of the table of results, and how the table is printed and kept."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from evaluation.protocol import Summary
from stadion.core.version import code_version

__all__ = ["Result", "keep", "machine", "result", "show"]

_LIBRARIES = ("numpy", "torch", "lightgbm", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Result:
    """What was asked of which data under which protocol, and how well it was answered.

    `baselines` hold the metric of trivial answers to the same rows, `anchor` what others
    published; `spread` is the standard deviation over the seeds, or over the folds where one seed
    was run (the protocol says which). `intervals`, `groups` and `missing` are as in
    `evaluation.protocol.Summary`.
    """

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
    details: Mapping[str, Any] = field(default_factory=dict)
    intervals: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    missing: Mapping[str, float] = field(default_factory=dict)


def result(
    summary: Summary,
    *,
    task: str,
    data: str,
    protocol: str,
    metric: str,
    value: float,
    spread: float,
    baselines: Mapping[str, float],
    anchor: str,
    test_rows: int,
    details: Mapping[str, Any] | None = None,
) -> Result:
    """A line of the table from what was measured and what its answers have in common."""
    return Result(
        task, data, protocol, metric, value, spread, baselines, anchor, summary.learner,
        test_rows, summary.seconds, summary.model_bytes, summary.prediction_ms, details or {},
        summary.intervals, summary.groups, summary.missing,
    )  # fmt: skip


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
    baselines = ", ".join(f"{name} {value:.4g}" for name, value in r.baselines.items())
    print(f"\n{r.task} on {r.data}, {r.protocol}")
    print(f"  {r.metric} {r.value:.4f} (+-{r.spread:.4f})  {r.learner}, {r.test_rows} rows")
    print(f"  baselines: {baselines}")
    print(f"  published: {r.anchor}")
    kilobytes = r.model_bytes / 1024
    print(f"  {r.seconds:.0f} s, {kilobytes:.0f} kB, {r.prediction_ms:.2f} ms per prediction")
    for output, report in r.intervals.items():
        print(f"  interval of {output}: {_in_words(report)}")
    for group, report in r.groups.items():
        print(f"  {group}: {_in_words(report)}")
    if r.missing:
        print(f"  with that share of the inputs missing: {_in_words(r.missing)}")
    for name, value in r.details.items():
        print(f"  {name}: {value}")


def keep(results: Sequence[Result], seeds: Sequence[int], path: Path) -> None:
    """Put the results into the table, in the place of all older ones of their tasks.

    Each keeps the seeds, versions and hardware it was measured with. Several programs may do
    this at once.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = json.loads(file.read() or "{}").get("results", [])
        fresh = [asdict(r) | {"seeds": list(seeds), "machine": machine()} for r in results]
        replaced = {entry["task"] for entry in fresh}
        table = [entry for entry in known if entry["task"] not in replaced] + fresh
        file.truncate(0)
        file.write(json.dumps({"results": sorted(table, key=_question)}, indent=2) + "\n")


def _question(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    return entry["task"], entry["data"], entry["protocol"]


def _in_words(report: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in report.items())
