"""Malformed bodies for what operators ask: repository, log and trace settings, shared memory."""

from __future__ import annotations

from tests.serve.corpus.entry import CLOSE, Entry, post

__all__ = ["ENTRIES"]

_INDEX = "/v2/repository/index"
_LOAD = "/v2/repository/models/spare/load"
_UNLOAD = "/v2/repository/models/spare/unload"
_LOGGING = "/v2/logging"
_TRACE = "/v2/models/echo/trace/setting"
_SHARED = "/v2/systemsharedmemory/region/a/register"

_ALWAYS_WRONG: dict[str, bytes] = {
    "null": b"null",
    "a list": b"[]",
    "text": b'"ready"',
    "half an object": b'{"ready":',
    "two objects": b"{}{}",
    "a byte-order mark": b"\xef\xbb\xbf{}",
    "invalid UTF-8": b"{}\xff",
    "NUL": b"\0",
    "an object 500,000 deep": b'{"parameters":' * 500_000,
    "a list 500,000 deep": b'{"parameters":' + b"[" * 500_000,
}
_PATHS = (_INDEX, _LOAD, _UNLOAD, _LOGGING, _TRACE)

_ROWS: list[tuple[str, str, bytes, int]] = [
    ("nothing", _INDEX, b"", 200),
    ("an empty object", _INDEX, b"{}", 200),
    ("ready as text", _INDEX, b'{"ready":"yes"}', 400),
    ("a name nobody knows", _INDEX, b'{"other":1}', 200),
    ("a name nobody knows, invalid UTF-8", _INDEX, b'{"\xff":1}', 200),
    ("nothing", _LOAD, b"", 200),
    ("parameters as a list", _LOAD, b'{"parameters":[]}', 400),
    ("a file to load", _LOAD, b'{"parameters":{"file:1/model.onnx":"AAAA"}}', 501),
    ("a path to load", _LOAD, b'{"parameters":{"file:../../etc/passwd":"AAAA"}}', 501),
    ("a configuration", _LOAD, b'{"parameters":{"config":"{}"}}', 501),
    ("two million lists", _LOAD, b'{"parameters":{"a":[' + b"[]," * 2_000_000 + b"[]]}}", 501),
    ("a name of a megabyte", _LOAD, b'{"parameters":{"%b":1}}' % (b"n" * (1 << 20)), 501),
    ("another parameter", _UNLOAD, b'{"parameters":{"now":true}}', 501),
    ("a name of a megabyte", _UNLOAD, b'{"parameters":{"%b":1}}' % (b"n" * (1 << 20)), 501),
    ("what it takes", _UNLOAD, b'{"parameters":{"unload_dependents":false}}', 200),
    ("nothing", _LOAD, b"{}", 200),
    ("nothing", _LOGGING, b"", 200),
    ("a file to write", _LOGGING, b'{"log_file":"/etc/cron.d/x"}', 501),
    ("a name nobody knows", _LOGGING, b'{"other":1}', 400),
    ("a name of a megabyte", _LOGGING, b'{"%b":1}' % (b"n" * (1 << 20)), 400),
    ("a value of a megabyte", _LOGGING, b'{"log_file":"%b"}' % (b"n" * (1 << 20)), 501),
    ("a list of lists", _TRACE, b'{"trace_level":[["OFF"]]}', 400),
    ("a file to write", _TRACE, b'{"trace_file":"/etc/cron.d/x"}', 501),
    ("a key", _SHARED, b'{"key":"/x","offset":0,"byte_size":64}', 501),
    ("garbage", _SHARED, b"\xff", 501),
]

ENTRIES: list[Entry] = [
    Entry(f"operations, {path}: {name}", (post(path, body, CLOSE),), (400,))
    for path in _PATHS
    for name, body in _ALWAYS_WRONG.items()
]
ENTRIES += [
    Entry(f"operations, {path}: {name}", (post(path, body, CLOSE),), (status,))
    for name, path, body, status in _ROWS
]
