"""A memory budget: models come into memory when they are asked, and others make room."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stadion.core.errors import Code, StadionError
from stadion.core.settings import Home
from stadion.platform.deploying import Rollout
from stadion.registry import Registry
from stadion.serve import Limits, PlaneClient, ServeConfig
from stadion.serve.config import byte_size
from tests.serve import graphs
from tests.serve.crowd import heavy, placed, resident_mib, slow, until, value_of
from tests.serve.running import Server, ask, deployment, running

MIB = 1 << 20


def in_memory(server: Server) -> set[str]:
    """The models that some worker holds."""
    models = server.plane.status()["models"]
    return {name for name, view in models.items() if view["in_memory"]}


def together(*works: Any) -> None:
    """All at once, and to their ends."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_a_crowd_of_models_answers_within_the_budget(tmp_path: Path) -> None:
    packages = [heavy(tmp_path, float(n), 1.0) for n in range(40)]
    crowd = [placed(f"m{n}", packages[n % 40]) for n in range(160)]
    crowd.append(placed("favourite", packages[7], pinned=True))
    budget = 256
    with running(tmp_path, crowd, memory_budget=budget * MIB) as server:
        (worker,) = server.said["workers"]
        wrong: list[Any] = []
        peaks = [0.0]

        def call(seed: int) -> None:
            shares = [1 / (n + 1) for n in range(160)]
            for n in random.Random(seed).choices(range(160), shares, k=120):
                if value_of(server, f"m{n}") != (200, float(n % 40)):
                    wrong.append(n)
                peaks.append(resident_mib(worker))

        together(*(lambda seed=seed: call(seed) for seed in range(3)))
        assert not wrong
        assert max(peaks) < 1.1 * budget
        here = in_memory(server)
        assert "favourite" in here  # nobody has asked it
        assert 10 < len(here) < 80
        assert "m0" in here
        status = server.plane.status()
        sizes = [
            version["resident_bytes"] / MIB
            for name in here
            for version in status["models"][name]["versions"].values()
        ]
        assert 0.9 < min(sizes) <= max(sizes) < 12, sizes  # 3.1: weights, twice, and room to run
        assert resident_mib(worker) < budget


def test_who_was_asked_longest_ago_makes_room(tmp_path: Path) -> None:
    crowd = [placed(f"m{n}", heavy(tmp_path, float(n), 6.0)) for n in range(8)]
    with running(tmp_path, crowd, memory_budget=256 * MIB) as server:
        for n in (0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7):
            assert value_of(server, f"m{n}") == (200, float(n))
            time.sleep(0.06)
        here = in_memory(server)
        assert {"m0", "m7"} <= here
        assert not {"m1", "m2"} & here


def test_callers_of_a_cold_model_share_one_load_and_disturb_nobody(tmp_path: Path) -> None:
    # What fits beforehand is loaded at the start, so the slow one comes after that time is up.
    crowd = [placed("eager", slow(tmp_path / "a", 0.4, tmp_path))]
    package = slow(tmp_path / "b", 1.0, tmp_path)
    crowd += [placed("cold", package)]
    loads = Path(package.files["model.slow"].path).parent / "loads"
    with running(tmp_path, crowd, memory_budget=300 * MIB) as server:
        assert not loads.exists()
        assert ask(server, "GET", "/v2/models/cold/ready").status == 200
        assert ask(server, "GET", "/v2/models").json["models"] == ["cold", "eager"]
        assert not loads.exists()
        answers: list[Any] = []
        quick: list[float] = []

        def meanwhile() -> None:
            until(loads.exists, 10)
            while len(answers) < 12:
                began = time.monotonic()
                assert value_of(server, "eager") == (200, -1.0)
                quick.append(time.monotonic() - began)

        together(meanwhile, *[lambda: answers.append(value_of(server, "cold"))] * 12)
        assert answers == [(200, -1.0)] * 12
        assert loads.read_text().count("load") == 1
        assert len(quick) > 20
        assert sorted(quick)[len(quick) // 2] < 0.1


def test_a_load_that_takes_too_long_is_told_and_goes_on(tmp_path: Path) -> None:
    crowd = [
        placed("eager", slow(tmp_path / "a", 0.4, tmp_path)),
        placed("cold", slow(tmp_path / "b", 1.0, tmp_path)),
    ]
    limits = Limits(cold_s=0.3, cold_callers=2)
    with running(tmp_path, crowd, memory_budget=300 * MIB, limits=limits) as server:
        answers: list[Any] = []
        together(*[lambda: answers.append(value_of(server, "cold"))] * 5)
        assert {status for status, _ in answers} == {503}
        texts = Counter("wait for models" in text for _, text in answers)
        assert texts[True] >= 1  # there was no place to wait
        assert any("not in memory within 0.3 s" in text for _, text in answers)
        until(lambda: value_of(server, "cold") == (200, -1.0), 10)


def test_what_the_budget_cannot_hold_is_refused_by_its_size(tmp_path: Path) -> None:
    crowd = [
        placed("large", heavy(tmp_path, 1.0, 64.0)),
        placed("small", heavy(tmp_path, 2.0, 1.0)),
    ]
    with running(tmp_path, crowd, memory_budget=200 * MIB) as server:
        status, text = value_of(server, "large")
        assert (status, "needs about" in text, "leaves" in text) == (429, True, True)
        assert value_of(server, "small") == (200, 2.0)
        with pytest.raises(StadionError) as caught:
            server.plane.deploy(deployment("next", 1), {1: heavy(tmp_path, 3.0, 64.0)})
        assert caught.value.code is Code.OVERLOADED
        assert value_of(server, "next")[0] == 404


def test_what_is_pinned_makes_no_room(tmp_path: Path) -> None:
    crowd = [placed(f"p{n}", heavy(tmp_path, float(n), 10.0), pinned=True) for n in range(2)]
    crowd.append(placed("other", heavy(tmp_path, 9.0, 48.0)))
    with running(tmp_path, crowd, memory_budget=256 * MIB) as server:
        assert in_memory(server) == {"p0", "p1"}
        assert server.plane.status()["models"]["p0"]["pinned"] is True
        status, text = value_of(server, "other")
        assert (status, "leaves" in text) == (429, True)
        assert {value_of(server, f"p{n}") for n in range(2)} == {(200, 0.0), (200, 1.0)}


def test_a_model_that_answers_is_not_pulled_from_under_its_request(tmp_path: Path) -> None:
    crowd = [placed(f"m{n}", heavy(tmp_path, float(n), 6.0)) for n in range(8)]
    crowd.append(placed("patient", graphs.patient(tmp_path)))
    one = {"name": "rounds", "shape": [1], "datatype": "INT64", "data": [600_000]}
    with running(tmp_path, crowd, memory_budget=256 * MIB) as server:
        answers: list[Any] = []

        def long_run() -> None:
            answers.append(ask(server, "POST", "/v2/models/patient/infer", {"inputs": [one]}))

        def others() -> None:
            for n in range(16):
                assert value_of(server, f"m{n % 8}") == (200, float(n % 8))

        together(long_run, others)
        assert answers[0].json["outputs"][0]["data"] == [600_000]


def test_thousands_of_deployments_start_quickly(tmp_path: Path) -> None:
    packages = [graphs.constant(tmp_path, float(n)) for n in range(10)]
    crowd = [placed(f"m{n:04}", packages[n % 10]) for n in range(2000)]
    with running(tmp_path, crowd, memory_budget=300 * MIB) as server:
        assert server.said["ready_s"] < 6  # 1.6 s on two idle cores; this machine is shared
        for n in range(0, 2000, 97):
            assert value_of(server, f"m{n:04}") == (200, float(n % 10))
        began = time.monotonic()
        assert len(server.plane.generations()) == 2000
        assert len(server.plane.status()["models"]) == 2000
        assert time.monotonic() - began < 3
        assert len(ask(server, "GET", "/v2/models").json["models"]) == 2000


def test_a_pin_stays_until_it_is_taken_back(tmp_path: Path) -> None:
    with Registry.open(tmp_path / "registry") as registry:
        rollout = Rollout(registry, PlaneClient(tmp_path / "run" / "plane.sock"))
        first = registry.register("m", graphs.constant(tmp_path, 1.0))
        second = registry.register("m", graphs.constant(tmp_path, 2.0))
        assert not rollout.deploy(first).pinned
        assert rollout.deploy(first, pinned=True).pinned
        assert rollout.deploy(second).pinned
        assert not rollout.deploy(second, pinned=False).pinned
        assert registry.deployment("m") == rollout.current("m")
        assert rollout.rollback("m").pinned


def test_a_budget_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StadionError, match="expected at least 288 MiB for 2 workers"):
        ServeConfig(Home(tmp_path), workers=2, memory_budget=200 * MIB)
    for text in ("", "much", "-5MiB", "1e9", "5 parsecs", "1.2.3MB"):
        with pytest.raises(StadionError, match="size is"):
            byte_size(text)
    assert [byte_size(text) for text in ("2GiB", "1 kb", "77")] == [2 << 30, 1000, 77]
