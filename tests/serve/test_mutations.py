"""Good bodies of every protocol, mutated: refused in the protocol's form or answered, never 500.

Each is sent three times on one connection: what the server has learned from the first time must
not change its answer. STADION_FUZZ sets how many bodies are made of each good one.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.serve import graphs
from tests.serve.corpus.seeds import SEEDS, TOKENS, Seed
from tests.serve.running import Server, ask, running

EXAMPLES = int(os.environ.get("STADION_FUZZ", "60"))
PLACE = st.integers(0, 1 << 30)
LENGTH = "Inference-Header-Content-Length"


@dataclass
class Line:
    """One kept connection, what the server says it answers, and the process that answers."""

    client: http.client.HTTPConnection
    document: dict[str, Any]
    server: Server


@pytest.fixture(scope="module")
def line(home: Path) -> Iterator[Line]:
    models = {
        "pace": graphs.echo(home),
        "two": graphs.sum_of_two(home),
        "texts": graphs.texts(home),
        "rate": graphs.heart_rate(home),
        "strict": graphs.constant(home, 5.0),
        "activity": graphs.classes(home),
    }
    with running(home, models) as server:
        document = ask(server, "GET", "/openapi.json").json
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        with contextlib.closing(client):
            yield Line(client, document, server)


@st.composite
def mutations(draw: st.DrawFn, seed: Seed) -> bytes:
    """The body of the seed after one to four changes."""
    body = seed.body
    for _ in range(draw(st.integers(1, 4))):
        at = draw(PLACE) % (len(body) + 1)
        end = min(len(body), at + draw(st.integers(0, 12)))
        match draw(st.sampled_from(("flip", "cut", "drop", "repeat", "insert", "put", "splice"))):
            case "flip" if at < len(body):
                flipped = bytes([body[at] ^ (1 << draw(st.integers(0, 7)))])
                body = body[:at] + flipped + body[at + 1 :]
            case "cut":
                body = body[:at]
            case "drop":
                body = body[:at] + body[end:]
            case "repeat":
                body = body[:at] + body[at:end] * draw(st.integers(2, 40)) + body[end:]
            case "insert":
                body = body[:at] + draw(st.sampled_from(TOKENS)) + body[at:]
            case "put":
                body = body[:at] + draw(st.sampled_from(TOKENS)) + body[end:]
            case "splice":
                other = draw(st.sampled_from(list(SEEDS.values()))).body
                body = body[:at] + other[draw(PLACE) % (len(other) + 1) :]
    return body


@pytest.mark.parametrize("name", SEEDS)
def test_the_good_call_is_answered(line: Line, name: str) -> None:
    seed = SEEDS[name]
    status, kind, _ = call(line, seed, seed.body)
    assert status == 200
    check_declared(line.document, seed.route, status, kind, None)


@pytest.mark.parametrize("name", SEEDS)
def test_mutated_calls_are_answered_or_refused_as_declared(line: Line, name: str) -> None:
    seed = SEEDS[name]
    workers = line.server.said["workers"]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="STADION_FUZZ" not in os.environ,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(mutations(seed))
    def check(body: bytes) -> None:
        first = call(line, seed, body)
        check_declared(line.document, seed.route, *first)
        for _ in range(2):
            assert call(line, seed, body) == first

    check()
    status, _, _ = call(line, seed, seed.body)
    assert status == 200
    said = line.server.plane.status()
    assert [worker["pid"] for worker in said["workers"]] == workers


def call(line: Line, seed: Seed, body: bytes) -> tuple[int, str, bytes]:
    """Status, content type and body of the answer."""
    try:
        line.client.request("POST", seed.path, body, seed.headers)
        reply = line.client.getresponse()
        content = reply.read()
    except OSError as error:
        line.client.close()  # the next call begins on a new connection
        raise AssertionError(f"no answer to {body!r}") from error
    length = reply.getheader(LENGTH)
    return reply.status, reply.getheader("Content-Type", ""), content[: int(length or len(content))]


def check_declared(
    document: dict[str, Any], route: str, status: int, kind: str, body: bytes | None
) -> None:
    """The answer is one that the document has for the route, and its body is of its schema."""
    responses = document["paths"][route]["post"]["responses"]
    assert str(status) in responses, (status, body)
    media = responses[str(status)]["content"]
    assert kind in media, (kind, body)
    if body is None or kind != "application/json":
        return
    content = json.loads(body, parse_constant=_no_constant)
    schema = {**media[kind]["schema"], "components": document["components"]}
    jsonschema_rs.validate(schema, content)


def _no_constant(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")
