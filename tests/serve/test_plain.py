"""POST /predict/{model}: JSON as the first articles wrote it, and the bytes of recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.serve import graphs
from tests.serve.running import Answer, Server, ask, running


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {
        "rate": graphs.heart_rate(home),
        "activity": graphs.classes(home),
        "echo": graphs.echo(home),
        "half": graphs.half(home),
        "texts": graphs.texts(home),
        "two": graphs.sum_of_two(home),
    }
    with running(home, models) as found:
        yield found


def predict(server: Server, model: str, body: Any, query: str = "", **headers: str) -> Answer:
    return ask(server, "POST", f"/predict/{model}{query}", body, headers)


def refused(answer: Answer, *words: str, status: int = 400) -> None:
    assert answer.status == status, answer
    assert set(answer.json) == {"error", "code", "hint"}
    for word in words:
        assert word in answer.json["error"], (word, answer.json)


def test_the_root_says_who_is_there(server: Server) -> None:
    said = ask(server, "GET", "/").json
    assert (said["name"], said["status"]) == ("stadion", "alive")
    assert said["version"]


def test_inputs_give_output_and_input_data_gives_prediction(server: Server) -> None:
    rows = np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32)
    wanted = graphs.heart_rate_by_hand(rows)
    for given, key in (("inputs", "output"), ("input_data", "prediction")):
        for value in (rows.tolist(), {"features": rows.tolist()}):
            answer = predict(server, "rate", {given: value})
            assert answer.status == 200, answer
            assert set(answer.json) == {"model", "version", key}
            assert (answer.json["model"], answer.json["version"]) == ("rate", 1)
            np.testing.assert_allclose(answer.json[key]["heart_rate"], wanted, rtol=1e-4)


def test_a_class_output_has_a_label_and_its_probabilities(server: Server) -> None:
    rows = predict(server, "activity", {"inputs": [[0, 3, 1, 2], [None, None, 9, 0]]}).json
    first, second = rows["output"]["activity"]
    assert (first["label"], second["label"]) == ("running", "standing")
    assert list(first["probabilities"]) == list(graphs.CLASSES)
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert first["probabilities"]["running"] == pytest.approx(0.6439, abs=1e-3)


def test_missing_values_are_null_on_both_sides(server: Server) -> None:
    answer = predict(server, "echo", {"inputs": [[1.5, None]]})
    assert answer.json["output"]["y"] == [[1.5, None]]


def test_several_inputs_are_named(server: Server) -> None:
    both = {"a": [[1, 2]], "b": [[5, 0]]}
    answer = predict(server, "two", {"inputs": both})
    assert answer.json["output"] == {"total": [[6, 2]], "larger": [[False, True]]}
    refused(predict(server, "two", {"inputs": [[1, 2]]}), "one input", "'a'", "'b'")
    refused(predict(server, "two", {"inputs": {"a": [[1, 2]]}}), "'b'", "missing")
    refused(predict(server, "two", {"inputs": both | {"c": [1]}}), "'c'", "'a'", "'b'")


def test_texts_come_back_as_text(server: Server) -> None:
    answer = predict(server, "texts", {"inputs": ["läuft", ""]})
    assert answer.json["output"] == {"y": ["läuft", ""]}


def test_a_version_may_be_named(server: Server) -> None:
    assert predict(server, "echo", {"inputs": [[1]]}, "?version=1").json["version"] == 1
    refused(predict(server, "echo", {"inputs": [[1]]}, "?version=2"), "2", status=404)
    refused(predict(server, "echo", {"inputs": [[1]]}, "?version=new"), "'new'")
    refused(predict(server, "nobody", {"inputs": [[1]]}), "'nobody'", status=404)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", ["JSON"]),
        (b"{", ["JSON"]),
        (b"[1]", ["object"]),
        ({}, ["inputs", "input_data"]),
        ({"inputs": [[1]], "input_data": [[1]]}, ["inputs", "input_data"]),
        ({"input": [[1]]}, ["input"]),
        ({"inputs": [[1]], "parameters": {"sport": 10**4000}}, ["parameters"]),
        ({"inputs": [[10**4000]]}, ["'x'"]),
        ({"inputs": 5}, ["'x'", "list"]),
        ({"inputs": None}, ["'x'", "list"]),
        ({"inputs": []}, ["'x'", "no values"]),
        ({"inputs": [[]]}, ["'x'"]),
        ({"inputs": [1, 2]}, ["'x'", "[2]", "[-1, -1]"]),
        ({"inputs": [[1, 2], [3]]}, ["'x'"]),
        ({"inputs": [[1, 2], 3]}, ["'x'", "irregular"]),
        ({"inputs": [1, [2, 3]]}, ["'x'"]),
        ({"inputs": [["1"]]}, ["'x'", "str"]),
        ({"inputs": {"x": [[True]]}}, ["'x'", "bool"]),
        (b'{"inputs":' + b"[" * 500_000, ["JSON"]),
        (b'{"inputs":' + b"[" * 500 + b"1" + b"]" * 500 + b"}", ["'x'", "deep"]),
    ],
)
def test_a_wrong_body_is_refused(server: Server, body: Any, words: list[str]) -> None:
    refused(predict(server, "echo", body), *words)


def test_half_precision_is_a_number_like_others(server: Server) -> None:
    answer = predict(server, "half", {"inputs": [[0.1, 2]]})
    assert answer.json["output"] == {"y": [[0.19995117, 4.0]]}
    refused(predict(server, "half", {"inputs": [[1, 7e4]]}), "'x'", "fit", "FP16")
    answer = predict(server, "half", b"numbers\n1 2")
    refused(answer, "'x'", "FP32", "FP16")


def test_a_recording_is_read_by_the_callers_reader(server: Server) -> None:
    answer = predict(server, "activity", b"numbers\n0 3 1 2\n0 0 9 0\n")
    assert answer.status == 200, answer
    assert set(answer.json) == {"model", "version", "rows", "output"}
    assert answer.json["rows"] == 2
    assert [row["label"] for row in answer.json["output"]["activity"]] == ["running", "standing"]
    kind = {"Content-Type": "application/octet-stream"}
    assert predict(server, "activity", b"\n numbers", **kind).status == 400


def test_what_is_no_recording_is_refused(server: Server) -> None:
    refused(predict(server, "activity", b"hello"), "recording")
    refused(predict(server, "activity", b"hello", "?name=run.fit"), "run.fit")
    refused(predict(server, "activity", b"fail\n", "?name=secret"), "recording")
    assert b"secret" not in predict(server, "activity", b"fail\n", "?name=secret").body
    refused(predict(server, "activity", b"\xff\xfe\xfd"), "recording")
    refused(predict(server, "activity", b"numbers\n1 2\n3"), "recording")
    refused(predict(server, "activity", b"numbers\n1 2 3"), "'scores'", "[1, 3]", "[-1, 4]")


def test_what_is_said_to_be_json_must_be(server: Server) -> None:
    for kind in ("application/json", "Application/JSON; charset=utf-8"):
        refused(predict(server, "activity", b"numbers\n1 2 3 4", **{"Content-Type": kind}), "JSON")


def test_large_json_is_answered_like_small(server: Server) -> None:
    rows = np.random.default_rng(0).normal(size=(2_000, 32)).astype(np.float32)
    body = json.dumps({"inputs": rows.tolist()}).encode()
    assert len(body) > 1 << 20
    answer = predict(server, "rate", body)
    wanted = graphs.heart_rate_by_hand(rows)
    np.testing.assert_allclose(answer.json["output"]["heart_rate"], wanted, rtol=1e-3, atol=1e-3)
    refused(predict(server, "rate", body[:-2]), "JSON")
