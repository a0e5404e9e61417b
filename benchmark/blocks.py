"""What should be measured in; a line per server and block in a file that can go on later, out."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.peers.base import Peer
from benchmark.scaling import NAME, cases, scaling
from benchmark.turn import Bench, cells_of, turn

__all__ = ["Plan", "Record", "measure_blocks", "read_records"]

Record = dict[str, Any]
Key = tuple[str, str, int]
"""Model, protocol, and connections, or workers where these are compared."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What should be in the file at the end.

    Parameters
    ----------
    servers
        Names of peers, and 'scaling' for the comparison of one worker with two.
    again
        Measure also what the file has already; the report takes the last of each.
    """

    blocks: int
    servers: Sequence[str]
    models: Sequence[str]
    protocols: Sequence[str]
    again: bool = False


def measure_blocks(bench: Bench, peers: dict[str, Peer], plan: Plan, file: Path) -> None:
    """Every server once in every block, whatever happens to the others."""
    for block in range(plan.blocks):
        for server in plan.servers:
            have = set() if plan.again else _measured_already(file, block, server, bench.seconds)
            models = _open(bench, peers, plan, server, have)
            if not models:
                continue
            print(f"block {block + 1} of {plan.blocks}: {server}: {', '.join(models)}", flush=True)
            record = _guarded(lambda s=server, m=models: _measured(bench, peers, plan, s, m))  # type: ignore[misc]
            _append(file, {"block": block, "server": server, "seconds": bench.seconds} | record)


def read_records(file: Path) -> list[Record]:
    """All lines so far; one that a kill cut short is passed over."""
    if not file.exists():
        return []
    records = []
    for line in file.read_text().splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return records


def _measured(
    bench: Bench, peers: dict[str, Peer], plan: Plan, server: str, models: Sequence[str]
) -> Record:
    if server == NAME:
        return scaling(bench, peers["stadion"], models, plan.protocols)
    record = turn(bench, peers[server], models, plan.protocols)
    for cell in record["cells"]:
        print(
            f"  {cell['model']:<8}{cell['protocol']:<7}{cell['connections']:>3} "
            f"{cell['per_s']:>10,.0f}/s  p50 {cell['p50_ms']:.2f}  p99 {cell['p99_ms']:.2f} ms  "
            f"failed {cell['failed']}  core {cell['cpu']:.0%}",
            flush=True,
        )
    return record


def _guarded(measured: Callable[[], Record]) -> Record:
    """The record, or why there is none: one broken server must not end the run."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    facts = {"at": now, "machine_load": os.getloadavg()[0]}
    try:
        return facts | measured()
    except Exception as error:  # noqa: BLE001  # whatever it was goes into the record
        reason = f"{type(error).__name__}: {error}"
        print(f"  failed: {reason}", flush=True)
        return facts | {"error": reason}


def _measured_already(file: Path, block: int, server: str, seconds: int) -> set[Key]:
    wanted = (block, server, seconds)
    return {
        _key(cell)
        for record in read_records(file)
        if (record["block"], record["server"], record["seconds"]) == wanted
        for cell in record.get("cells", ())
    }


def _open(
    bench: Bench, peers: dict[str, Peer], plan: Plan, server: str, have: set[Key]
) -> list[str]:
    """Models of which a figure is wanted that is not among those there are."""
    if server == NAME:
        wanted = {
            (*case, workers) for case in cases(plan.models, plan.protocols) for workers in (1, 2)
        }
    else:
        cells = cells_of(peers[server], plan.models, bench.seed, plan.protocols)
        wanted = {(cell.model, cell.protocol, cell.connections) for cell in cells}
    missing = {model for model, *_ in wanted - have}
    return [model for model in plan.models if model in missing]


def _key(cell: Record) -> Key:
    return cell["model"], cell["protocol"], cell["workers" if "workers" in cell else "connections"]


def _append(file: Path, record: Record) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as lines:
        size = lines.seek(0, os.SEEK_END)
        lines.seek(max(0, size - 1))
        broken = b"" if lines.read(1) in (b"", b"\n") else b"\n"  # a kill cut the last one short
        lines.write(broken + json.dumps(record).encode() + b"\n")
