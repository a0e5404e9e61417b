"""A file of unknown origin becomes a package or a reason, and never harms who opens it."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from stadion.core.errors import Code, StadionError
from stadion.core.package import GRAPH
from stadion.export.foreign import ForeignLimits, import_foreign
from stadion.export.verify import open_graph
from tests.export.graphs import doubling_graph, model_of, saved, value
from tests.export.test_package import external


def refused(file: Path, folder: Path, limits: ForeignLimits | None = None) -> StadionError:
    with pytest.raises(StadionError) as caught:
        import_foreign(file, folder, limits)
    assert not list(folder.glob("*")), "something of the refused file was left"
    return caught.value


def test_a_good_file_becomes_a_package_unchanged(tmp_path: Path) -> None:
    file = saved(doubling_graph(), tmp_path / "theirs.onnx")
    package = import_foreign(file, tmp_path / "in")
    assert Path(package.files[GRAPH].path).read_bytes() == file.read_bytes()
    (speed,), (effort,) = package.signature.inputs, package.signature.outputs
    assert (speed.name, speed.datatype, speed.shape) == ("speed", "FP32", (None, 3))
    assert speed.missing, "it answers to NaN"
    assert (effort.name, effort.datatype, effort.shape) == ("effort", "FP32", (None, 3))
    assert package.signature.labels == {}
    assert package.lineage.learner == "foreign"
    assert package.lineage.settings == {"file": "theirs.onnx", "producer": "stranger"}
    assert "theirs.onnx" in package.card
    session = open_graph(Path(package.files[GRAPH].path))
    assert session.run(None, {"speed": np.ones((2, 3), np.float32)})[0].tolist() == [[2] * 3] * 2


def test_a_graph_that_cannot_bear_nan_is_marked_so(tmp_path: Path) -> None:
    file = saved(model_of([helper.make_node("Exp", ["speed"], ["effort"])]), tmp_path / "m.onnx")
    signature = import_foreign(file, tmp_path / "in").signature
    with pytest.raises(StadionError, match="holds missing values"):
        signature.check_inputs({"speed": np.full((1, 3), np.nan, np.float32)})


def test_text_whole_numbers_and_several_outputs_are_read_off(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Identity", ["name"], ["same_name"]),
        helper.make_node("Shape", ["counts"], ["size"]),
    ]
    model = model_of(
        nodes,
        inputs=[
            value("name", ["n"], TensorProto.STRING),
            value("counts", [2, "m"], TensorProto.INT64),
        ],
        outputs=[
            value("same_name", ["n"], TensorProto.STRING),
            value("size", [2], TensorProto.INT64),
        ],
    )
    signature = import_foreign(saved(model, tmp_path / "m.onnx"), tmp_path / "in").signature
    assert [(t.datatype, t.shape) for t in signature.inputs] == [
        ("BYTES", (None,)), ("INT64", (2, None)),
    ]  # fmt: skip
    assert [(t.datatype, t.shape) for t in signature.outputs] == [
        ("BYTES", (None,)), ("INT64", (2,)),
    ]  # fmt: skip


def test_bfloat16_is_a_number_like_others(tmp_path: Path) -> None:
    model = model_of(
        [helper.make_node("Identity", ["x"], ["y"]), helper.make_node("Identity", ["z"], ["w"])],
        inputs=[value("x", ["n", 2], TensorProto.BFLOAT16), value("z", ["n"], TensorProto.FLOAT)],
        outputs=[value("y", ["n", 2], TensorProto.BFLOAT16), value("w", ["n"], TensorProto.FLOAT)],
    )
    signature = import_foreign(saved(model, tmp_path / "m.onnx"), tmp_path / "in").signature
    (x, _), (y, _) = signature.inputs, signature.outputs
    assert [(t.datatype, t.shape) for t in (x, y)] == [("BF16", (None, 2))] * 2
    assert not x.missing, "NaN is not turned into a number"


def test_a_graph_that_needs_longer_series_is_tried_with_longer_ones(tmp_path: Path) -> None:
    conv = helper.make_node("Conv", ["speed", "kernel"], ["effort"])
    model = model_of(
        [conv],
        {"kernel": np.ones((1, 1, 5), np.float32)},
        inputs=[value("speed", ["rows", 1, "time"])],
        outputs=[value("effort", ["rows", 1, "less"])],
    )
    signature = import_foreign(saved(model, tmp_path / "m.onnx"), tmp_path / "in").signature
    assert signature.outputs[0].shape == (None, 1, None)


class Trap:
    """A pickle that would leave a mark if anybody opened it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_is_never_opened_whatever_it_is_called(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    for protocol in range(6):
        file = tmp_path / "model.onnx"
        file.write_bytes(pickle.dumps(Trap(mark), protocol=protocol))
        error = refused(file, tmp_path / "in")
        assert error.code == (Code.UNSUPPORTED if protocol >= 2 else Code.INVALID)
        assert not mark.exists()


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"x")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "HDF5"),
        (gzip.compress(b"x", mtime=0), "compressed"),
        (b"\x78\x9c" + bytes(32), "joblib"),
        (b"\x93NUMPY\x01\x00", "numpy"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(16), "TensorFlow Lite"),
        ((40).to_bytes(8, "little") + json.dumps({"w": {}}).encode().ljust(40), "safetensors"),
    ],
)
def test_other_formats_are_told_apart_by_content(content: bytes, told: str, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    error = refused(file, tmp_path / "in")
    assert error.code == Code.UNSUPPORTED
    assert told in error.message
    assert "ONNX" in error.message


def test_a_zip_is_not_unpacked(tmp_path: Path) -> None:
    zipped(tmp_path / "model.pt")
    error = refused(tmp_path / "model.pt", tmp_path / "in")
    assert error.code == Code.UNSUPPORTED
    assert "PyTorch" in error.message


@pytest.mark.parametrize("content", [b"hello, I am a model", b"\x08\x08", os.urandom(5_000)])
def test_what_is_no_onnx_is_invalid(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    assert refused(file, tmp_path / "in").code == Code.INVALID


def test_an_empty_file_a_folder_and_none_at_all_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    assert "has 0 bytes" in refused(tmp_path / "empty.onnx", tmp_path / "in").message
    assert refused(tmp_path, tmp_path / "in").code == Code.NOT_FOUND
    assert refused(tmp_path / "nowhere.onnx", tmp_path / "in").code == Code.NOT_FOUND


def test_a_file_above_the_limit_is_not_even_copied(tmp_path: Path) -> None:
    file = saved(doubling_graph(), tmp_path / "m.onnx")
    error = refused(file, tmp_path / "in", ForeignLimits(bytes=10))
    assert "expected 1 to 10" in error.message


def test_a_cut_file_is_invalid(tmp_path: Path) -> None:
    whole = doubling_graph().SerializeToString()
    file = tmp_path / "m.onnx"
    for size in (len(whole) // 2, len(whole) - 3):
        file.write_bytes(whole[:size])
        assert refused(file, tmp_path / "in").code == Code.INVALID


def test_external_data_and_custom_operators_are_unsupported(tmp_path: Path) -> None:
    custom = helper.make_node("Sprint", ["speed"], ["effort"], domain="com.example")
    for model in (external(doubling_graph()), model_of([custom], domains=["com.example"])):
        file = saved_raw(model, tmp_path / "m.onnx")
        assert refused(file, tmp_path / "in").code == Code.UNSUPPORTED


def saved_raw(model: onnx.ModelProto, path: Path) -> Path:
    """Without looking for the weights that lie elsewhere."""
    path.write_bytes(model.SerializeToString())
    return path


def endless() -> onnx.ModelProto:
    """A loop that runs 2^62 times."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Mul", ["sum_in", "half"], ["sum_out"]),
        ],
        "body",
        [value("round", [], TensorProto.INT64), value("go", [], TensorProto.BOOL),
         value("sum_in", None)],
        [value("go_on", [], TensorProto.BOOL), value("sum_out", None)],
    )  # fmt: skip
    loop = helper.make_node("Loop", ["rounds", "yes", "speed"], ["effort"], body=body)
    constants = {
        "rounds": np.array(2**62),
        "yes": np.array(True),
        "half": np.array(0.5, np.float32),
    }
    return model_of([loop], constants)


def test_an_endless_loop_is_stopped(tmp_path: Path) -> None:
    file = saved(endless(), tmp_path / "m.onnx")
    began = time.monotonic()
    error = refused(file, tmp_path / "in", ForeignLimits(test_s=1.0, wall_s=30.0))
    assert time.monotonic() - began < 25
    assert error.code == Code.INVALID
    assert "does not come to an end" in error.message


def test_a_process_that_does_not_answer_is_ended(tmp_path: Path) -> None:
    file = saved(endless(), tmp_path / "m.onnx")
    began = time.monotonic()
    error = refused(file, tmp_path / "in", ForeignLimits(test_s=600.0, wall_s=3.0))
    assert time.monotonic() - began < 10
    assert "longer than 3 s" in error.message


def test_processor_time_is_limited(tmp_path: Path) -> None:
    file = saved(endless(), tmp_path / "m.onnx")
    error = refused(file, tmp_path / "in", ForeignLimits(test_s=600.0, cpu_s=3, wall_s=60.0))
    assert "processor time" in error.message or "SIGKILL" in error.message


@pytest.mark.parametrize("rows", [2**34, 2**44])
def test_a_memory_bomb_is_defused(rows: int, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ReduceSum", ["speed"], ["total"], keepdims=0),
        helper.make_node("Cast", ["total"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Add", ["whole", "many"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["effort"]),
    ]
    bomb = model_of(nodes, {"many": np.array([rows])}, outputs=[value("effort", ["many"])])
    file = saved(bomb, tmp_path / "m.onnx")
    error = refused(file, tmp_path / "in", ForeignLimits(memory_bytes=4 << 30))
    assert error.code == Code.INVALID


def test_a_process_that_dies_is_an_answer_too(tmp_path: Path) -> None:
    """Too little memory to even load the runtime: the process ends, this one does not."""
    file = saved(doubling_graph(), tmp_path / "m.onnx")
    error = refused(file, tmp_path / "in", ForeignLimits(memory_bytes=100 << 20))
    assert error.code == Code.INVALID
    assert "cannot be opened" in error.message


def test_the_child_sees_nothing_of_this_processs_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preload in the environment would run before anything is limited."""
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "evil.py"))
    monkeypatch.setenv("LD_PRELOAD", str(tmp_path / "no-such-library.so"))
    import_foreign(saved(doubling_graph(), tmp_path / "m.onnx"), tmp_path / "in")


def test_a_classifier_that_gives_dictionaries_is_told_what_to_do(tmp_path: Path) -> None:
    zipmap = helper.make_node(
        "ZipMap", ["speed"], ["effort"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2]
    )
    kind = helper.make_sequence_type_proto(
        helper.make_map_type_proto(
            TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
        )
    )
    model = model_of(
        [zipmap], outputs=[helper.make_value_info("effort", kind)], domains=["ai.onnx.ml"]
    )
    error = refused(saved(model, tmp_path / "m.onnx"), tmp_path / "in")
    assert error.code == Code.UNSUPPORTED
    assert "zipmap" in error.hint
