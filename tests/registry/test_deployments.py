"""The deployment log: what answers, since when and why; rolling back undoes, step by step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stadion.core.deployment import Route
from stadion.core.errors import Code, StadionError
from stadion.registry import Registry
from tests.registry.conftest import Make
from tests.registry.test_versions import refused


@pytest.fixture
def sprint(registry: Registry, make: Make) -> Registry:
    for label in "abcd":
        registry.register("sprint", make(label))
    return registry


def answers(registry: Registry) -> int:
    return registry.deployment("sprint").primary


def test_a_deployment_is_logged_with_its_routes_and_reason(sprint: Registry) -> None:
    routes = (
        Route(1, 0.9, pinned=True),
        Route(2, 0.1, segment="sport=running"),
        Route(3, shadow=True),
    )
    done = sprint.record_deployment("sprint", routes, "canary")
    assert (done.routes, done.generation, done.reason) == (routes, 1, "canary")
    assert sprint.deployment("sprint") == done
    assert sprint.deployments() == [done]
    assert sprint.deployment("sprint").pinned


def test_generations_rise_by_one_and_the_log_keeps_all(sprint: Registry, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        sprint.record_deployment("sprint", [Route(number)])
    sprint.rollback("sprint", "too slow")
    sprint.undeploy("sprint", "season is over")
    with Registry.open(tmp_path / "registry") as again:
        log = again.history("sprint")
    assert [entry.generation for entry in log] == [1, 2, 3, 4, 5]
    kinds = [(entry.kind, entry.returns_to) for entry in log]
    assert kinds == [("deploy", None)] * 3 + [("rollback", 2), ("undeploy", None)]
    assert log[4].routes == ()
    assert log[3].reason == "too slow"
    assert sorted(entry.created for entry in log) == [entry.created for entry in log]


def test_a_deployment_of_what_is_not_there_is_refused(sprint: Registry) -> None:
    with refused(Code.NOT_FOUND, "sprint:9", "1, 2, 3, 4"):
        sprint.record_deployment("sprint", [Route(1), Route(9, shadow=True)])
    sprint.delete("sprint", 4)
    with refused(Code.NOT_FOUND, "sprint:4"):
        sprint.record_deployment("sprint", [Route(4)])
    for routes in ([], [Route(1, shadow=True)], [Route(1, 0.0)], [Route(1, float("nan"))]):
        with refused(Code.INVALID):
            sprint.record_deployment("sprint", routes)
    assert sprint.history("sprint") == []
    with refused(Code.NOT_FOUND, "not deployed"):
        sprint.deployment("sprint")


def test_an_expected_generation_guards_against_another_writer(sprint: Registry) -> None:
    sprint.record_deployment("sprint", [Route(1)], expected_generation=0)
    with refused(Code.CONFLICT, "generation 1", "expected 0"):
        sprint.record_deployment("sprint", [Route(2)], expected_generation=0)
    sprint.record_deployment("sprint", [Route(2)], expected_generation=1)
    with refused(Code.CONFLICT):
        sprint.rollback("sprint", expected_generation=1)
    with refused(Code.CONFLICT):
        sprint.undeploy("sprint", expected_generation=1)
    assert sprint.rollback("sprint", expected_generation=2).generation == 3


def test_a_repeated_call_with_its_key_changes_nothing(sprint: Registry) -> None:
    sprint.record_deployment("sprint", [Route(1)])
    done = sprint.record_deployment("sprint", [Route(2)], "x", 1, "k1")
    back = sprint.rollback("sprint", idempotency_key="k2")
    off = sprint.undeploy("sprint", idempotency_key="k3")
    assert sprint.record_deployment("sprint", [Route(2)], "x", 1, "k1") == done
    assert sprint.rollback("sprint", idempotency_key="k2") == back
    assert sprint.undeploy("sprint", idempotency_key="k3") == off
    assert len(sprint.history("sprint")) == 4
    with refused(Code.CONFLICT, "'k1'"):
        sprint.record_deployment("sprint", [Route(3)], idempotency_key="k1")
    with refused(Code.CONFLICT, "'k1'"):
        sprint.rollback("sprint", idempotency_key="k1")


def test_a_rollback_returns_to_what_answered_before(sprint: Registry) -> None:
    sprint.record_deployment("sprint", [Route(1)])
    sprint.record_deployment("sprint", [Route(2)])
    target = sprint.rollback_target("sprint")
    assert (target.primary, target.generation) == (1, 1)
    done = sprint.rollback("sprint", "worse")
    assert (done.routes, done.generation, done.reason) == (target.routes, 3, "worse")
    assert answers(sprint) == 1


def test_a_second_rollback_goes_further_back_instead_of_ping_pong(sprint: Registry) -> None:
    for number in (1, 2, 3):
        sprint.record_deployment("sprint", [Route(number)])
    assert sprint.rollback("sprint").primary == 2
    assert sprint.rollback("sprint").primary == 1
    with refused(Code.CONFLICT, "no earlier deployment"):
        sprint.rollback("sprint")
    assert answers(sprint) == 1
    assert [entry.returns_to for entry in sprint.history("sprint")][3:] == [2, 1]


def test_what_was_rolled_back_from_never_returns_by_a_rollback(sprint: Registry) -> None:
    for number in (1, 2):
        sprint.record_deployment("sprint", [Route(number)])
    sprint.rollback("sprint")
    sprint.record_deployment("sprint", [Route(3)])
    assert sprint.rollback("sprint").primary == 1, "2 was found bad"
    with refused(Code.CONFLICT):
        sprint.rollback("sprint")


def test_deploying_the_same_again_is_no_step_back(sprint: Registry) -> None:
    sprint.record_deployment("sprint", [Route(1)])
    canary = [Route(2, 0.5), Route(3, 0.5)]
    sprint.record_deployment("sprint", canary)
    sprint.record_deployment("sprint", canary[::-1])
    assert sprint.rollback("sprint").primary == 1


def test_a_rollback_after_an_undeployment_brings_back_what_answered(sprint: Registry) -> None:
    for number in (1, 2):
        sprint.record_deployment("sprint", [Route(number)])
    off = sprint.undeploy("sprint")
    assert (off.kind, off.routes, off.generation) == ("undeploy", (), 3)
    with refused(Code.NOT_FOUND, "not deployed"):
        sprint.deployment("sprint")
    with refused(Code.NOT_FOUND, "not deployed"):
        sprint.undeploy("sprint")
    assert sprint.deployments() == []
    assert sprint.rollback("sprint").primary == 2
    assert sprint.rollback("sprint").primary == 1


def test_a_rollback_passes_over_what_was_deleted(sprint: Registry) -> None:
    for number in (1, 2, 3):
        sprint.record_deployment("sprint", [Route(number)])
    sprint.delete("sprint", 2)
    assert sprint.rollback("sprint").primary == 1


def test_there_is_nothing_to_go_back_to_at_first(sprint: Registry) -> None:
    with refused(Code.NOT_FOUND, "never deployed"):
        sprint.rollback_target("sprint")
    sprint.record_deployment("sprint", [Route(1)])
    with refused(Code.CONFLICT, "no earlier deployment"):
        sprint.rollback_target("sprint")


def test_models_do_not_share_a_log(sprint: Registry, make: Make) -> None:
    sprint.register("row", make("a"))
    sprint.record_deployment("sprint", [Route(2)])
    sprint.record_deployment("row", [Route(1)])
    assert [(d.model, d.generation, d.primary) for d in sprint.deployments()] == [
        ("row", 1, 1),
        ("sprint", 1, 2),
    ]


def test_a_reason_or_key_without_limit_is_refused(sprint: Registry) -> None:
    for reason in ("x" * 1001, "line\nbreak"):
        with refused(Code.INVALID, "reason"):
            sprint.record_deployment("sprint", [Route(1)], reason)
    with refused(Code.INVALID, "idempotency key"):
        sprint.rollback("sprint", idempotency_key="x" * 201)
    with refused(Code.INVALID, "at most 64"):
        sprint.record_deployment("sprint", [replace(Route(1), weight=1.0)] * 65)


def test_an_error_is_never_a_foreign_one(registry: Registry) -> None:
    for call in (registry.deployment, registry.rollback, registry.undeploy, registry.history):
        for name in ("../x", "nobody"):
            with pytest.raises(StadionError):
                call(name)
