"""Scenarios by name in, their verdicts printed and written to docs/results/reliability.json.

python -m reliability                          all, in full
python -m reliability swaps kill --short       two of them, in seconds
python -m reliability soak --set calls=4.3e6   other sizes
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from reliability.proof import Report, Scenario, Scene, keep, part_of
from stadion.core.errors import StadionError
from stadion.core.settings import read_settings

__all__ = ["SCENARIOS", "main", "play", "scenario"]

SCENARIOS = (
    "swaps",
    "overload",
    "residency",
    "canary",
    "soak",
    "kill",
    "integrity",
    "workers",
)
RESULTS = Path(__file__).resolve().parent.parent / "docs" / "results" / "reliability.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything held and every control went red."""
    chosen = _parser().parse_args(arguments)
    given = dict(pair.partition("=")[::2] for pair in chosen.set)
    wrong = []
    for name in chosen.scenario or SCENARIOS:
        began = time.monotonic()
        try:
            settings = _settings(name, given, chosen.short)
            part = prove(name, settings, chosen.seed, chosen.control)
        except StadionError as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 2
        part["seconds"] = round(time.monotonic() - began, 1)
        keep(Path(chosen.out), name, part)
        if not part["passed"]:
            wrong.append(name)
    print("all held" if not wrong else f"did not hold: {', '.join(wrong)}")
    return 1 if wrong else 0


def prove(name: str, settings: Any, seed: int, with_control: bool) -> dict[str, Any]:
    """One scenario and its control."""
    it = scenario(name)
    report = play(name, settings, seed, sabotaged=False)
    control = None
    if with_control:
        short = read_settings(it.Settings, dict(it.SHORT), name)
        control = play(name, short, seed, sabotaged=True)
    return part_of(settings, seed, report, control, it.RED)


def play(name: str, settings: Any, seed: int, *, sabotaged: bool) -> Report:
    """Run a scenario in a folder of its own and show its verdicts."""
    label = f"{name}, control" if sabotaged else name
    cores = os.cpu_count() or 1
    print(f"\n{label}: {settings}", flush=True)
    with tempfile.TemporaryDirectory(prefix="stadion-") as folder:
        say = partial(_say, label)
        scene = Scene(Path(folder), seed, cores - 1 if cores > 1 else -1, say)
        report = scenario(name).run(scene, settings, sabotaged)
    _show(report, scenario(name).RED if sabotaged else ())
    return report


def scenario(name: str) -> Scenario:
    """The file of that name."""
    return cast(Scenario, importlib.import_module(f"reliability.{name}"))


def _settings(name: str, given: Mapping[str, str], is_short: bool) -> Any:
    it = scenario(name)
    return read_settings(it.Settings, {**(it.SHORT if is_short else {}), **given}, name)


def _say(label: str, text: str) -> None:
    print(f"  [{time.strftime('%H:%M:%S')}] {label}: {text}", flush=True)


def _show(report: Report, must_be_red: Sequence[str]) -> None:
    for kind in ("injected", "observed", "figures"):
        for key, value in getattr(report, kind).items():
            print(f"    {kind[:8]:<8} {key}: {value}")
    for verdict in report.verdicts:
        word = "held" if verdict.passed else "BROKEN"
        if verdict.what in must_be_red:
            word = "NOT SEEN" if verdict.passed else "seen"
        print(f"  {word:<8} {verdict.what}: {verdict.got:g} ({verdict.wanted})", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reliability", description=__doc__)
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--set", action="append", default=[], metavar="K=V", help="a setting")
    parser.add_argument("--short", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--no-control", dest="control", action="store_false")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=str(RESULTS), help="the results file")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
