"""A running server is told what to serve: deploy, refuse, canary, shadow, remove."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from stadion.core.deployment import Deployment, Route
from stadion.core.errors import Code, StadionError
from stadion.core.package import GRAPH, ModelPackage
from stadion.core.signature import Tensor
from stadion.serve import Limits, PlaneClient
from tests.serve import graphs
from tests.serve.running import Server, ask, deployment, running

LIMITS = Limits(trial_s=4.0, beat_s=0.1)


@pytest.fixture(scope="module")
def packages(home: Path) -> dict[int, ModelPackage]:
    """Version n answers n."""
    return {n: graphs.constant(home, float(n)) for n in range(1, 6)}


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with running(home, {"first": graphs.constant(home, 1.0)}, workers=2, limits=LIMITS) as found:
        yield found


def answered(server: Server, model: str, tail: str = "", **more: Any) -> float:
    body = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [0]}]} | more
    answer = ask(server, "POST", f"/v2/models/{model}{tail}/infer", body)
    assert answer.status == 200, answer
    value = float(answer.json["outputs"][0]["data"][0])
    assert str(int(value)) == answer.json["model_version"]
    return value


def asked(server: Server, model: str) -> int:
    body = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [0]}]}
    return ask(server, "POST", f"/v2/models/{model}/infer", body).status


def everybody_answers(server: Server, model: str, value: float) -> None:
    """Enough connections to meet every worker."""
    assert {answered(server, model) for _ in range(30)} == {value}


def test_a_new_model_answers_when_deploy_returns(
    server: Server, packages: dict[int, ModelPackage]
) -> None:
    assert asked(server, "new") == 404
    written = []
    done = server.plane.deploy(
        deployment("new", 1),
        {1: packages[1]},
        commit=lambda _plan: written.append(asked(server, "new")),
    )
    assert written == [503]  # loaded, not answering yet
    assert (done.model, done.generation) == ("new", 1)
    assert done.trials[1].load_ms > 0
    everybody_answers(server, "new", 1.0)
    assert server.plane.generations()["new"] == 1


def test_the_next_version_takes_over_and_the_old_one_is_gone(
    server: Server, packages: dict[int, ModelPackage]
) -> None:
    server.plane.deploy(deployment("next", 1), {1: packages[1]})
    server.plane.deploy(deployment("next", 2, generation=2), {2: packages[2]})
    everybody_answers(server, "next", 2.0)
    assert ask(server, "GET", "/v2/models/next/versions/1/ready").status == 404
    assert ask(server, "GET", "/v2/models/next").json["versions"] == ["2"]


def test_generations_only_rise(server: Server, packages: dict[int, ModelPackage]) -> None:
    server.plane.deploy(deployment("rising", 1, generation=5), {1: packages[1]})
    for generation in (5, 4):
        with pytest.raises(StadionError, match="generation") as caught:
            server.plane.deploy(deployment("rising", 2, generation=generation), {2: packages[2]})
        assert caught.value.code is Code.CONFLICT
    server.plane.undeploy("rising")
    with pytest.raises(StadionError, match="generation"):
        server.plane.deploy(deployment("rising", 2, generation=5), {2: packages[2]})
    server.plane.deploy(deployment("rising", 2, generation=6), {2: packages[2]})
    everybody_answers(server, "rising", 2.0)


def test_a_commit_that_fails_changes_nothing(
    server: Server, packages: dict[int, ModelPackage]
) -> None:
    server.plane.deploy(deployment("kept", 1), {1: packages[1]})

    def fail(_plan: Deployment) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        server.plane.deploy(deployment("kept", 2, generation=2), {2: packages[2]}, commit=fail)
    everybody_answers(server, "kept", 1.0)
    server.plane.deploy(deployment("kept", 3, generation=2), {3: packages[3]})
    everybody_answers(server, "kept", 3.0)


def test_a_caller_that_leaves_before_the_switch_changes_nothing(
    server: Server, packages: dict[int, ModelPackage]
) -> None:
    server.plane.deploy(deployment("left", 1), {1: packages[1]})
    with pytest.raises(KeyboardInterrupt):
        server.plane.deploy(
            deployment("left", 2, generation=2), {2: packages[2]}, commit=_interrupted
        )
    everybody_answers(server, "left", 1.0)
    server.plane.deploy(deployment("left", 2, generation=2), {2: packages[2]})
    everybody_answers(server, "left", 2.0)


def _interrupted(_plan: Deployment) -> None:
    raise KeyboardInterrupt


def test_a_bad_version_is_refused_and_the_old_one_goes_on(
    server: Server, home: Path, packages: dict[int, ModelPackage]
) -> None:
    server.plane.deploy(deployment("good", 1), {1: packages[1]})
    damaged = graphs.constant(home, 77.0)
    path = Path(damaged.files[GRAPH].path)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    written: list[int] = []
    for bad, code in ((damaged, Code.INVALID), (graphs.endless(home), Code.TIMEOUT)):
        with pytest.raises(StadionError) as caught:
            server.plane.deploy(
                deployment("good", 2, generation=2),
                {2: bad},
                commit=lambda _plan: written.append(1),
            )
        assert caught.value.code is code
    assert not written
    everybody_answers(server, "good", 1.0)
    with pytest.raises(StadionError, match="versions \\[3\\]"):
        server.plane.deploy(deployment("good", 3, generation=2), {2: packages[2]})


def test_two_deployments_of_one_model_do_not_mix(
    server: Server, packages: dict[int, ModelPackage]
) -> None:
    server.plane.deploy(deployment("busy", 1), {1: packages[1]})
    refusals: list[StadionError] = []

    def meanwhile(_plan: Deployment) -> None:
        with pytest.raises(StadionError) as caught:
            server.plane.deploy(deployment("busy", 3, generation=3), {3: packages[3]})
        refusals.append(caught.value)

    server.plane.deploy(deployment("busy", 2, generation=2), {2: packages[2]}, commit=meanwhile)
    assert [error.code for error in refusals] == [Code.CONFLICT]
    everybody_answers(server, "busy", 2.0)


def test_an_undeployed_model_is_gone(server: Server, packages: dict[int, ModelPackage]) -> None:
    server.plane.deploy(deployment("going", 1), {1: packages[1]})
    server.plane.undeploy("going")
    assert {asked(server, "going") for _ in range(20)} == {404}
    with pytest.raises(StadionError) as caught:
        server.plane.undeploy("going")
    assert caught.value.code is Code.NOT_FOUND


def test_weights_share_the_requests(server: Server, packages: dict[int, ModelPackage]) -> None:
    shares = Deployment("shared", (Route(1, 80.0), Route(2, 20.0)), 1)
    server.plane.deploy(shares, {1: packages[1], 2: packages[2]})
    seen = Counter(answered(server, "shared") for _ in range(400))
    assert set(seen) == {1.0, 2.0}
    assert 40 < seen[2.0] < 130  # 80 expected, standard deviation 8
    assert {answered(server, "shared", "/versions/2") for _ in range(10)} == {2.0}
    assert ask(server, "GET", "/v2/models/shared").json["versions"] == ["1", "2"]


def test_a_segment_has_a_route_of_its_own(
    server: Server, packages: dict[int, ModelPackage]
) -> None:
    routes = (Route(1), Route(2, segment="sport=running"))
    server.plane.deploy(Deployment("segmented", routes, 1), {1: packages[1], 2: packages[2]})
    assert answered(server, "segmented") == 1.0
    assert answered(server, "segmented", parameters={"sport": "cycling"}) == 1.0
    assert {answered(server, "segmented", parameters={"sport": "running"}) for _ in range(9)} == {2}


def test_a_shadow_gets_copies_and_never_answers(
    server: Server, home: Path, packages: dict[int, ModelPackage]
) -> None:
    routes = (Route(1), Route(2, shadow=True), Route(3, shadow=True))
    given = {1: packages[1], 2: packages[2], 3: _fails_for_large(home)}
    server.plane.deploy(Deployment("shadowed", routes, 1), given)
    everybody_answers(server, "shadowed", 1.0)
    beyond = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [99]}]}
    for _ in range(5):
        assert ask(server, "POST", "/v2/models/shadowed/infer", beyond).status == 200
    wanted = {
        "1": {"answered": 35, "shadow_ok": 0, "shadow_failed": 0},
        "2": {"answered": 0, "shadow_ok": 35, "shadow_failed": 0},
        "3": {"answered": 0, "shadow_ok": 30, "shadow_failed": 5},
    }
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        seen = server.plane.status()["models"]["shadowed"]["versions"]
        if all(seen[version] == seen[version] | counts for version, counts in wanted.items()):
            return
        time.sleep(0.05)
    raise AssertionError(seen)


def _fails_for_large(home: Path) -> ModelPackage:
    """x -> a value looked up at x: refused at run time when there is no such place."""
    nodes = [
        helper.make_node("Cast", ["x"], ["at"], to=7),
        helper.make_node("Gather", ["places", "at"], ["y"]),
    ]
    x, y = Tensor("x", "FP32", (None, 1), missing=False), Tensor("y", "FP32", (None, 1))
    return graphs.package(home, [x], [y], nodes, {"places": np.zeros(3, np.float32)})


def test_values_a_model_cannot_take_are_the_clients_error(server: Server, home: Path) -> None:
    server.plane.deploy(deployment("places", 1), {1: _fails_for_large(home)})
    one = {"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [99]}
    answer = ask(server, "POST", "/v2/models/places/infer", {"inputs": [one]})
    assert answer.status == 400
    assert answer.json == {"error": "the model cannot take these values or this shape"}


def test_metrics_and_card_do_not_hinder_a_deployment(
    server: Server, packages: dict[int, ModelPackage]
) -> None:
    from stadion.core.package import Metrics

    metrics = Metrics("mae", float("nan"), {"mean": float("inf")}, "none", 0)
    package = dataclasses.replace(packages[1], metrics=metrics, card="# Card\n" * 100_000)
    server.plane.deploy(deployment("measured", 1), {1: package})
    assert answered(server, "measured") == 1.0


def test_status_tells_workers_and_models(server: Server) -> None:
    view = server.plane.status()
    assert view["running"] is True
    assert view["ready"] is True
    assert view["predictions"] == server.url
    assert len(view["workers"]) == 2
    assert all(worker["standing"] for worker in view["workers"])
    assert view["models"]["first"]["versions"]["1"]["run_ms"] > 0


def test_without_a_server_there_is_nobody_to_tell(tmp_path: Path) -> None:
    plane = PlaneClient(tmp_path / "run" / "plane.sock")
    assert not plane.is_running()
    with pytest.raises(StadionError) as caught:
        plane.status()
    assert caught.value.code is Code.UNAVAILABLE


def test_many_deployments_at_once_all_arrive(
    server: Server, packages: dict[int, ModelPackage]
) -> None:
    errors: list[Exception] = []

    def deploy(number: int) -> None:
        try:
            server.plane.deploy(deployment(f"many-{number}", 1), {1: packages[1]})
        except StadionError as error:
            errors.append(error)

    threads = [threading.Thread(target=deploy, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    for number in range(4):
        everybody_answers(server, f"many-{number}", 1.0)
