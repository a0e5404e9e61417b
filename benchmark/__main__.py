"""Speed of serving beside the peers, in one run: options in, docs/results/serving.{json,md} out."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark.blocks import Plan, measure_blocks, read_records
from benchmark.load import missing_tools
from benchmark.models import MODELS
from benchmark.peers import all_peers
from benchmark.peers.base import Peer
from benchmark.preparing import SEED, prepared
from benchmark.report import write_report
from benchmark.scaling import NAME as SCALING
from benchmark.wire import BINARY, BYTES, GRPC, JSON

ROOT = Path(__file__).resolve().parent.parent
CACHE, RESULTS = ROOT / ".bench", ROOT / "docs" / "results"
PROTOCOLS = (JSON, BINARY, BYTES, GRPC)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the file of records lacks, and write the report from all of it."""
    options = _options().parse_args(arguments)
    cache: Path = options.cache
    quick_seconds, quick_blocks = (1, 1) if options.quick else (3, 5)
    seconds = options.seconds or quick_seconds
    file = cache / ("quick.jsonl" if options.quick else "blocks.jsonl")
    results = cache / "quick" if options.quick else options.results
    if options.fresh or (options.quick and not options.report):
        file.unlink(missing_ok=True)
    peers = all_peers()
    if not options.report:
        names = _chosen(options.only, [*peers, SCALING], "--only")
        plan = Plan(
            options.blocks or quick_blocks,
            names,
            _chosen(options.models, list(MODELS), "--models"),
            _chosen(options.protocols, list(_possible(PROTOCOLS)), "--protocols"),
            options.again,
        )
        _measure(plan, peers, cache, seconds, file)
    records = [r for r in read_records(file) if r["seconds"] == seconds]
    if not records:
        print(f"{file} has no figures of {seconds} s; run without --report first")
        return 1
    print(write_report(records, peers, {"seed": SEED, "seconds": seconds}, results))
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmark", description=__doc__)
    parser.add_argument("--blocks", type=int, metavar="N", help="how often all run in turn (5)")
    parser.add_argument("--seconds", type=int, metavar="S", help="length of each load (3)")
    parser.add_argument("--only", default="", help="servers, and 'scaling', by comma")
    parser.add_argument("--models", default="", help=f"of {', '.join(MODELS)}, by comma")
    parser.add_argument("--protocols", default="", help=f"of {', '.join(PROTOCOLS)}, by comma")
    parser.add_argument("--quick", action="store_true", help="one block of 1 s, kept apart")
    parser.add_argument("--again", action="store_true", help="measure also what is there already")
    parser.add_argument("--fresh", action="store_true", help="forget the figures there are")
    parser.add_argument("--report", action="store_true", help="only write the report")
    parser.add_argument("--cache", type=Path, default=CACHE, help="environments and records")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the report goes")
    return parser


def _chosen(text: str, known: list[str], option: str) -> list[str]:
    names = text.split(",") if text else known
    for name in names:
        if name not in known:
            raise SystemExit(f"{option} has {name!r}; known: {', '.join(known)}")
    return names


def _possible(protocols: Sequence[str]) -> list[str]:
    """Protocols for which there is a load generator; says how to get the others."""
    possible = list(protocols)
    for tool, hint in missing_tools().items():
        lost = [p for p in possible if (p == GRPC) == (tool == "h2load")]
        print(f"{tool} is not installed, so there is no {', '.join(lost)}: {hint}", flush=True)
        possible = [p for p in possible if p not in lost]
    if not possible:
        raise SystemExit("nothing can be measured without a load generator")
    return possible


def _measure(plan: Plan, peers: dict[str, Peer], cache: Path, seconds: int, file: Path) -> None:
    with prepared(cache, peers, plan.servers, plan.models, seconds) as bench:
        here = [name for name in plan.servers if name in bench.pythons or name == SCALING]
        measure_blocks(bench, peers, dataclasses.replace(plan, servers=here), file)


if __name__ == "__main__":
    sys.exit(main())
