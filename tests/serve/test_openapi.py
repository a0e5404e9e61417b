"""The document that the data plane publishes of itself: complete, well-formed, and kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stadion.core.plugins import Cupboard
from stadion.serve.openapi import described_of
from stadion.serve.protocols.base import WireProtocol
from stadion.serve.protocols.checks import routes_of
from tests.serve.openapi_server import models, schemathesis
from tests.serve.running import Server, ask, running

PROTOCOLS: Cupboard[WireProtocol] = Cupboard("stadion.serve.protocols")
PHASES = "examples,coverage,fuzzing"
METHODS = {"get", "post", "put", "delete", "patch"}


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with running(home, models(home)) as found:
        yield found


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    answer = ask(server, "GET", "/openapi.json")
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_of_every_protocol_is_in_it_and_nothing_else(document: dict[str, Any]) -> None:
    routes = {f"{r.method} {r.path}" for protocol in PROTOCOLS for r in routes_of(protocol)}
    assert set(operations(document)) == routes


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_every_route_is_described_by_its_protocol(name: str) -> None:
    protocol = PROTOCOLS.get(name)
    routes = {f"{route.method} {route.path}" for route in routes_of(protocol)}
    assert set(described_of(protocol).operations) == routes


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for target in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        found = document
        for part in target.split("/"):
            found = found[part]
        assert found


def test_every_operation_is_named_once_and_says_what_may_go_wrong(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(names)) == len(names)
    for where, operation in operations(document).items():
        statuses = set(operation["responses"])
        assert {"400", "408", "431", "503"} <= statuses, where
        assert {"200", "501"} & statuses, where
        assert ("404" in statuses) or "{" not in where, where
        assert ("413" in statuses) is where.startswith("POST"), where


def test_examples_are_answered(server: Server, document: dict[str, Any]) -> None:
    found = 0
    for where, operation in operations(document).items():
        content = operation.get("requestBody", {}).get("content", {})
        for kind, media in content.items():
            if "example" not in media:
                continue
            method, path = where.split()
            path = path.format(model="pace", version="1", label="stable", region="r")
            answer = ask(server, method, path, media["example"], {"Content-Type": kind})
            assert answer.status == 200, (where, answer)
            found += 1
    assert found >= 3


def test_a_path_answers_no_other_method_than_the_document_says(
    server: Server, document: dict[str, Any]
) -> None:
    for path, methods in document["paths"].items():
        (other,) = {"delete"} - set(methods)
        filled = path.format(model="pace", version="1", label="stable", region="r")
        answer = ask(server, other.upper(), filled)
        assert answer.status == 405, (path, answer)
        allowed = {name.strip().lower() for name in answer.headers["allow"].split(",")}
        assert allowed - {"head"} == set(methods) & METHODS, path


def test_schemathesis_finds_nothing(server: Server, tmp_path: Path) -> None:
    """Every check it has; `make fuzz` runs it for longer."""
    done = schemathesis(
        server, tmp_path, 280, "--max-examples", "4", "--seed", "1", "--phases", PHASES
    )
    assert done.returncode == 0, done.stdout[-8000:]
    for model in ("pace", "two", "texts", "rate"):
        assert ask(server, "GET", f"/v2/models/{model}/ready").status == 200
