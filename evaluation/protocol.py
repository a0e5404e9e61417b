"""A split in, a graph trained on one part and its answers on the other out."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.package import ModelPackage
from stadion.core.plugins import Cupboard
from stadion.platform.evaluating import answers_of
from stadion.platform.measuring import group_scores, interval_coverage, primary, scores_of
from stadion.platform.orders import AUTO, TrainOrder
from stadion.platform.training import Trained, candidates_for, chosen_learners, train_on
from stadion.science.missing import blanked
from stadion.serve.loading import runtime_of
from stadion.tasks.base import Task
from stadion.train.base import Learner
from stadion.train.selection.choice import SHARES_MISSING

__all__ = ["LEARNERS", "TASKS", "Answered", "Summary", "answer_split", "joined", "summary"]

TASKS: Cupboard[Task] = Cupboard("stadion.tasks")
LEARNERS: Cupboard[Learner] = Cupboard("stadion.train")

_ASKED_ALONE = 50


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What a package that has seen `train` only answers to the test part.

    Parameters
    ----------
    test
        The part that was asked.
    outputs
        All outputs of the graph, intervals too.
    tried
        Candidate -> its score by folds inside the training part.
    missing
        Share of the input values blanked -> output -> answers.
    prediction_ms
        Median of one row alone on one thread.
    """

    task: Task
    test: Dataset
    outputs: dict[str, Array]
    learner: str
    tried: dict[str, float]
    seconds: float
    model_bytes: int
    prediction_ms: float
    missing: Mapping[float, Arrays] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """What several answers have in common: learners, cost, intervals, groups, missing data."""

    learner: str
    seconds: float
    model_bytes: int
    prediction_ms: float
    intervals: Mapping[str, Mapping[str, float]]
    groups: Mapping[str, Mapping[str, float]]
    missing: Mapping[str, float]


def answer_split(
    task: Task,
    train: Dataset,
    test: Dataset,
    seed: int,
    learner: str = AUTO,
    folds: int = 5,
    settings: Mapping[str, Any] | None = None,
) -> Answered:
    """Choose and train inside `train`, package and verify, then ask the graph about `test`.

    Parameters
    ----------
    folds
        Folds inside the training part by which learners are chosen and intervals calibrated; 1
        holds out one fifth once.
    settings
        Of the learner, where one is named.
    """
    order = TrainOrder(task.name, learner, seed=seed, folds=folds)
    candidates = candidates_for(chosen_learners(order, LEARNERS, task.learners), settings or {})
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trained = train_on(train, order, task, candidates, Path(folder))
        seconds = time.perf_counter() - started
        return _ask(task, trained, test, seconds, seed)


def joined(answers: Sequence[Answered], data: Dataset, rows: Sequence[Array]) -> Answered:
    """Answers to several parts of one data set as one: for whole folds and people in turn.

    Parameters
    ----------
    rows
        For each of the answers the rows of `data` that it was asked.
    """
    first = answers[0]
    names = [name for name in first.outputs if all(name in a.outputs for a in answers)]
    return Answered(
        first.task,
        data.take(np.concatenate(rows)),
        {name: np.concatenate([a.outputs[name] for a in answers]) for name in names},
        ", ".join(sorted({a.learner for a in answers})),
        first.tried,
        sum(a.seconds for a in answers),
        max(a.model_bytes for a in answers),
        float(np.median([a.prediction_ms for a in answers])),
        {
            share: {
                name: np.concatenate([a.missing[share][name] for a in answers]) for name in names
            }
            for share in first.missing
        },
    )


def summary(answers: Sequence[Answered], metric: str = "") -> Summary:
    """One summary of the answers of several seeds: costs added up, shares and errors averaged.

    Parameters
    ----------
    metric
        A score of the task's first output; the task's own when empty.
    """
    metric = metric or answers[0].task.metric
    return Summary(
        ", ".join(sorted({answer.learner for answer in answers})),
        sum(answer.seconds for answer in answers),
        max(answer.model_bytes for answer in answers),
        float(np.median([answer.prediction_ms for answer in answers])),
        _mean([interval_coverage(a.test, a.outputs, a.task.interval) for a in answers]),
        _mean([group_scores(a.test, a.outputs, metric) for a in answers]),
        _mean([_losses(answer, metric) for answer in answers])["score"],
    )


def _ask(task: Task, trained: Trained, test: Dataset, seconds: float, seed: int) -> Answered:
    package = trained.package
    missing = {
        share: answers_of(package, blanked(test.inputs, share, seed, test.signature))
        for share in SHARES_MISSING
    }
    return Answered(
        task,
        test,
        answers_of(package, test.inputs),
        package.lineage.learner,
        trained.tried,
        seconds,
        sum(file.bytes for file in package.files.values()),
        _one_row_ms(package, test),
        missing,
    )


def _one_row_ms(package: ModelPackage, test: Dataset) -> float:
    session = runtime_of(package).load(package)
    one = {name: values[:1] for name, values in test.inputs.items()}
    times = []
    for _ in range(_ASKED_ALONE):
        before = time.perf_counter()
        session.run(one)
        times.append(time.perf_counter() - before)
    return float(np.median(times)) * 1e3


def _losses(answer: Answered, metric: str) -> dict[str, dict[str, float]]:
    """The metric with nothing blanked, and with each share of the values blanked."""
    name = primary(answer.test, metric)
    asked = {0.0: answer.outputs, **answer.missing}
    found = {f"{share:g}": scores_of(answer.test, outputs) for share, outputs in asked.items()}
    if any(name not in scores for scores in found.values()):
        raise StadionError(Code.INVALID, f"there is no score {name!r} of these answers")
    return {"score": {share: scores[name] for share, scores in found.items()}}


def _mean(reports: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """The mean of equal entries of nested reports."""
    return {
        outer: {
            inner: float(np.mean([r[outer][inner] for r in reports if inner in r.get(outer, {})]))
            for inner in entries
        }
        for outer, entries in reports[0].items()
    }
