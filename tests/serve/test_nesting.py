"""JSON that is nested too deep: refused clearly and quickly, whatever protocol brings it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stadion.core.access import Access
from stadion.core.errors import Code, StadionError
from stadion.serve.nesting import MOST_LEVELS, check_nesting
from tests.serve import graphs
from tests.serve.routes import all_routes
from tests.serve.running import Server, ask, running

PADDING = " " * 1100  # so that the text is long enough to be looked at


def nested(levels: int, start: str = "[", end: str = "]") -> str:
    return start * levels + "1" + end * levels


def is_refused(text: str) -> bool:
    try:
        check_nesting(text.encode())
    except StadionError as error:
        return error.code is Code.INVALID and "100 levels" in error.message
    return False


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}"), ('[[],{"a":', "}]")])
def test_the_limit_is_one_hundred_levels(start: str, end: str) -> None:
    each = 2 if start.startswith("[[") else 1
    assert not is_refused(nested(MOST_LEVELS // each, start, end) + PADDING)
    assert is_refused(nested(MOST_LEVELS // each + 1, start, end) + PADDING)
    assert is_refused(nested(100_000, start, end))


def test_brackets_in_strings_are_no_levels() -> None:
    text = json.dumps({"a": ["[" * 500, '{"' * 300, '\\"[', "\\\\", "]}" * 9], "b": [[1]] * 90})
    assert not is_refused(text)
    assert is_refused(text[:-1] + ',"c":' + nested(100) + "}")


def test_many_shallow_lists_are_not_deep() -> None:
    assert not is_refused(json.dumps([[[1, 2], [3]]] * 5_000))


def depth_of(value: Any) -> int:
    """The slow twin."""
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@pytest.mark.parametrize("seed", range(60))
def test_it_agrees_with_counting_by_hand(seed: int) -> None:
    chance = random.Random(seed)

    def grow(levels: int) -> Any:
        words = ["[" * chance.randrange(150), '"]\\', "{}", 1.5, None]
        if levels == 0:
            return chance.choice(words)
        around = [chance.choice(words) for _ in range(chance.randrange(3))]
        inside = grow(levels - 1)
        if chance.random() < 0.5:
            return [*around, inside, *around]
        return {f"{{{n}": value for n, value in enumerate([*around, inside])}

    value = grow(chance.randrange(90, 111))
    assert is_refused(json.dumps(value) + PADDING) is (depth_of(value) > MOST_LEVELS)


def test_an_unkind_text_costs_little() -> None:
    text = ("[" + (nested(99) + ",") * 5_000 + "1]").encode()
    began = time.process_time()
    check_nesting(text)
    assert time.process_time() - began < 0.5 * len(text) / 1e6


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with running(home, {"echo": graphs.echo(home / "echo")}) as server:
        yield server


@pytest.mark.parametrize(
    "path",
    [
        route.path.replace("{model}", "echo").replace("{version}", "1").replace("{label}", "l")
        for route in all_routes()
        if route.method == "POST" and route.access is Access.PREDICT
    ],
)
def test_no_protocol_reads_what_is_nested_too_deep(server: Server, path: str) -> None:
    headers = {"Content-Type": "application/json"}
    for text in (nested(100_000), '{"inputs":' + nested(100_000) + "}", "[" * 100_000):
        began = time.monotonic()
        answer = ask(server, "POST", path, text.encode(), headers)
        assert 400 <= answer.status < 500 or answer.status == 501, answer.body
        assert answer.json, "an error of the protocol's own form"
        assert time.monotonic() - began < 5
    assert ask(server, "GET", "/v2/health/live").status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v2/models/echo/infer",
            {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}]},
        ),
        ("/v1/models/echo:predict", {"instances": [[1, 2]]}),
        ("/invocations", {"inputs": [[1, 2]]}),
        ("/predict/echo", {"inputs": [[1, 2]]}),
    ],
)
def test_what_a_protocol_does_not_know_may_be_nested_up_to_the_limit(
    server: Server, path: str, body: dict[str, Any]
) -> None:
    def answered(levels: int) -> tuple[int, bytes]:
        text = json.dumps({**body, "more": 0})[:-2] + nested(levels) + "}" + PADDING
        answer = ask(server, "POST", path, text.encode(), {"Content-Type": "application/json"})
        return answer.status, answer.body

    shallow, limit, deeper = answered(1), answered(MOST_LEVELS - 1), answered(MOST_LEVELS)
    assert limit[0] == shallow[0], limit
    assert deeper[0] == 400
    assert b"more than 100 levels" in deeper[1]
