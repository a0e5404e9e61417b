"""`stadion tune` on real recordings: honest scores, and a search that outlives its processes."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.core.errors import Code, StadionError
from stadion.core.plugins import Cupboard
from stadion.platform import Platform
from stadion.platform.orders import TrainOrder
from stadion.platform.search_order import Search, read_search
from stadion.platform.tuning import tune_on
from stadion.science.folds import folds_of
from stadion.tasks.base import Task
from stadion.train.base import Learner

TASK = "activity_recognition"
NOTED = '''
    """A slow learner that writes down which groups each training saw."""
    import os
    import time
    from dataclasses import dataclass, field
    from pathlib import Path

    from stadion.train.baseline import PLUGIN as BASELINE
    from stadion.train.baseline import BaselineSettings

    @dataclass(frozen=True)
    class Settings:
        level: float = field(default=0.5, metadata={"search": (0.0, 1.0)})
        pause_s: float = 0.0
        book: str = ""

    class Noted:
        name, summary, Settings = "noted", "writes down what it sees", Settings

        def fit(self, data, settings, run):
            with Path(settings.book).open("a") as book:
                groups = ",".join(sorted(set(data.groups.tolist())))
                book.write(f"{os.getpid()} {settings.level} {groups}\\n")
            time.sleep(settings.pause_s)
            return BASELINE.fit(data, BaselineSettings(), run)

    PLUGIN = Noted()
'''


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty home with the learner above among its plug-ins."""
    folder = tmp_path / "home" / "plugins" / "train"
    folder.mkdir(parents=True)
    (folder / "noted.py").write_text(textwrap.dedent(NOTED))
    return tmp_path / "home"


def trainings(book: Path) -> list[tuple[int, float, set[str]]]:
    """Process, setting and groups of every training so far."""
    lines = [line.split(" ", 2) for line in book.read_text().splitlines()] if book.exists() else []
    return [(int(pid), float(level), set(groups.split(","))) for pid, level, groups in lines]


def tuning(home: Path, data: Path, book: Path, workers: int, pause_s: float) -> list[str]:
    return [
        sys.executable, "-m", "stadion", "tune", TASK, "--data", str(data), "--learner", "noted",
        "--set", f"book={book}", "--set", f"pause_s={pause_s}", "--trials", "6", "--folds", "3",
        "--pruner", "none", "--workers", str(workers), "--home", str(home), "--json",
    ]  # fmt: skip


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(happens: Any, what: str, timeout_s: float = 120.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not happens():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_search_killed_in_mid_trial_goes_on_and_ends_with_all_its_trials(
    place: Path, basic_motions: Path, tmp_path: Path, workers: int
) -> None:
    data, book = basic_motions / "BasicMotions_TRAIN.ts", tmp_path / "book"
    with subprocess.Popen(
        tuning(place, data, book, workers, 0.4), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as first:  # fmt: skip
        # three folds are a trial: the 8th training is the second or third fold of one
        until(lambda: len(trainings(book)) >= 8, "the third trial is under way")
        os.kill(first.pid, signal.SIGKILL)
    before = trainings(book)
    until(lambda: not any(lives(pid) for pid, _, _ in before), "all its processes are gone", 10)
    done = subprocess.run(
        tuning(place, data, book, workers, 0.4), capture_output=True, timeout=240, check=True
    )
    view = json.loads(done.stdout)
    assert view["lineage"]["search"]["trials"] == 6
    assert len(view["tried"]) == 6
    after = trainings(book)[len(before) :]
    levels = [level for _, level, _ in trainings(book)]
    whole = {level for level in levels[:8] if levels[:8].count(level) == 3}
    assert len(whole) >= 1, "nothing was finished before the kill"
    winner = view["lineage"]["settings"]["level"]
    again = [level for _, level, _ in after if level in whole and level != winner]
    assert not again, "what was finished was not tried again"
    cut_off = {level for level in levels[:8] if levels[:8].count(level) < 3}
    assert cut_off <= {level for _, level, _ in after}, "what was cut off was tried again"
    assert len(set(levels)) == 6


def test_what_judges_the_winner_was_seen_by_no_trial(place: Path, tmp_path: Path) -> None:
    task: Task = Cupboard[Task]("stadion.tasks").get(TASK)
    learners = Cupboard[Learner]("stadion.train", place / "plugins")
    data = task.dataset(task.examples(0), task.Settings())
    data = data.take(np.tile(np.arange(len(data)), 8))
    athletes = np.array([f"athlete-{row // 6}" for row in range(len(data))])
    data = dataclasses.replace(data, groups=athletes)
    for outer in (1, 2, 0):
        book = tmp_path / f"book-{outer}"
        order = TrainOrder(
            TASK, "noted", folds=2, search=Search(trials=3, outer=outer, pruner="none")
        )
        given = {"book": str(book)}
        learner = learners.get("noted")
        trained = tune_on(data, order, task, [learner], given, learners, tmp_path / f"runs-{outer}")
        seen = [groups for _, _, groups in trainings(book)]
        folds = folds_of(data, "group", outer, order.seed) if outer else []
        each = 3 * 2 + 1  # trials on two folds, and the winner on all that was not held out
        for number, fold in enumerate(folds):
            part = seen[number * each : (number + 1) * each]
            held_out = set(data.groups[fold.test].tolist())
            assert len(part) == each
            assert not any(groups & held_out for groups in part)
            assert part[-1] == set(data.groups[fold.train].tolist())
        metrics = trained.package.metrics
        assert metrics is not None
        assert metrics.rows == (sum(len(fold.test) for fold in folds) or len(data))
        assert ("nested" if outer else "optimistic") in metrics.protocol
        assert seen[-1] == set(data.groups.tolist()), "the model itself knows everybody"
        assert trained.package.lineage.search["outer_folds"] == outer
        trained.clear()


def test_the_best_settings_are_registered_with_how_they_were_found(
    tmp_path: Path, basic_motions: Path
) -> None:
    view = Platform.open(tmp_path).tune(
        TASK,
        "boosting",
        {"leaves": [3, 7]},
        basic_motions / "BasicMotions_TRAIN.ts",
        settings={"task.window_s": 5, "min_child": 2},
        folds=2,
        search={"trials": 5, "space": {"trees": "2:30:log"}},
    )
    search, settings = view["lineage"]["search"], view["lineage"]["settings"]
    assert search["trials"] == 5
    assert search["space"] == "boosting: trees=2:30:log, leaves=3|7"
    assert settings["min_child"] == 2
    assert view["lineage"]["task_settings"]["window_s"] == 5
    best = next(iter(view["tried"]))
    assert f"trees={settings['trees']} leaves={settings['leaves']}" in best
    assert view["tried"][best] == max(view["tried"].values()) == search["score_on_choosing_folds"]
    assert "nested: settings by 5 trials" in view["metrics"]["protocol"]
    kept = [path.name for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert sorted(kept) == ["study.db", "study.db.lock"]


def test_what_cannot_be_searched_is_refused(tmp_path: Path, basic_motions: Path) -> None:
    place, data = Platform.open(tmp_path), basic_motions / "BasicMotions_TRAIN.ts"
    for learner, settings, search, words in (
        ("baseline", {}, {"trials": 2}, "proposes no settings"),
        ("auto", {}, {"space": {"trees": "1:9"}}, "expected one"),
        ("boosting", {"trees": 9}, {"space": {"trees": "1:9"}}, "is set"),
    ):
        with pytest.raises(StadionError, match=words) as caught:
            place.tune(TASK, learner, None, data, settings=settings, search=search)
        assert caught.value.code is Code.INVALID


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"trials": 0}, "trials is 0"),
        ({"minutes": -1.0}, "minutes is -1"),
        ({"trials": "many"}, "search"),
        ({"pruner": "shears"}, "pruner"),
        ({"tirals": 3}, "tirals"),
        ({"outer": 21}, "outer is 21"),
    ],
)
def test_a_search_order_is_checked_by_field(given: dict[str, Any], words: str) -> None:
    with pytest.raises(StadionError, match=words):
        read_search(given)
    assert np.isfinite(read_search({}).trials or np.nan)
