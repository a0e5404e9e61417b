"""Model and version names that are paths, codes or books, in every path that takes one."""

from __future__ import annotations

from tests.serve.corpus.entry import CLOSE, Entry, head, post

__all__ = ["ENTRIES", "GETS", "POSTS"]

GETS: tuple[str, ...] = (
    "/v2/models/@",
    "/v2/models/@/ready",
    "/v2/models/echo/versions/@",
    "/v1/models/@",
    "/v2/models/@/config",
    "/v2/models/@/stats",
)
POSTS: tuple[str, ...] = (
    "/v2/models/@/infer",
    "/v2/repository/models/@/load",
    "/v2/repository/models/@/unload",
    "/v2/models/@/trace/setting",
    "/v2/models/echo/versions/@/infer",
    "/predict/@",
    "/v1/models/@:predict",
    "/v1/models/echo/versions/@:predict",
    "/v1/models/echo/labels/@:predict",
)
_BODY = b'{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[1.5]}]}'

_NAMES: dict[str, tuple[str, int]] = {
    "nobody": ("nobody", 404),
    "two points": ("..", 404),
    "two points, quoted": ("%2e%2e", 404),
    "two points, quoted in capitals": ("%2E%2E", 404),
    "a path, quoted": ("..%2f..%2f..%2fetc%2fpasswd", 404),
    "a path, quoted twice": ("%252e%252e%252f", 404),
    "a path with back strokes": ("..%5c..%5cboot.ini", 404),
    "a path from the root": ("%2fetc%2fpasswd", 404),
    "a path in between": ("a/../echo", 404),
    "an empty name": ("", 404),
    "NUL": ("%00", 404),
    "NUL behind a good name": ("echo%00", 404),
    "a blank": ("%20", 404),
    "a line end": ("echo%0d%0aX:%20y", 404),
    "no UTF-8": ("%ff%fe", 404),
    "overlong UTF-8": ("%c0%ae%c0%ae", 404),
    "a surrogate": ("%ed%a0%80", 404),
    "a broken quote": ("%", 404),
    "a broken quote with a digit": ("%2", 404),
    "a quote of no number": ("%zz", 404),
    "markup": ("%3Cscript%3Ealert(1)%3C/script%3E", 404),
    "a template": ("%7B%7B7*7%7D%7D", 404),
    "SQL": ("'%20or%201=1--", 404),
    "braces": ("{model}", 404),
    "a star": ("*", 404),
    "a colon": ("a:predict:predict", 404),
    "7,000 letters": ("a" * 7_000, 404),
    "10,000 letters": ("a" * 10_000, 414),
    "10,000 quoted letters": ("%61" * 10_000, 414),
    "a number beyond 64 bits": (str(1 << 64), 404),
    "a negative number": ("-1", 404),
    "nothing as a number": ("0", 404),
    "Arabic digits": ("%D9%A1", 404),
}

ENTRIES: list[Entry] = [
    Entry(
        f"names: {name} in GET {path}",
        (head(f"GET {path.replace('@', given)}", CLOSE),),
        (status,),
    )
    for path in GETS
    for name, (given, status) in _NAMES.items()
]
ENTRIES += [
    Entry(
        f"names: {name} in POST {path}",
        (post(path.replace("@", given), _BODY, CLOSE),),
        (status,),
    )
    for path in POSTS
    for name, (given, status) in _NAMES.items()
]
