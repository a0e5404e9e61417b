"""Tensors from JSON: the fast reader and a slow one made of json and numpy agree."""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadion.core.errors import StadionError
from stadion.core.signature import DATATYPES
from stadion.serve.tensors import read_json_tensor, read_json_values
from tests.places import ROOT
from tests.serve.golden import assert_same

HALVES = {
    "FP16": st.one_of(st.none(), st.floats(width=16, allow_nan=False, allow_infinity=False)),
    "BF16": st.one_of(st.none(), st.floats(-(2.0**127), 2.0**127, width=32)),
}
SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "FP32": st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "FP64": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers()),
    "INT64": st.integers(-(2**63), 2**63 - 1),
    "UINT8": st.integers(0, 255),
    "BOOL": st.booleans(),
    "BYTES": st.text(max_size=5),
}


def slowly(text: bytes, datatype: str, shape: list[int]) -> Any:
    """The same by the standard library."""
    values = np.array(json.loads(text), object).reshape(shape)
    if datatype == "BYTES":
        return np.vectorize(str.encode, otypes=[object])(values)
    floats = DATATYPES[datatype].kind in "fV"
    known = [math.nan if v is None else float(v) if floats else v for v in values.flat]
    return np.array(known, DATATYPES[datatype]).reshape(shape)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_fast_and_slow_agree_on_what_is_right(data: st.DataObject) -> None:
    datatype = data.draw(st.sampled_from(sorted(VALUES)))
    shape = data.draw(SHAPES)
    count = math.prod(shape)
    flat = data.draw(st.lists(VALUES[datatype], min_size=count, max_size=count))
    if any(isinstance(v, int) and abs(v) > 1e300 for v in flat):
        return
    nested = np.array([*flat, None], object)[:-1].reshape(shape).tolist()
    spaces = data.draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n ", ":")]))
    for form, claims in ((nested, [shape, None]), (flat, [shape])):
        text = json.dumps(form, separators=spaces).encode()
        for claim in claims:
            found = read_json_tensor(text, datatype, claim, "x")
            assert found.dtype == DATATYPES[datatype]
            np.testing.assert_array_equal(found, slowly(text, datatype, shape))


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_halves_are_numbers_where_the_protocol_has_no_datatypes(data: st.DataObject) -> None:
    datatype = data.draw(st.sampled_from(sorted(HALVES)))
    values = data.draw(st.lists(HALVES[datatype], min_size=1, max_size=8))
    text = json.dumps(values).encode()
    found = read_json_values(text, datatype, "x")
    assert found.dtype == DATATYPES[datatype]
    assert_same(found, slowly(text, datatype, [len(values)]))
    with pytest.raises(StadionError, match="binary"):
        read_json_tensor(text, datatype, [len(values)], "x")


@pytest.mark.parametrize(("datatype", "value"), [("FP16", "65520"), ("BF16", "-3.4e38")])
def test_a_half_that_does_not_fit_is_refused(datatype: str, value: str) -> None:
    with pytest.raises(StadionError, match=f"fit {datatype}"):
        read_json_values(b"[1,%b]" % value.encode(), datatype, "x")


def test_bytes_may_be_base64_where_the_protocol_has_no_datatypes() -> None:
    found = read_json_values(b'[["a",{"b64":"/w=="}],[{"b64":""},"\\u00e9"]]', "BYTES", "x")
    assert found.tolist() == [[b"a", b"\xff"], [b"", "é".encode()]]
    for wrong in (b'[{"b64":"/w"}]', b'[{"b64":"/w==","b":1}]', b'[{"b64":1}]', b"[null]"):
        with pytest.raises(StadionError, match="'x'"):
            read_json_values(wrong, "BYTES", "x")
    with pytest.raises(StadionError, match="'x'"):
        read_json_tensor(b'[{"b64":"/w=="}]', "BYTES", [1], "x")


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_text_is_read_rightly_or_refused(data: st.DataObject) -> None:
    text = bytearray(b"[[1.5,-2],[null,4e1],[5,6]]")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + 1] = data.draw(st.sampled_from([b"", b"[", b"]", b",", b"1", b"x", b'"']))
    try:
        found = read_json_tensor(bytes(text), "FP32", (3, 2), "x")
    except StadionError:
        return
    np.testing.assert_array_equal(found, slowly(bytes(text), "FP32", [3, 2]))


def test_a_claim_of_terabytes_costs_nothing() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for shape in ((2**40, 2**20), (1, 2**62), (0, 2**62)):
        for text in (b"[1,2]", b"[[1,2]]", b"[]"):
            with pytest.raises(StadionError, match="'x'"):
                read_json_tensor(text, "FP32", shape, "x")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096


def test_memory_stays_near_the_size_of_the_text() -> None:
    program = """
import resource
from stadion.serve.tensors import read_json_tensor
text = bytearray(b"[[1]" + b",[1]" * (8 << 20) + b"]")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = read_json_tensor(bytes(text), "FP32", None, "x")
assert found.shape == ((8 << 20) + 1, 1)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / len(text))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True,
        timeout=60,
    )  # fmt: skip
    assert float(done.stdout) < 8
