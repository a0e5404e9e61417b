"""A split in, a graph trained on one part and its answers on the other out."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.core.plugins import Cupboard
from stadion.platform.evaluating import answers_of
from stadion.platform.orders import AUTO, TrainOrder
from stadion.platform.training import Trained, candidates_for, chosen_learners, train_on
from stadion.serve.loading import runtime_of
from stadion.tasks.base import Task
from stadion.train.base import Learner

__all__ = ["LEARNERS", "TASKS", "Answered", "answer_split", "summary"]

TASKS: Cupboard[Task] = Cupboard("stadion.tasks")
LEARNERS: Cupboard[Learner] = Cupboard("stadion.train")


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What a package that has seen `train` only answers to the test part."""

    outputs: dict[str, Array]
    learner: str
    tried: dict[str, float]
    seconds: float
    model_bytes: int
    prediction_ms: float


def answer_split(
    task: Task, train: Dataset, test: Dataset, seed: int, learner: str = AUTO, folds: int = 5
) -> Answered:
    """Choose and train inside `train`, package and verify, then ask the graph about `test`."""
    order = TrainOrder(task.name, learner, seed=seed, folds=folds)
    candidates = candidates_for(chosen_learners(order, LEARNERS), {})
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trained = train_on(train, order, task, candidates, Path(folder))
        return _ask(trained, test, started)


def _ask(trained: Trained, test: Dataset, started: float) -> Answered:
    seconds = time.perf_counter() - started
    session = runtime_of(trained.package).load(trained.package)
    one = {name: values[:1] for name, values in test.inputs.items()}
    times = []
    for _ in range(50):
        before = time.perf_counter()
        session.run(one)
        times.append(time.perf_counter() - before)
    return Answered(
        answers_of(trained.package, test.inputs),
        trained.package.lineage.learner,
        trained.tried,
        seconds,
        sum(file.bytes for file in trained.package.files.values()),
        float(np.median(times)) * 1e3,
    )


def summary(answers: list[Answered]) -> tuple[str, float, int, float]:
    """Learners, seconds, largest model in bytes and median ms over several answers."""
    return (
        ", ".join(sorted({answer.learner for answer in answers})),
        sum(answer.seconds for answer in answers),
        max(answer.model_bytes for answer in answers),
        float(np.median([answer.prediction_ms for answer in answers])),
    )
