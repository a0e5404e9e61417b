"""What a scenario found: faults, figures and verdicts in, one part of the results file out."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from stadion.core.version import code_version

__all__ = [
    "Report",
    "Scenario",
    "Scene",
    "Verdict",
    "at_least",
    "at_most",
    "exactly",
    "keep",
    "part_of",
]

_LIBRARIES = ("httptools", "msgspec", "numpy", "onnxruntime", "orjson", "uvloop")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that must hold: what was wanted, what was found."""

    what: str
    wanted: str
    got: float
    passed: bool


def at_most(what: str, got: float, limit: float) -> Verdict:
    """Passed when `got` is not above the limit; NaN never passes."""
    return Verdict(what, f"at most {limit:g}", round(float(got), 4), bool(got <= limit))


def at_least(what: str, got: float, limit: float) -> Verdict:
    """Passed when `got` is not below the limit; NaN never passes."""
    return Verdict(what, f"at least {limit:g}", round(float(got), 6), bool(got >= limit))


def exactly(what: str, got: float, wanted: float) -> Verdict:
    """Passed when they are equal."""
    return Verdict(what, f"exactly {wanted:g}", float(got), bool(got == wanted))


@dataclass(slots=True)
class Report:
    """Everything one run of a scenario has to say."""

    injected: dict[str, Any] = field(default_factory=dict)
    observed: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def red(self) -> list[str]:
        """What did not hold."""
        return [verdict.what for verdict in self.verdicts if not verdict.passed]


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and how a scenario runs.

    Parameters
    ----------
    folder
        Its own, removed afterwards.
    load_core
        Where the load generator runs, so that it takes no more than that; -1: anywhere.
    say
        Tells whoever watches how far it is.
    """

    folder: Path
    seed: int
    load_core: int
    say: Callable[[str], None]


class Scenario(Protocol):
    """What each file of a scenario holds.

    `RED` names the verdicts that must not pass when `run` is sabotaged: that shows that they
    can see what they are there for. `SHORT` are settings for a run of seconds.
    """

    Settings: type[Any]
    SHORT: Mapping[str, Any]
    RED: Sequence[str]

    @staticmethod
    def run(scene: Scene, settings: Any, sabotaged: bool) -> Report:
        """Play it; `sabotaged` plays its control."""
        ...


def keep(path: Path, name: str, part: Mapping[str, Any]) -> None:
    """Write one scenario's part; the others stay as they are."""
    content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    scenarios = content.setdefault("scenarios", {})
    scenarios[name] = dict(part)
    content["passed"] = {key: scenarios[key]["passed"] for key in sorted(scenarios)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


def part_of(
    settings: Any, seed: int, report: Report, control: Report | None, red: Sequence[str]
) -> dict[str, Any]:
    """What is kept of a scenario: it has passed when all is green and its control is red."""
    blind = [what for what in red if control is not None and what not in control.red]
    part: dict[str, Any] = {
        "passed": not report.red and not blind,
        "settings": asdict(settings),
        "seed": seed,
        "machine": _machine(),
        **asdict(report),
    }
    if control is not None:
        wanted = {what: what in control.red for what in red}
        part["control"] = {"went_red": wanted, **asdict(control)}
    return part


def _machine() -> dict[str, Any]:
    cpu = Path("/proc/cpuinfo").read_text().split("model name\t: ", 1)[-1].split("\n", 1)[0]
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "stadion": code_version(),
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        "busy_before": round(os.getloadavg()[0], 2),
    }
