"""A search finds good settings within its budget, and what ends under it does not lose it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.plugins import Cupboard
from stadion.science.folds import grouped_folds
from stadion.train._examples import outputs_of, pace_and_heart_rate
from stadion.train.base import Learner, Progress
from stadion.train.selection.search import Budget, Found, search
from stadion.train.selection.space import Choice, Range, Space, given_space, own_space, within
from stadion.train.selection.study import opened_study
from stadion.train.selection.worker import Trying
from tests.train.test_learners_contract import LEARNERS

BOWL = '''
    """A learner whose error is known: a bowl over its settings, least at x = 3, y = 0.01."""
    import os
    import signal
    from dataclasses import dataclass, field
    from pathlib import Path

    import numpy as np

    from stadion.core.errors import Code, StadionError
    from stadion.train.baseline import ConstantModel

    @dataclass(frozen=True)
    class Settings:
        x: float = field(default=8.0, metadata={"search": (-10.0, 10.0)})
        y: float = field(default=1.0, metadata={"search": (1e-4, 1.0, "log"), "low": 0})
        kind: str = field(default="plain", metadata={"search": ["plain", "bent"]})
        whim: str = ""

    class Bowl:
        name, summary, Settings = "bowl", "answers with a known error", Settings

        def fit(self, data, settings, run):
            marks = Path(settings.whim) if settings.whim else None
            if marks is not None:
                marks.mkdir(exist_ok=True)
                number = len(list(marks.iterdir()))
                (marks / str(number)).write_text(",".join(sorted(set(data.groups.tolist()))))
                if marks.name == "ends-once" and number == 4 or marks.name == "ends-always":
                    os.kill(os.getpid(), signal.SIGKILL)
                if marks.name == "breaks":
                    raise ZeroDivisionError("by itself")
            if settings.x > 9.9:
                raise StadionError(Code.INVALID, "x is too much")
            off = (settings.x - 3) ** 2 / 10 + (np.log10(settings.y) + 2) ** 2
            off += 2.0 * (settings.kind == "bent")
            names = [output.name for output in data.signature.outputs]
            truth = float(np.nanmean(data.targets[names[0]]))
            return ConstantModel(data.signature, {name: np.array(truth + off) for name in names})

    PLUGIN = Bowl()
'''


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins" / "train"
    folder.mkdir(parents=True)
    (folder / "bowl.py").write_text(textwrap.dedent(BOWL))
    return folder.parent


def flat() -> Dataset:
    """Rows whose truth is nearly the same, so that the bowl is all there is to see."""
    data = outputs_of(pace_and_heart_rate(36), "heart_rate")
    truth = np.random.default_rng(0).normal(100, 0.01, len(data)).astype(np.float32)
    return Dataset(data.task, data.signature, data.inputs, {"heart_rate": truth}, data.groups)


def look(
    plugins: Path, folder: Path, budget: Budget, seed: int = 0, folds: int = 3, whim: str = "",
    **more: Any,
) -> Found:  # fmt: skip
    data = flat()
    fixed = {"whim": str(folder.parent / whim)} if whim else {}
    parts = grouped_folds(data, folds, seed)
    trying = Trying(data, parts, "mae", seed, folder, fixed, plugins)
    bowl: Learner = Cupboard[Learner]("stadion.train", plugins).get("bowl")
    return search(trying, {"bowl": own_space(bowl.Settings)}, budget, **more)


@pytest.mark.slow
def test_learning_from_trials_is_no_worse_than_chance(plugins: Path, tmp_path: Path) -> None:
    def best(sampler: Literal["tpe", "random"]) -> list[float]:
        return [
            look(
                plugins, tmp_path / f"{sampler}-{seed}", Budget(30, None), seed, 2,
                sampler=sampler, pruner="none",
            ).value
            for seed in range(2)
        ]  # fmt: skip

    learned, by_chance = best("tpe"), best("random")
    print(f"best of 30 trials, 2 seeds: TPE {learned}, random {by_chance}")
    assert np.mean(learned) <= np.mean(by_chance)


def test_defaults_come_first_and_bad_trials_are_given_up(plugins: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    found = look(plugins, tmp_path / "s", Budget(14, None), progress=seen.append)
    assert dict(found.outcomes[0].trial.settings) == {"x": 8.0, "y": 1.0, "kind": "plain"}
    assert len(found.outcomes) == 14
    assert found.count("pruned") > 0
    assert found.value == min(o.value for o in found.outcomes if o.value is not None)
    assert [(p.done, p.total) for p in seen] == [(done, 14) for done in range(15)]
    assert not list((tmp_path / "s").glob("trial-*")), "checkpoints of ended trials are gone"


def test_a_larger_budget_goes_on_as_if_it_had_been_given_at_once(
    plugins: Path, tmp_path: Path
) -> None:
    look(plugins, tmp_path / "twice", Budget(5, None))
    twice = look(plugins, tmp_path / "twice", Budget(11, None))
    once = look(plugins, tmp_path / "once", Budget(11, None))
    assert [o.trial.settings for o in twice.outcomes] == [o.trial.settings for o in once.outcomes]
    assert twice.value == once.value


def test_minutes_end_a_search_too_and_count_over_all_its_processes(
    plugins: Path, tmp_path: Path
) -> None:
    found = look(plugins, tmp_path / "s", Budget(None, 1 / 60))
    again = look(plugins, tmp_path / "s", Budget(10_000, 1 / 60))
    assert 1 <= len(found.outcomes) < 10_000
    assert len(again.outcomes) == len(found.outcomes)


def test_settings_that_come_up_again_are_not_trained_again(plugins: Path, tmp_path: Path) -> None:
    data, marks = flat(), tmp_path / "marks"
    fixed = {"whim": str(marks)}
    trying = Trying(data, grouped_folds(data, 2, 0), "mae", 0, tmp_path / "s", fixed, plugins)
    space = {"bowl": {"x": Choice((0.0, 3.0, 5.0)), "kind": Choice(("plain",))}}
    found = search(trying, space, Budget(20, None), pruner="none")
    assert len(found.outcomes) == 20
    assert found.settings["x"] == 3.0
    assert len(list(marks.iterdir())) == 3 * 2


@pytest.mark.parametrize("pruner", ["hyperband", "none"])
def test_other_ways_to_prune(plugins: Path, tmp_path: Path, pruner: str) -> None:
    found = look(plugins, tmp_path / "s", Budget(9, None), pruner=pruner)
    assert len(found.outcomes) == 9
    assert found.count("pruned") == 0 or pruner == "hyperband"


def test_two_at_a_time_survive_a_process_that_ends(plugins: Path, tmp_path: Path) -> None:
    found = look(plugins, tmp_path / "s", Budget(6, None), whim="ends-once", workers=2)
    assert len(found.outcomes) == 6
    assert found.count("failed") == 0


def test_settings_that_always_end_their_process_fail_in_words(
    plugins: Path, tmp_path: Path
) -> None:
    with pytest.raises(StadionError, match="ended") as caught:
        look(plugins, tmp_path / "s", Budget(1, None), whim="ends-always", workers=2)
    assert caught.value.code is Code.INVALID


def test_settings_that_break_a_learner_are_a_failed_trial(plugins: Path, tmp_path: Path) -> None:
    with pytest.raises(StadionError, match="2 trials could be finished: ZeroDivisionError: by"):
        look(plugins, tmp_path / "s", Budget(2, None), whim="breaks")


def test_one_process_at_a_time_owns_a_study(tmp_path: Path) -> None:
    space = {"bowl": {"x": Range(0, 1)}}
    with (
        opened_study(tmp_path / "study.db", space, is_rising=True, seed=0),
        pytest.raises(StadionError, match="running") as caught,
        opened_study(tmp_path / "study.db", space, is_rising=True, seed=0),
    ):
        raise AssertionError("it was opened twice")
    assert caught.value.code is Code.CONFLICT


def test_several_learners_are_searched_beside_each_other(plugins: Path, tmp_path: Path) -> None:
    data = flat()
    trying = Trying(data, grouped_folds(data, 2, 0), "mae", 0, tmp_path / "s", {}, plugins)
    bowl: Learner = Cupboard[Learner]("stadion.train", plugins).get("bowl")
    spaces: dict[str, Space] = {
        "bowl": own_space(bowl.Settings),
        "baseline": {"center": Choice(("mean", "median"))},
    }
    found = search(trying, spaces, Budget(10, None))
    assert {outcome.trial.learner for outcome in found.outcomes} == {"bowl", "baseline"}
    assert found.learner == "baseline"
    assert set(found.settings) == {"center"}


@dataclass(frozen=True)
class Toy:
    """Settings of every type."""

    count: int = 5
    size: int | None = field(default=None, metadata={"low": 2, "high": 100})
    rate: float = field(default=0.1, metadata={"low": 0.0})
    norm: Literal["batch", "none"] = "batch"


def test_a_space_is_read_from_text_and_checked_by_the_settings() -> None:
    space = given_space(
        Toy, {"size": "2:64:log", "rate": "0.5:2"}, {"norm": ["none", "batch"]}, "toy"
    )
    assert space == {
        "size": Range(2, 64, True, True),
        "rate": Range(0.5, 2.0, False, False),
        "norm": Choice(("none", "batch")),
    }
    assert not within(space, {"size": None, "rate": 1.0, "norm": "none"})
    assert within(space, {"size": 4, "rate": 1.0, "norm": "none"})


@pytest.mark.parametrize(
    ("ranges", "choices", "words"),
    [
        ({"size": "2:64:lin"}, {}, "low:high"),
        ({"size": "64:2"}, {}, "low < high"),
        ({"rate": "0:1:log"}, {}, "0 < low"),
        ({"size": "1:64"}, {}, "2 to 100"),
        ({"norm": "batch:none"}, {}, "--try norm"),
        ({"magic": "1:2"}, {}, "no setting 'magic'"),
        ({}, {"norm": ["layer"]}, "batch, none"),
        ({}, {"count": ["2.5"]}, "whole number"),
    ],
)
def test_a_space_that_cannot_be_is_refused(
    ranges: dict[str, str], choices: dict[str, list[str]], words: str
) -> None:
    with pytest.raises(StadionError, match=words):
        given_space(Toy, ranges, choices, "toy")


@pytest.mark.parametrize("name", sorted(LEARNERS.names()))
def test_what_a_learner_proposes_lies_within_its_own_limits(name: str) -> None:
    kind = LEARNERS.get(name).Settings
    for setting, span in own_space(kind).items():
        if isinstance(span, Choice):
            given_space(kind, {}, {setting: list(span.values)}, name)
        else:
            given_space(kind, {setting: f"{span.low}:{span.high}"}, {}, name)
