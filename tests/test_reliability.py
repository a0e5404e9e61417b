"""Each proof under load in seconds: what must hold holds, and its control sees what is broken.

Times are not judged here, as tests share their machine; `make reliability` judges them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from reliability.__main__ import SCENARIOS, play, scenario
from reliability.arrivals import arrivals, draw
from reliability.orders import Phase
from reliability.proof import Report, at_most, exactly, keep, part_of
from reliability.wire import read_answer
from stadion.core.settings import read_settings

SEED = 20_26
TIMED = (
    "p99",
    "seconds until normal",
    "goodput",
    "slowest replacement",
    "throughput of two",
    "ways to run",  # which a measurement chooses
    "MB per million",  # of a few thousand calls, which say little
    "memory against the budget",  # nor in the few seconds that fill it
)


def brief(name: str, *, sabotaged: bool) -> Report:
    it = scenario(name)
    return play(name, read_settings(it.Settings, dict(it.SHORT), name), SEED, sabotaged=sabotaged)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["integrity", "kill", "soak"])
def test_what_must_hold_holds(name: str) -> None:
    red = brief(name, sabotaged=False).red
    assert [what for what in red if not _is_timed(what)] == []


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_control_sees_what_is_broken_and_nothing_else(name: str) -> None:
    red = brief(name, sabotaged=True).red
    broken = scenario(name).RED
    assert [what for what in broken if what not in red] == []
    assert [what for what in red if what not in broken and not _is_timed(what)] == []


def _is_timed(what: str) -> bool:
    return any(word in what for word in TIMED)


def test_arrivals_keep_their_rate_and_their_seed() -> None:
    phases = [Phase(2.0, 1_000.0), Phase(1.0), Phase(2.0, 4_000.0)]
    moments = [m for part in arrivals(phases, np.random.default_rng(1)) for m in part]
    again = [m for part in arrivals(phases, np.random.default_rng(1)) for m in part]
    assert moments == again == sorted(moments)
    counts, _ = np.histogram(moments, [0, 2, 3, 5])
    assert counts[1] == 0
    assert counts[0] == pytest.approx(2_000, rel=0.1)
    assert counts[2] == pytest.approx(8_000, rel=0.1)


def test_requests_are_drawn_by_their_shares() -> None:
    drawing = draw(3, [1.0, 0.0, 3.0], np.random.default_rng(1))
    drawn = np.bincount([next(drawing) for _ in range(8_000)], minlength=3)
    assert drawn[1] == 0
    assert drawn[2] / drawn[0] == pytest.approx(3, rel=0.1)


def test_an_answer_is_read_only_when_it_is_whole() -> None:
    body = b'{"model_name":"m","model_version":"12","outputs":[{"data":[3.5,4]}]}'
    data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    assert all(read_answer(data[:n]) is None for n in range(len(data)))
    answer = read_answer(data)
    assert answer is not None
    assert (answer.status, answer.version, answer.value) == (200, 12, 3.5)


def test_a_blind_control_fails_its_scenario(tmp_path: Path) -> None:
    good = Report(verdicts=[exactly("lost", 0, 0), at_most("p99", 1.2, 1.5)])
    seeing = Report(verdicts=[exactly("lost", 7, 0)])
    settings = read_settings(scenario("kill").Settings, {}, "kill")
    assert part_of(settings, 0, good, seeing, ["lost"])["passed"]
    assert not part_of(settings, 0, good, good, ["lost"])["passed"]
    assert not part_of(settings, 0, seeing, seeing, ["lost"])["passed"]
    assert not at_most("p99", float("nan"), 1.5).passed
    for name, report in (("one", good), ("two", seeing)):
        keep(tmp_path / "r.json", name, part_of(settings, 0, report, seeing, ["lost"]))
    assert json.loads((tmp_path / "r.json").read_text())["passed"] == {"one": True, "two": False}
