"""One worker on one core, two workers on two cores in; how much more the two answer, out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reliability.homes import binary_request, with_models
from reliability.load import capacity
from reliability.models import CHANNELS, STEPS, recurrent
from reliability.proof import Report, Scene, at_least
from reliability.server import serving

__all__ = ["RED", "SHORT", "Settings", "run"]

MODEL = "signal"
_RATIO = "throughput of two workers on two cores against one on one"


@dataclass(frozen=True, slots=True)
class Settings:
    """How much of it; the median of the rounds' ratios counts.

    A call costs the server some milliseconds and the generator some hundredths of one, and the
    generator stands back (`nice`), so that it takes next to nothing of the two cores.
    """

    rounds: int = 5
    seconds: float = 5.0
    hidden: int = 256
    nice: int = 5
    connections: int = 32


SHORT: Mapping[str, Any] = {"rounds": 1, "seconds": 0.7, "hidden": 128}
RED = (_RATIO,)


def run(scene: Scene, settings: Settings, sabotaged: bool) -> Report:
    """Both in turns, so that a slow minute hits both; in the control all have one core."""
    package = recurrent(scene.folder / "1", settings.hidden)
    home = with_models(scene.folder / "home", [(MODEL, package)])
    cores = len(os.sched_getaffinity(0))
    one, two = [], []
    for number in range(settings.rounds):
        one.append(_answered(settings, home, workers=1, core=0))
        two.append(_answered(settings, home, workers=2, core=0 if sabotaged else -1))
        scene.say(f"round {number + 1}: {one[-1]:,.0f} and {two[-1]:,.0f} calls/s")
    ratios = sorted(b / a for a, b in zip(one, two, strict=True))
    middle = ratios[len(ratios) // 2]
    return Report(
        injected={"cores": cores, "workers": [1, 2]},
        figures={
            "calls/s of one": [round(value, 1) for value in one],
            "calls/s of two": [round(value, 1) for value in two],
            "generator": f"nice {settings.nice}, closed loop, {settings.connections} connections",
        },
        verdicts=[at_least(_RATIO, middle, 1.7)],
    )


def _answered(settings: Settings, home: Path, workers: int, core: int) -> float:
    request = binary_request(MODEL, "signal", (1, STEPS, CHANNELS))
    with serving(home, workers, core=core) as server:
        return capacity(
            server.port,
            [request],
            settings.seconds,
            connections=settings.connections,
            nice=settings.nice,
        )
