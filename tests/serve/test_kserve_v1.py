"""KServe's v1 protocol, asked as its clients ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve import graphs
from tests.serve.running import Server, ask, running


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with running(home, {"echo": graphs.echo(home), "activity": graphs.classes(home)}) as found:
        yield found


def test_it_is_alive_and_lists_its_models(server: Server) -> None:
    assert ask(server, "GET", "/").json["status"] == "alive"
    assert ask(server, "GET", "/v1/models").json == {"models": ["activity", "echo"]}


def test_a_model_is_ready_or_unknown(server: Server) -> None:
    said = ask(server, "GET", "/v1/models/echo").json
    assert (said["name"], said["ready"]) == ("echo", True)
    answer = ask(server, "GET", "/v1/models/nobody")
    assert answer.status == 404
    assert "'nobody'" in answer.json["error"]


def test_instances_are_predicted(server: Server) -> None:
    body = {"instances": [[6.8, 2.8], [4.8, 1.4]]}
    assert ask(server, "POST", "/v1/models/echo:predict", body).json == {
        "predictions": [[6.8, 2.8], [4.8, 1.4]]
    }


def test_explaining_is_declined(server: Server) -> None:
    answer = ask(server, "POST", "/v1/models/echo:explain", {"instances": [[1]]})
    assert answer.status == 501
    assert "explain" in answer.json["error"]
    assert list(answer.json) == ["error"]
