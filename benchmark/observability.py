"""What watching costs: processor time per request with counts and access log, and without.

`python -m benchmark.observability` writes docs/results/observability.json. One server is asked in
turns: 'plain' with its counting and logging taken out by a plug-in, 'counted' as it is by default,
scraped once per turn, many times as often as Prometheus would, and 'watched' with every call
logged to a file as well. It is the same process in all turns, so that only the watching differs.
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
from contextlib import contextmanager
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
"""Takes the watching out of a worker and puts it back, to see what it costs."""

from stadion.serve import stats
from stadion.serve.http.witness import Witness
from stadion.serve.protocols.base import Reply, Route

COUNTING = ((stats.Histogram, "add"), (stats.Stats, "ran"), (stats.Stats, "ran_together"))
LOGGING = ((Witness, "see"), (Witness, "see_together"))
REAL = {place: getattr(*place) for place in COUNTING + LOGGING}


def nothing(*_args, **_more):
    """In place of watching."""


class Switch:
    name = "switch"
    summary = "watching on and off"

    def routes(self, services):
        return [Route("GET", "/watching/{kind}", self.turn)]

    def turn(self, call):
        kind = call.params["kind"]
        for places, is_on in ((COUNTING, kind != "plain"), (LOGGING, kind == "watched")):
            for place in places:
                setattr(*place, REAL[place] if is_on else nothing)
        return Reply(b"{}")

    def failure(self, error):
        return Reply(error.message.encode(), 500)


PLUGIN = Switch()
'''


@dataclass(frozen=True, slots=True)
class _Server:
    """The server under load."""

    tree: Tree
    port: int
    control: int

    def turn(self, kind: str, loader: Loader, call: Call, seconds: int) -> dict[str, float]:
        """Some seconds of load: microseconds of processor time per answered request."""
        _get(f"http://127.0.0.1:{self.port}/watching/{kind}")
        before = self._cpu_s()
        load = loader.run(call, self.port, seconds, CONNECTIONS, 0)
        if kind != "plain" and b"nv_inference_request_success" not in _metrics(self.control):
            raise RuntimeError("the metrics do not tell of the requests")
        spent_s = self._cpu_s() - before
        if load.failed:
            raise RuntimeError(f"{load.failed} of {load.requests} requests failed")
        return {"us_per_request": 1e6 * spent_s / load.requests, "requests_per_s": load.per_s}

    def _cpu_s(self) -> float:
        """Processor time of all its threads, to the nanosecond."""
        files = (Path(f"/proc/{pid}/task").glob("*/schedstat") for pid in self.tree.pids())
        return sum(int(file.read_text().split()[0]) for found in files for file in found) / 1e9


def cost(
    seconds: int = 1, turns: int = 25, forms: Sequence[str] = (JSON, BINARY)
) -> dict[str, Any]:
    """The share of processor time that watching adds, per form of the requests.

    Parameters
    ----------
    seconds, turns
        How long each turn lasts, and how many of each kind there are for each form.
    """
    network = MODELS[MODEL]
    calls = open_inference(network, row(network, SEED))
    server_core, load_core = cores()
    loader = Loader((load_core,))
    order = random.Random(SEED)  # noqa: S311  # whose turn it is, no secret
    found: dict[str, Any] = {}
    with _up((server_core,)) as server:
        for form in forms:
            loader.run(calls[form], server.port, _WARM_UP_S, CONNECTIONS, 0)
            taken: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
            for _ in range(turns):
                for kind in order.sample(KINDS, len(KINDS)):
                    taken[kind].append(server.turn(kind, loader, calls[form], seconds))
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
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--turns", type=int, default=25)
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
def _up(server_cores: Sequence[int]) -> Iterator[_Server]:
    """A server that watches everything, and the plug-in that takes it away."""
    with tempfile.TemporaryDirectory(prefix="stadion-watching-") as name:
        folder, network = Path(name), MODELS[MODEL]
        place = Platform.open(folder / "home")
        place.import_model(write_model(network, folder, SEED), network.name)
        place.deploy(network.name)
        plugin = folder / "home" / "plugins" / "protocols" / "switch.py"
        plugin.parent.mkdir(parents=True)
        plugin.write_text(_PLUGIN)
        http, grpc, control = free_ports(3)
        where = Place(Path(sys.executable), folder, {}, http, grpc, control, folder / "home")
        command = [*PEER.command(where), "--access-log", str(folder / "access.jsonl")]
        with running(command, server_cores, folder / "log", {}) as tree:
            _await(tree, http, control, folder / "log")
            yield _Server(tree, http, control)


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


def _metrics(port: int) -> bytes:
    return _get(f"http://127.0.0.1:{port}/metrics")


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as reply:  # noqa: S310  # our own server
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
