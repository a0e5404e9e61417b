"""Data sets of exercises in, trained and asked; what was answered, as lines of the table, out."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.protocol import LEARNERS, TASKS, answer_split, joined, summary
from evaluation.results import Result, result
from stadion.core.arrays import Array, Arrays, IntArray
from stadion.core.dataset import Dataset
from stadion.platform.measuring import relabelled, scores_of
from stadion.science.dtw import nearest_by_dtw
from stadion.train.base import Run

__all__ = [
    "FEW_CHANNELS",
    "MANY_CHANNELS",
    "NAME",
    "SHORT_STROKES",
    "accuracy_of",
    "both_scores",
    "concatenated",
    "fitted",
    "groups_out",
    "nearest_answers",
    "official_split",
    "people_out",
    "stacked",
]

NAME = "exercise_technique"
MANY_CHANNELS: tuple[str, dict[str, Any]] = (
    "boosting",
    {"trees": 120, "leaves": 7, "learning_rate": 0.1, "feature_share": 0.1},
)
FEW_CHANNELS: tuple[str, dict[str, Any]] = (
    "ensemble",
    {
        "options": "boosting.trees=100; boosting.leaves=7; boosting.learning_rate=0.1; "
        "rocket.features=4000"
    },
)
SHORT_STROKES: tuple[str, dict[str, Any]] = (
    "ensemble",
    {"members": "rocket,cnn", "options": "rocket.features=4000; cnn.epochs=60"},
)
"""By folds of RacketSports' training part: rocket 0.960, trees 0.907, cnn 0.927, trees with rocket
0.967, rocket with cnn 0.974, which had the least log loss too."""
BOTH = "accuracy of exercise and execution"
DTW_STEPS, DTW_BAND = 32, 4


def people_out(
    splits: Sequence[tuple[Dataset, Dataset]],
    seed: int,
    protocol: str,
    details: Mapping[str, Any],
    anchor: str,
) -> Result:
    """Exercise and execution, right at once, over all people."""
    task = TASKS.get(NAME)
    learner, settings = MANY_CHANNELS
    answers = [
        answer_split(task, train, test, seed, learner, 3, settings) for train, test in splits
    ]
    whole = stacked(*[test for _, test in splits])
    answer = joined(answers, whole, _rows_in_turn(splits))
    nearest = concatenated([nearest_answers(train, test) for train, test in splits])
    each = [both_scores(test, a.outputs) for (_, test), a in zip(splits, answers, strict=True)]
    scores = both_scores(whole, answer.outputs)
    blanked = {
        f"{share:g}": both_scores(whole, found)["both"] for share, found in answer.missing.items()
    }
    return result(
        summary([answer]), task=NAME, data="physical therapy", protocol=f"{protocol}, 1 seed",
        metric=BOTH, value=scores["both"], spread=float(np.std([s["both"] for s in each])),
        baselines={
            "1-NN DTW": both_scores(whole, nearest)["both"],
            "1-NN DTW, exercise": both_scores(whole, nearest)["exercise"],
        },
        anchor=anchor, test_rows=len(whole),
        details={"exercise": scores["exercise"], "execution": scores["execution"],
                 "each person": [s["both"] for s in each],
                 "both, with that share of the inputs missing": blanked, **details},
    )  # fmt: skip


def official_split(
    train: Dataset,
    test: Dataset,
    seeds: Sequence[int],
    data: str,
    protocol: str,
    anchor: str,
    learner: tuple[str, dict[str, Any]],
    folds: int,
) -> Result:
    """Trained on one part, asked about the other, once per seed."""
    task = TASKS.get(NAME)
    answers = [
        answer_split(task, train, test, seed, learner[0], folds, learner[1]) for seed in seeds
    ]
    accuracies = [accuracy_of(test, answer.outputs) for answer in answers]
    trivial = {k: accuracy_of(test, outputs) for k, outputs in task.baselines(train, test).items()}
    return result(
        summary(answers), task=NAME, data=data, protocol=protocol, metric="accuracy",
        value=float(np.mean(accuracies)), spread=float(np.std(accuracies)),
        baselines={"1-NN DTW": accuracy_of(test, nearest_answers(train, test)), **trivial},
        anchor=anchor, test_rows=len(test),
        details={"each seed": [round(a, 4) for a in accuracies]},
    )  # fmt: skip


def groups_out(
    splits: Sequence[tuple[Dataset, Dataset]],
    seeds: Sequence[int],
    learner: tuple[str, dict[str, Any]],
    data: str,
    protocol: str,
    anchor: str,
    folds: int,
    details: Mapping[str, Any] | None = None,
    whole: Dataset | None = None,
) -> Result:
    """Each part answered by a model of the others; the answers judged together.

    `whole` are the rows of all parts in turn, where the parts' inputs differ.
    """
    task = TASKS.get(NAME)
    whole = whole or stacked(*[test for _, test in splits])
    rows = _rows_in_turn(splits)
    answers = [
        joined(
            [answer_split(task, train, test, seed, learner[0], folds, learner[1])
             for train, test in splits],
            whole, rows,
        )
        for seed in seeds
    ]  # fmt: skip
    accuracies = [accuracy_of(whole, answer.outputs) for answer in answers]
    each = [
        round(accuracy_of(test, {k: v[part] for k, v in answers[0].outputs.items()}), 4)
        for (_, test), part in zip(splits, rows, strict=True)
    ]
    nearest = concatenated([nearest_answers(train, test) for train, test in splits])
    trivial = [task.baselines(train, test)["most frequent class"] for train, test in splits]
    spread = float(np.std(accuracies if len(seeds) > 1 else each))
    return result(
        summary(answers), task=NAME, data=data,
        protocol=f"{protocol}, {len(seeds)} seed{'s' if len(seeds) > 1 else ''}",
        metric="accuracy", value=float(np.mean(accuracies)), spread=spread,
        baselines={"1-NN DTW": accuracy_of(whole, nearest),
                   "most frequent class": accuracy_of(whole, concatenated(trivial))},
        anchor=anchor, test_rows=len(whole), details={"each part": each, **(details or {})},
    )  # fmt: skip


def fitted(
    name: str, settings: Mapping[str, Any], train: Dataset, test: Dataset, seed: int
) -> dict[str, Array]:
    """Answers of a learner as it is, without a package or intervals."""
    learner = LEARNERS.get(name)
    with tempfile.TemporaryDirectory() as folder:
        chosen = dataclasses.replace(learner.Settings(), **settings)
        return learner.fit(train, chosen, Run(seed, Path(folder))).predict(test.inputs)


def nearest_answers(train: Dataset, test: Dataset) -> dict[str, Array]:
    """What the nearest training row by dynamic time warping was, as certain answers."""
    names = [tensor.name for tensor in train.signature.inputs if tensor.step_s is not None]
    ours, theirs = (
        np.concatenate([data.inputs[name] for name in names], axis=2) for data in (train, test)
    )
    every = max(1, ours.shape[1] // DTW_STEPS)
    nearest = nearest_by_dtw(ours[:, ::every], theirs[:, ::every], DTW_BAND)
    return {
        output: np.eye(len(labels), dtype=np.float32)[train.targets[output][nearest].clip(0)]
        for output, labels in train.signature.labels.items()
    }


def both_scores(data: Dataset, outputs: Arrays) -> dict[str, float]:
    """Accuracies of exercise, of execution, and of both at once."""
    right = {
        name: outputs[name].argmax(axis=1) == data.targets[name]
        for name in ("exercise", "execution")
    }
    both = right["exercise"] & right["execution"]
    return {name: round(float(hits.mean()), 4) for name, hits in (*right.items(), ("both", both))}


def accuracy_of(data: Dataset, outputs: Arrays) -> float:
    """Accuracy of the only output."""
    (name,) = data.signature.labels
    return scores_of(data, {name: outputs[name]})["accuracy"]


def concatenated(parts: Sequence[Arrays]) -> dict[str, Array]:
    """The parts' arrays of each name, one after another."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def stacked(*parts: Dataset) -> Dataset:
    """The rows of data sets of one signature, one after another."""
    first = parts[0]
    return Dataset(
        first.task, first.signature, concatenated([part.inputs for part in parts]),
        concatenated([relabelled(part, first.signature.labels).targets for part in parts]),
        np.concatenate([part.groups for part in parts]), first.settings,
        strata=concatenated([part.strata for part in parts]),
    )  # fmt: skip


def _rows_in_turn(splits: Sequence[tuple[Dataset, Dataset]]) -> list[IntArray]:
    ends = np.cumsum([len(test) for _, test in splits])
    return [np.arange(end - len(test), end) for end, (_, test) in zip(ends, splits, strict=True)]
