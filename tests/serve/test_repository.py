"""What is loaded is said by clients: the repository's index, load and unload, on all workers."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stadion.core.errors import Code, StadionError
from stadion.core.package import GRAPH
from stadion.serve import Limits
from tests.serve import graphs
from tests.serve.crowd import placed, slow, until, value_of
from tests.serve.running import Answer, Server, ask, deployment, running


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    models = {
        "first": graphs.constant(home, 1.0),
        "second": graphs.constant(home, 2.0),
        "waits": slow(home / "waits", 0.5, home),
    }
    crowd = [placed(name, package) for name, package in models.items()]
    with running(home, crowd, workers=2, limits=Limits(beat_s=0.1)) as found:
        yield found


def index(server: Server, **body: Any) -> dict[str, tuple[str, str, str]]:
    answer = ask(server, "POST", "/v2/repository/index", body or None)
    assert answer.status == 200, answer
    return {e["name"]: (e.get("version", ""), e["state"], e["reason"]) for e in answer.json}


def order(server: Server, model: str, what: str) -> Answer:
    return ask(server, "POST", f"/v2/repository/models/{model}/{what}")


def everywhere(server: Server, model: str) -> set[Any]:
    """Enough connections to meet every worker."""
    return {value_of(server, model) for _ in range(24)}


def test_the_index_lists_all_models_with_their_state(server: Server) -> None:
    found = index(server)
    assert set(found) == {"first", "second", "waits"}
    assert found["first"] == ("1", "READY", "")
    assert set(index(server, ready=True)) == set(found)


def test_an_unloaded_model_is_out_of_all_workers_until_it_is_loaded(server: Server) -> None:
    assert order(server, "first", "unload").status == 200
    assert everywhere(server, "first") == {
        (503, "model 'first' is unloaded: load it again, or deploy it")
    }
    assert ask(server, "GET", "/v2/models/first/ready").status == 503
    assert ask(server, "GET", "/v2/health/ready").status == 200
    assert {index(server)["first"] for _ in range(10)} == {("1", "UNAVAILABLE", "unloaded")}
    assert "first" not in index(server, ready=True)
    assert "first" not in ask(server, "GET", "/v2/models").json["models"]
    assert server.plane.status()["models"]["first"]["in_memory"] == 0
    assert everywhere(server, "second") == {(200, 2.0)}
    assert order(server, "first", "load").status == 200
    assert server.plane.status()["models"]["first"]["in_memory"] == 2
    assert everywhere(server, "first") == {(200, 1.0)}


def test_a_load_is_answered_when_every_worker_has_the_model(server: Server) -> None:
    server.plane.unload("waits")
    took_s = []
    states: list[str] = []

    def meanwhile() -> None:
        states.append(index(server)["second"][1])
        assert value_of(server, "second") == (200, 2.0)

    threads = [threading.Thread(target=meanwhile) for _ in range(4)]
    load = threading.Thread(
        target=lambda: took_s.append(until(lambda: order(server, "waits", "load").status == 200, 9))
    )
    load.start()
    for thread in threads:
        thread.start()
        thread.join(10)
    load.join(10)
    assert took_s[0] > 0.5  # both were loading it
    assert states == ["READY"] * 4
    assert everywhere(server, "waits") == {(200, -1.0)}


def test_an_unknown_model_is_told_as_such(server: Server) -> None:
    for what in ("load", "unload"):
        answer = order(server, "nobody", what)
        assert (answer.status, "nobody" in answer.json["error"]) == (404, True)
    for call in (server.plane.load, server.plane.unload):
        with pytest.raises(StadionError) as caught:
            call("nobody")
        assert caught.value.code is Code.NOT_FOUND


def test_a_new_deployment_ends_an_unloading(server: Server, home: Path) -> None:
    server.plane.deploy(deployment("again", 1), {1: graphs.constant(home, 5.0)})
    server.plane.unload("again")
    assert everywhere(server, "again") == {
        (503, "model 'again' is unloaded: load it again, or deploy it")
    }
    server.plane.deploy(deployment("again", 2, generation=2), {2: graphs.constant(home, 6.0)})
    assert everywhere(server, "again") == {(200, 6.0)}


def test_a_replaced_worker_leaves_out_what_was_unloaded(server: Server) -> None:
    server.plane.unload("second")
    before = {worker["pid"] for worker in server.plane.status()["workers"]}
    for pid in before:
        os.kill(pid, signal.SIGKILL)

    def are_new() -> bool:
        workers = server.plane.status()["workers"]
        return all(w["standing"] and w["pid"] not in before for w in workers)

    until(are_new, 8)
    assert {status for status, _ in everywhere(server, "second")} == {503}
    server.plane.load("second")
    assert everywhere(server, "second") == {(200, 2.0)}


def test_a_damaged_file_is_told_and_may_be_mended(server: Server, home: Path) -> None:
    package = graphs.constant(home, 8.0)
    server.plane.deploy(deployment("damaged", 1), {1: package})
    path = Path(package.files[GRAPH].path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\0")
    server.plane.unload("damaged")
    assert order(server, "damaged", "load").status == 503
    name, state, reason = index(server)["damaged"]
    assert (name, state, "SHA-256" in reason) == ("1", "UNAVAILABLE", True)
    assert {status for status, _ in everywhere(server, "damaged")} == {503}
    path.write_bytes(whole)
    assert order(server, "damaged", "load").status == 200
    assert everywhere(server, "damaged") == {(200, 8.0)}
