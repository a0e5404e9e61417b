"""Many models for the tests of memory: each answers its own number, and weighs what it is told."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper

from stadion.core.deployment import Deployment, Plan, Route
from stadion.core.package import ModelPackage
from stadion.core.signature import Signature, Tensor
from stadion.serve.messages import Placement, placement_of
from tests.serve import graphs
from tests.serve.running import Server

__all__ = ["PLAN", "SLOW", "heavy", "placed", "resident_mib", "slow", "until", "value_of"]

PLAN = Plan("tick", 8, 0.2, 5000.0)

SLOW = """
import pathlib, time
import numpy as np

class Session:
    def __init__(self, signature, folder):
        self.signature = signature
        self.folder = folder

    def run(self, inputs, outputs=(), halt=None):
        if (self.folder / "broken").exists():
            from stadion.core.errors import Code, StadionError
            raise StadionError(Code.INTERNAL, "the device is gone")
        while (self.folder / "hanging").exists():
            time.sleep(0.02)
        return {"y": -inputs["x"]}

class Slow:
    name = "slow"
    summary = "takes its time to load, counts its loads, fails and hangs when it is told to"

    def load(self, package):
        folder = pathlib.Path(package.files["model.slow"].path).parent
        with (folder / "loads").open("a") as note:
            note.write("load\\n")
        time.sleep(float(pathlib.Path(package.files["model.slow"].path).read_text()))
        return Session(package.signature, folder)

PLUGIN = Slow()
"""


def heavy(folder: Path, value: float, mib: float) -> ModelPackage:
    """x -> x * value, by way of that many MiB of weights."""
    width = int(mib * (1 << 18))
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["wide"]),
        helper.make_node("ReduceMean", ["wide"], ["y"], axes=[1], keepdims=1),
    ]
    x, y = Tensor("x", "FP32", (None, 1), missing=False), Tensor("y", "FP32", (None, 1))
    weights = {"weights": np.full((1, width), value, np.float32)}
    return graphs.package(folder, [x], [y], nodes, weights)


def slow(folder: Path, load_s: float, home: Path) -> ModelPackage:
    """x -> -x, by the plug-in runtime `SLOW` of that home; loading it takes that long."""
    plugin = home / "plugins" / "runtimes" / "slow.py"
    plugin.parent.mkdir(parents=True, exist_ok=True)
    plugin.write_text(SLOW)
    x, y = Tensor("x", "FP32", (None, 1), missing=False), Tensor("y", "FP32", (None, 1))
    return graphs.wrap(folder, str(load_s).encode(), Signature((x,), (y,)), "model.slow")


def placed(name: str, package: ModelPackage, pinned: bool = False, plan: Plan = PLAN) -> Placement:
    """Version 1 of a model, measured already."""
    deployment = Deployment(name, (Route(1, plan=plan, pinned=pinned),), 1)
    return placement_of(deployment, {1: package})


def value_of(server: Server, model: str, limit_s: float = 30) -> tuple[int, Any]:
    """Status and answer to x = 1."""
    one = {"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}
    wire = http.client.HTTPConnection("127.0.0.1", server.port, limit_s)
    with contextlib.closing(wire) as client:
        client.request("POST", f"/v2/models/{model}/infer", json.dumps({"inputs": [one]}))
        reply = client.getresponse()
        content = json.loads(reply.read())
    if reply.status != 200:
        return reply.status, content["error"]
    return reply.status, content["outputs"][0]["data"][0]


def resident_mib(*pids: int) -> float:
    """Main memory of processes, shared pages counted in each."""
    pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return sum(pages) * 4096 / (1 << 20)


def until(truth: Callable[[], bool], limit_s: float) -> float:
    """Seconds until it was true."""
    began = time.monotonic()
    while not truth():
        assert time.monotonic() - began < limit_s, "it never came true"
        time.sleep(0.02)
    return time.monotonic() - began
