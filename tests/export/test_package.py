"""A package is made only of a graph that keeps its word."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stadion.core.errors import Code, StadionError
from stadion.core.package import GRAPH, Lineage, Metrics
from stadion.core.plugins import Cupboard
from stadion.core.signature import Signature, Tensor
from stadion.export.package import make_package
from stadion.export.verify import open_graph
from stadion.train.base import Learner, Run
from tests.export.graphs import (
    LINEAGE,
    SAMPLES,
    SIGNATURE,
    Doubling,
    doubling_graph,
    model_of,
    value,
)
from tests.train.series_sets import basic_motions
from tests.train.toys import pace_to_heart_rate

LEARNERS: Cupboard[Learner] = Cupboard("stadion.train")


def make(model: Doubling, folder: Path, signature: Signature = SIGNATURE) -> Path:
    package = make_package(
        model, signature=signature, metrics=None, lineage=LINEAGE, card="", folder=folder,
        samples=SAMPLES,
    )  # fmt: skip
    return Path(package.files[GRAPH].path)


@pytest.mark.parametrize("learner", ["baseline", "rocket", "boosting"])
@pytest.mark.parametrize("data", [basic_motions("TRAIN"), pace_to_heart_rate(80)])
def test_every_learners_package_answers_when_nothing_was_measured(
    learner: str, data: object, tmp_path: Path
) -> None:
    from stadion.core.dataset import Dataset

    assert isinstance(data, Dataset)
    plugin = LEARNERS.get(learner)
    model = plugin.fit(data, plugin.Settings(), Run(0, tmp_path))
    package = make_package(
        model, signature=data.signature, metrics=None, lineage=LINEAGE, card="", folder=tmp_path,
        samples=data.inputs,
    )  # fmt: skip
    session = open_graph(Path(package.files[GRAPH].path))
    nothing = {name: np.full_like(values[:3], np.nan) for name, values in data.inputs.items()}
    package.signature.check_inputs(nothing)
    answers = session.run(None, nothing)
    assert all(np.isfinite(answer).all() for answer in answers)


def test_the_package_says_where_its_file_is_and_what_is_in_it(tmp_path: Path) -> None:
    metrics = Metrics("mae", 1.0, {"mean": 2.0}, "by hand", 8)
    package = make_package(
        Doubling(doubling_graph()), signature=SIGNATURE, metrics=metrics, lineage=LINEAGE,
        card="# Effort", folder=tmp_path / "new", samples=SAMPLES, parent="f" * 64,
    )  # fmt: skip
    file = package.files[GRAPH]
    data = Path(file.path).read_bytes()
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    assert file.bytes == len(data)
    assert (package.metrics, package.card, package.parent) == (metrics, "# Effort", "f" * 64)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [GRAPH]


def test_the_same_training_gives_the_same_digest(tmp_path: Path) -> None:
    data = pace_to_heart_rate(60)
    for learner in ("rocket", "boosting"):
        plugin = LEARNERS.get(learner)
        digests = [
            make_package(
                plugin.fit(data, plugin.Settings(), Run(1, tmp_path)), signature=data.signature,
                metrics=None, lineage=LINEAGE, card="", folder=tmp_path / name, samples=data.inputs,
            ).digest
            for name in ("a", "b")
        ]  # fmt: skip
        assert digests[0] == digests[1]


def test_the_file_alone_tells_units_and_labels(tmp_path: Path) -> None:
    facts = {
        p.key: p.value for p in onnx.load(make(Doubling(doubling_graph()), tmp_path)).metadata_props
    }
    assert json.loads(facts["stadion.units"]) == {"speed": "m/s", "effort": "W"}
    assert json.loads(facts["stadion.signature"])["inputs"][0]["name"] == "speed"
    assert facts["stadion.learner"] == "doubling"


def test_a_graph_that_disagrees_with_its_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StadionError) as refused:
        make(Doubling(doubling_graph(), factor=2.001), tmp_path)
    assert refused.value.code == Code.INVALID
    for part in ("'effort'", "row 7", "graph 46", "model 46.023", "0.0001"):
        assert part in refused.value.message


def test_a_difference_within_the_tolerance_passes(tmp_path: Path) -> None:
    make(Doubling(doubling_graph(), factor=2.0001), tmp_path)


def test_a_graph_that_cannot_bear_missing_values_is_refused(tmp_path: Path) -> None:
    bare = model_of([helper.make_node("Add", ["speed", "speed"], ["effort"])])
    with pytest.raises(StadionError, match="missing here and there; expected finite"):
        make(Doubling(bare), tmp_path)


def test_a_graph_that_takes_no_missing_values_need_not_bear_them(tmp_path: Path) -> None:
    bare = model_of([helper.make_node("Add", ["speed", "speed"], ["effort"])])
    whole = dataclasses.replace(SIGNATURE.inputs[0], missing=False)
    make(Doubling(bare), tmp_path, Signature((whole,), SIGNATURE.outputs))


def test_a_graph_for_one_number_of_rows_is_refused(tmp_path: Path) -> None:
    fixed = doubling_graph(inputs=[value("speed", [8, 3])], outputs=[value("effort", [8, 3])])
    with pytest.raises(StadionError, match=r"FP32 \[8, 3\]; expected FP32 \[-1, 3\]"):
        make(Doubling(fixed), tmp_path)


def test_rows_that_depend_on_each_other_are_refused(tmp_path: Path) -> None:
    """The graph takes the first row's answer for all: the model does not."""
    nodes = [*doubling_graph().graph.node]
    nodes[-1].output[0] = "each"
    nodes += [
        helper.make_node("Gather", ["each", "first"], ["one"], axis=0),
        helper.make_node("Shape", ["speed"], ["shape"]),
        helper.make_node("Expand", ["one", "shape"], ["effort"]),
    ]
    constants = {
        "zero": np.zeros((), np.float32),
        "two": np.array(2.0, np.float32),
        "first": np.array([0]),
    }
    with pytest.raises(StadionError, match="differ by"):
        make(Doubling(model_of(nodes, constants)), tmp_path)


@pytest.mark.parametrize(
    ("graph", "told"),
    [
        (doubling_graph(inputs=[value("pace", ["rows", 3])]), "breaks the rules"),
        (doubling_graph(outputs=[value("known", ["rows", 3])]), "has outputs"),
        (
            doubling_graph(inputs=[value("speed", ["rows", 4])]),
            "input 'speed' of the graph is FP32",
        ),
        (
            model_of(
                [helper.make_node("Cast", ["speed"], ["effort"], to=TensorProto.DOUBLE)],
                outputs=[value("effort", ["rows", 3], TensorProto.DOUBLE)],
            ),
            "output 'effort' of the graph is FP64",
        ),
    ],
)
def test_names_datatypes_and_shapes_must_be_the_signatures(
    graph: onnx.ModelProto, told: str, tmp_path: Path
) -> None:
    with pytest.raises(StadionError, match=told):
        make(Doubling(graph), tmp_path)


def test_probabilities_must_add_up(tmp_path: Path) -> None:
    output = Tensor("effort", "FP32", (None, 3), missing=False)
    signature = Signature(SIGNATURE.inputs, (output,), {"effort": ("low", "mid", "high")})
    with pytest.raises(StadionError, match="add up to 1"):
        make(Doubling(doubling_graph()), tmp_path, signature)


def external(graph: onnx.ModelProto) -> onnx.ModelProto:
    tensor = graph.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return graph


def in_a_branch(node: onnx.NodeProto) -> onnx.ModelProto:
    inside = helper.make_graph([node], "inside", [], [value("effort_inside", None)])
    choose = helper.make_node("If", ["yes"], ["effort"], then_branch=inside, else_branch=inside)
    return model_of([choose], {"yes": np.array(True)}, domains=["com.example"])


@pytest.mark.parametrize(
    ("graph", "told"),
    [
        (external(doubling_graph()), "lies in another file"),
        (
            model_of([helper.make_node("Sprint", ["speed"], ["effort"], domain="com.example")],
                     domains=["com.example"]),
            "'Sprint' of 'com.example'",
        ),
        (
            in_a_branch(helper.make_node("Hidden", ["speed"], ["effort_inside"],
                                         domain="com.example")),
            "'Hidden' of 'com.example'",
        ),
        (model_of([helper.make_node("RandomNormalLike", ["speed"], ["effort"])]), "by chance"),
        (
            model_of([helper.make_node("Dropout", ["speed", "half", "yes"], ["effort"])],
                     {"half": np.array(0.5, np.float32), "yes": np.array(True)}),
            "missing here and there|differ by|by chance",
        ),
    ],
)  # fmt: skip
def test_what_is_no_plain_inference_is_refused(
    graph: onnx.ModelProto, told: str, tmp_path: Path
) -> None:
    with pytest.raises(StadionError, match=told):
        make(Doubling(graph), tmp_path)


def test_no_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StadionError, match="no sample rows"):
        make_package(
            Doubling(doubling_graph()), signature=SIGNATURE, metrics=None, lineage=LINEAGE, card="",
            folder=tmp_path, samples={"speed": np.zeros((0, 3), np.float32)},
        )  # fmt: skip


def test_constants_are_not_taken_for_inputs(tmp_path: Path) -> None:
    """Older exporters list the weights among the inputs."""
    graph = doubling_graph()
    graph.graph.input.append(value("two", []))
    assert numpy_helper.to_array(graph.graph.initializer[1]) == 2
    make(Doubling(graph), tmp_path)


def test_the_seed_of_the_lineage_decides_what_is_left_out(tmp_path: Path) -> None:
    for seed in (0, 7):
        lineage = Lineage("toy", {}, "doubling", {}, seed, "", 8, "test")
        make_package(
            Doubling(doubling_graph()), signature=SIGNATURE, metrics=None, lineage=lineage, card="",
            folder=tmp_path, samples=SAMPLES,
        )  # fmt: skip
