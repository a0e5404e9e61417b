"""The Open Inference Protocol, spoken by hand and by a real client of it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from tests.serve import graphs
from tests.serve.running import Answer, Server, ask, running

LENGTH = "Inference-Header-Content-Length"
NAN = float("nan")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {
        "rate": graphs.heart_rate(home),
        "activity": graphs.classes(home),
        "echo": graphs.echo(home),
        "strict": graphs.constant(home, 5.0),
        "half": graphs.half(home),
        "texts": graphs.texts(home),
        "two": graphs.sum_of_two(home),
    }
    with running(home, models) as found:
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    found = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    yield found
    found.close()


def tensor(
    name: str, shape: list[Any], data: Any, datatype: str = "FP32", **more: Any
) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data} | more


def infer(server: Server, model: str, *inputs: dict[str, Any], **more: Any) -> Answer:
    return ask(server, "POST", f"/v2/models/{model}/infer", {"inputs": inputs} | more)


def binary(
    server: Server, model: str, content: dict[str, Any], *blobs: bytes, **headers: str
) -> Answer:
    text = json.dumps(content).encode()
    body = text + b"".join(blobs)
    return ask(
        server, "POST", f"/v2/models/{model}/infer", body, {LENGTH: str(len(text)), **headers}
    )


def output(answer: Answer, name: str) -> Any:
    return next(found for found in answer.json["outputs"] if found["name"] == name)


def refused(answer: Answer, *words: str) -> None:
    """400, exactly {"error": text}, and the text says all of the words."""
    assert answer.status == 400, answer
    assert list(answer.json) == ["error"], answer.json
    for word in words:
        assert word in answer.json["error"], (word, answer.json)


# --- what the server says of itself


def test_the_server_says_what_it_is(server: Server) -> None:
    said = ask(server, "GET", "/v2").json
    assert said["name"] == "stadion"
    assert {"binary_tensor_data", "classification"} <= set(said["extensions"])


def test_it_is_live_and_ready(server: Server) -> None:
    assert ask(server, "GET", "/v2/health/live").json == {"live": True}
    assert ask(server, "GET", "/v2/health/ready").json == {"ready": True, "live": True}


def test_models_are_listed_and_described(server: Server) -> None:
    assert "rate" in ask(server, "GET", "/v2/models").json["models"]
    said = ask(server, "GET", "/v2/models/rate").json
    assert said == ask(server, "GET", "/v2/models/rate/versions/1").json
    assert said == {
        "name": "rate",
        "versions": ["1"],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": "features", "datatype": "FP32", "shape": [-1, 32]}],
        "outputs": [{"name": "heart_rate", "datatype": "FP32", "shape": [-1, 1]}],
    }
    ready = {"name": "rate", "ready": True}
    assert ask(server, "GET", "/v2/models/rate/ready").json == ready
    assert ask(server, "GET", "/v2/models/rate/versions/1/ready").json == ready


@pytest.mark.parametrize("tail", ["", "/ready", "/versions/2", "/versions/one/ready"])
def test_what_is_not_there_is_not_found(server: Server, tail: str) -> None:
    model = "rate" if "versions" in tail else "nobody"
    answer = ask(server, "GET", f"/v2/models/{model}{tail}")
    assert answer.status == 404
    assert list(answer.json) == ["error"]


def test_an_unknown_model_or_version_cannot_be_asked(server: Server) -> None:
    body = {"inputs": [tensor("x", [1, 1], [1])]}
    for path in ("nobody/infer", "strict/versions/9/infer", "strict/versions/x/infer"):
        answer = ask(server, "POST", f"/v2/models/{path}", body)
        assert answer.status == 404, path
        assert list(answer.json) == ["error"]


# --- JSON


def test_flat_and_nested_data_give_the_graphs_answer(server: Server) -> None:
    rows = np.random.default_rng(0).normal(size=(3, 32)).astype(np.float32)
    rows[1, 4] = NAN
    nested = [[None if np.isnan(v) else float(v) for v in row] for row in rows]
    flat = [value for row in nested for value in row]
    for data in (nested, flat):
        answer = infer(server, "rate", tensor("features", [3, 32], data))
        assert answer.status == 200, answer
        assert answer.headers["content-type"] == "application/json"
        assert answer.json["model_name"] == "rate"
        assert answer.json["model_version"] == "1"
        found = output(answer, "heart_rate")
        assert (found["shape"], found["datatype"]) == ([3, 1], "FP32")
        wanted = graphs.heart_rate_by_hand(rows).ravel()
        np.testing.assert_allclose(found["data"], wanted, rtol=1e-4, atol=1e-4)


def test_the_id_comes_back_and_only_then(server: Server) -> None:
    one = tensor("x", [1, 1], [1])
    assert infer(server, "echo", one, id="run-7").json["id"] == "run-7"
    assert "id" not in infer(server, "echo", one).json


def test_missing_values_come_back_as_null(server: Server) -> None:
    answer = infer(server, "echo", tensor("x", [2, 2], [1.5, None, None, 0.1]))
    assert output(answer, "y")["data"] == [1.5, None, None, 0.1]


def test_missing_values_are_refused_where_none_are_allowed(server: Server) -> None:
    refused(infer(server, "strict", tensor("x", [1, 1], [None])), "'x'", "missing")


def test_whole_numbers_and_truths_keep_their_type(server: Server) -> None:
    a, b = tensor("a", [1, 2], [2**53 + 1, -4], "INT64"), tensor("b", [1, 2], [[0, 9]], "INT64")
    answer = infer(server, "two", b, a)
    assert output(answer, "total")["data"] == [2**53 + 1, 5]
    assert output(answer, "larger")["data"] == [True, False]


def test_outputs_come_as_asked_and_in_that_order(server: Server) -> None:
    a, b = tensor("a", [1, 2], [1, 2], "INT64"), tensor("b", [1, 2], [3, 4], "INT64")
    names = [{"name": "larger"}, {"name": "total"}]
    answer = infer(server, "two", a, b, outputs=names)
    assert [found["name"] for found in answer.json["outputs"]] == ["larger", "total"]
    answer = infer(server, "two", a, b, outputs=names[:1])
    assert [found["name"] for found in answer.json["outputs"]] == ["larger"]
    refused(infer(server, "two", a, b, outputs=[{"name": "all"}]), "'all'", "total")
    refused(infer(server, "two", a, b, outputs=names[:1] * 2), "larger", "twice")


def test_texts_travel_as_text(server: Server) -> None:
    data = ["Zürich", "", 'a "b", [c]']
    answer = infer(server, "texts", tensor("x", [3], data, "BYTES"))
    assert output(answer, "y")["data"] == data


# --- what is refused, and how


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (tensor("z", [1, 32], [0] * 32), ["'z'", "'features'"]),
        (tensor("features", [1, 31], [0] * 31), ["'features'", "[1, 31]", "[-1, 32]"]),
        (tensor("features", [32], [0] * 32), ["'features'", "[32]", "[-1, 32]"]),
        (tensor("features", [1, 32], [0] * 32, "INT64"), ["'features'", "INT64", "FP32"]),
        (tensor("features", [1, 32], [0] * 32, "COLOUR"), ["'features'", "COLOUR", "FP32"]),
        (tensor("features", [1, 32], [0] * 31), ["'features'", "31", "32"]),
        (tensor("features", [2, 32], [[0] * 32, [0] * 31]), ["'features'", "63", "64"]),
        (tensor("features", [2, 32], [[0] * 33, [0] * 31]), ["'features'", "nested"]),
        (tensor("features", [32, 1], [[0] * 32]), ["'features'", "nested"]),
        (tensor("features", [1, 32], ["0"] * 32), ["'features'", "FP32", "str"]),
        (tensor("features", [1, 32], [True] * 32), ["'features'", "FP32", "bool"]),
        (tensor("features", [1, 32], [1e39] * 32), ["'features'", "fit", "FP32"]),
        (tensor("features", [1, 32], 7), ["'features'", "list"]),
        (tensor("features", [1, 32], None), ["'features'", "list"]),
        (tensor("features", [1, 32], []), ["'features'", "no values"]),
        (tensor("features", [0, 32], []), ["'features'", "no values"]),
        (tensor("features", [-1, 32], [0] * 32), ["'features'", "-1"]),
        (tensor("features", [2**40, 32], [0] * 32), ["'features'", str(2**45)]),
        (tensor("features", [2**62] * 16, [0] * 32), ["'features'"]),
        (tensor("features", [2**63] * 2, [0] * 32), ["shape"]),
        (tensor("features", [10**4000] * 2, [0] * 32), ["shape"]),
        (tensor("features", [1] * 40, [0]), ["'features'", "16"]),
        (tensor("features", ["1", 32], [0] * 32), ["shape", "int", "str"]),
        (tensor("features", [1.5, 32], [0] * 32), ["shape", "int", "float"]),
        ({"name": "features", "shape": [1, 32], "datatype": "FP32"}, ["'features'", "data"]),
        ({"name": "features", "datatype": "FP32", "data": [0]}, ["shape"]),
        ({"name": 5, "shape": [1, 32], "datatype": "FP32", "data": [0]}, ["name", "str", "int"]),
    ],
)
def test_a_wrong_tensor_is_refused_with_expected_and_received(
    server: Server, given: dict[str, Any], words: list[str]
) -> None:
    refused(infer(server, "rate", given), *words)


def test_missing_and_repeated_tensors_are_refused(server: Server) -> None:
    a = tensor("a", [1, 2], [1, 2], "INT64")
    refused(infer(server, "two", a), "'b'", "missing")
    refused(infer(server, "two", a, a), "'a'", "twice")
    refused(infer(server, "two"), "'a'", "missing")
    b = tensor("b", [2, 2], [1, 2, 3, 4], "INT64")
    refused(infer(server, "two", a, b), "'b'", "2 rows", "1")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "JSON"),
        (b"hello", "JSON"),
        (b"\xff\xfe{}", "JSON"),
        (b'{"inputs":', "JSON"),
        (b"[1, 2]", "object"),
        (b"{}", "inputs"),
        (b'{"inputs": {}}', "array"),
        (b'{"inputs": [], "id": 5}', "id"),
        (b"[" * 500_000, "levels"),
        (b'{"inputs":' + b"[" * 500_000, "levels"),
        (b'{"x":' * 200_000, "JSON"),
        (
            b'{"inputs":[{"name":"features","shape":[1,32],"datatype":"FP32","data":'
            + b"[" * 500_000,
            "levels",
        ),
        (
            b'{"inputs":[{"name":"features","shape":[1,32],"datatype":"FP32","data":'
            + b"[" * 300 + b"]" * 300 + b"}]}",
            "features",
        ),
    ],
)  # fmt: skip
def test_a_body_that_is_no_request_is_refused(server: Server, body: bytes, word: str) -> None:
    refused(ask(server, "POST", "/v2/models/rate/infer", body), word)


def test_integers_must_fit_and_be_whole(server: Server) -> None:
    b = tensor("b", [1, 2], [3, 4], "INT64")
    for data, word in (([2**63, 0], "fit"), ([1.5, 0], "float"), ([None, 0], "null")):
        refused(infer(server, "two", tensor("a", [1, 2], data, "INT64"), b), "'a'", word)


# --- binary tensors


def test_binary_and_json_tensors_mix_in_any_order(server: Server) -> None:
    blob = np.array([5, 6], "<i8").tobytes()
    in_json = tensor("a", [1, 2], [1, 2], "INT64")
    in_binary = {
        "name": "b",
        "shape": [1, 2],
        "datatype": "INT64",
        "parameters": {"binary_data_size": len(blob)},
    }
    wanted = [{"name": "total", "parameters": {"binary_data": True}}, {"name": "larger"}]
    for inputs in ([in_json, in_binary], [in_binary, in_json]):
        answer = binary(server, "two", {"inputs": inputs, "outputs": wanted}, blob)
        assert answer.status == 200, answer
        assert answer.headers["content-type"] == "application/octet-stream"
        length = int(answer.headers[LENGTH.lower()])
        said = json.loads(answer.body[:length])
        assert said["outputs"][0]["parameters"] == {"binary_data_size": 16}
        assert "data" not in said["outputs"][0]
        assert said["outputs"][1]["data"] == [False, False]
        assert np.frombuffer(answer.body[length:], "<i8").tolist() == [6, 8]


@pytest.mark.parametrize(
    ("whole", "own", "is_binary"),
    [(True, None, True), (True, False, False), (False, True, True), (None, True, True)],
)
def test_an_output_has_its_own_say_over_the_request(
    server: Server, whole: bool | None, own: bool | None, is_binary: bool
) -> None:
    parameters = {} if whole is None else {"parameters": {"binary_data_output": whole}}
    mine = {} if own is None else {"parameters": {"binary_data": own}}
    answer = infer(
        server, "echo", tensor("x", [1, 1], [2]), outputs=[{"name": "y"} | mine], **parameters
    )
    assert (LENGTH.lower() in answer.headers) is is_binary
    assert answer.body.endswith(np.float32(2).tobytes()) is is_binary


def test_half_precision_travels_binary_only(server: Server) -> None:
    blob = np.array([[0.5, 2]], np.float16).tobytes()
    given = {"name": "x", "shape": [1, 2], "datatype": "FP16"}
    sized = given | {"parameters": {"binary_data_size": 4}}
    answer = binary(
        server, "half", {"inputs": [sized], "parameters": {"binary_data_output": True}}, blob
    )
    assert np.frombuffer(answer.body[-4:], np.float16).tolist() == [1, 4]
    refused(infer(server, "half", given | {"data": [1, 2]}), "'x'", "FP16", "binary")
    refused(binary(server, "half", {"inputs": [sized]}, blob), "'y'", "FP16", "binary")


def blob_of(*texts: bytes) -> bytes:
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def test_binary_texts_carry_their_length(server: Server) -> None:
    texts = ["läuft".encode(), b"", b"x" * 300]
    blob = blob_of(*texts)
    given = {
        "name": "x",
        "shape": [3],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(blob)},
    }
    answer = binary(
        server, "texts", {"inputs": [given], "parameters": {"binary_data_output": True}}, blob
    )
    assert answer.body.endswith(blob)


@pytest.mark.parametrize(
    "blob",
    [b"", b"\x05\0\0\0abc", b"\xff\xff\xff\xffabc", blob_of(b"a", b"b"), blob_of(b"a") + b"\0"],
)
def test_binary_texts_with_wrong_lengths_are_refused(server: Server, blob: bytes) -> None:
    size = {"binary_data_size": len(blob)}
    given = {"name": "x", "shape": [1], "datatype": "BYTES", "parameters": size}
    refused(binary(server, "texts", {"inputs": [given]}, blob), "'x'", "string")


def test_texts_that_are_not_utf8_come_back_in_binary_form_only(server: Server) -> None:
    blob = blob_of(b"\xff\xfe")
    size = {"binary_data_size": len(blob)}
    given = {"name": "x", "shape": [1], "datatype": "BYTES", "parameters": size}
    refused(binary(server, "texts", {"inputs": [given]}, blob), "'y'", "UTF-8", "binary_data")
    outputs = [{"name": "y", "parameters": {"binary_data": True}}]
    answer = binary(server, "texts", {"inputs": [given], "outputs": outputs}, blob)
    assert answer.body.endswith(blob)


@pytest.mark.parametrize(
    ("size", "sent", "words"),
    [
        (4, 8, ["4 bytes", "8"]),
        (8, 12, ["4 bytes", "belong"]),
        (8, 4, ["8 bytes", "4"]),
        (12, 12, ["12 bytes", "8"]),
        (-4, 8, ["-4"]),
        (2**62, 8, [str(2**62)]),
        (10**4000, 8, ["parameters"]),
        (-(10**4000), 8, ["parameters"]),
        (True, 8, ["True"]),
        ("8", 8, ["'8'"]),
    ],
)
def test_wrong_binary_sizes_are_refused(
    server: Server, size: Any, sent: int, words: list[str]
) -> None:
    given = {
        "name": "x",
        "shape": [1, 2],
        "datatype": "FP32",
        "parameters": {"binary_data_size": size},
    }
    refused(binary(server, "echo", {"inputs": [given]}, bytes(sent)), *words)


def test_data_and_binary_size_together_are_refused(server: Server) -> None:
    given = tensor("x", [1, 1], [1], parameters={"binary_data_size": 4})
    refused(binary(server, "echo", {"inputs": [given]}, bytes(4)), "'x'", "both")


@pytest.mark.parametrize("length", ["9999", "9" * 5000, "-1", "x", "", "1e3", "0x10"])
def test_a_wrong_json_length_is_refused(server: Server, length: str) -> None:
    answer = ask(server, "POST", "/v2/models/echo/infer", b"{}", {LENGTH: length})
    refused(answer, "Content-Length")


def test_a_raw_body_is_one_row_of_the_only_input(server: Server) -> None:
    row = np.arange(32, dtype=np.float32)
    answer = ask(server, "POST", "/v2/models/rate/infer", row.tobytes(), {LENGTH: "0"})
    assert answer.status == 200, answer
    found = np.frombuffer(answer.body[-4:], np.float32)
    np.testing.assert_allclose(found, graphs.heart_rate_by_hand(row[None])[0], rtol=1e-4)
    free = ask(server, "POST", "/v2/models/echo/infer", row[:5].tobytes(), {LENGTH: "0"})
    assert free.body.endswith(row[:5].tobytes())
    text = ask(server, "POST", "/v2/models/texts/infer", b"one text", {LENGTH: "0"})
    assert text.body.endswith(blob_of(b"one text"))


def test_a_raw_body_of_another_size_or_model_is_refused(server: Server) -> None:
    for model, body, words in (
        ("rate", bytes(127), ["127", "128"]),
        ("echo", bytes(3), ["3", "4"]),
        ("echo", b"", ["x"]),
        ("two", bytes(32), ["one input"]),
    ):
        refused(ask(server, "POST", f"/v2/models/{model}/infer", body, {LENGTH: "0"}), *words)


# --- compressed bodies


@pytest.mark.parametrize(
    ("name", "squeeze"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
    ],
)
def test_compressed_bodies_are_taken(server: Server, name: str, squeeze: Any) -> None:
    body = json.dumps({"inputs": [tensor("x", [1, 1], [3])]}).encode()
    answer = ask(server, "POST", "/v2/models/echo/infer", squeeze(body), {"Content-Encoding": name})
    assert output(answer, "y")["data"] == [3]


def test_bad_compression_is_refused(server: Server) -> None:
    good = gzip.compress(b"{}")
    for body, name, status in (
        (b"no gzip", "gzip", 400),
        (good[:-6], "gzip", 400),
        (good + b"more", "gzip", 400),
        (good, "br", 415),
        (gzip.compress(bytes(70 << 20)), "gzip", 413),
    ):
        answer = ask(server, "POST", "/v2/models/echo/infer", body, {"Content-Encoding": name})
        assert answer.status == status, (name, answer)
        assert list(answer.json) == ["error"]


# --- classification


def test_the_best_classes_come_with_their_labels(server: Server) -> None:
    scores = tensor("scores", [2, 4], [0, 3, 1, 2, 9, 0, 0, 0])
    asked = [{"name": "activity", "parameters": {"classification": 2}}]
    found = output(infer(server, "activity", scores, outputs=asked), "activity")
    assert (found["datatype"], found["shape"]) == ("BYTES", [2, 2])
    parts = [text.split(":") for text in found["data"]]
    assert [(index, label) for _, index, label in parts] == [
        ("1", "running"),
        ("3", "walking"),
        ("0", "badminton"),
        ("1", "running"),
    ]
    assert float(parts[0][0]) == pytest.approx(0.6439, abs=1e-3)
    many = [{"name": "activity", "parameters": {"classification": 99}}]
    assert output(infer(server, "activity", scores, outputs=many), "activity")["shape"] == [2, 4]


@pytest.mark.parametrize("n", [-1, "2", True, 1.5, -(2**63)])
def test_a_wrong_number_of_classes_is_refused(server: Server, n: Any) -> None:
    asked = [{"name": "activity", "parameters": {"classification": n}}]
    scores = tensor("scores", [1, 4], [0, 3, 1, 2])
    refused(infer(server, "activity", scores, outputs=asked), "classification", repr(n))


# --- a real client


def test_tritonclient_finds_its_way(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("rate")
    assert client.is_model_ready("rate", "1")
    assert not client.is_model_ready("nobody")
    assert client.get_server_metadata()["name"] == "stadion"
    assert client.get_model_metadata("rate")["inputs"][0]["shape"] == [-1, 32]


@pytest.mark.parametrize("as_binary", [True, False])
@pytest.mark.parametrize("squeeze", [None, "gzip", "deflate"])
def test_tritonclient_gets_its_numbers(client: Any, as_binary: bool, squeeze: str | None) -> None:
    rows = np.random.default_rng(1).normal(size=(17, 32)).astype(np.float32)
    given = triton.InferInput("features", list(rows.shape), "FP32")
    given.set_data_from_numpy(rows, binary_data=as_binary)
    for outputs in (None, [triton.InferRequestedOutput("heart_rate", binary_data=as_binary)]):
        found = client.infer(
            "rate",
            [given],
            outputs=outputs,
            request_id="9",
            request_compression_algorithm=squeeze,
            response_compression_algorithm=squeeze,
        )
        assert found.get_response()["id"] == "9"
        wanted = graphs.heart_rate_by_hand(rows)
        np.testing.assert_allclose(found.as_numpy("heart_rate"), wanted, rtol=1e-4, atol=1e-4)


def test_tritonclient_gets_its_texts_and_classes(client: Any) -> None:
    words = np.array(["schnell", "", "läuft"], object)
    given = triton.InferInput("x", [3], "BYTES")
    given.set_data_from_numpy(words)
    found = client.infer("texts", [given]).as_numpy("y")
    assert [value.decode() for value in found] == words.tolist()
    scores = triton.InferInput("scores", [1, 4], "FP32")
    scores.set_data_from_numpy(np.array([[0, 3, 1, 2]], np.float32))
    asked = triton.InferRequestedOutput("activity", class_count=1)
    best = client.infer("activity", [scores], outputs=[asked]).as_numpy("activity")
    assert best[0, 0].decode().endswith(":1:running")


def test_tritonclient_understands_the_errors(client: Any) -> None:
    given = triton.InferInput("features", [1, 3], "FP32")
    given.set_data_from_numpy(np.zeros((1, 3), np.float32))
    with pytest.raises(InferenceServerException, match=r"'features'.*\[1, 3\].*\[-1, 32\]"):
        client.infer("rate", [given])
    with pytest.raises(InferenceServerException, match="no model 'nobody'"):
        client.infer("nobody", [given])


def test_large_bodies_are_answered_like_small_ones(server: Server, client: Any) -> None:
    rows = np.random.default_rng(2).normal(size=(40_000, 32)).astype(np.float32)
    wanted = graphs.heart_rate_by_hand(rows)
    for as_binary in (True, False):
        given = triton.InferInput("features", list(rows.shape), "FP32")
        given.set_data_from_numpy(rows, binary_data=as_binary)
        found = client.infer("rate", [given]).as_numpy("heart_rate")
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)
