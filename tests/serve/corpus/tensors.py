"""Infer calls of the Open Inference Protocol whose tensors, names and parameters do not fit."""

from __future__ import annotations

import json

from tests.serve.corpus.entry import CLOSE, Entry, post

__all__ = ["ENTRIES"]

_HUGE = 1 << 40
_MANY = ",".join(['{"name":"y"}'] * 100_000)


def _x(shape: str = "[1,1]", data: str = "[1.5]", datatype: str = '"FP32"', more: str = "") -> str:
    return f'{{"name":"x","shape":{shape},"datatype":{datatype},"data":{data}{more}}}'


def _body(*inputs: str, more: str = "") -> str:
    return f'{{"inputs":[{",".join(inputs)}]{more}}}'


def _whole(data: str, shape: str = "[1,2]") -> str:
    b = '{"name":"b","shape":[1,2],"datatype":"INT64","data":[1,2]}'
    return _body(f'{{"name":"a","shape":{shape},"datatype":"INT64","data":{data}}}', b)


_ECHO: dict[str, tuple[str, int]] = {
    "a shape of terabytes": (_body(_x(f"[{_HUGE},{_HUGE}]")), 400),
    "one axis of a terabyte": (_body(_x(f"[1,{_HUGE}]")), 400),
    "the largest axis": (_body(_x(f"[1,{(1 << 63) - 1}]")), 400),
    "axes whose product wraps to one": (_body(_x(f"[{1 << 32},{1 << 32}]")), 400),
    "axes whose product wraps exactly": (_body(_x("[4294967297,4294967297]")), 400),
    "an axis beyond 64 bits": (_body(_x(f"[1,{1 << 64}]")), 400),
    "an axis of 1,000 digits": (_body(_x(f"[1,{'9' * 1000}]")), 400),
    "a negative axis": (_body(_x("[-1,1]")), 400),
    "two negative axes": (_body(_x("[-1,-1]")), 400),
    "the smallest axis": (_body(_x(f"[{-(1 << 63)},1]")), 400),
    "an empty axis": (_body(_x("[0,1]", "[]")), 400),
    "an empty axis beside a huge one": (_body(_x(f"[0,{_HUGE}]", "[]")), 400),
    "an empty axis with data": (_body(_x("[0,1]")), 400),
    "no axis": (_body(_x("[]")), 400),
    "100,000 axes of one": (_body(_x(f"[{'1,' * 99_999}1]")), 400),
    "100,000 axes of two": (_body(_x(f"[{'2,' * 99_999}2]")), 400),
    "17 axes": (_body(_x(f"[{'1,' * 16}1]")), 400),
    "one axis too few": (_body(_x("[1]")), 400),
    "one axis too many": (_body(_x("[1,1,1]")), 400),
    "a fraction as an axis": (_body(_x("[1.5,1]")), 400),
    "1.0 as an axis": (_body(_x("[1.0,1]")), 400),
    "a text as an axis": (_body(_x('["1",1]')), 400),
    "true as an axis": (_body(_x("[true,1]")), 400),
    "null as an axis": (_body(_x("[null,1]")), 400),
    "NaN as an axis": (_body(_x("[NaN,1]")), 400),
    "a number as the shape": (_body(_x("1")), 400),
    "null as the shape": (_body(_x("null")), 400),
    "less data than the shape": (_body(_x("[1,2]")), 400),
    "more data than the shape": (_body(_x("[1,1]", "[1,2]")), 400),
    "a nesting unlike the shape": (_body(_x("[2,1]", "[[1,2]]")), 400),
    "flat data": (_body(_x("[2,2]", "[1,2,3,4]")), 200),
    "nested data": (_body(_x("[2,2]", "[[1,2],[3,4]]")), 200),
    "data with a deep end": (_body(_x("[1,2]", "[1,[[2]]]")), 400),
    "flat data with an integer of 38 digits": (
        _body(_x("[1,9]", f"[{'1,' * 8}{'9' * 38}]")),
        200,
    ),
    "much flat data with an integer of 38 digits": (
        _body(_x("[1,999]", f"[{'1.5,' * 998}{'9' * 38}]")),
        200,
    ),
    "another datatype": (_body(_x(datatype='"FP64"')), 400),
    "an unknown datatype": (_body(_x(datatype='"FP31"')), 400),
    "a datatype in small letters": (_body(_x(datatype='"fp32"')), 400),
    "an empty datatype": (_body(_x(datatype='""')), 400),
    "a number as the datatype": (_body(_x(datatype="32")), 400),
    "a datatype of 100 kB": (_body(_x(datatype=f'"{"F" * 100_000}"')), 400),
    "no name": (_body('{"shape":[1,1],"datatype":"FP32","data":[1]}'), 400),
    "no shape": (_body('{"name":"x","datatype":"FP32","data":[1]}'), 400),
    "no datatype": (_body('{"name":"x","shape":[1,1],"data":[1]}'), 400),
    "no data": (_body('{"name":"x","shape":[1,1],"datatype":"FP32"}'), 400),
    "another name": (_body(_x().replace('"x"', '"y"')), 400),
    "a name of 10,000 letters": (_body(_x().replace('"x"', f'"{"x" * 10_000}"')), 400),
    "a name with NUL": (_body(_x().replace('"x"', '"x\\u0000"')), 400),
    "a name that is a path": (_body(_x().replace('"x"', '"../x"')), 400),
    "a name with a lone surrogate": (_body(_x().replace('"x"', '"\\udc00"')), 400),
    "null as a name": (_body(_x().replace('"x"', "null")), 400),
    "the same input twice": (_body(_x(), _x()), 400),
    "the same input 10,000 times": (_body(*[_x()] * 10_000), 400),
    "10,000 unknown inputs": (_body(*[_x().replace('"x"', '"y"')] * 10_000), 400),
    "no inputs": (_body(), 400),
    "null as the inputs": ('{"inputs":null}', 400),
    "null among the inputs": ('{"inputs":[null]}', 400),
    "an object as the inputs": (f'{{"inputs":{_x()}}}', 400),
    "a name twice, the last counts": (_body(_x("[9,9]", "[1.5]", more=',"shape":[1,1]')), 200),
    "inputs twice": (f'{{"inputs":[],"inputs":[{_x()}]}}', 200),
    "names nobody knows": (_body(_x(more=',"other":{"a":[1]}'), more=',"other":null'), 200),
    "outputs twice": (_body(_x(), more=',"outputs":[{"name":"y"},{"name":"y"}]'), 400),
    "an unknown output": (_body(_x(), more=',"outputs":[{"name":"z"}]'), 400),
    "100,000 outputs": (_body(_x(), more=f',"outputs":[{_MANY}]'), 400),
    "an output without a name": (_body(_x(), more=',"outputs":[{}]'), 400),
    "null among the outputs": (_body(_x(), more=',"outputs":[null]'), 400),
    "no outputs means all": (_body(_x(), more=',"outputs":[]'), 200),
    "a number as the id": (_body(_x(), more=',"id":5'), 400),
    "an empty id": (_body(_x(), more=',"id":""'), 200),
    "an id of 100 kB": (_body(_x(), more=f',"id":"{"i" * 100_000}"'), 200),
    "an id with line ends": (_body(_x(), more=',"id":"a\\r\\nX: y"'), 200),
    "a list as parameters": (_body(_x(), more=',"parameters":[]'), 400),
    "an object as a parameter": (_body(_x(), more=',"parameters":{"a":{}}'), 400),
    "a list as a parameter": (_body(_x(), more=',"parameters":{"a":[1]}'), 400),
    "a huge number as a parameter": (_body(_x(), more=f',"parameters":{{"a":{"9" * 400}}}'), 400),
    "10,000 parameters": (
        _body(_x(), more=f',"parameters":{json.dumps(dict.fromkeys(map(str, range(10_000)), 1))}'),
        200,
    ),
    "binary_data_output as text": (
        _body(_x(), more=',"parameters":{"binary_data_output":"yes"}'),
        400,
    ),
    "binary_data as a number": (
        _body(_x(), more=',"outputs":[{"name":"y","parameters":{"binary_data":1}}]'),
        400,
    ),
    "classification of minus one": (
        _body(_x(), more=',"outputs":[{"name":"y","parameters":{"classification":-1}}]'),
        400,
    ),
    "classification as text": (
        _body(_x(), more=',"outputs":[{"name":"y","parameters":{"classification":"2"}}]'),
        400,
    ),
    "classification of too many": (
        _body(
            _x(), more=f',"outputs":[{{"name":"y","parameters":{{"classification":{1 << 62}}}}}]'
        ),
        200,
    ),
}

_TWO: dict[str, tuple[str, int]] = {
    "integers": (_whole("[1,2]"), 200),
    "the largest integers": (_whole(f"[{(1 << 63) - 1},{-(1 << 63)}]"), 200),
    "an integer beyond 64 bits": (_whole(f"[{1 << 63},0]"), 400),
    "an integer of 5,000 digits": (_whole(f"[{'9' * 5000},0]"), 400),
    "a fraction": (_whole("[1.5,2]"), 400),
    "a whole fraction": (_whole("[1.0,2]"), 400),
    "an exponent": (_whole("[1e2,2]"), 400),
    "null for an integer": (_whole("[null,2]"), 400),
    "true for an integer": (_whole("[true,2]"), 400),
    "text for an integer": (_whole('["1",2]'), 400),
    "unequal rows": (_whole("[1,2,3,4]", "[2,2]"), 400),
    "one input missing": (_body('{"name":"b","shape":[1,2],"datatype":"INT64","data":[1,2]}'), 400),
}

_TEXTS: dict[str, tuple[str, int]] = {
    name: (_body(f'{{"name":"x","shape":{shape},"datatype":"BYTES","data":{data}}}'), status)
    for name, shape, data, status in [
        ("texts", "[2]", '["a",""]', 200),
        ("any letters", "[1]", '["\\u0000\\ud83d\\ude00é"]', 200),
        ("brackets in texts", "[2]", '["]","[["]', 200),
        ("a lone surrogate in text", "[1]", '["\\ud800"]', 400),
        ("two wrong surrogates", "[1]", '["\\udc00\\ud800"]', 400),
        ("a number for text", "[1]", "[1]", 400),
        ("null for text", "[1]", "[null]", 400),
        ("an object for text", "[1]", '[{"b64":"YQ=="}]', 400),
        ("a trillion texts", f"[{_HUGE}]", '["a"]', 400),
        ("too many texts", f"[{(1 << 20) + 1}]", '["a"]', 400),
        ("a line end in text", "[1]", '["a\nb"]', 400),
    ]
}

_HALF: dict[str, tuple[str, int]] = {
    "FP16 in JSON": (
        _body('{"name":"x","shape":[1,2],"datatype":"FP16","data":[1,2]}'),
        400,
    ),
}

ENTRIES: list[Entry] = [
    Entry(
        f"v2 {model}: {name}",
        (post(f"/v2/models/{model}/infer", text.encode(), CLOSE),),
        (status,),
    )
    for model, rows in {"echo": _ECHO, "two": _TWO, "texts": _TEXTS, "half": _HALF}.items()
    for name, (text, status) in rows.items()
]
