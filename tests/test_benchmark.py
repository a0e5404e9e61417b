"""The benchmark, in short: one block of Stadion and one peer, and what it concludes from blocks."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.asking import Answer, Wrong, check
from benchmark.blocks import Plan, measure_blocks, read_records
from benchmark.figures import Figures, per_cpu_s, per_s
from benchmark.models import MODELS, row, write_model
from benchmark.peers import all_peers
from benchmark.preparing import prepared
from benchmark.processes import running
from benchmark.protobuf import infer_message, infer_tensor
from benchmark.raw import answer
from benchmark.report import write_report
from benchmark.scaling import NAME as SCALING
from benchmark.wire import BINARY, JSON
from stadion.serve.grpc import inference_pb2 as pb

needs_wrk = pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")


@pytest.mark.parametrize("network", MODELS.values(), ids=MODELS)
def test_a_seed_makes_one_network_and_another_seed_another(network: Any, tmp_path: Path) -> None:
    one, same, other = (write_model(network, tmp_path / str(i), i // 2) for i in (0, 1, 2))
    assert one.read_bytes() == same.read_bytes()
    rows = row(network, 0, 2)
    assert answer(network, one, rows).shape == (2, network.outputs)
    single = np.concatenate([answer(network, one, rows[i : i + 1]) for i in (0, 1)])
    np.testing.assert_allclose(answer(network, one, rows), single, rtol=1e-4, atol=1e-5)
    assert not np.allclose(answer(network, one, rows), answer(network, other, rows), rtol=1e-3)


def test_the_message_written_by_hand_is_the_one_that_protobuf_reads() -> None:
    rows = row(MODELS["lstm"], 3)
    request = pb.ModelInferRequest.FromString(infer_message("lstm", "window", rows))
    (tensor,) = request.inputs
    assert (request.model_name, tensor.name, tensor.datatype) == ("lstm", "window", "FP32")
    assert list(tensor.shape) == [1, 128, 9]
    assert list(request.raw_input_contents) == [rows.tobytes()]


@pytest.mark.parametrize("raw", [True, False])
def test_both_forms_of_a_grpc_answer_are_read(raw: bool) -> None:
    reply = pb.ModelInferResponse(model_name="m", model_version="300", id="a")
    tensor = reply.outputs.add(name="y", datatype="FP32", shape=[1, 2])
    if raw:
        reply.raw_output_contents.append(np.array([1, -2], np.float32).tobytes())
    else:
        tensor.contents.fp32_contents.extend([1, -2])
    assert infer_tensor(reply.SerializeToString()).tolist() == [1, -2]


def test_other_numbers_than_raw_onnx_runtime_says_are_refused() -> None:
    wanted = np.array([[1.0, 2.0]], np.float32)
    check(Answer(wanted.ravel(), 8), wanted)
    for wrong in ([1.0, 2.01], [1.0], [1.0, np.nan]):
        with pytest.raises(Wrong, match="expected"):
            check(Answer(np.array(wrong, np.float32), 8), wanted)


def _alive(pids: Iterable[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}/stat").exists() and not _zombie(pid)]


def test_a_server_ends_with_everything_it_started(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 60 & (setsid sleep 60) & echo up; wait"
    with running(["bash", "-c", script], [0], tmp_path / "log", {}) as tree:
        deadline = time.monotonic() + 10
        while len(tree.pids()) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        pids = tree.pids()
        assert len(pids) >= 3
        assert tree.rss_mb() > 0
        tree.stop(limit_s=0.2)
    deadline = time.monotonic() + 10  # what was killed needs a moment to be gone
    while (alive := _alive(pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive


@needs_wrk
def test_a_block_measures_stadion_and_a_peer_and_goes_on_where_it_ended(tmp_path: Path) -> None:
    peers = all_peers()
    peers = {
        "stadion": peers["stadion"],
        "fastapi": dataclasses.replace(peers["fastapi"], requirements=""),  # it is installed here
    }
    file, plan = tmp_path / "blocks.jsonl", Plan(1, list(peers), ["tabular"], [JSON])
    with prepared(tmp_path, peers, list(peers), plan.models, 1) as bench:
        measure_blocks(bench, peers, plan, file)
        before = file.read_bytes()
        with file.open("a") as cut_short:
            cut_short.write('{"block": 0, "server"')
        measure_blocks(bench, peers, plan, file)
        assert file.read_bytes().startswith(before)
        assert len(read_records(file)) == 2, "what was there has been measured again"
    for record in read_records(file):
        assert "error" not in record, record
        for cell in record["cells"]:
            assert (cell["failed"], cell["model"]) == (0, "tabular")
            assert cell["requests"] > 50
            assert 0 < cell["p50_ms"] <= cell["p99_ms"]
            assert cell["raw_before"]["runs_per_s"] > 0
    text = write_report(read_records(file), peers, {"seed": 0, "seconds": 1}, tmp_path / "results")
    content = json.loads((tmp_path / "results" / "serving.json").read_text())
    claim = next(c for c in content["must_show"] if c["wanted"] == 10 and c["got"])
    assert (claim["what"], claim["against"]) == ("tabular json", "best peer (fastapi)")
    assert claim["got"]["median"] > 1, "slower than the peer"
    assert "| tabular json | best peer (fastapi) | 10 |" in text


def test_a_ratio_is_taken_inside_its_block_against_the_best_of_it() -> None:
    figures = Figures(
        [
            *_block(0, stadion=100, fastapi=10, flask=5),
            *_block(1, stadion=300, fastapi=10, flask=20),
            *_block(2, stadion=400, fastapi=10, flask=1),
        ]
    )
    ratio, best = figures.against_best(("tabular", BINARY, 32), per_s)
    assert ratio is not None
    assert (ratio.median, ratio.low, ratio.high, ratio.blocks, best) == (15, 10, 40, 3, "fastapi")
    of_raw = figures.against_raw("stadion", ("tabular", BINARY, 32), "runs_per_s", per_s)
    assert of_raw is not None
    assert (of_raw.median, of_raw.low) == (0.3, 0.1)
    of_raw = figures.against_raw("stadion", ("tabular", BINARY, 32), "rows_per_s", per_cpu_s)
    assert of_raw is not None
    assert of_raw.median == 0.3, "300 in half a second of processor time, of 2000"


def test_what_was_measured_again_counts_and_what_failed_is_told() -> None:
    broken = {"block": 1, "server": "flask", "error": "it broke"}
    figures = Figures([*_block(0, stadion=100, flask=10), *_block(0, flask=50), broken])
    ratio, _ = figures.against_best(("tabular", BINARY, 32), per_s)
    assert ratio is not None
    assert ratio.median == 2
    assert figures.errors == {"flask": "it broke"}
    assert figures.servers == ["stadion", "flask"]


def test_two_workers_are_compared_with_one_of_the_same_block() -> None:
    cells = [
        {"model": "cnn", "protocol": BINARY, "workers": n, "connections": 64, "per_s": per_s}
        for n, per_s in ((1, 100.0), (2, 190.0))
    ]
    figures = Figures([{"block": 0, "server": SCALING, "cells": cells}])
    ratio = figures.two_workers("cnn", BINARY)
    assert ratio is not None
    assert ratio.median == pytest.approx(1.9)
    assert figures.two_workers("lstm", BINARY) is None


def _block(number: int, **per_s: float) -> list[dict[str, Any]]:
    raw = {"runs_per_s": 1000.0, "rows_per_s": 2000.0}
    facts = {"model": "tabular", "protocol": BINARY, "connections": 32}
    around = {"raw_before": raw, "raw_after": raw, "cpu": 0.5}
    return [
        {"block": number, "server": name, "cells": [facts | around | {"per_s": float(rate)}]}
        for name, rate in per_s.items()
    ]


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
