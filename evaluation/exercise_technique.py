"""Exercises and how well they are done: people not seen in training, and official splits.

Nothing is chosen by the people or files that are asked. What a repetition is, and whether a
sensor's level counts, is chosen on the training people; learners were fixed beforehand: trees
where there are many channels (five or four sensors), trees and kernels together where there are
few.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.physical_therapy import (
    GRID,
    PER_BOUT,
    Counted,
    is_test,
    marked,
    miscounts,
    sessions_of,
)
from evaluation.protocol import LEARNERS, TASKS, Answered, answer_split, joined, summary
from evaluation.results import Result, result
from stadion.core.activity import Activity
from stadion.core.arrays import Array, Arrays, IntArray
from stadion.core.dataset import Dataset
from stadion.ingest import open_path
from stadion.platform.measuring import baseline_scores, relabelled, scores_of
from stadion.science.dtw import nearest_by_dtw
from stadion.science.folds import grouped_folds
from stadion.tasks.exercise_technique import TechniqueSettings, repetitions_of
from stadion.train.base import Run

__all__ = ["evaluate"]

NAME = "exercise_technique"
MANY_CHANNELS = ("boosting", {"trees": 120, "leaves": 7, "learning_rate": 0.1,
                              "feature_share": 0.1})  # fmt: skip
FEW_CHANNELS: tuple[str, dict[str, Any]] = ("ensemble", {})
REPETITIONS = {"heavy": 5, "medium": 10}
"""How many a set of that load was planned to have; some lifters stopped sooner."""
CONSENSUS = 5
DTW_STEPS, DTW_BAND = 32, 4
BOTH = "accuracy of exercise and execution"


def evaluate(data: Path, seeds: Sequence[int]) -> list[Result]:
    """Physical therapy, racket strokes, dumbbell curls, barbell sets, repetitions, poses."""
    imu = data / "A_activity_imu"
    barbell = _open(imu / "barbell_metawear")
    return [
        *physical_therapy(imu / "uci_physical_therapy", seeds[0]),
        racket_sports(imu / "uea_racketsports", seeds),
        dumbbell(imu / "wle_dumbbell", seeds[0]),
        barbell_sets(barbell, seeds),
        barbell_repetitions(barbell),
        squats(data / "G_pose_technique" / "exercise_pose", seeds),
        *faults_of_pose(data / "G_pose_technique" / "exercise_pose", seeds[0]),
    ]


def physical_therapy(folder: Path, seed: int) -> list[Result]:
    """Executions found in the test sessions of one person, for each of the people in turn.

    First by models of the other people, then by models that have seen the person's three
    templates of each exercise too. The unit is the execution found; what was missed and what was
    a false alarm stands beside.
    """
    task = TASKS.get(NAME)
    sessions = sessions_of(folder)
    tests = [session for session in sessions if is_test(session)]
    templates = [session for session in sessions if not is_test(session)]
    off = miscounts(tests)
    who = np.array([session.athlete for session in tests])
    people = sorted(set(who.tolist()))
    unseen: list[tuple[Dataset, Dataset]] = []
    known: list[tuple[Dataset, Dataset]] = []
    alone: list[tuple[Dataset, Dataset]] = []
    counts: dict[str, Counted] = {}
    off_by = 0
    for person in people:
        best = int(off[:, who != person].sum(axis=1).argmin())
        off_by += int(off[best, who == person].sum())
        found = [marked(session, GRID[best]) for session in tests]
        counts[person] = Counted.total([c for (_, c), w in zip(found, who, strict=True) if w == person])
        rows = task.dataset([a for a, _ in found], task.Settings())
        extra = task.dataset(templates, task.Settings())
        asked = rows.take(rows.groups == person)
        others = rows.take(rows.groups != person)
        own = extra.take(extra.groups == person)
        unseen.append((_stacked(others, extra.take(extra.groups != person)), asked))
        known.append((_stacked(others, extra), asked))
        alone.append((own, asked))
    counted = Counted.total(list(counts.values()))
    common = {
        "missed": round(counted.missed / counted.truth, 4),
        "false alarms": round(counted.false_alarms / counted.truth, 4),
        "executions": counted.truth,
        "how counted": "30 executions a session by the set's plan; found without labels",
    }
    own = [_nearest(train, test) for train, test in alone]
    kernels = [_fitted("rocket", {}, train, test, seed) for train, test in alone]
    order = _stacked(*[test for _, test in alone])
    more = {
        "by the person's own templates alone (rocket)": _scores(
            order, _concatenated(kernels)
        ),
        "by the person's own templates alone (1-NN DTW)": _scores(order, _concatenated(own)),
    }
    return [
        _people_out(
            unseen, seed, "leave one of 4 people out, executions found", common,
            "none found for people not seen",
        ),
        _people_out(
            known, seed, "templates of the same person, beside other people's sessions",
            common | more,
            "exercise 0.9346, both 0.8865, missed 0.0858, false alarms 0.0491 (Yurtman & Barshan "
            "2014, 5 people, own templates only)",
        ),
        _repetitions(
            "physical therapy", off_by / (PER_BOUT * 3 * len(tests)),
            {person: dataclasses.asdict(count) for person, count in counts.items()},
            len(tests), "sessions of 30, settings chosen on the other people",
        ),
    ]  # fmt: skip


def racket_sports(folder: Path, seeds: Sequence[int]) -> Result:
    """The archive's official split; every case is a window."""
    task = TASKS.get(NAME)
    train = task.dataset(_open(folder / "RacketSports_TRAIN.ts.gz"), task.Settings())
    test = task.dataset(_open(folder / "RacketSports_TEST.ts.gz"), task.Settings())
    return _split(
        train, relabelled(test, train.signature.labels), seeds, "RacketSports", "official split",
        "0.934 (WEASEL+MUSE), 0.921 (signature kernel), 1-NN Euclid 0.822", FEW_CHANNELS, folds=5,
    )  # fmt: skip


def dumbbell(folder: Path, seed: int) -> Result:
    """Windows of 2.5 s of curls done well or with one of four faults, one of six people out."""
    task = TASKS.get(NAME)
    recordings = _open(folder)
    choices = {
        f"level {level}, {'with' if magnetism else 'without'} magnetic field": TechniqueSettings(
            window_s=2.5, hop_s=1.0, rate_hz=20.0, level=level, magnetism=magnetism
        )
        for level in ("remove", "keep")
        for magnetism in (True, False)
    }
    sets = {name: task.dataset(recordings, settings) for name, settings in choices.items()}
    one = next(iter(sets.values()))
    splits, chosen, asked = [], [], []
    for person in sorted(set(one.groups.tolist())):
        asked.append(np.flatnonzero(one.groups == person))
        rows = np.flatnonzero(one.groups != person)
        quick = {name: _quick(data.take(rows), seed) for name, data in sets.items()}
        chosen.append(max(quick, key=lambda name: quick[name]))
        data = sets[chosen[-1]]
        splits.append((data.take(rows), data.take(asked[-1])))
    return _groups_out(
        splits, [seed], MANY_CHANNELS, "WLE dumbbell curls",
        "leave one of 6 people out, windows of 2.5 s",
        "0.782 (random forest, 2.5 s windows, Velloso et al. 2013); rows of this file: 0.382",
        folds=3, details={"chosen on the training people": chosen},
        whole=one.take(np.concatenate(asked)),
    )  # fmt: skip


def barbell_sets(recordings: Sequence[Activity], seeds: Sequence[int]) -> Result:
    """Windows of 4 s of five exercises; rest is left out, as one lifter alone recorded it."""
    task = TASKS.get(NAME)
    lifted = [a for a in recordings if a.laps[0].label != "rest" and len(a.laps) == 1]
    data = task.dataset(lifted, TechniqueSettings(window_s=4.0, hop_s=1.0, rate_hz=12.5))
    splits = [
        (data.take(data.groups != person), data.take(data.groups == person))
        for person in sorted(set(data.groups.tolist()))
    ]
    return _groups_out(
        splits, seeds, FEW_CHANNELS, "barbell", "leave one of 3 lifters out, windows of 4 s",
        "0.8543 (random forest, Ebbelaar 2019, 5 lifters with copied recordings among them)",
        folds=2, details={"left out": "rest, and sets done wrong on purpose"},
    )  # fmt: skip


def barbell_repetitions(recordings: Sequence[Activity]) -> Result:
    """Counts against the sets' plan: the median by the five settings best on other lifters."""
    planned = [(a, REPETITIONS[load]) for a in recordings if (load := _load(a)) in REPETITIONS]
    truth = np.array([count for _, count in planned])
    counts = np.array([[repetitions_of(a, settings) for a, _ in planned] for settings in GRID])
    who = np.array([a.athlete for a, _ in planned])
    answers = np.zeros(len(planned), np.int64)
    for person in sorted(set(who.tolist())):
        off = np.abs(counts - truth)[:, who != person].sum(axis=1)
        best = np.argsort(off, kind="stable")[:CONSENSUS]
        answers[who == person] = np.median(counts[best][:, who == person], axis=0)
    wrong = np.flatnonzero(answers != truth)
    details = {
        "sets counted otherwise than planned": [
            f"{_set_name(planned[k][0])}: {answers[k]} of {truth[k]}" for k in wrong
        ]
    }
    value = float(np.abs(answers - truth).sum() / truth.sum())
    return _repetitions(
        "barbell", value, details, len(planned),
        "against the plan of 5 (heavy) or 10 (medium) a set, settings chosen on the other lifters",
    )  # fmt: skip


def squats(folder: Path, seeds: Sequence[int]) -> Result:
    """Up or down in each frame of a squat, by the published split."""
    task = TASKS.get(NAME)
    train = task.dataset(_open(folder / "squat_train.csv.gz"), task.Settings())
    test = task.dataset(_open(folder / "squat_test.csv.gz"), task.Settings())
    return _split(
        train, relabelled(test, train.signature.labels), seeds[:1], "exercise pose, squat",
        "published split, every frame of the test file, 1 seed",
        "0.9941 (logistic regression), 0.9848 (nearest neighbours), trees 0.504",
        FEW_CHANNELS, folds=3,
    )  # fmt: skip


def faults_of_pose(folder: Path, seed: int) -> list[Result]:
    """Curls and planks, correct or with a fault, clips of the training files in turn left out.

    The published test files are not there, so the published figures are of other frames.
    """
    task = TASKS.get(NAME)
    results = []
    for name, anchor in (("bicep", "0.972 (nearest neighbours)"), ("plank", "0.996 (logistic)")):
        recordings = [a for p in sorted(folder.glob(f"{name}_*.csv.gz")) for a in _open(p)]
        data = task.dataset(recordings, TechniqueSettings(hop_s=0.2))
        folds = grouped_folds(data, 3, seed)
        splits = [(data.take(fold.train), data.take(fold.test)) for fold in folds]
        results.append(
            _groups_out(
                splits, [seed], FEW_CHANNELS, f"exercise pose, {name}",
                f"{len(folds)} folds over {len(set(data.groups.tolist()))} clips",
                f"{anchor}, on other frames", folds=1,
            )
        )  # fmt: skip
    return results


def _people_out(
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
    whole = _stacked(*[test for _, test in splits])
    answer = joined(answers, whole, _rows_in_turn(splits))
    nearest = _concatenated([_nearest(train, test) for train, test in splits])
    each = [_scores(test, a.outputs) for (_, test), a in zip(splits, answers, strict=True)]
    scores = _scores(whole, answer.outputs)
    blanked = {f"{share:g}": _scores(whole, found)["both"] for share, found in answer.missing.items()}
    return result(
        summary([answer]), task=NAME, data="physical therapy", protocol=f"{protocol}, 1 seed",
        metric=BOTH, value=scores["both"], spread=float(np.std([s["both"] for s in each])),
        baselines={
            "1-NN DTW": _scores(whole, nearest)["both"],
            "1-NN DTW, exercise": _scores(whole, nearest)["exercise"],
        },
        anchor=anchor, test_rows=len(whole),
        details={"exercise": scores["exercise"], "execution": scores["execution"],
                 "each person": [s["both"] for s in each],
                 "both, with that share of the inputs missing": blanked, **details},
    )  # fmt: skip


def _split(
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
    answers = [answer_split(task, train, test, seed, learner[0], folds, learner[1]) for seed in seeds]
    accuracies = [_first(test, answer.outputs) for answer in answers]
    trivial = {k: _first(test, outputs) for k, outputs in task.baselines(train, test).items()}
    return result(
        summary(answers), task=NAME, data=data, protocol=protocol, metric="accuracy",
        value=float(np.mean(accuracies)), spread=float(np.std(accuracies)),
        baselines={"1-NN DTW": _first(test, _nearest(train, test)), **trivial}, anchor=anchor,
        test_rows=len(test), details={"each seed": [round(a, 4) for a in accuracies]},
    )  # fmt: skip


def _groups_out(
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
    whole = whole or _stacked(*[test for _, test in splits])
    rows = _rows_in_turn(splits)
    answers = [
        joined(
            [answer_split(task, train, test, seed, learner[0], folds, learner[1])
             for train, test in splits],
            whole, rows,
        )
        for seed in seeds
    ]  # fmt: skip
    accuracies = [_first(whole, answer.outputs) for answer in answers]
    each = [
        round(_first(test, {k: v[part] for k, v in answers[0].outputs.items()}), 4)
        for (_, test), part in zip(splits, rows, strict=True)
    ]
    nearest = _concatenated([_nearest(train, test) for train, test in splits])
    trivial = [task.baselines(train, test)["most frequent class"] for train, test in splits]
    spread = float(np.std(accuracies if len(seeds) > 1 else each))
    return result(
        summary(answers), task=NAME, data=data,
        protocol=f"{protocol}, {len(seeds)} seed{'s' if len(seeds) > 1 else ''}",
        metric="accuracy", value=float(np.mean(accuracies)), spread=spread,
        baselines={"1-NN DTW": _first(whole, nearest),
                   "most frequent class": _first(whole, _concatenated(trivial))},
        anchor=anchor, test_rows=len(whole), details={"each part": each, **(details or {})},
    )  # fmt: skip


def _repetitions(
    data: str, value: float, details: Mapping[str, Any], rows: int, protocol: str
) -> Result:
    """A count is no trained model: it has settings only, so no size and no time."""
    return Result(
        NAME, data, f"repetitions counted, {protocol}", "miscounted share", value, 0.0, {},
        "about 0.05 (Ebbelaar 2019, barbell)", "main axis", rows, 0.0, 0, 0.0, details,
    )  # fmt: skip


def _quick(data: Dataset, seed: int) -> float:
    """Accuracy over two folds of groups by a small model: enough to choose a view of the data."""
    scores = []
    for fold in grouped_folds(data, 2, seed):
        test = data.take(fold.test)
        given = _fitted("rocket", {"features": 1_000}, data.take(fold.train), test, seed)
        scores.append(_first(test, given))
    return float(np.mean(scores))


def _fitted(
    name: str, settings: Mapping[str, Any], train: Dataset, test: Dataset, seed: int
) -> dict[str, Array]:
    """Answers of a learner as it is, without a package or intervals."""
    learner = LEARNERS.get(name)
    with tempfile.TemporaryDirectory() as folder:
        chosen = dataclasses.replace(learner.Settings(), **settings)
        return learner.fit(train, chosen, Run(seed, Path(folder))).predict(test.inputs)


def _nearest(train: Dataset, test: Dataset) -> dict[str, Array]:
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


def _scores(data: Dataset, outputs: Arrays) -> dict[str, float]:
    """Accuracies of exercise, of execution, and of both at once."""
    right = {
        name: outputs[name].argmax(axis=1) == data.targets[name]
        for name in ("exercise", "execution")
    }
    both = right["exercise"] & right["execution"]
    return {name: round(float(hits.mean()), 4) for name, hits in (*right.items(), ("both", both))}


def _first(data: Dataset, outputs: Arrays) -> float:
    """Accuracy of the only output."""
    (name,) = data.signature.labels
    return scores_of(data, {name: outputs[name]})["accuracy"]


def _concatenated(parts: Sequence[Arrays]) -> dict[str, Array]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _stacked(*parts: Dataset) -> Dataset:
    """The rows of data sets of one signature, one after another."""
    first = parts[0]
    return Dataset(
        first.task, first.signature, _concatenated([part.inputs for part in parts]),
        _concatenated([relabelled(part, first.signature.labels).targets for part in parts]),
        np.concatenate([part.groups for part in parts]), first.settings,
        strata=_concatenated([part.strata for part in parts]),
    )  # fmt: skip


def _rows_in_turn(splits: Sequence[tuple[Dataset, Dataset]]) -> list[IntArray]:
    ends = np.cumsum([len(test) for _, test in splits])
    return [np.arange(end - len(test), end) for end, (_, test) in zip(ends, splits, strict=True)]


def _load(activity: Activity) -> str:
    return next((event.label for event in activity.events if event.kind == "load"), "")


def _set_name(activity: Activity) -> str:
    return activity.source.name.rpartition("/")[2].partition("_MetaWear")[0]


def _open(path: Path) -> list[Activity]:
    return list(open_path(path).activities)
