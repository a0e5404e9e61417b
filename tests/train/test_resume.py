"""A trainer that was ended goes on from its last checkpoint as if nothing had been."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import zipfile
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


def end_after(
    child: subprocess.Popen[str], folder: Path, updates: int, number: signal.Signals
) -> tuple[int, int]:
    """Send the signal once so many updates are saved.

    Returns how many of the last epoch were, and how the child ended.
    """
    until = time.monotonic() + WAIT_S
    while saved(folder)[0] < updates:
        assert child.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < until, "the training does not get on"
        time.sleep(0.005)
    child.send_signal(number)
    ended = child.wait(WAIT_S)
    return saved(folder)[1], ended


def finished(child: subprocess.Popen[str], folder: Path) -> tuple[Array, list[int]]:
    """Its answers, and the epochs it went through."""
    said, _ = child.communicate(timeout=WAIT_S)
    assert child.returncode == 0
    return np.load(folder / "answers.npy"), [int(line) for line in said.split()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "chosen", "per_epoch", "number", "code"),
    [
        ("cnn", ["channels=16"], UPDATES, signal.SIGKILL, -9),
        ("lstm", ["hidden=16", "patience=9"], UPDATES_WITH_HOLDOUT, signal.SIGTERM, 143),
    ],
    ids=["cnn, killed", "lstm with early stopping, asked to end"],
)
def test_a_trainer_ended_in_mid_epoch_reaches_the_undisturbed_result(
    name: str,
    chosen: list[str],
    per_epoch: int,
    number: signal.Signals,
    code: int,
    tmp_path: Path,
) -> None:
    calm, ended = tmp_path / "calm", tmp_path / "ended"
    with training(name, calm, *chosen) as undisturbed:
        with training(name, ended, *chosen) as victim:
            steps, status = end_after(victim, ended, per_epoch + per_epoch // 3, number)
        assert 0 < steps < per_epoch
        assert status == code
        with training(name, ended, *chosen) as survivor:
            answers, epochs = finished(survivor, ended)
        expected, all_epochs = finished(undisturbed, calm)
    assert all_epochs == [1, 2, 3]
    assert epochs in ([2, 3], [3])  # a busy machine may be late with the signal
    assert np.array_equal(answers, expected)


def quick(folder: Path, seed: int = 1, cut: int = 1_000, **chosen: Any) -> tuple[Array, list[int]]:
    """A small training in this process: its answers and the epochs it went through.

    At the end of the epoch number `cut` of this call it is cancelled, before that is saved.
    """
    seen: list[int] = []

    def note(progress: Progress) -> None:
        seen.append(progress.done)
        if len(seen) == cut:
            raise CancelledError

    learner = Cupboard[Learner]("stadion.train").get("mlp")
    settings = read_settings(learner.Settings, {"epochs": 4, "checkpoint_s": 0, **chosen}, "mlp")
    model = learner.fit(movements(), settings, Run(seed, folder, note))
    return model.predict(movements().inputs)["movement"], seen


class CancelledError(Exception):
    """Somebody wants the training to end."""


@pytest.mark.parametrize("patience", [0, 2])
def test_a_training_cancelled_time_and_again_comes_to_the_same_end(
    patience: int, tmp_path: Path
) -> None:
    chosen: dict[str, Any] = {"patience": patience, "epochs": 30 if patience else 4}
    chosen |= {"learning_rate": 0.005, "schedule": "constant"}
    whole, all_epochs = quick(tmp_path / "whole", **chosen)
    for _ in all_epochs[1:]:
        with pytest.raises(CancelledError):
            quick(tmp_path / "cut", cut=2, **chosen)
    answers, epochs = quick(tmp_path / "cut", **chosen)
    assert epochs == all_epochs[-1:]
    assert np.array_equal(answers, whole)
    assert 3 < len(all_epochs) < 30


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
        with zipfile.ZipFile(file) as parts:  # between its parts a byte means nothing
            largest = max(map(parts.read, parts.namelist()), key=len)
        middle = whole.index(largest) + len(largest) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        file.write_bytes({"cut off": whole[:-100], "flipped byte": flipped, "empty": b""}[damage])
    answers, epochs = quick(tmp_path / "used")
    assert epochs == [1, 2, 3, 4]
    assert np.array_equal(answers, expected)


def test_a_checkpoint_holds_nothing_that_could_run_code(tmp_path: Path) -> None:
    quick(tmp_path)
    (file,) = tmp_path.glob("*.ckpt")
    assert torch.load(file, weights_only=True)["global_step"] > 0
