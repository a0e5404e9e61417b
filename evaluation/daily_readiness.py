"""Tomorrow of people who were known before, and of people who were not: PMData, LifeSnaps, Fitbit.

Known people, later days: of each person's own record the first 60% of the days train and the
later days are asked, each knowing the person's days before it. Unseen people: whole people are
left out of the training, in three parts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.protocol import TASKS, Answered, answer_split, joined, summary
from evaluation.results import Result, result
from stadion.core.activity import Table
from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.ingest import open_path
from stadion.science.folds import grouped_folds
from stadion.science.missing import blanked
from stadion.science.scores import mae
from stadion.tasks.base import Task

__all__ = ["evaluate", "known_people", "later_days"]

TRAINED_SHARE = 0.6
LEARNER = "personal"
PUBLISHED = {
    "readiness": "last value 1.150, mean so far 1.030, mean of 7 1.015, of 16 people",
    "resting_heart_rate": "last value 1.010, mean so far 2.114 bpm, of 71 people",
    "steps": "last value 3256, mean so far 2838, of 33 people, with days not worn",
}
"""Trivial answers on all days, as published; where people are missing here, others stand there."""
_NAMED = ("mean of the last 7", "mean so far", "last value")


@dataclass(frozen=True, slots=True)
class _Question:
    """A data set, who of it is asked, folds for the intervals, and how many trees are grown.

    The number of trees was chosen inside the training days: those up to 30, 40 and 50% of each
    record learned, the next tenth judged (of 80, 130 and 200, and 60 for Fitbit).
    """

    name: str
    data: Dataset
    asked: Array
    folds: int
    trees: int


def evaluate(data: Path, seeds: Sequence[int]) -> list[Result]:
    """Three data sets, each for known and for unseen people."""
    task = TASKS.get("daily_readiness")
    questions = _questions(task, data / "C_daily_health")
    return [
        *(_known(task, question, seeds) for question in questions),
        *(_unseen(task, question, seeds[0]) for question in questions),
    ]


def _questions(task: Task, folder: Path) -> list[_Question]:
    pmdata, lifesnaps, fitbit = (
        _days(folder / name) for name in ("pmdata", "lifesnaps", "fitbit_mturk")
    )
    both = [_with_columns_of(lifesnaps, fitbit), fitbit]
    steps = _only(task.dataset(both, task.Settings()), "steps")
    mine = np.isin(steps.groups, np.unique(fitbit.columns["person"]))
    pm = task.dataset([pmdata], task.Settings())
    life = task.dataset([lifesnaps], task.Settings())
    return [
        _Question("PMData", pm, np.ones(len(pm), np.bool_), 2, 100),
        _Question("LifeSnaps", life, np.ones(len(life), np.bool_), 2, 200),
        _Question("Fitbit, with LifeSnaps to learn from", steps, mine, 2, 60),
    ]


def known_people(data: Dataset) -> Array:
    """(n,) True for the days that train: the first 60% of each person's record."""
    assert data.times is not None
    earlier: Array = data.times <= TRAINED_SHARE
    return earlier


def later_days(question: _Question) -> tuple[Dataset, Dataset]:
    """What trains and what is asked of known people."""
    earlier = known_people(question.data)
    asked = ~earlier & question.asked
    return question.data.take(earlier), question.data.take(asked)


def _known(task: Task, question: _Question, seeds: Sequence[int]) -> Result:
    train, test = later_days(question)
    settings = {"trees": question.trees}
    answers = [
        answer_split(task, train, test, seed, LEARNER, question.folds, settings) for seed in seeds
    ]
    trivial = task.baselines(train, test)
    protocol = f"known people, the later 40% of each one's days, {len(seeds)} seeds"
    return _line(task, question, protocol, answers, trivial)


def _unseen(task: Task, question: _Question, seed: int) -> Result:
    data = question.data
    people = data.take(np.flatnonzero(question.asked))
    rows = [np.flatnonzero(question.asked)[fold.test] for fold in grouped_folds(people, 3, seed)]
    parts, trivial = [], []
    for part in rows:
        others = ~np.isin(data.groups, np.unique(data.groups[part]))
        train, test = data.take(others), data.take(part)
        parts.append(answer_split(task, train, test, seed, LEARNER, 1, {"trees": question.trees}))
        trivial.append(task.baselines(train, test))
    whole = joined(parts, data, rows)
    together = {
        name: {
            output: np.concatenate([part[name][output] for part in trivial])
            for output in whole.test.targets
        }
        for name in trivial[0]
    }
    return _line(task, question, "unseen people, all their days, 3 folds", [whole], together)


def _line(
    task: Task,
    question: _Question,
    protocol: str,
    answers: Sequence[Answered],
    trivial: Mapping[str, Arrays],
) -> Result:
    """The first output's figures; those of the others and of missing inputs in the details."""
    test = answers[0].test
    first = test.signature.outputs[0].name
    errors = {
        output: [mae(truth, answer.outputs[output]) for answer in answers]
        for output, truth in test.targets.items()
    }
    simple = {
        output: {name: mae(truth, outputs[output]) for name, outputs in trivial.items()}
        for output, truth in test.targets.items()
    }
    return result(
        summary(answers),
        task=task.name,
        data=f"{question.name}: {first}",
        protocol=protocol,
        metric="mae",
        value=float(np.mean(errors[first])),
        spread=float(np.std(errors[first])),
        baselines=simple[first],
        anchor=PUBLISHED.get(first, "none"),
        test_rows=int(np.isfinite(test.targets[first]).sum()),
        details={
            "people": len(np.unique(test.groups)),
            "outputs": {name: _compared(errors[name], simple[name]) for name in errors},
            "trivial answers on all days": _on_all_days(task, question, first),
            "trivial answers with 30% of the inputs missing": _blanked(task, test, first),
        },
    )


def _compared(errors: Sequence[float], simple: Mapping[str, float]) -> dict[str, float | str]:
    """The error, the best of the published and of all trivial answers, and percents below them."""
    ours = float(np.mean(errors))
    named = min((simple[name], name) for name in _NAMED)
    best = min((value, name) for name, value in simple.items())
    return {
        "mae": round(ours, 4),
        "spread": round(float(np.std(errors)), 4),
        "best published kind": f"{named[1]} {named[0]:.4g}",
        "below it, %": round(100 * (1 - ours / named[0]), 1),
        "best of all": f"{best[1]} {best[0]:.4g}",
        "below that, %": round(100 * (1 - ours / best[0]), 1),
    }


def _on_all_days(task: Task, question: _Question, output: str) -> dict[str, float]:
    """As the published figures were made: every day that has a value before it."""
    data = question.data.take(np.flatnonzero(question.asked))
    some = data.take(np.flatnonzero(data.inputs[f"usual_{output}"][:, -1] > 0))
    return {
        name: round(mae(some.targets[output], outputs[output]), 4)
        for name, outputs in task.baselines(data, some).items()
    }


def _blanked(task: Task, test: Dataset, output: str) -> dict[str, float]:
    """What the trivial answers are worth where the model is asked with missing inputs, too."""
    holed = dataclasses.replace(test, inputs=blanked(test.inputs, 0.3, 0, test.signature))
    return {
        name: round(mae(test.targets[output], outputs[output]), 4)
        for name, outputs in task.baselines(test, holed).items()
    }


def _days(path: Path) -> Table:
    (table,) = (table for table in open_path(path).tables if table.kind == "days")
    return table


def _with_columns_of(table: Table, other: Table) -> Table:
    """The table with no more columns than the other has."""
    kept = [name for name in table.columns if name in other.columns]
    return dataclasses.replace(
        table,
        columns={name: table.columns[name] for name in kept},
        units={name: table.units[name] for name in kept},
    )


def _only(data: Dataset, output: str) -> Dataset:
    """The rows that have one output, asked for it alone."""
    signature = dataclasses.replace(data.signature, outputs=(data.signature.output(output),))
    one = dataclasses.replace(data, signature=signature, targets={output: data.targets[output]})
    return one.take(np.flatnonzero(np.isfinite(one.targets[output])))
