"""ModelInfer through a real client: every datatype, both forms, every option of a request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from stadion.core.arrays import Array
from stadion.core.signature import DATATYPES
from stadion.serve.grpc import inference_pb2 as pb
from tests.serve import graphs
from tests.serve.golden import GOLDEN, assert_same
from tests.serve.grpc_calls import FIELDS, Client, arrays, client, failing, parameter, request
from tests.serve.running import running

INVALID = grpc.StatusCode.INVALID_ARGUMENT
X: Array = np.array([[1.5, -2.0], [0.25, 4.0]], np.float32)


@pytest.fixture(scope="module")
def calls(home: Path) -> Iterator[Client]:
    models = {
        "heart_rate": graphs.heart_rate(home),
        "classes": graphs.classes(home),
        "echo": graphs.echo(home),
        "texts": graphs.texts(home),
        "two": graphs.sum_of_two(home),
        **{datatype: graphs.identity(home, datatype) for datatype in DATATYPES},
    }
    with running(home, models, grpc_port=0) as server, client(server) as found:
        yield found


@pytest.mark.parametrize("name", GOLDEN)
def test_the_golden_tensors_come_back_equal_in_raw_form(calls: Client, name: str) -> None:
    datatype, array = GOLDEN[name]
    response = calls.ModelInfer(request(datatype, {"x": array}))
    assert len(response.raw_output_contents) == 1
    assert_same(arrays(response)["y"], array)


@pytest.mark.parametrize("name", [name for name, (d, _) in GOLDEN.items() if d in FIELDS])
def test_the_golden_tensors_come_back_equal_in_typed_form(calls: Client, name: str) -> None:
    datatype, array = GOLDEN[name]
    response = calls.ModelInfer(request(datatype, {"x": array}, typed=True))
    assert not response.raw_output_contents
    assert_same(arrays(response)["y"], array)


@pytest.mark.parametrize("datatype", ["FP32", "FP64", "INT32", "UINT8", "BOOL"])
def test_both_forms_agree_on_many_values(calls: Client, datatype: str) -> None:
    rng = np.random.default_rng(3)
    array = rng.integers(0, 2, (7, 300)).astype(DATATYPES[datatype])
    if array.dtype.kind == "f":
        array = rng.normal(size=(7, 300)).astype(DATATYPES[datatype])
    raw = calls.infer(datatype, {"x": array})["y"]
    assert_same(raw, calls.infer(datatype, {"x": array}, typed=True)["y"])
    assert_same(raw, array)


@pytest.mark.parametrize("datatype", ["FP16", "BF16"])
def test_half_precision_has_no_typed_form(calls: Client, datatype: str) -> None:
    message = pb.ModelInferRequest(model_name=datatype)
    given = message.inputs.add(name="x", datatype=datatype, shape=[1, 1])
    given.contents.fp32_contents.append(1.0)
    with failing(INVALID, datatype, "raw"):
        calls.ModelInfer(message)


def test_the_answer_is_the_models_own(calls: Client) -> None:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(9, 32)).astype(np.float32)
    features[3, 7] = np.nan
    found = calls.infer("heart_rate", {"features": features})["heart_rate"]
    np.testing.assert_allclose(found, graphs.heart_rate_by_hand(features), rtol=1e-4)


@pytest.mark.parametrize("typed", [False, True])
def test_several_tensors_keep_their_order(calls: Client, typed: bool) -> None:
    inputs: dict[str, Array] = {"b": np.array([[1, 5]]), "a": np.array([[2, 3]])}
    response = calls.ModelInfer(request("two", inputs, typed=typed, outputs=["larger", "total"]))
    assert [output.name for output in response.outputs] == ["larger", "total"]
    found = arrays(response)
    assert found["larger"].tolist() == [[True, False]]
    assert found["total"].tolist() == [[3, 8]]


def test_without_a_wish_all_outputs_come(calls: Client) -> None:
    found = calls.infer("two", {"a": np.array([[1, 2]]), "b": np.array([[3, 4]])})
    assert list(found) == ["total", "larger"]


def test_model_version_and_id_are_told(calls: Client) -> None:
    response = calls.ModelInfer(request("echo", {"x": X}, id="ride-7 🚴", model_version="1"))
    assert (response.model_name, response.model_version) == ("echo", "1")
    assert response.id == "ride-7 🚴"
    assert calls.ModelInfer(request("echo", {"x": X})).id == ""


@pytest.mark.parametrize("typed", [False, True])
def test_classes_are_told_best_first(calls: Client, typed: bool) -> None:
    scores = np.array([[0, 1, 2, 3], [3, 0, 0, 0]], np.float32)
    message = request("classes", {"scores": scores}, typed=typed)
    message.outputs.add(name="activity").parameters["classification"].int64_param = 2
    (output,) = (response := calls.ModelInfer(message)).outputs
    assert (output.datatype, list(output.shape)) == ("BYTES", [2, 2])
    found = arrays(response)["activity"]
    labels = [[text.decode().split(":")[2] for text in row] for row in found]
    assert labels[0] == ["walking", "standing"]
    assert labels[1][0] == "badminton"


def test_priority_timeout_and_unknown_parameters_are_taken(calls: Client) -> None:
    given = {
        "priority": parameter(1),
        "timeout": parameter(20_000_000),
        "sport": parameter("running"),
        "share": parameter(0.5),
        "sequence_start": parameter(True),
    }
    found = arrays(calls.ModelInfer(request("echo", {"x": X}, parameters=given)))
    assert_same(found["y"], X)


def test_an_empty_parameter_is_refused(calls: Client) -> None:
    with failing(INVALID, "'priority'"):
        calls.ModelInfer(request("echo", {"x": X}, parameters={"priority": pb.InferParameter()}))


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("columns", [1, 100, 40_000, 200_000])
def test_small_and_large_tensors_come_back_equal(calls: Client, columns: int, typed: bool) -> None:
    array = np.random.default_rng(1).normal(size=(2, columns)).astype(np.float32)
    assert_same(calls.infer("echo", {"x": array}, typed=typed)["y"], array)


@pytest.mark.parametrize("typed", [False, True])
def test_many_strings_come_back_equal(calls: Client, typed: bool) -> None:
    array = np.empty(30_000, object)
    array[:] = [b"lap %d" % number for number in range(30_000)]
    assert_same(calls.infer("texts", {"x": array}, typed=typed)["y"], array)


def test_fields_in_any_order_and_unknown_ones_are_read(calls: Client) -> None:
    """Other writers of protobuf may put the tensors first, or send what is new to us."""
    message = request("echo", {"x": X}, id="mixed")
    tensors = pb.ModelInferRequest(raw_input_contents=message.raw_input_contents)
    del message.raw_input_contents[:]
    unknown = b"\xa0\x06\x01" + b"\xaa\x06\x02hi" + b"\xad\x06abcd" + b"\xa9\x06abcdefgh"
    body = tensors.SerializeToString() + unknown + message.SerializeToString()
    response = pb.ModelInferResponse.FromString(calls.raw(body))
    assert response.id == "mixed"
    assert_same(arrays(response)["y"], X)


# --- what is refused, and how


def _changed(**changes: Any) -> pb.ModelInferRequest:
    """A good request with its first tensor spoilt."""
    message = request("echo", {"x": X})
    for name, value in changes.items():
        if name == "shape":
            del message.inputs[0].shape[:]
            message.inputs[0].shape.extend(value)
        elif name == "raw":
            del message.raw_input_contents[:]
            message.raw_input_contents.extend(value)
        else:
            setattr(message.inputs[0], name, value)
    return message


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (_changed(name="z"), ["'z'", "['x']"]),
        (_changed(datatype="FP64"), ["'FP64'", "FP32"]),
        (_changed(datatype="no such type"), ["'no such type'"]),
        (_changed(shape=[2, -2]), ["-2"]),
        (_changed(shape=[-2, -2]), ["-2"]),
        (_changed(shape=[4]), ["shape"]),
        (_changed(shape=[2, 3]), ["16 bytes", "24"]),
        (_changed(shape=[0, 2]), ["no values"]),
        (_changed(shape=[2**62, 2**62]), ["16 bytes"]),
        (_changed(shape=[2**63 - 1, 0]), ["no values"]),
        (_changed(shape=[1] * 40), ["16"]),
        (_changed(raw=[b"1234567"]), ["7 bytes", "16"]),
        (_changed(raw=[b"", b""]), ["1 inputs", "2 raw_input_contents"]),
        (_changed(raw=[]), ["neither"]),
        (pb.ModelInferRequest(model_name="echo"), ["'x'", "missing"]),
    ],
)
def test_a_tensor_that_is_not_as_announced_is_refused(
    calls: Client, message: pb.ModelInferRequest, words: list[str]
) -> None:
    with failing(INVALID, *words):
        calls.ModelInfer(message)


def test_raw_and_typed_in_one_message_are_refused(calls: Client) -> None:
    message = request("echo", {"x": X})
    message.inputs[0].contents.fp32_contents.extend([1, 2, 3, 4])
    with failing(INVALID, "'x'", "raw_input_contents"):
        calls.ModelInfer(message)


def test_typed_values_in_the_wrong_field_are_refused(calls: Client) -> None:
    message = pb.ModelInferRequest(model_name="echo")
    given = message.inputs.add(name="x", datatype="FP32", shape=[1, 1])
    given.contents.fp64_contents.append(1.0)
    with failing(INVALID, "fp64_contents", "fp32_contents"):
        calls.ModelInfer(message)


def test_typed_values_beyond_the_datatype_are_refused(calls: Client) -> None:
    message = pb.ModelInferRequest(model_name="INT8")
    given = message.inputs.add(name="x", datatype="INT8", shape=[1, 2])
    given.contents.int_contents.extend([1, 128])
    with failing(INVALID, "-128 to 127"):
        calls.ModelInfer(message)


def test_too_few_typed_values_are_refused(calls: Client) -> None:
    message = request("echo", {"x": X}, typed=True)
    message.inputs[0].contents.fp32_contents.pop()
    with failing(INVALID, "3 values", "needs 4"):
        calls.ModelInfer(message)


def test_a_tensor_twice_is_refused(calls: Client) -> None:
    message = request("echo", {"x": X})
    message.inputs.append(message.inputs[0])
    message.raw_input_contents.append(message.raw_input_contents[0])
    with failing(INVALID, "twice"):
        calls.ModelInfer(message)


def test_unknown_and_repeated_outputs_are_refused(calls: Client) -> None:
    with failing(INVALID, "'z'", "['y']"):
        calls.ModelInfer(request("echo", {"x": X}, outputs=["z"]))
    with failing(INVALID, "'y'", "twice"):
        calls.ModelInfer(request("echo", {"x": X}, outputs=["y", "y"]))


def test_shared_memory_is_not_offered(calls: Client) -> None:
    message = request("echo", {"x": X})
    message.inputs[0].parameters["shared_memory_region"].string_param = "here"
    with failing(grpc.StatusCode.UNIMPLEMENTED, "'x'", "shared memory"):
        calls.ModelInfer(message)


@pytest.mark.parametrize(
    ("model", "version"), [("nobody", ""), ("echo", "2"), ("echo", "latest"), ("echo", "9" * 30)]
)
def test_unknown_models_and_versions_are_not_found(calls: Client, model: str, version: str) -> None:
    with failing(grpc.StatusCode.NOT_FOUND, version or model):
        calls.ModelInfer(request(model, {"x": X}, model_version=version))
