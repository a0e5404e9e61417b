"""Graphs of trained networks answer like the networks, for any number of rows."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings
from stadion.core.signature import Signature, Tensor
from stadion.train._examples import movements, with_gaps
from stadion.train.base import Learner, Run
from tests.train.graphs import nodes_of, session_of, unlike

NETWORKS = ("cnn", "lstm", "mlp")


def learner(name: str) -> Learner:
    return Cupboard[Learner]("stadion.train").get(name)


def quick(name: str, **given: object) -> object:
    return read_settings(learner(name).Settings, {"epochs": 2, **given}, name)


def streams(steps: int, rows: int = 40) -> Dataset:
    """Sequences of any length, of 64-bit and whole numbers, two outputs of both kinds."""
    chance = np.random.default_rng(0)
    kind = np.arange(rows) % 2
    pace = kind[:, None] + chance.normal(0, 0.3, (rows, steps))
    signature = Signature(
        (
            Tensor("pace", "FP64", (None, None), "m/s", step_s=1.0),
            Tensor("turns", "FP32", (None, None, 2), step_s=1.0),
            Tensor("visits", "INT64", (None,)),
            Tensor("flags", "BOOL", (None, 2)),
        ),
        (
            Tensor("gait", "FP32", (None, 2), columns=("walk", "run")),
            Tensor("splits", "FP32", (None, 2, 3), "s"),
        ),
        {"gait": ("walk", "run")},
    )
    inputs: dict[str, Array] = {
        "pace": pace,
        "turns": chance.normal(size=(rows, steps, 2)).astype(np.float32),
        "visits": chance.integers(0, 9, rows),
        "flags": chance.random((rows, 2)) < 0.5,
    }
    splits = 100 + chance.normal(size=(rows, 2, 3)).astype(np.float32)
    return Dataset("streams", signature, inputs, {"gait": kind, "splits": splits}, kind.astype(str))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_graph_agrees_to_a_hundred_thousandth(name: str, tmp_path: Path) -> None:
    data = movements(66)
    model = learner(name).fit(data, quick(name), Run(1, tmp_path))
    session = session_of(model, tmp_path / "model.onnx")
    for rows in (1, 33, 66):
        part = data.take(np.arange(rows))
        for share in (0.0, 0.4, 1.0):
            asked = Dataset(
                "asked", data.signature, with_gaps(part.inputs, share), part.targets, part.groups
            )
            assert unlike(model, session, asked) < 1e-5


@pytest.mark.parametrize("name", NETWORKS)
def test_one_graph_takes_sequences_of_every_length(name: str, tmp_path: Path) -> None:
    model = learner(name).fit(streams(20), quick(name), Run(1, tmp_path))
    session = session_of(model, tmp_path / "model.onnx")
    for steps in (3, 20, 57):
        assert unlike(model, session, streams(steps)) < 1e-5


def test_the_graph_names_its_tensors_as_the_signature_does(tmp_path: Path) -> None:
    data = movements()
    learner("lstm").fit(data, quick("lstm"), Run(1, tmp_path)).to_onnx(tmp_path / "m.onnx")
    graph = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(graph)
    assert [i.name for i in graph.graph.input] == ["acceleration", "body_mass"]
    assert [o.name for o in graph.graph.output] == ["movement"]
    rows = {v.type.tensor_type.shape.dim[0].dim_param for v in graph.graph.input}
    assert rows == {"rows"}
    assert graph.opset_import[0].version == 17
    assert "LSTM" in nodes_of(tmp_path / "m.onnx")
    options = onnxruntime.SessionOptions()
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"), options)
    shapes = [list(i.shape) for i in session.get_inputs()]
    assert shapes == [["rows", 24, 3], ["rows"]]


def test_writing_a_graph_says_nothing_and_leaves_the_model_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = movements()
    model = learner("cnn").fit(data, quick("cnn"), Run(1, tmp_path))
    before = model.predict(data.inputs)["movement"]
    level = logging.getLogger("torch.onnx").level
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.to_onnx(tmp_path / "deep" / "folder" / "m.onnx")
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("torch.onnx").level == level
    assert np.array_equal(model.predict(data.inputs)["movement"], before)


def test_a_large_request_is_answered_in_parts_like_a_small_one(tmp_path: Path) -> None:
    data = movements(1_500)
    model = learner("mlp").fit(data.take(np.arange(60)), quick("mlp"), Run(1, tmp_path))
    whole = model.predict(data.inputs)["movement"]
    tail = model.predict(data.take(np.arange(1_400, 1_500)).inputs)["movement"]
    assert whole.shape == (1_500, 3)
    assert np.allclose(whole[1_400:], tail, atol=1e-6)
