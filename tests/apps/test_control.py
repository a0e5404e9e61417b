"""The control REST: every verb, its errors, and the same answers as on a folder."""

from __future__ import annotations

import json
import os
import pickle
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from stadion.core.errors import Code, StadionError
from stadion.core.package import GRAPH
from stadion.platform import Platform
from tests.conftest import MODEL
from tests.servers import Server


def call(server: Server, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(
        f"{server.control}{path}", data, {"Content-Type": "application/json"}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_server_says_where_it_answers(server: Server) -> None:
    status = server.client.status()
    assert status["predictions"] == server.predictions


def test_openapi_describes_every_route(server: Server) -> None:
    status, spec = call(server, "GET", "/openapi.json")
    assert status == 200
    operations = [(path, verb) for path, verbs in spec["paths"].items() for verb in verbs]
    assert len(operations) >= 20
    for path, verb in operations:
        assert spec["paths"][path][verb]["description"], (path, verb)


def test_the_page_for_people_needs_nothing_from_elsewhere(server: Server) -> None:
    with urllib.request.urlopen(f"{server.control}/docs", timeout=10) as reply:
        page = reply.read().decode()
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert "/api/v1/models/{model}/rollback" in page
    assert "<script" not in page
    assert "http" not in page.replace("http://127.0.0.1:8080", "")


def test_recordings_come_in_and_go_out(server: Server, basic_motions: Path) -> None:
    report = server.client.ingest([basic_motions / "BasicMotions_TRAIN.ts"])
    assert len(report["added"]) == 40
    shown = server.client.activity(report["added"][0])
    assert shown["laps"][0]["kind"] == "activity"
    streams = server.client.streams(report["added"][0], ["acceleration_x"])
    assert list(streams[0]["channels"]) == ["acceleration_x"]
    assert len(streams[0]["channels"]["acceleration_x"]) == 100
    server.client.erase(report["added"][0])
    with pytest.raises(StadionError) as caught:
        server.client.activity(report["added"][0])
    assert caught.value.code is Code.NOT_FOUND


def test_a_training_is_a_job_that_is_watched_and_registered(
    server: Server, basic_motions: Path
) -> None:
    server.client.ingest([basic_motions / "BasicMotions_TRAIN.ts"])
    order = {"task": "activity_recognition", "learner": "boosting", "name": "jobs", "folds": 2}
    status, job = call(server, "POST", "/api/v1/jobs", order)
    assert status == 202
    deadline = time.monotonic() + 90
    while job["state"] == "running" and time.monotonic() < deadline:
        time.sleep(0.2)
        _, job = call(server, "GET", f"/api/v1/jobs/{job['job']}")
    assert job["state"] == "done", job
    assert job["result"]["version"] == 1
    assert server.client.deploy("jobs")["version"] == 1


def test_a_job_that_fails_says_why(server: Server) -> None:
    with pytest.raises(StadionError, match="no setting 'wings'") as caught:
        server.client.train(
            "activity_recognition", learner="boosting", settings={"learner.wings": 2}
        )
    assert caught.value.code is Code.INVALID


def test_a_job_can_be_cancelled(server: Server) -> None:
    order = {"task": "activity_recognition", "learner": "lstm", "folds": 5}
    _, job = call(server, "POST", "/api/v1/jobs", order)
    _, ended = call(server, "DELETE", f"/api/v1/jobs/{job['job']}")
    assert ended["state"] == "cancelled"


def test_a_model_is_measured_on_a_file_of_the_caller(server: Server, basic_motions: Path) -> None:
    report = server.client.evaluate(f"{MODEL}:1", basic_motions / "BasicMotions_TEST.ts")
    assert report["rows"] == 40
    assert report["metrics"]["accuracy"] >= 0.95
    with pytest.raises(StadionError, match="is a folder"):
        server.client.evaluate(MODEL, basic_motions)
    with pytest.raises(StadionError, match="no-such-file"):
        server.client.predict(MODEL, basic_motions / "no-such-file")


def test_an_outside_graph_is_registered_and_what_is_none_is_refused(
    server: Server, tmp_path: Path, trained_home: Path
) -> None:
    graph = Path(Platform.open(trained_home)._version(f"{MODEL}:2").package.files[GRAPH].path)
    view = server.client.import_model(graph, "outside")
    assert (view["version"], view["learner"]) == (1, "foreign")
    assert server.client.deploy("outside")["version"] == 1
    rows = [[[0.0] * 3] * 100]
    request = {"inputs": {"acceleration": rows, "angular_velocity": rows}}
    answer = server.client.predict("outside", request)
    assert sum(answer["output"]["activity"][0]) == pytest.approx(1, abs=1e-5)
    other = tmp_path / "model.pkl"
    other.write_bytes(pickle.dumps({"weights": [1.0]}))
    with pytest.raises(StadionError) as caught:
        server.client.import_model(other, "pickled")
    assert caught.value.code is Code.UNSUPPORTED


def test_a_backup_over_the_wire_can_be_restored(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "all.tar"
    assert server.client.backup(file)["bytes"] > 10_000
    place = Platform.open(tmp_path / "other")
    place.restore(file)
    assert MODEL in [row["model"] for row in place.models()]
    with pytest.raises(StadionError, match="running server"):
        server.client.restore(file)


def test_settings_are_searched_over_the_wire(server: Server, basic_motions: Path) -> None:
    server.client.ingest([basic_motions / "BasicMotions_TRAIN.ts"])
    view = server.client.tune(
        "activity_recognition", "baseline", {"center": ["mean", "median"]}, name="searched", folds=2
    )
    assert len(view["tried"]) == 2


def test_a_search_within_a_budget_runs_as_a_job(server: Server, basic_motions: Path) -> None:
    server.client.ingest([basic_motions / "BasicMotions_TRAIN.ts"])
    search = {"trials": 3, "space": {"trees": "2:9"}, "pruner": "none"}
    view = server.client.tune(
        "activity_recognition", "boosting", name="hunted", folds=2, search=search
    )
    assert view["lineage"]["search"]["trials"] == len(view["tried"]) == 3
    got, answer = call(
        server, "POST", "/api/v1/jobs",
        {"task": "activity_recognition", "learner": "boosting", "search": {"tirals": 3}},
    )  # fmt: skip
    assert got == 422
    assert "tirals" in answer["error"]


def test_aliases_and_history(server: Server) -> None:
    server.client.alias(MODEL, "stable", 2)
    assert server.client.model(f"{MODEL}@stable")["version"] == 2
    server.client.deploy(f"{MODEL}@stable")
    server.client.rollback(MODEL)
    view = server.client.deployment(MODEL)
    assert view["version"] == 1
    assert [row["kind"] for row in view["history"]][-2:] == ["deploy", "rollback"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/api/v1/models/nobody", None, 404, "nobody"),
        ("GET", "/api/v1/models/No%2e%2e", None, 422, "model"),
        ("GET", "/api/v1/nothing", None, 404, "Not Found"),
        ("POST", f"/api/v1/models/{MODEL}/deployment", {"wieght": 1}, 422, "wieght"),
        ("POST", f"/api/v1/models/{MODEL}/deployment", {"canary": 140}, 422, "canary"),
        ("POST", f"/api/v1/models/{MODEL}/deployment", {"version": 99}, 404, "99"),
        ("POST", "/api/v1/jobs", {"task": "golf"}, 404, "golf"),
        ("POST", "/api/v1/jobs", {"task": "activity_recognition", "seed": -1}, 422, "seed"),
        ("GET", "/api/v1/activities?limit=0", None, 422, "limit"),
        ("PUT", "/api/v1/server", None, 405, "Method"),
    ],
)
def test_mistakes_have_their_status_and_name_the_field(
    server: Server, method: str, path: str, body: Any, status: int, words: str
) -> None:
    got, answer = call(server, method, path, body)
    assert got == status
    assert set(answer) == {"error", "code", "hint"}
    assert words in answer["error"]
    assert str(Path.home()) not in json.dumps(answer)


def test_another_host_name_is_refused(server: Server) -> None:
    request = urllib.request.Request(
        f"{server.control}/api/v1/server", headers={"Host": "evil.example"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code == 400


def test_predictions_go_on_while_control_is_away(server: Server) -> None:
    pid = server.client.status()["control_pid"]
    os.kill(pid, signal.SIGKILL)
    rows = [[[0.0] * 3] * 100]
    request = {"inputs": {"acceleration": rows, "angular_velocity": rows}}
    body = json.dumps(request).encode()
    asked = urllib.request.Request(f"{server.predictions}/predict/{MODEL}", body)
    with urllib.request.urlopen(asked, timeout=10) as reply:
        assert reply.status == 200
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            assert server.client.status()["control_pid"] != pid
            break
        except StadionError:
            time.sleep(0.1)
    else:
        raise AssertionError("the control process did not come back")
