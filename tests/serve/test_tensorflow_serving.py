"""TensorFlow Serving's REST interface: rows and columns, versions and labels, what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.core.deployment import Deployment, Route
from stadion.serve.messages import Placement, placement_of
from tests.serve import graphs
from tests.serve.running import Answer, Server, ask, deployment, running

ROWS = np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32)


def placements(home: Path) -> list[Placement]:
    models = {
        "rate": graphs.heart_rate(home),
        "echo": graphs.echo(home),
        "texts": graphs.texts(home),
        "two": graphs.sum_of_two(home),
        "strict": graphs.constant(home, 5.0),
        "patient": graphs.patient(home),
    }
    shared = Deployment("shared", (Route(3, 0.9), Route(7, 0.1), Route(9, shadow=True)), 1)
    constants = {n: graphs.constant(home, float(n)) for n in (3, 7, 9)}
    return [
        *(placement_of(deployment(name, 1), {1: package}) for name, package in models.items()),
        placement_of(shared, constants),
    ]


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with running(home, placements(home)) as found:
        yield found


def predict(server: Server, model: str, body: Any, **headers: str) -> Answer:
    return ask(server, "POST", f"/v1/models/{model}:predict", body, headers)


def refused(answer: Answer, *words: str, status: int = 400) -> None:
    """Exactly {"error": text}, and the text says all of the words."""
    assert answer.status == status, answer
    assert list(answer.json) == ["error"], answer.json
    for word in words:
        assert word in answer.json["error"], (word, answer.json)


def encoded(content: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(content).decode()}


# --- predict


def test_rows_give_predictions_and_columns_give_outputs(server: Server) -> None:
    wanted = graphs.heart_rate_by_hand(ROWS)
    for key, answered in (("instances", "predictions"), ("inputs", "outputs")):
        named = {"features": ROWS.tolist()} if key == "inputs" else None
        rows = [{"features": row} for row in ROWS.tolist()] if key == "instances" else None
        for given in (ROWS.tolist(), named or rows):
            answer = predict(server, "rate", {"signature_name": "serving_default", key: given})
            assert answer.status == 200, answer
            assert answer.headers["content-type"] == "application/json"
            assert list(answer.json) == [answered]
            np.testing.assert_allclose(answer.json[answered], wanted, rtol=1e-4)


def test_several_outputs_become_objects(server: Server) -> None:
    rows = [{"a": [1, 2], "b": [5, 0]}, {"b": [0, 0], "a": [3, 4]}]
    assert predict(server, "two", {"instances": rows}).json == {
        "predictions": [
            {"total": [6, 2], "larger": [False, True]},
            {"total": [3, 4], "larger": [True, True]},
        ]
    }
    columns = {"a": [[1, 2], [3, 4]], "b": [[5, 0], [0, 0]]}
    assert predict(server, "two", {"inputs": columns}).json == {
        "outputs": {"total": [[6, 2], [3, 4]], "larger": [[False, True], [True, True]]}
    }


def test_bytes_travel_as_base64_or_as_text(server: Server) -> None:
    jpeg = b"\xff\xd8\xff\xe0"
    given = [encoded(b"plain"), "läuft", encoded(jpeg)]
    wanted = ["plain", "läuft", encoded(jpeg)]
    assert predict(server, "texts", {"instances": given}).json == {"predictions": wanted}
    assert predict(server, "texts", {"inputs": given}).json == {"outputs": wanted}
    named = [{"x": value} for value in given]
    assert predict(server, "texts", {"instances": named}).json == {"predictions": wanted}
    assert predict(server, "texts", {"inputs": {"x": given}}).json == {"outputs": wanted}
    refused(predict(server, "texts", {"instances": [{"b64": "%"}]}), "'x'", "base64")


def test_missing_values_are_null_or_the_nan_that_python_writes(server: Server) -> None:
    body = json.dumps({"instances": [[1.5, float("nan")], [None, 2]], "note": "a NaN, [NaN]"})
    answer = predict(server, "echo", body.encode())
    assert answer.json == {"predictions": [[1.5, None], [None, 2.0]]}
    refused(predict(server, "strict", {"instances": [[None]]}), "'x'", "missing")
    refused(predict(server, "texts", b'{"instances": ["NaN, \\"", NaN]}'), "'x'", "string")
    refused(predict(server, "echo", b'{"instances": [[Infinity]]}'), "JSON")


def test_large_bodies_are_answered_like_small_ones(server: Server) -> None:
    rows = np.random.default_rng(0).normal(size=(2_000, 32)).astype(np.float32)
    answer = predict(server, "rate", {"instances": rows.tolist()})
    wanted = graphs.heart_rate_by_hand(rows)
    np.testing.assert_allclose(answer.json["predictions"], wanted, rtol=1e-3, atol=1e-3)
    refused(predict(server, "rate", {"instances": rows[:, 1:].tolist()}), "[2000, 31]", "[-1, 32]")


def test_time_limits_and_priorities_are_obeyed(server: Server) -> None:
    slow = {"inputs": [20_000_000], "parameters": {"timeout": 20_000}}
    refused(predict(server, "patient", slow), status=504)
    urgent = {"instances": [[1]], "parameters": {"priority": 1}}
    assert predict(server, "strict", urgent).json == {"predictions": [[5.0]]}
    wrong = {"instances": [[1]], "parameters": {"priority": -1}}
    refused(predict(server, "strict", wrong), "priority")


@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        ("echo", b"", ["JSON"]),
        ("echo", b"[1]", ["object"]),
        ("echo", {}, ["instances", "inputs"]),
        ("echo", {"instances": [[1]], "inputs": [[1]]}, ["one of instances and inputs"]),
        ("echo", {"instances": [[1]], "signature_name": "train"}, ["'train'", "serving_default"]),
        ("echo", {"instances": []}, ["'x'", "no values"]),
        ("echo", {"instances": None}, ["'x'", "list"]),
        ("echo", {"instances": 5}, ["'x'", "list"]),
        ("echo", {"instances": [1, 2]}, ["'x'", "[2]", "[-1, -1]"]),
        ("echo", {"instances": [[1, 2], [3]]}, ["'x'"]),
        ("echo", {"instances": [[True]]}, ["'x'", "bool"]),
        ("echo", {"instances": [{"b64": "AA=="}]}, ["b64", "['x']"]),
        ("echo", {"instances": [{"x": [1]}, [2]]}, ["instances"]),
        ("echo", {"instances": [{"x": [1]}, {}]}, ["instance 1", "['x']"]),
        ("echo", {"inputs": {"y": [[1]]}}, ["'y'", "['x']"]),
        ("echo", {"inputs": {}}, ["[]", "['x']"]),
        ("echo", {"instances": [[1]], "parameters": {"sport": [1]}}, ["parameters"]),
        ("two", {"instances": [[1, 2]]}, ["one input", "'a'", "'b'"]),
        ("two", {"instances": [{"a": [1, 2]}]}, ["instance 0", "['a']", "['a', 'b']"]),
        ("two", {"instances": [{"a": [1, 2], "b": [1]}]}, ["'b'", "[1, 1]"]),
        ("two", {"inputs": {"a": [[1, 2]], "b": [[1, 2], [3, 4]]}}, ["'b'", "rows"]),
        ("two", {"inputs": {"a": [[1, 2]], "b": [[1, 2.5]]}}, ["'b'", "INT64"]),
        ("echo", b'{"instances":' + b"[" * 500_000, ["JSON"]),
        ("echo", b'{"instances": [' + b'"' * 99 + b"NaN", ["JSON"]),
    ],
)
def test_a_wrong_body_is_refused(server: Server, model: str, body: Any, words: list[str]) -> None:
    refused(predict(server, model, body), *words)


def test_records_of_examples_are_refused(server: Server) -> None:
    for verb in ("classify", "regress"):
        answer = ask(server, "POST", f"/v1/models/rate:{verb}", {"examples": [{"x": 1}]})
        refused(answer, "tf.Example", ":predict", status=501)


def test_a_verb_has_its_method_and_an_unknown_one_no_path(server: Server) -> None:
    answer = ask(server, "GET", "/v1/models/rate:predict")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert ask(server, "POST", "/v1/models/rate:guess", {}).status == 404
    assert ask(server, "POST", "/v1/models/:predict", {}).status == 404
    assert ask(server, "POST", "/v1/models/rate%3Apredict", {}).status == 400


# --- versions, labels, status, metadata


def test_versions_and_labels_choose_who_answers(server: Server) -> None:
    row = {"instances": [[1]]}
    for place, value in (
        ("versions/3", 3.0),
        ("versions/7", 7.0),
        ("versions/9", 9.0),
        ("labels/stable", 3.0),
        ("labels/canary", 7.0),
    ):
        answer = ask(server, "POST", f"/v1/models/shared/{place}:predict", row)
        assert answer.json == {"predictions": [[value]]}, place
    for place in ("versions/4", "versions/x", "labels/newest"):
        answer = ask(server, "POST", f"/v1/models/shared/{place}:predict", row)
        refused(answer, place.partition("/")[2], status=404)
    answer = ask(server, "POST", "/v1/models/rate/labels/canary:predict", row)
    refused(answer, "'canary'", "['stable']", status=404)
    refused(predict(server, "nobody", row), "'nobody'", status=404)


def test_the_status_is_what_both_protocols_read(server: Server) -> None:
    fine = {"error_code": "OK", "error_message": ""}
    said = ask(server, "GET", "/v1/models/shared").json
    assert (said["name"], said["ready"]) == ("shared", True)
    assert said["model_version_status"] == [
        {"version": number, "state": "AVAILABLE", "status": fine} for number in ("9", "7", "3")
    ]
    for place in ("versions/7", "labels/canary"):
        said = ask(server, "GET", f"/v1/models/shared/{place}").json
        assert [state["version"] for state in said["model_version_status"]] == ["7"]
    for place in ("nobody", "shared/versions/1", "shared/labels/1"):
        refused(ask(server, "GET", f"/v1/models/{place}"), status=404)


def test_the_metadata_hold_the_signature(server: Server) -> None:
    said = ask(server, "GET", "/v1/models/two/metadata").json
    assert said["model_spec"] == {"name": "two", "signature_name": "", "version": "1"}
    found = said["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert found["method_name"] == "tensorflow/serving/predict"
    assert list(found["inputs"]) == ["a", "b"]
    assert found["outputs"]["larger"] == {
        "name": "larger",
        "dtype": "DT_BOOL",
        "tensor_shape": {
            "dim": [{"size": "-1", "name": ""}, {"size": "2", "name": ""}],
            "unknown_rank": False,
        },
    }
    said = ask(server, "GET", "/v1/models/shared/labels/canary/metadata").json
    assert said["model_spec"]["version"] == "7"
    refused(ask(server, "GET", "/v1/models/nobody/metadata"), status=404)
