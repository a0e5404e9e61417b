"""Activity recognition: the official split of BasicMotions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.protocol import TASKS, answer_split, summary
from evaluation.results import Result, result
from stadion.core.dataset import Dataset
from stadion.ingest import open_path
from stadion.platform.measuring import relabelled, scores_of
from stadion.tasks.base import Task

__all__ = ["evaluate"]


def evaluate(data: Path, seeds: Sequence[int]) -> list[Result]:
    """Learner chosen inside the training part; the test part is asked at the end."""
    task = TASKS.get("activity_recognition")
    folder = data / "A_activity_imu" / "uea_basicmotions"
    train = _rows(task, folder / "BasicMotions_TRAIN.ts.gz")
    test = relabelled(_rows(task, folder / "BasicMotions_TEST.ts.gz"), train.signature.labels)
    answers = [answer_split(task, train, test, seed) for seed in seeds]
    accuracies = [scores_of(test, answer.outputs)["accuracy"] for answer in answers]
    trivial = {
        name: scores_of(test, outputs)["accuracy"]
        for name, outputs in task.baselines(train, test).items()
    }
    inside = [
        {learner: round(score, 4) for learner, score in answer.tried.items()} for answer in answers
    ]
    return [
        result(
            summary(answers),
            task=task.name,
            data="BasicMotions",
            protocol=f"official split, {len(seeds)} seeds",
            metric="accuracy",
            value=float(np.mean(accuracies)),
            spread=float(np.std(accuracies)),
            baselines=trivial,
            anchor="1.000 (signature kernel), 1-NN Euclid 0.600",
            test_rows=len(test),
            details={"each seed": accuracies, "folds inside the training part": inside},
        )
    ]


def _rows(task: Task, path: Path) -> Dataset:
    return task.dataset(open_path(path).activities, task.Settings())
