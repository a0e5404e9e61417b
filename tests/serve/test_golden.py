"""The golden tensors come back equal through every HTTP protocol that can carry them."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from onnx import helper

from stadion.core.arrays import Array
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.core.signature import DATATYPES, Tensor
from stadion.serve.binary import read_binary_tensor, write_binary_tensor
from stadion.serve.runtimes.onnx import load
from tests.serve import graphs
from tests.serve.golden import BINARY_ONLY, GOLDEN, NO_JSON, assert_same
from tests.serve.running import Answer, Server, ask, running

LENGTH = "Inference-Header-Content-Length"
IN_JSON = sorted(set(GOLDEN) - NO_JSON)


# ONNX Runtime does not take texts and give BF16 in one run: each model leaves one of them out.
TOGETHER = {
    "together": [name for name in GOLDEN if not name.startswith("BF16")],
    "together.too": [name for name in GOLDEN if not name.startswith("BYTES")],
}


def together(folder: Path, names: Sequence[str]) -> ModelPackage:
    """Many golden tensors in one request, each given back."""
    golden = {name: GOLDEN[name] for name in names}
    inputs = [Tensor(f"in {name}", kind, array.shape) for name, (kind, array) in golden.items()]
    outputs = [Tensor(f"out {name}", kind, array.shape) for name, (kind, array) in golden.items()]
    nodes = [
        helper.make_node("Identity", [a.name], [b.name])
        for a, b in zip(inputs, outputs, strict=True)
    ]
    return graphs.package(folder, inputs, outputs, nodes)


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {f"id.{name.lower()}": graphs.identity(home, name) for name in DATATYPES}
    models |= {model: together(home, names) for model, names in TOGETHER.items()}
    with running(home, models) as found:
        yield found


def model_of(name: str) -> str:
    return f"id.{GOLDEN[name][0].lower()}"


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode()}
    return None if isinstance(value, float) and math.isnan(value) else value


def nested(array: Array) -> list[list[Any]]:
    wide = array.astype(np.float64) if array.dtype.kind in "fV" else array
    return [[plain(value) for value in row] for row in wide.tolist()]


def back(rows: Any, name: str) -> Array:
    """The array that JSON without datatypes holds."""
    kind, wanted = GOLDEN[name]
    flat = [value for row in rows for value in row]
    if kind != "BYTES":
        wide = np.float64 if wanted.dtype.kind in "fV" else wanted.dtype
        return np.array(flat, wide).astype(wanted.dtype).reshape(wanted.shape)
    found = np.empty(len(flat), object)
    found[:] = [base64.b64decode(v["b64"]) if isinstance(v, dict) else v.encode() for v in flat]
    return found.reshape(wanted.shape)


def json_answer(answer: Answer) -> Any:
    assert answer.status == 200, answer
    return answer.json


# --- protocols without datatypes


def by_v1_rows(server: Server, name: str, rows: Any) -> Any:
    path = f"/v1/models/{model_of(name)}:predict"
    return json_answer(ask(server, "POST", path, {"instances": rows}))["predictions"]


def by_v1_columns(server: Server, name: str, rows: Any) -> Any:
    path = f"/v1/models/{model_of(name)}/versions/1:predict"
    return json_answer(ask(server, "POST", path, {"inputs": {"x": rows}}))["outputs"]


def by_plain_form(server: Server, name: str, rows: Any) -> Any:
    body = {"inputs": {"x": rows}}
    return json_answer(ask(server, "POST", f"/predict/{model_of(name)}", body))["output"]["y"]


def invoked(server: Server, name: str, body: Any, kind: str = "application/json") -> Any:
    path = f"/invocations?model={model_of(name)}"
    return json_answer(ask(server, "POST", path, body, {"Content-Type": kind}))["predictions"]


def by_mlflow_inputs(server: Server, name: str, rows: Any) -> Any:
    return invoked(server, name, {"inputs": rows})


def by_mlflow_split(server: Server, name: str, rows: Any) -> Any:
    columns = [f"c{n}" for n in range(len(rows[0]))]
    return invoked(server, name, {"dataframe_split": {"columns": columns, "data": rows}})


def by_mlflow_records(server: Server, name: str, rows: Any) -> Any:
    return invoked(server, name, {"dataframe_records": [{"x": row} for row in rows]})


FORMS: list[Callable[[Server, str, Any], Any]] = [
    by_v1_rows,
    by_v1_columns,
    by_plain_form,
    by_mlflow_inputs,
    by_mlflow_split,
    by_mlflow_records,
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_json_without_datatypes_brings_them_back(
    server: Server, form: Callable[[Server, str, Any], Any]
) -> None:
    for name in IN_JSON:
        wanted = GOLDEN[name][1]
        assert_same(back(form(server, name, nested(wanted)), name), wanted)


def test_csv_brings_them_back(server: Server) -> None:
    for name in sorted(set(IN_JSON) - {"BYTES opaque"}):
        rows = nested(GOLDEN[name][1])
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow([f"c{n}" for n in range(len(rows[0]))])
        writer.writerows([["" if v is None else v for v in row] for row in rows])
        found = invoked(server, name, text.getvalue().encode(), "text/csv; charset=utf-8")
        assert_same(back(found, name), GOLDEN[name][1])


# --- the Open Inference Protocol


def infer(
    server: Server, model: str, names: list[str], in_binary: set[str], out_binary: set[str],
    **headers: str,
) -> dict[str, Array]:  # fmt: skip
    """Ask with some tensors binary, have some answered binary."""
    is_one = model not in TOGETHER
    inputs, outputs, blobs = [], [], []
    for name in names:
        kind, array = GOLDEN[name]
        own = "x" if is_one else f"in {name}"
        tensor: dict[str, Any] = {"name": own, "datatype": kind, "shape": array.shape}
        if name in in_binary:
            blobs.append(write_binary_tensor(array))
            tensor["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            tensor["data"] = nested(array)
        inputs.append(tensor)
        binary = {"binary_data": name in out_binary}
        outputs.append({"name": "y" if is_one else f"out {name}", "parameters": binary})
    text = json.dumps({"inputs": inputs, "outputs": outputs}).encode()
    body = text + b"".join(blobs)
    if "Content-Encoding" in headers:
        packed = gzip.compress if headers["Content-Encoding"] == "gzip" else zlib.compress
        body = packed(body)
    sizes = {LENGTH: str(len(text))} if blobs else {}
    return read(ask(server, "POST", f"/v2/models/{model}/infer", body, {**sizes, **headers}), names)


def read(answer: Answer, names: list[str]) -> dict[str, Array]:
    """The outputs of a reply by the name of their golden tensor."""
    assert answer.status == 200, answer
    at = int(answer.headers.get(LENGTH.lower(), len(answer.body)))
    found = {}
    for name, output in zip(names, json.loads(answer.body[:at])["outputs"], strict=True):
        assert output["datatype"] == GOLDEN[name][0]
        shape = output["shape"]
        if "data" in output:
            assert "parameters" not in output
            rows = np.array(output["data"], object).reshape(shape).tolist()
            found[name] = back(rows, name)
        else:
            size = output["parameters"]["binary_data_size"]
            found[name] = read_binary_tensor(answer.body, at, size, output["datatype"], shape, name)
            at += size
    assert answer.headers.get(LENGTH.lower()) is None or at == len(answer.body)
    return found


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_json_and_binary_in_any_mix_bring_them_back(server: Server, name: str) -> None:
    forms = [{name}] if name in BINARY_ONLY else [set(), {name}]
    for in_binary in forms:
        for out_binary in forms:
            found = infer(server, model_of(name), [name], in_binary, out_binary)
            assert_same(found[name], GOLDEN[name][1])


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
@pytest.mark.parametrize("model", TOGETHER)
def test_all_in_one_request_come_back(server: Server, model: str, encoding: str) -> None:
    names = TOGETHER[model]
    headers = {"Content-Encoding": encoding} if encoding else {}
    odd, even = set(names[::2]) | BINARY_ONLY, set(names[1::2]) | BINARY_ONLY
    for in_binary, out_binary in ((odd, even), (even, odd), (set(names), BINARY_ONLY)):
        found = infer(server, model, names, set(in_binary), set(out_binary), **headers)
        assert list(found) == names
        for name in names:
            assert_same(found[name], GOLDEN[name][1])


@pytest.mark.parametrize("name", sorted(set(GOLDEN) - {"BYTES", "BYTES opaque"}))
def test_a_raw_body_brings_one_row_back(server: Server, name: str) -> None:
    kind, array = GOLDEN[name]
    row = array[:1]
    body = b"" if kind == "BYTES" else row.tobytes()
    answer = ask(server, "POST", f"/v2/models/{model_of(name)}/infer", body, {LENGTH: "0"})
    assert_same(read(answer, [name])[name], row)


def test_the_whole_request_may_ask_for_binary_and_an_output_may_differ(server: Server) -> None:
    kind, array = GOLDEN["FP32"]
    tensor = {"name": "x", "datatype": kind, "shape": array.shape, "data": nested(array)}
    for own, is_binary in ((None, True), (True, True), (False, False)):
        output: dict[str, Any] = {"name": "y"}
        if own is not None:
            output["parameters"] = {"binary_data": own}
        parameters = {"binary_data_output": True}
        body = {"inputs": [tensor], "outputs": [output], "parameters": parameters}
        answer = ask(server, "POST", "/v2/models/id.fp32/infer", body)
        assert (LENGTH.lower() in answer.headers) is is_binary
        assert_same(read(answer, ["FP32"])["FP32"], array)


@pytest.mark.parametrize("name", sorted(BINARY_ONLY - NO_JSON))
def test_what_json_cannot_carry_is_refused(server: Server, name: str) -> None:
    kind, array = GOLDEN[name]
    path = f"/v2/models/{model_of(name)}/infer"
    blob = write_binary_tensor(array)
    head = {
        "name": "x", "datatype": kind, "shape": array.shape,
        "parameters": {"binary_data_size": len(blob)},
    }  # fmt: skip
    text = json.dumps({"inputs": [head]}).encode()
    answer = ask(server, "POST", path, text + blob, {LENGTH: str(len(text))})
    assert answer.status == 400
    assert "binary_data: true" in answer.json["error"]
    given = {"name": "x", "datatype": kind, "shape": array.shape, "data": nested(array)}
    answer = ask(server, "POST", path, {"inputs": [given]})
    assert answer.status == 400
    assert "'x'" in answer.json["error"]


def test_texts_in_and_bf16_out_are_refused_at_the_door(tmp_path: Path) -> None:
    with pytest.raises(StadionError, match="BYTES and gives BF16") as refused:
        load(together(tmp_path, ["BYTES", "BF16"]))
    assert refused.value.code is Code.UNSUPPORTED


def test_tritons_client_gets_them_back(server: Server) -> None:
    client = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    for name, (kind, array) in GOLDEN.items():
        given = triton.InferInput("x", array.shape, kind)
        # As JSON it would write NaN, which is none.
        has_nan = array.dtype.kind == "f" and bool(np.isnan(array).any())
        for is_binary in (True,) if name in BINARY_ONLY or has_nan else (True, False):
            given.set_data_from_numpy(array, binary_data=is_binary)
            output = triton.InferRequestedOutput("y", binary_data=is_binary)
            found = client.infer(model_of(name), [given], outputs=[output]).as_numpy("y")
            if kind == "BYTES" and not is_binary:  # it leaves texts as they are
                found = np.vectorize(str.encode, otypes=[object])(found)
            assert_same(found.astype(array.dtype), array)
    client.close()
