"""A package is tried in a process that may die of it."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stadion.core.errors import Code, StadionError
from stadion.core.package import GRAPH, ModelPackage
from stadion.core.signature import Signature, Tensor
from stadion.serve import Limits, trial_load
from stadion.serve.runtimes.onnx import load
from tests.serve import graphs

X, Y = Tensor("x", "FP32", (None, 1)), Tensor("y", "FP32", (None, 1))

CRASHING = """
import os, signal
class Crash:
    name = "crash"
    summary = "ends its process as a broken native library would"
    def load(self, package):
        os.kill(os.getpid(), signal.SIGSEGV)
PLUGIN = Crash()
"""


def refused(package: ModelPackage, **limits: Any) -> StadionError:
    plugins = limits.pop("plugins", None)
    with pytest.raises(StadionError) as caught:
        trial_load(package, Limits(**limits), plugins)
    return caught.value


def not_loaded(package: ModelPackage) -> StadionError:
    """The same without a child: for what is refused before anything runs."""
    with pytest.raises(StadionError) as caught:
        load(package)
    return caught.value


def test_a_good_model_is_measured(tmp_path: Path) -> None:
    report = trial_load(graphs.heart_rate(tmp_path))
    assert 0 < report.run_ms < report.load_ms < 10_000


@pytest.mark.parametrize("make", [graphs.classes, graphs.echo, graphs.half, graphs.texts])
def test_every_kind_of_tensor_passes_the_self_test(tmp_path: Path, make: Any) -> None:
    assert trial_load(make(tmp_path)).run_ms > 0


def test_an_endless_model_is_given_up(tmp_path: Path) -> None:
    began = time.monotonic()
    error = refused(graphs.endless(tmp_path), trial_s=2.0)
    assert error.code is Code.TIMEOUT
    assert time.monotonic() - began < 6


def test_a_model_that_crashes_takes_only_its_trial_along(tmp_path: Path) -> None:
    plugin = tmp_path / "plugins" / "runtimes" / "crash.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(CRASHING)
    package = graphs.wrap(tmp_path, b"boom", Signature((X,), (Y,)), "model.crash")
    before = threading.active_count()
    error = refused(package, plugins=tmp_path / "plugins")
    assert error.code is Code.INVALID
    assert "SIGSEGV" in error.message
    assert threading.active_count() <= before
    assert os.getpid()


def test_a_memory_bomb_is_refused_within_its_limit(tmp_path: Path) -> None:
    shape = np.array([20, 1 << 30], np.int64)  # 80 GiB of zeros
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["x", "nothing"], ["y"]),
    ]
    package = graphs.package(tmp_path, [X], [Y], nodes, {"shape": shape})
    assert refused(package).code in (Code.INVALID, Code.INTERNAL)


def test_changed_bytes_are_not_loaded(tmp_path: Path) -> None:
    package = graphs.heart_rate(tmp_path)
    path = Path(package.files[GRAPH].path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    error = refused(package)
    assert error.code is Code.INVALID
    assert "SHA-256" in error.message
    path.unlink()
    assert not_loaded(package).code is Code.UNAVAILABLE


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"hello", bytes(1000)):
        package = graphs.wrap(tmp_path, content, Signature((X,), (Y,)))
        assert not_loaded(package).code is Code.INVALID


@pytest.mark.parametrize(
    ("inputs", "outputs", "word"),
    [
        ((Tensor("z", "FP32", (None, 1)),), (Y,), "'z'"),
        ((X, Tensor("z", "FP32", (None, 1))), (Y,), "'z'"),
        ((Tensor("x", "FP64", (None, 1)),), (Y,), "FP64"),
        ((Tensor("x", "FP32", (None, 2)),), (Y,), "[-1, 2]"),
        ((X,), (Tensor("z", "FP32", (None, 1)),), "'z'"),
        ((X,), (Tensor("y", "INT64", (None, 1)),), "INT64"),
    ],
)
def test_a_signature_that_is_not_the_graphs_is_not_loaded(
    tmp_path: Path, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], word: str
) -> None:
    package = graphs.constant(tmp_path, 1.0)
    error = not_loaded(dataclasses.replace(package, signature=Signature(inputs, outputs)))
    assert error.code is Code.INVALID
    assert word in error.message


def test_answers_must_be_finite_numbers(tmp_path: Path) -> None:
    weights = {"zero": np.zeros(1, np.float32), "one": np.ones(1, np.float32)}
    by_zero = helper.make_node("Div", ["one", "zero"], ["infinite"])
    add = helper.make_node("Add", ["x", "infinite"], ["y"])
    error = refused(graphs.package(tmp_path, [X], [Y], [by_zero, add], weights))
    assert error.code is Code.INVALID
    assert "'y' is inf" in error.message


def test_there_must_be_a_label_for_every_class(tmp_path: Path) -> None:
    package = graphs.classes(tmp_path)
    few = dataclasses.replace(package.signature, labels={"activity": ("a", "b", "c")})
    error = refused(dataclasses.replace(package, signature=few))
    assert "3 classes" in error.message


def test_weights_are_never_read_from_other_files(tmp_path: Path, monkeypatch: Any) -> None:
    """A graph that names a file for its weights does not get to read it."""
    weight = numpy_helper.from_array(np.ones((1, 300), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 300])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "outside.onnx"
    onnx.save(model, path, save_as_external_data=True, location="secret.bin", size_threshold=0)
    assert (tmp_path / "secret.bin").exists()
    monkeypatch.chdir(tmp_path)
    signature = Signature((X,), (Tensor("y", "FP32", (None, 300)),))
    error = not_loaded(graphs.wrap(tmp_path, path.read_bytes(), signature))
    assert error.code is Code.INVALID
    assert "external" in error.message.lower()
