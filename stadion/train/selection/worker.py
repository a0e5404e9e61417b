"""A data set and settings in; the score of one fold out. Also a process that does so for another.

`python -m stadion.train.selection.worker FD PARENT` reads its work from an inherited socket, and
ends with it, or with the process that began it.
"""

from __future__ import annotations

import ctypes
import math
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from stadion.core.dataset import Dataset, Scalar
from stadion.core.errors import Code, StadionError
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings
from stadion.science.folds import Fold
from stadion.science.scores import score_named
from stadion.train.base import Learner, Run

__all__ = ["FoldTask", "Scored", "Trying"]

_PR_SET_PDEATHSIG = 1


class FoldTask(NamedTuple):
    """One fold of one trial."""

    trial: int
    learner: str
    settings: Mapping[str, Scalar]
    fold: int


class Scored(NamedTuple):
    """The score of a fold, or why there is none; `is_lost` when its process ended under it."""

    task: FoldTask
    score: float | None
    reason: str = ""
    is_lost: bool = False


@dataclass(frozen=True)
class Trying:
    """What all trials of a search share.

    Parameters
    ----------
    fixed
        Settings that every trial has.
    metric
        Name of the score, measured on the signature's first output.
    folder
        Checkpoints lie below, one folder per trial and fold.
    plugins
        Folder of the user's own learners.
    """

    data: Dataset
    folds: Sequence[Fold]
    metric: str
    seed: int
    folder: Path
    fixed: Mapping[str, Any]
    plugins: Path | None

    @cached_property
    def learners(self) -> Cupboard[Learner]:
        """Where learners are found by name."""
        return Cupboard("stadion.train", self.plugins)

    def settings_of(self, learner: Learner, tried: Mapping[str, Scalar]) -> Any:
        """A learner's settings with those that are tried."""
        return read_settings(learner.Settings, {**self.fixed, **tried}, f"learner {learner.name}")

    def scored(self, task: FoldTask) -> Scored:
        """Train on all folds but one and score the answers to that one; never raises."""
        try:
            return Scored(task, self._score(task))
        except StadionError as error:
            return Scored(task, None, error.message)
        except Exception as error:  # noqa: BLE001  # settings that break a learner end one trial
            return Scored(task, None, f"{type(error).__name__}: {error}")

    def _score(self, task: FoldTask) -> float:
        fold = self.folds[task.fold]
        learner = self.learners.get(task.learner)
        run = Run(self.seed, self.folder / f"trial-{task.trial}" / f"fold-{task.fold}")
        settings = self.settings_of(learner, task.settings)
        model = learner.fit(self.data.take(fold.train), settings, run)
        test = self.data.take(fold.test)
        name = self.data.signature.outputs[0].name
        answer = model.predict(test.inputs)[name]
        score = score_named(self.metric).compute(test.targets[name], answer)
        if not math.isfinite(score):
            raise StadionError(Code.INVALID, f"the score is {score}")
        return score


def main(descriptor: int, parent: int) -> None:
    """Answer the tasks that come, until nobody sends any."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        return
    with Connection(descriptor) as line:
        try:
            trying: Trying = line.recv()
            while True:
                line.send(trying.scored(line.recv()))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # whoever asked is gone


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
