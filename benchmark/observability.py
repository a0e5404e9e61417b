"""What watching costs: processor time per request with counts and access log, and without.

`python -m benchmark.observability` writes docs/results/observability.json. Three servers stand side
by side on one core and are asked in turns, so that whatever else the machine does falls on all.
'plain' has its counting taken out by a plug-in; 'counted' counts and is scraped once per turn, many
times as often as Prometheus would; 'watched' also logs every call to a file.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.asking import NotYet, ask
from benchmark.load import Loader
from benchmark.machine import cores, describe
from benchmark.models import MODELS, row, write_model
from benchmark.peers.base import Place
from benchmark.peers.stadion import PEER
from benchmark.ports import free_ports
from benchmark.processes import Tree, running
from benchmark.wire import BINARY, JSON, Call, open_inference
from stadion.platform import Platform

__all__ = ["cost", "main"]

SEED = 0
RESULTS = Path(__file__).resolve().parent.parent / "docs" / "results" / "observability.json"
MODEL = "tabular"
CONNECTIONS = 32
GOAL = 0.05
KINDS = ("plain", "counted", "watched")
_READY_S = 60.0
_WARM_UP_S = 2
_PLUGIN = '''
"""Takes the counting out of a worker, to see what it costs."""

import asyncio

from stadion.serve import stats, tally


def nothing(*_args, **_more):
    """In place of counting."""


async def silence(_teller):
    """In place of telling."""
    await asyncio.sleep(0)


stats.Histogram.add = nothing
stats.Stats.ran = nothing
stats.Stats.ran_together = nothing
tally.Teller.report = silence


class Quiet:
    name = "quiet"
    summary = "no counting"

    def routes(self, services):
        return []


PLUGIN = Quiet()
'''


@dataclass(frozen=True, slots=True)
class _Server:
    """One of the three, under load."""

    name: str
    tree: Tree
    port: int
    control: int

    def turn(self, loader: Loader, call: Call, seconds: int) -> dict[str, float]:
        """Some seconds of load: microseconds of processor time per answered request."""
        before = self.tree.cpu_s()
        load = loader.run(call, self.port, seconds, CONNECTIONS, 0)
        if self.name != "plain":
            _scrape(self.control)
        spent_s = self.tree.cpu_s() - before
        if load.failed:
            raise RuntimeError(f"{load.failed} of {load.requests} requests failed")
        return {"us_per_request": 1e6 * spent_s / load.requests, "requests_per_s": load.per_s}


def cost(seconds: int = 3, turns: int = 9, forms: Sequence[str] = (JSON, BINARY)) -> dict[str, Any]:
    """The share of processor time that watching adds, per form of the requests.

    Parameters
    ----------
    seconds, turns
        How long each turn lasts, and how many each server has for each form.
    """
    network = MODELS[MODEL]
    calls = open_inference(network, row(network, SEED))
    server_core, load_core = cores()
    loader = Loader((load_core,))
    order = random.Random(SEED)  # noqa: S311  # whose turn it is, no secret
    found: dict[str, Any] = {}
    with _all((server_core,)) as servers:
        for form in forms:
            for server in servers:
                loader.run(calls[form], server.port, _WARM_UP_S, CONNECTIONS, 0)
            taken: dict[str, list[dict[str, float]]] = {server.name: [] for server in servers}
            for _ in range(turns):
                for server in order.sample(servers, len(servers)):
                    taken[server.name].append(server.turn(loader, calls[form], seconds))
            found[form] = _summary(taken)
    return {
        "what": f"{MODEL}, {CONNECTIONS} connections, one worker, turns of {seconds} s",
        "goal": GOAL,
        "seed": SEED,
        "turns": turns,
        "forms": found,
        "machine": describe(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write it down."""
    parser = argparse.ArgumentParser(prog="python -m benchmark.observability")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    report = cost(options.seconds, options.turns)
    options.results.parent.mkdir(parents=True, exist_ok=True)
    options.results.write_text(json.dumps(report, indent=2) + "\n")
    for form, servers in report["forms"].items():
        for name, figures in servers.items():
            low, high = 100 * figures["cost_low"], 100 * figures["cost_high"]
            print(
                f"{form:7} {name:8} {figures['us_per_request']:6.2f} us per request"
                f"  {100 * figures['cost']:+6.1f} %  ({low:+.1f} to {high:+.1f})"
            )
    return 0


@contextmanager
def _all(server_cores: Sequence[int]) -> Iterator[list[_Server]]:
    with tempfile.TemporaryDirectory(prefix="stadion-watching-") as name, ExitStack() as stack:
        folder = Path(name)
        yield [stack.enter_context(_up(folder, kind, server_cores)) for kind in KINDS]


@contextmanager
def _up(folder: Path, kind: str, server_cores: Sequence[int]) -> Iterator[_Server]:
    """A server of its own home, with everything that watches or with nothing."""
    network, home = MODELS[MODEL], folder / kind
    place = Platform.open(home)
    place.import_model(write_model(network, folder, SEED), network.name)
    place.deploy(network.name)
    http, grpc, control = free_ports(3)
    place_of_peer = Place(Path(sys.executable), folder, {}, http, grpc, control, home)
    command = list(PEER.command(place_of_peer))
    if kind == "watched":
        command += ["--access-log", str(folder / "access.jsonl")]
    if kind == "plain":
        plugin = home / "plugins" / "protocols" / "quiet.py"
        plugin.parent.mkdir(parents=True)
        plugin.write_text(_PLUGIN)
    with running(command, server_cores, folder / f"{kind}.log", {}) as tree:
        _await(tree, http, control, folder / f"{kind}.log")
        yield _Server(kind, tree, http, control)


def _await(tree: Tree, port: int, control: int, log: Path) -> None:
    """Wait for the first answer of both faces."""
    network, deadline = MODELS[MODEL], time.monotonic() + _READY_S
    call = open_inference(network, row(network, SEED))[JSON]
    while True:
        try:
            ask(call, port)
            _metrics(control)
        except (NotYet, OSError) as error:
            if time.monotonic() > deadline or not tree.alive:
                raise RuntimeError(f"no answer: {error}; {log.read_text()[-500:]}") from None
            time.sleep(0.1)
        else:
            tree.settle()
            return


def _scrape(port: int) -> None:
    if b"nv_inference_request_success" not in _metrics(port):
        raise RuntimeError("the metrics do not tell of the requests")


def _metrics(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as reply:
        text: bytes = reply.read()
        return text


def _summary(taken: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Medians, and what each adds to the plain server: turn by turn, the middle half of it."""
    plain = [turn["us_per_request"] for turn in taken["plain"]]
    found = {}
    for name, turns in taken.items():
        spent = [turn["us_per_request"] for turn in turns]
        added = [b / a - 1 for a, b in zip(plain, spent, strict=True)]
        low, middle, high = statistics.quantiles(added, n=4) if len(added) > 1 else 3 * added
        found[name] = {
            "us_per_request": statistics.median(spent),
            "requests_per_s": statistics.median(turn["requests_per_s"] for turn in turns),
            "cost": middle,
            "cost_low": low,
            "cost_high": high,
        }
    return found


if __name__ == "__main__":
    raise SystemExit(main())
