"""JSON that is no number where one is due, in the place for data of every protocol.

Each value stands where a model of one column, (rows, columns) in FP32, expects its rows.
"""

from __future__ import annotations

from tests.serve.corpus.entry import CLOSE, Entry, post

__all__ = ["ENTRIES", "PLACES"]

PLACES: dict[str, tuple[str, str]] = {
    "v2": (
        "/v2/models/echo/infer",
        '{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":@}]}',
    ),
    "plain": ("/predict/echo", '{"inputs":@}'),
    "plain by name": ("/predict/echo", '{"input_data":{"x":@}}'),
    "v1 rows": ("/v1/models/echo:predict", '{"instances":@}'),
    "v1 columns": ("/v1/models/echo:predict", '{"inputs":@}'),
    "v1 columns by name": ("/v1/models/echo:predict", '{"inputs":{"x":@}}'),
    "mlflow rows": ("/invocations?model=echo", '{"instances":@}'),
    "mlflow columns": ("/invocations?model=echo", '{"inputs":@}'),
    "mlflow table": ("/invocations?model=echo", '{"dataframe_split":{"data":@}}'),
}
"""Path and body by protocol; the value comes where @ stands."""

_ELSEWHERE: dict[tuple[str, str], int] = {
    **{(place, "NaN"): 200 for place in PLACES if place.startswith(("v1", "mlflow"))},
    ("mlflow table", "three deep"): 200,  # a cell may hold a list
}
"""Where a protocol takes what the others refuse: Python's clients write NaN in these."""
_DEEP = 500_000
_JSON = b"Content-Type: application/json"

VALUES: dict[str, tuple[str, int]] = {
    "a number": ("[[1.5]]", 200),
    "an integer": ("[[3]]", 200),
    "minus nothing": ("[[-0.0]]", 200),
    "an exponent": ("[[1E+2]]", 200),
    "too small to tell from nothing": ("[[1e-999]]", 200),
    "null is missing": ("[[null]]", 200),
    "blanks": (" [ [ 1.5 ] ] ", 200),
    "a fraction of 100,000 digits": (f"[[0.{'3' * 100_000}]]", 200),
    "a number of 100,000 digits": (f"[[{'3' * 100_000}]]", 400),
    "an exponent of 100,000 digits": (f"[[1e{'3' * 100_000}]]", 400),
    "an integer of 30 digits": (f"[[{'9' * 30}]]", 200),
    "an integer of 38 digits and blanks": (f"[[{'9' * 38}{' ' * 5_000}]]", 200),
    "beyond FP32": ("[[1e39]]", 400),
    "beyond FP64": ("[[1e999]]", 400),
    "an integer beyond FP64": (f"[[{'9' * 400}]]", 400),
    "NaN": ("[[NaN]]", 400),
    "nan": ("[[nan]]", 400),
    "Infinity": ("[[Infinity]]", 400),
    "minus Infinity": ("[[-Infinity]]", 400),
    "a leading zero": ("[[01]]", 400),
    "a leading plus": ("[[+1]]", 400),
    "a leading point": ("[[.5]]", 400),
    "a trailing point": ("[[1.]]", 400),
    "hexadecimal": ("[[0x10]]", 400),
    "an underscore": ("[[1_0]]", 400),
    "a trailing comma": ("[[1,]]", 400),
    "a leading comma": ("[[,1]]", 400),
    "two numbers without a comma": ("[[1 2]]", 400),
    "a semicolon": ("[[1;2]]", 400),
    "a comment": ("[[1/**/]]", 400),
    "a word": ("[[one]]", 400),
    "text": ('[["1"]]', 400),
    "empty text": ('[[""]]', 400),
    "true": ("[[true]]", 400),
    "an object": ("[[{}]]", 400),
    "an object with a number": ('[[{"x":1}]]', 400),
    "a lone surrogate": ('[["\\ud800"]]', 400),
    "a broken escape": ('[["\\x"]]', 400),
    "single quotes": ("[['1']]", 400),
    "brackets in text": ('[["]],[["]]', 400),
    "nothing": ("[]", 400),
    "a row of nothing": ("[[]]", 400),
    "rows of unequal length": ("[[1],[2,3]]", 400),
    "a row and a number": ("[[1],2]", 400),
    "a number and a row": ("[1,[2]]", 400),
    "a bare number": ("1.5", 400),
    "one row as a number list in text": ('"[[1.5]]"', 400),
    "null for all": ("null", 400),
    "true for all": ("true", 400),
    "an empty object": ("{}", 400),
    "three deep": ("[[[1.5]]]", 400),
    "17 deep": (f"{'[' * 17}1{']' * 17}", 400),
    "100 deep": (f"{'[' * 100}1{']' * 100}", 400),
    "1,100 deep": (f"{'[' * 1_100}1{']' * 1_100}", 400),
    "500,000 deep": (f"{'[' * _DEEP}1{']' * _DEEP}", 400),
    "500,000 deep and unclosed": ("[" * _DEEP, 400),
    "500,000 objects deep": ('{"a":' * _DEEP, 400),
    "500,000 empty rows": (f"[{'[],' * _DEEP}[]]", 400),
    "closed too early": ("[[1.5]]]", 400),
    "closed wrongly": ("[[1.5}]", 400),
    "not closed": ("[[1.5]", 400),
    "NUL behind a number": ("[[1.5\x00]]", 400),
    "NUL instead of a number": ("[[\x00]]", 400),
    "a line separator": ("[[1\u2028]]", 400),
    "a no-break space": ("[[1\u00a0]]", 400),
    "Arabic digits": ("[[\u0661]]", 400),
    "a full-width digit": ("[[\uff11]]", 400),
}

ENTRIES: list[Entry] = [
    Entry(
        f"{place}: {name}",
        (post(path, body.replace("@", text).encode(), _JSON, CLOSE),),
        (_ELSEWHERE.get((place, name), status),),
    )
    for place, (path, body) in PLACES.items()
    for name, (text, status) in VALUES.items()
]
