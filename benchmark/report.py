"""The records of all blocks in; docs/results/serving.json and its tables in Markdown out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmark.blocks import Record
from benchmark.figures import Claim, Figures, Key, Spread, claims, per_cpu_s, per_s
from benchmark.load import GRPC_STREAMS
from benchmark.machine import describe
from benchmark.models import MODELS
from benchmark.peers.base import Peer
from benchmark.scaling import IN_FLIGHT, NAME, NICE
from benchmark.turn import CONNECTIONS

__all__ = ["as_markdown", "write_report"]

_METHOD = (
    "In every block each server runs in turn, alone, on one core: one process that answers, one "
    "thread per run, no request log. Stadion's control process shares that core, idle. "
    f"The load comes from another core: wrk, one thread, {CONNECTIONS} connections, each waiting "
    "for its answer; gRPC from h2load, "
    f"{CONNECTIONS // GRPC_STREAMS} connections with {GRPC_STREAMS} calls in flight on each. "
    "Every request is one row, the same bytes again and again; the answer is compared with raw "
    "ONNX Runtime's before and after each load. Raw ONNX Runtime, one thread, the same core, is "
    "measured before and after each load, the server idle. Figures are medians over the blocks "
    "with the least and the most; ratios are taken inside each block. 'bytes' is the array's "
    "bytes without any description (a FastAPI route of its users' kind; the raw form of the Open "
    "Inference Protocol). "
    f"Two workers: {IN_FLIGHT} connections, wrk with nice {NICE} on both cores in both parts."
)
Rows = Sequence[Sequence[str]]


def write_report(
    records: Sequence[Record], peers: Mapping[str, Peer], facts: Mapping[str, Any], folder: Path
) -> str:
    """Write both files; the Markdown."""
    figures = Figures(records)
    content = _content(figures, records, peers, facts)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "serving.json").write_text(json.dumps(content, indent=1) + "\n")
    text = as_markdown(figures, content)
    (folder / "serving.md").write_text(text)
    return text


def as_markdown(figures: Figures, content: Mapping[str, Any]) -> str:
    """The ratios first, then every figure, then what the servers are."""
    machine = content["machine"]
    parts = [
        "# Serving speed, beside the peers",
        "Written by `make bench`; not by hand.",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory']}; Python "
        f"{machine['python']}, ONNX Runtime {machine['onnxruntime']}, {machine['wrk']}, "
        f"{machine['h2load']}; Stadion {machine['stadion']}; seed {content['seed']}; "
        f"{content['blocks']} blocks, {content['seconds']} s per figure, up to four times that "
        "where one answer takes long.",
        content["method"],
        "## What must be shown",
        _table(
            ("what", "against", "wanted", "got (least - most)", "by processor time", "blocks"),
            [_claim_row(claim) for claim in claims(figures)],
        ),
        "## Networks",
        _table(
            ("network", "what", "raw runs/s, one row", "raw rows/s, runs of 32"),
            [_raw_row(figures, name) for name in MODELS],
        ),
        "## Requests per second",
        _table(
            ("server", "model", "protocol", "connections", "requests/s (least - most)", "p50 ms",
             "p99 ms", "of raw", "per CPU second", "failed"),
            [_cell_row(figures, server, key) for server in figures.servers
             for key in figures.keys(server)],
        ),
        "## Two workers on two cores",
        _table(
            ("model", "protocol", "workers", "requests/s (least - most)", "p99 ms"),
            [_scaling_row(figures, key) for key in figures.keys(NAME)],
        ),
        "## Servers",
        _table(
            ("server", "version", "how it runs", "first answer s", "RSS MB", "core while idle"),
            [_server_row(name, facts) for name, facts in content["servers"].items()],
        ),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _content(
    figures: Figures,
    records: Sequence[Record],
    peers: Mapping[str, Peer],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "method": _METHOD,
        "blocks": len(figures.blocks),
        **facts,
        "machine": describe(),
        "networks": {name: network.what for name, network in MODELS.items()},
        "must_show": [dataclasses.asdict(claim) for claim in claims(figures)],
        "servers": {name: _server(figures, peer) for name, peer in peers.items()},
        "figures": [
            _figure(figures, server, key)
            for server in figures.servers
            for key in figures.keys(server)
        ],
        "two_workers": [_scaling(figures, key) for key in figures.keys(NAME)],
        "measured": sorted({record["at"] for record in records}),
    }


def _server(figures: Figures, peer: Peer) -> dict[str, Any]:
    facts: dict[str, Any] = {"what": peer.what}
    if peer.name in figures.errors:
        facts["error"] = figures.errors[peer.name]
    starts = figures.starts.get(peer.name)
    if not starts:
        return facts
    # Where one process serves one model, the largest counts.
    middle = {key: median(start[key] for start in starts) for key in ("first_answer_s", "idle_cpu")}
    most_mb = max(start["rss_mb"] for start in starts)
    return facts | {"version": figures.versions[peer.name], "rss_mb": most_mb} | middle


def _scaling(figures: Figures, key: Key) -> dict[str, Any]:
    model, protocol, workers = key
    facts = {"model": model, "protocol": protocol, "workers": workers}
    return facts | {"per_s_by_block": figures.by_block(NAME, key)}


def _figure(figures: Figures, server: str, key: Key) -> dict[str, Any]:
    def over(name: str) -> Any:
        got = figures.over(server, key, lambda cell: cell[name])
        return got and dataclasses.asdict(got)

    model, protocol, connections = key
    facts: dict[str, Any] = {
        "server": server,
        "model": model,
        "protocol": protocol,
        "connections": connections,
    }
    names = ("per_s", "p50_ms", "p99_ms", "failed", "cpu")
    of_raw = figures.against_raw(server, key, "runs_per_s", per_s)
    facts["of_raw"] = of_raw and dataclasses.asdict(of_raw)
    facts["per_s_by_block"] = figures.by_block(server, key)
    return facts | {name: over(name) for name in names}


def _table(head: Sequence[str], rows: Rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _claim_row(claim: Claim) -> list[str]:
    wanted = f"{claim.wanted:g}" if claim.wanted else ""
    blocks = str(claim.got.blocks) if claim.got else "0"
    by_cpu = f"{claim.by_cpu.median:.2f}" if claim.by_cpu else ""
    return [claim.what, claim.against, wanted, _spread(claim.got, ".2f"), by_cpu, blocks]


def _raw_row(figures: Figures, name: str) -> list[str]:
    rates = (figures.raw(name, figure) for figure in ("runs_per_s", "rows_per_s"))
    return [name, MODELS[name].what, *(_spread(rate, ",.0f") for rate in rates)]


def _cell_row(figures: Figures, server: str, key: Key) -> list[str]:
    def middle(name: str, form: str) -> str:
        got = figures.over(server, key, lambda cell: cell[name])
        return format(got.median, form) if got else ""

    model, protocol, connections = key
    of_raw = figures.against_raw(server, key, "runs_per_s", per_s)
    by_cpu = figures.over(server, key, per_cpu_s)
    failed = figures.over(server, key, lambda cell: cell["failed"])
    return [
        server, model, protocol, str(connections), _rate(figures, server, key),
        middle("p50_ms", ".2f"), middle("p99_ms", ".2f"),
        f"{of_raw.median:.3f}" if of_raw else "",
        f"{by_cpu.median:,.0f}" if by_cpu else "",
        f"{failed.high:.0f}" if failed else "",
    ]  # fmt: skip


def _scaling_row(figures: Figures, key: Key) -> list[str]:
    model, protocol, workers = key
    late = figures.over(NAME, key, lambda cell: cell["p99_ms"])
    rate = _rate(figures, NAME, key)
    return [model, protocol, str(workers), rate, f"{late.median:.2f}" if late else ""]


def _server_row(name: str, facts: Mapping[str, Any]) -> list[str]:
    if "version" not in facts:
        why = facts.get("error", "not measured")
        return [name, "-", f"{facts['what']}: {why}".replace("\n", " ")[:300], "", "", ""]
    return [
        name, facts["version"], facts["what"], f"{facts['first_answer_s']:.1f}",
        f"{facts['rss_mb']:,.0f}", f"{facts['idle_cpu']:.0%}",
    ]  # fmt: skip


def _rate(figures: Figures, server: str, key: Key) -> str:
    return _spread(figures.over(server, key, lambda cell: cell["per_s"]), ",.0f")


def _spread(value: Spread | None, form: str) -> str:
    if value is None:
        return "not measured"
    least, most = (format(end, form) for end in (value.low, value.high))
    return f"{value.median:{form}} ({least} - {most})"
