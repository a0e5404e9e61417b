"""MLflow's scoring payloads: tables, tensors and CSV, how columns find inputs, what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from onnx import helper

from stadion.core.package import ModelPackage
from stadion.core.settings import Home
from stadion.core.signature import Tensor
from stadion.trust import KeyBook
from tests.serve import graphs
from tests.serve.running import Answer, Server, ask, running

JSON, CSV = "application/json", "text/csv"
COLUMNS = ("pace", "power", "cadence")


def run(folder: Path) -> ModelPackage:
    """One input with named columns, the same out."""
    x = Tensor("x", "FP32", (None, 3), columns=COLUMNS)
    y = Tensor("y", "FP32", (None, 3))
    return graphs.package(folder, [x], [y], [helper.make_node("Identity", ["x"], ["y"])])


def athlete(folder: Path) -> ModelPackage:
    """Inputs of different types and axes, each given back."""
    inputs = [
        Tensor("age", "INT64", (None,)),
        Tensor("sport", "BYTES", (None, 1)),
        Tensor("load", "FP64", (None, 2), columns=("week", "month")),
        Tensor("is_pro", "BOOL", (None, 1)),
    ]
    outputs = [Tensor(f"{t.name}_out", t.datatype, t.shape) for t in inputs]
    nodes = [helper.make_node("Identity", [t.name], [f"{t.name}_out"]) for t in inputs]
    return graphs.package(folder, inputs, outputs, nodes)


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {
        "run": run(home),
        "rate": graphs.heart_rate(home),
        "athlete": athlete(home),
        "two": graphs.sum_of_two(home),
        "texts": graphs.texts(home),
        "echo": graphs.echo(home),
        "strict": graphs.constant(home, 5.0),
    }
    with running(home, models) as found:
        yield found


def invoke(server: Server, model: str, body: Any, kind: str = JSON, **headers: str) -> Answer:
    content = body.encode() if isinstance(body, str) else body
    path = f"/invocations?model={model}" if model else "/invocations"
    return ask(server, "POST", path, content, {"Content-Type": kind, **headers})


def refused(answer: Answer, *words: str, status: int = 400, code: str = "BAD_REQUEST") -> None:
    """Exactly an error code and a message that says all of the words."""
    assert answer.status == status, answer
    assert set(answer.json) == {"error_code", "message"}
    assert answer.json["error_code"] == code
    for word in words:
        assert word in answer.json["message"], (word, answer.json)


# --- the forms


def test_every_form_gives_the_same_predictions(server: Server) -> None:
    rows = np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32)
    frame = pd.DataFrame(rows, columns=[f"f{n}" for n in range(32)])
    wanted = graphs.heart_rate_by_hand(rows)
    split = json.loads(frame.to_json(orient="split", double_precision=15))
    bodies: list[tuple[Any, str]] = [
        ({"dataframe_split": split}, JSON),
        ({"dataframe_split": {"data": split["data"]}}, JSON),
        ({"dataframe_split": split | {"columns": list(range(32))}}, JSON),
        ({"dataframe_records": frame.to_dict(orient="records")}, JSON),
        ({"instances": rows.tolist()}, JSON),
        ({"inputs": rows.tolist()}, JSON),
        ({"inputs": {"features": rows.tolist()}}, JSON),
        (frame.to_csv(index=False), CSV),
    ]
    for body, kind in bodies:
        answer = invoke(server, "rate", body, kind)
        assert answer.status == 200, answer
        assert list(answer.json) == ["predictions"]
        np.testing.assert_allclose(answer.json["predictions"], wanted, rtol=1e-4)


def test_columns_find_their_input_by_name_in_any_order(server: Server) -> None:
    wanted = {"predictions": [[4.5, 200.0, 90.0], [5.0, None, 88.0]]}
    frame = pd.DataFrame(
        {
            "cadence": [90, 88],
            "shoe": ["a", None],
            "power": [200, np.nan],
            "pace": [4.5, 5.0],
        }
    )
    split = json.loads(frame.to_json(orient="split"))
    assert invoke(server, "run", {"dataframe_split": split}).json == wanted
    records = json.loads(frame.to_json(orient="records"))
    assert invoke(server, "run", {"dataframe_records": records}).json == wanted
    del records[1]["power"]
    assert invoke(server, "run", {"dataframe_records": records}).json == wanted
    assert invoke(server, "run", frame.to_csv(index=False), CSV).json == wanted
    csv = 'cadence,pace,power\r\n90, 4.5 ,200\r\n"88",5,NaN\r\n\r\n'
    assert invoke(server, "run", csv, "Text/CSV; charset=UTF-8; header=present").json == wanted
    assert invoke(server, "run", {"instances": [[1, 2, 3]]}).json == {"predictions": [[1, 2, 3]]}


def test_each_input_takes_its_own_column(server: Server) -> None:
    wanted = {
        "predictions": [
            {"age_out": 31, "sport_out": ["07"], "load_out": [1.5, 2.5], "is_pro_out": [True]},
            {"age_out": 9, "sport_out": ["läuft"], "load_out": [None, 1], "is_pro_out": [False]},
        ]
    }
    rows = [["07", 31, True, 2.5, 1.5], ["läuft", 9, False, 1, None]]
    split = {"columns": ["sport", "age", "is_pro", "month", "week"], "data": rows}
    assert invoke(server, "athlete", {"dataframe_split": split}).json == wanted
    csv = "sport,age,is_pro,month,week\n07,31,True,2.5,1.5\nläuft,9,false,1,\n"
    assert invoke(server, "athlete", csv, CSV).json == wanted
    latin = csv.encode("latin-1")
    assert invoke(server, "athlete", latin, "text/csv; charset=ISO-8859-1").json == wanted
    marked = b"\xef\xbb\xbf" + csv.encode()
    assert invoke(server, "athlete", marked, CSV).json == wanted


def test_a_cell_may_hold_a_list(server: Server) -> None:
    records = [{"a": [1, 2], "b": [5, 0]}, {"a": [3, 4], "b": [0, 9]}]
    wanted = [
        {"total": [6, 2], "larger": [False, True]},
        {"total": [3, 13], "larger": [True, False]},
    ]
    for body in ({"dataframe_records": records}, {"instances": records}):
        assert invoke(server, "two", body).json == {"predictions": wanted}
    assert invoke(server, "texts", 'x\n"a,b"\n12\n', CSV).json == {"predictions": ["a,b", "12"]}
    assert invoke(server, "texts", "word\na\nb\n", CSV).json == {"predictions": ["a", "b"]}


def test_missing_cells_are_refused_where_none_may_be(server: Server) -> None:
    refused(invoke(server, "strict", 'x\n1\n""\n', CSV), "'x'", "missing")
    refused(invoke(server, "athlete", "sport,age,is_pro,month,week\na,,true,1,1\n", CSV), "'age'")
    body = json.dumps({"inputs": [[float("nan")]]})
    assert invoke(server, "echo", body).json == {"predictions": [[None]]}


def test_parameters_are_obeyed(server: Server) -> None:
    body = {"inputs": [[1]], "params": {"priority": 1, "temperature": 0.5}}
    assert invoke(server, "strict", body).json == {"predictions": [[5.0]]}
    refused(invoke(server, "strict", body | {"params": {"priority": "high"}}), "priority")
    refused(invoke(server, "strict", body | {"params": {"stop": ["a"]}}), "params")


def test_large_tables_are_answered_like_small_ones(server: Server) -> None:
    rows = np.random.default_rng(0).normal(size=(2_000, 32)).astype(np.float32)
    wanted = graphs.heart_rate_by_hand(rows)
    for body, kind in (
        ({"dataframe_split": {"data": rows.tolist()}}, JSON),
        (pd.DataFrame(rows).to_csv(index=False), CSV),
    ):
        answer = invoke(server, "rate", body, kind)
        np.testing.assert_allclose(answer.json["predictions"], wanted, rtol=1e-3, atol=1e-3)


# --- which model


def test_query_or_header_say_which_model(server: Server, tmp_path: Path) -> None:
    body = {"inputs": [[1]]}
    assert invoke(server, "strict", body).json == {"predictions": [[5.0]]}
    named = {"X-Stadion-Model": "strict"}
    assert invoke(server, "", body, **named).json == {"predictions": [[5.0]]}
    refused(invoke(server, "", body), "7 models", "X-Stadion-Model")
    unknown = invoke(server, "nobody", body)
    refused(unknown, "'nobody'", status=404, code="RESOURCE_DOES_NOT_EXIST")
    assert invoke(server, "strict&version=1", body).status == 200
    version = invoke(server, "strict&version=2", body)
    refused(version, "version 2", status=404, code="RESOURCE_DOES_NOT_EXIST")
    refused(invoke(server, "strict&version=new", body), "'new'")
    refused(invoke(server, "strict" + "&a=1" * 20, body), "16")
    with running(tmp_path, {"only": graphs.echo(tmp_path)}) as other:
        assert invoke(other, "", body).json == {"predictions": [[1.0]]}


def test_a_key_for_one_model_opens_that_one_however_it_is_named(tmp_path: Path) -> None:
    _, key = KeyBook(Home(tmp_path).trust).create("single", models=("mine",))
    models = {name: graphs.echo(tmp_path) for name in ("mine", "theirs")}
    with running(tmp_path, models, require_keys=True) as server:
        for by_query, by_header, status in (
            ("mine", "", 200),
            ("", "mine", 200),
            ("theirs", "", 404),
            ("", "theirs", 404),
            ("theirs", "mine", 404),
            ("mine", "theirs", 200),
            ("", "", 404),
        ):
            headers = {"X-API-Key": key, "X-Stadion-Model": by_header}
            answer = invoke(server, by_query, {"inputs": [[1]]}, **headers)
            assert answer.status == status, (by_query, by_header, answer)
        assert invoke(server, "mine", {"inputs": [[1]]}).status == 401
        assert ask(server, "GET", "/ping").status == 200


# --- what is refused


@pytest.mark.parametrize(
    ("model", "body", "words"),
    [
        ("run", b"", ["JSON"]),
        ("run", b"[1]", ["object"]),
        ("run", {}, ["exactly one", "dataframe_split", "[]"]),
        ("run", {"inputs": [[1, 2, 3]], "instances": [[1, 2, 3]]}, ["exactly one"]),
        ("run", {"dataframe_split": [[1]]}, ["dataframe_split", "object"]),
        ("run", {"dataframe_split": {"columns": ["pace"]}}, ["dataframe_split", "data"]),
        ("run", {"dataframe_split": {"columns": list(COLUMNS), "data": []}}, ["no rows"]),
        ("run", {"dataframe_split": {"columns": [], "data": [[]]}}, ["no columns"]),
        (
            "run",
            {"dataframe_split": {"columns": list(COLUMNS), "data": [[1, 2, 3], [1, 2]]}},
            ["row 1", "2 cells", "3"],
        ),
        (
            "run",
            {"dataframe_split": {"columns": ["pace", "pace"], "data": [[1, 2]]}},
            ["'pace'", "twice"],
        ),
        (
            "run",
            {"dataframe_split": {"columns": ["pace", "Power"], "data": [[1, 2]]}},
            ["'power'", "'cadence'", "missing", "'Power'"],
        ),
        ("run", {"dataframe_split": {"data": [[1, 2]]}}, ["2 columns", "'x'", "3"]),
        ("run", {"dataframe_records": [{"pace": 1}]}, ["'power'", "missing"]),
        ("run", {"dataframe_records": []}, ["no rows"]),
        ("run", {"dataframe_records": [1]}, ["dataframe_records", "object"]),
        ("run", {"dataframe_records": [dict.fromkeys(COLUMNS, "fast")]}, ["'x'", "FP32"]),
        ("athlete", {"dataframe_records": [{"age": 1}]}, ["'sport'", "'age'"]),
        ("athlete", {"inputs": [[1]]}, ["one input"]),
    ],
)
def test_a_wrong_body_is_refused(server: Server, model: str, body: Any, words: list[str]) -> None:
    refused(invoke(server, model, body), *words)


@pytest.mark.parametrize(
    ("csv", "words"),
    [
        ("", ["empty"]),
        ("pace,power,cadence\n", ["no rows"]),
        ("pace,power,cadence\n1,2,3\n1,2\n", ["row 1", "2 cells", "3"]),
        ("pace,power\n1,2\n", ["'cadence'", "missing"]),
        ("pace,power,cadence\n1,2,far\n", ["'x'", "FP32"]),
        ('pace,power,cadence\n1,2,"3,4"\n', ["'x'", "4 values", "needs 3"]),
        ('pace,power,cadence\n1,2,"3\n', ["CSV"]),
    ],
)
def test_a_wrong_csv_is_refused(server: Server, csv: str, words: list[str]) -> None:
    refused(invoke(server, "run", csv, CSV), *words)


def test_a_cell_with_more_than_one_value_is_refused(server: Server) -> None:
    refused(invoke(server, "strict", 'x\n"1,2"\n', CSV), "'x'", "2 values", "1 rows")


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "text/csv; charset=rot13",
        "text/csv; charset=\xe9",
    ],
)
def test_other_content_types_are_not_supported(server: Server, kind: str) -> None:
    answer = invoke(server, "run", {"inputs": [[1, 2, 3]]}, kind)
    refused(answer, repr(kind.partition("=")[2] or kind), status=415)


def test_bytes_that_are_not_the_charset_are_refused(server: Server) -> None:
    refused(invoke(server, "texts", b"x\n\xff\n", CSV), "utf-8")


# --- health


def test_it_says_that_it_is_well_and_what_it_is(server: Server) -> None:
    for path in ("/ping", "/health"):
        answer = ask(server, "GET", path)
        assert (answer.status, answer.body) == (200, b"\n")
    answer = ask(server, "GET", "/version")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.body[:1].isdigit()
