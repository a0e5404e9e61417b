"""What callers send to trained models, good and bad, and what they are told."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import tritonclient.http as triton

from stadion.platform import Platform
from tests.conftest import MODEL
from tests.servers import Server

STEPS = 100


def call(
    server: Server, path: str, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(server.predictions).netloc, timeout=20)
    connection.request("POST", path, body, headers or {})
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, json.loads(content)


def tensors(rows: int = 1, **changes: Any) -> dict[str, Any]:
    """A good request, with parts of its first tensor changed."""
    inputs = [
        {"name": name, "shape": [rows, STEPS, 3], "datatype": "FP32", "data": [0.5] * 300 * rows}
        for name in ("acceleration", "angular_velocity")
    ]
    inputs[0] |= changes
    return {"inputs": inputs}


def infer(server: Server, request: Any) -> tuple[int, Any]:
    return call(server, f"/v2/models/{MODEL}/infer", json.dumps(request).encode())


def is_alive(server: Server) -> bool:
    return infer(server, tensors())[0] == 200


def test_a_good_request_is_answered(server: Server) -> None:
    status, answer = infer(server, tensors(rows=3) | {"id": "q7"})
    assert status == 200
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("q7", MODEL, "1")
    output = answer["outputs"][0]
    assert (output["name"], output["datatype"], output["shape"]) == ("activity", "FP32", [3, 4])
    assert np.reshape(output["data"], (3, 4)).sum(axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("version", [1, 2])
def test_values_missing_everywhere_are_answered(server: Server, version: int) -> None:
    request = tensors(data=[None] * 300)
    request["inputs"][1]["data"] = [None] * 300
    server.client.deploy(f"{MODEL}:{version}")
    status, answer = infer(server, request)
    server.client.deploy(f"{MODEL}:1")
    assert status == 200
    assert answer["model_version"] == str(version)
    assert sum(answer["outputs"][0]["data"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "accel"}, ["accel", "acceleration", "angular_velocity"]),
        (
            {"shape": [1, 50, 3], "data": [0.5] * 150},
            ["acceleration", "[1, 50, 3]", "[-1, 100, 3]"],
        ),
        ({"shape": [1, 300]}, ["acceleration", "[1, 300]", "[-1, 100, 3]"]),
        ({"datatype": "INT64", "data": [1] * 300}, ["acceleration", "INT64", "FP32"]),
        ({"datatype": "FLOAT"}, ["acceleration", "FLOAT", "FP32"]),
        ({"data": [0.5] * 299}, ["acceleration", "299", "300"]),
        ({"data": ["fast"] * 300}, ["acceleration"]),
        ({"shape": [1, -1, 3]}, ["acceleration", "-1"]),
        ({"shape": [10**12, 100, 3]}, ["acceleration"]),
    ],
)
def test_a_wrong_tensor_is_named_with_what_was_expected_and_received(
    server: Server, change: dict[str, Any], words: list[str]
) -> None:
    status, answer = infer(server, tensors(**change))
    assert status == 400
    assert list(answer) == ["error"]
    for word in words:
        assert word in answer["error"]
    assert is_alive(server)


@pytest.mark.parametrize("path", ["/v2/models/nobody/infer", "/predict/nobody"])
def test_an_unknown_model_is_not_found(server: Server, path: str) -> None:
    status, answer = call(server, path, json.dumps(tensors()).encode())
    assert status == 404
    assert "nobody" in answer["error"]


@pytest.mark.parametrize("body", [b"{", b"hello", b"\xff\xfe", b"[" * 100_000, b"{}", b"null"])
@pytest.mark.parametrize("path", [f"/v2/models/{MODEL}/infer", f"/predict/{MODEL}"])
def test_a_body_that_is_no_request_is_refused(server: Server, path: str, body: bytes) -> None:
    status, answer = call(server, path, body, {"Content-Type": "application/json"})
    assert status == 400
    assert answer["error"]
    assert is_alive(server)


def test_an_oversized_body_is_refused_before_it_is_sent(server: Server) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.predictions).netloc, timeout=20)
    connection.putrequest("POST", f"/predict/{MODEL}")
    connection.putheader("Content-Length", str(10**10))
    connection.endheaders()
    reply = connection.getresponse()
    assert reply.status == 413
    assert "error" in json.loads(reply.read())
    connection.close()
    assert is_alive(server)


def test_the_plain_form_of_inputs_and_input_data(server: Server) -> None:
    rows = np.zeros((1, STEPS, 3)).tolist()
    given = {"acceleration": rows, "angular_velocity": rows}
    for key, answer_key in (("inputs", "output"), ("input_data", "prediction")):
        body = json.dumps({key: given}).encode()
        status, answer = call(server, f"/predict/{MODEL}", body)
        assert status == 200
        assert (answer["model"], answer["version"]) == (MODEL, 1)
        assert set(answer[answer_key]["activity"][0]["probabilities"]) == {
            "Badminton", "Running", "Standing", "Walking",
        }  # fmt: skip


def test_a_client_of_the_open_inference_protocol_gets_what_the_folder_gives(
    server: Server, trained_home: Any
) -> None:
    rng = np.random.default_rng(0)
    given = {
        name: rng.normal(size=(5, STEPS, 3)).astype(np.float32)
        for name in ("acceleration", "angular_velocity")
    }
    client = triton.InferenceServerClient(urlsplit(server.predictions).netloc)
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    inputs = [triton.InferInput(name, values.shape, "FP32") for name, values in given.items()]
    for each, values in zip(inputs, given.values(), strict=True):
        each.set_data_from_numpy(values, binary_data=True)
    answer = client.infer(MODEL, inputs).as_numpy("activity")
    client.close()
    as_lists = {"inputs": {name: values.tolist() for name, values in given.items()}}
    at_home = Platform.open(trained_home).predict(f"{MODEL}:1", as_lists)
    expected = [list(row["probabilities"].values()) for row in at_home["output"]["activity"]]
    np.testing.assert_allclose(answer, expected, atol=1e-6)
