"""A trainer that is killed goes on from its last checkpoint as if nothing had been."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stadion.core.arrays import Array
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings
from stadion.train._examples import movements
from stadion.train.base import Learner, Progress, Run
from tests.places import ROOT
from tests.train.one_training import UPDATES, UPDATES_WITH_HOLDOUT

WAIT_S = 120.0


@contextmanager
def training(name: str, folder: Path, *chosen: str) -> Iterator[subprocess.Popen[str]]:
    """One training in a child process, which does not outlive the test."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.train.one_training", name, str(folder), *chosen]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate(timeout=WAIT_S)


def saved(folder: Path) -> tuple[int, int]:
    """Updates behind the checkpoint in the folder, in all and in its epoch; 0 where none is."""
    for file in folder.glob("*.ckpt"):
        state = torch.load(file, weights_only=True)
        epoch_loop = state["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        return int(state["global_step"]), int(epoch_loop["current"]["ready"])
    return 0, 0


def kill_after(child: subprocess.Popen[str], folder: Path, updates: int) -> int:
    """SIGKILL once so many updates are saved; how many of the last epoch were."""
    until = time.monotonic() + WAIT_S
    while saved(folder)[0] < updates:
        assert child.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < until, "the training does not get on"
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    assert child.wait(WAIT_S) == -signal.SIGKILL
    return saved(folder)[1]


def finished(child: subprocess.Popen[str], folder: Path) -> tuple[Array, list[int]]:
    """Its answers, and the epochs it went through."""
    said, _ = child.communicate(timeout=WAIT_S)
    assert child.returncode == 0
    return np.load(folder / "answers.npy"), [int(line) for line in said.split()]


@pytest.mark.parametrize(
    ("name", "chosen", "per_epoch"),
    [
        ("cnn", ["channels=16"], UPDATES),
        ("lstm", ["hidden=16", "patience=9"], UPDATES_WITH_HOLDOUT),
    ],
    ids=["cnn", "lstm with early stopping"],
)
def test_a_trainer_killed_in_mid_epoch_reaches_the_undisturbed_result(
    name: str, chosen: list[str], per_epoch: int, tmp_path: Path
) -> None:
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    with training(name, calm, *chosen) as undisturbed:
        with training(name, killed, *chosen) as victim:
            assert 0 < kill_after(victim, killed, per_epoch + per_epoch // 3) < per_epoch
        with training(name, killed, *chosen) as survivor:
            answers, epochs = finished(survivor, killed)
        expected, all_epochs = finished(undisturbed, calm)
    assert (epochs, all_epochs) == ([2, 3], [1, 2, 3])
    assert np.array_equal(answers, expected)


def quick(folder: Path, seed: int = 1, **chosen: Any) -> tuple[Array, list[int]]:
    """A small training in this process: its answers and the epochs it went through."""
    learner = Cupboard[Learner]("stadion.train").get("mlp")
    settings = read_settings(learner.Settings, {"epochs": 4, "checkpoint_s": 0, **chosen}, "mlp")
    seen: list[Progress] = []
    model = learner.fit(movements(), settings, Run(seed, folder, seen.append))
    return model.predict(movements().inputs)["movement"], [progress.done for progress in seen]


def test_a_cancelled_training_goes_on_where_it_was(tmp_path: Path) -> None:
    class CancelledError(Exception):
        pass

    def cancel(progress: Progress) -> None:
        if progress.done == 3:
            raise CancelledError

    learner = Cupboard[Learner]("stadion.train").get("mlp")
    settings = read_settings(learner.Settings, {"epochs": 4, "checkpoint_s": 0}, "mlp")
    with pytest.raises(CancelledError):
        learner.fit(movements(), settings, Run(1, tmp_path / "cut", cancel))
    answers, epochs = quick(tmp_path / "cut")
    assert epochs == [3, 4]
    assert np.array_equal(answers, quick(tmp_path / "whole")[0])


@pytest.mark.parametrize("changed", [{"seed": 2}, {"dropout": 0.5}, {"epochs": 5}], ids=str)
def test_a_checkpoint_of_another_training_is_ignored(
    changed: dict[str, Any], tmp_path: Path
) -> None:
    quick(tmp_path / "used")
    answers, epochs = quick(tmp_path / "used", **changed)
    assert epochs[0] == 1
    assert np.array_equal(answers, quick(tmp_path / "fresh", **changed)[0])


def test_how_often_it_saves_does_not_change_the_result(tmp_path: Path) -> None:
    first, _ = quick(tmp_path / "often", checkpoint_s=0)
    again, epochs = quick(tmp_path / "often", checkpoint_s=60)
    assert epochs == []  # it was finished
    assert np.array_equal(first, again)
    assert np.array_equal(first, quick(tmp_path / "seldom", checkpoint_s=60)[0])


@pytest.mark.parametrize("damage", ["cut off", "flipped byte", "empty", "half-written beside"])
def test_a_damaged_checkpoint_is_not_believed(damage: str, tmp_path: Path) -> None:
    expected, _ = quick(tmp_path / "fresh")
    quick(tmp_path / "used")
    (file,) = (tmp_path / "used").glob("*.ckpt")
    whole = file.read_bytes()
    if damage == "half-written beside":
        file.with_suffix(".partial").write_bytes(whole[:1_000])
        file.unlink()
    else:
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        file.write_bytes({"cut off": whole[:-100], "flipped byte": flipped, "empty": b""}[damage])
    answers, epochs = quick(tmp_path / "used")
    assert epochs == [1, 2, 3, 4]
    assert np.array_equal(answers, expected)


def test_a_checkpoint_holds_nothing_that_could_run_code(tmp_path: Path) -> None:
    quick(tmp_path)
    (file,) = tmp_path.glob("*.ckpt")
    assert torch.load(file, weights_only=True)["global_step"] > 0
