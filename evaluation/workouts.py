"""Heart-rate curves of open workouts, grouped so that files of one workout never part."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.protocol import TASKS, answer_split, summary
from evaluation.results import Result
from stadion.core.activity import Activity
from stadion.core.dataset import Dataset
from stadion.ingest import open_path
from stadion.platform.measuring import baseline_scores, scores_of
from stadion.tasks.base import Task
from stadion.train.selection.folds import grouped_folds

__all__ = ["heart_rate", "workouts"]

LEARNER = "boosting"
"""Fixed beforehand, with its default settings: nothing here is chosen by the test folds."""


def heart_rate(folder: Path, seed: int) -> Result:
    """Five folds over groups of workouts; each is answered by a model that has not seen it."""
    task = TASKS.get("workout_heart_rate")
    recordings = workouts(folder)
    data = _rows(task, recordings)
    folds = [(fold.train, fold.test) for fold in grouped_folds(data, 5, seed)]
    answers = [
        answer_split(task, data.take(known), data.take(asked), seed, LEARNER, folds=2)
        for known, asked in folds
    ]
    order = data.take(np.concatenate([asked for _, asked in folds]))
    outputs = np.concatenate([answer.outputs["heart_rate"] for answer in answers])
    scores = scores_of(order, {"heart_rate": outputs})
    each = [
        scores_of(data.take(asked), answer.outputs)["mae"]
        for (_, asked), answer in zip(folds, answers, strict=True)
    ]
    trivial = {k: v["mae"] for k, v in baseline_scores(task, data, folds).items()}
    learner, seconds, size, ms = summary(answers)
    groups = len(set(data.groups.tolist()))
    return Result(
        task.name, "open workout files", f"5 folds over {groups} groups of workouts", "mae",
        scores["mae"], float(np.std(each)), trivial,
        "7.4 (LSTM, 40,000 runs) and 6.1 (hybrid ODE) on other, far larger data",
        learner, len(data), seconds, size, ms,
        {"rmse": round(scores["rmse"], 3), "each fold": [round(value, 3) for value in each]},
    )  # fmt: skip


def workouts(folder: Path) -> list[Activity]:
    """One recording of each workout that has heart rate, its group as the athlete.

    A group holds the files of one workout or one test series. Of files that overlap in time the
    first is taken, FIT before GPX and TCX, so that no workout counts twice.
    """
    with (folder / "index.csv").open() as file:
        index = sorted(csv.DictReader(file), key=lambda row: row["file"])
    taken: dict[str, list[Activity]] = {}
    for row in index:
        group = row["activity_group"]
        for activity in open_path(folder / row["file"], athlete=group).activities:
            if "heart_rate" in activity.channels and not _overlaps(activity, taken.get(group, [])):
                taken.setdefault(group, []).append(activity)
    return [activity for activities in taken.values() for activity in activities]


def _overlaps(activity: Activity, others: Sequence[Activity]) -> bool:
    if activity.start is None:
        return bool(others)
    start = activity.start.timestamp()
    return any(
        other.start is not None
        and start < other.start.timestamp() + other.duration_s
        and other.start.timestamp() < start + activity.duration_s
        for other in others
    )


def _rows(task: Task, recordings: list[Activity]) -> Dataset:
    return task.dataset(recordings, task.Settings())
