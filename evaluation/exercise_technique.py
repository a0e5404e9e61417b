"""Exercises and how well they are done: people not seen in training, and official splits.

What a repetition is, and whether a sensor's level counts, is chosen on the training people. The
learners are fixed by one rule: trees where there are many channels (five or four sensors), trees
and kernels together where there are few.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

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
from evaluation.protocol import TASKS
from evaluation.results import Result
from evaluation.technique_answers import (
    FEW_CHANNELS,
    MANY_CHANNELS,
    NAME,
    SHORT_STROKES,
    accuracy_of,
    both_scores,
    concatenated,
    fitted,
    groups_out,
    nearest_answers,
    official_split,
    people_out,
    stacked,
)
from stadion.core.activity import Activity
from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.ingest import open_path
from stadion.platform.measuring import relabelled
from stadion.science.folds import grouped_folds
from stadion.tasks.exercise_technique import TechniqueSettings, repetitions_of

__all__ = ["evaluate"]

REPETITIONS = {"heavy": 5, "medium": 10}
"""How many a set of that load was planned to have; some lifters stopped sooner."""
CONSENSUS = 5
LEVELS: tuple[Literal["remove", "keep"], ...] = ("remove", "keep")


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
    extra = task.dataset(templates, task.Settings())
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
        counts[person] = Counted.total(
            [c for (_, c), w in zip(found, who, strict=True) if w == person]
        )
        rows = task.dataset([a for a, _ in found], task.Settings())
        asked = rows.take(rows.groups == person)
        others = rows.take(rows.groups != person)
        own = extra.take(extra.groups == person)
        unseen.append((stacked(others, extra.take(extra.groups != person)), asked))
        known.append((stacked(others, extra), asked))
        alone.append((own, asked))
    counted = Counted.total(list(counts.values()))
    common = {
        "missed": round(counted.missed / counted.truth, 4),
        "false alarms": round(counted.false_alarms / counted.truth, 4),
        "executions": counted.truth,
        "how counted": "30 executions a session by the set's plan; found without labels",
    }
    nearest = [nearest_answers(train, test) for train, test in alone]
    kernels = [fitted("rocket", {}, train, test, seed) for train, test in alone]
    order = stacked(*[test for _, test in alone])
    mixed = [k | _beside_templates(*split) for k, split in zip(kernels, alone, strict=True)]
    more = {
        "by the person's own templates alone (exercise: rocket, execution: the nearest template in "
        "duration, size and speed beside its session's others)": both_scores(
            order, concatenated(mixed)
        ),
        "by the person's own templates alone (rocket)": both_scores(order, concatenated(kernels)),
        "by the person's own templates alone (1-NN DTW)": both_scores(order, concatenated(nearest)),
    }
    return [
        people_out(
            unseen, seed, "leave one of 4 people out, executions found", common,
            "none found for people not seen",
        ),
        people_out(
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


def _beside_templates(train: Dataset, test: Dataset) -> dict[str, Array]:
    """How executions were done by the nearest of a few templates, as certain answers."""
    known, asked = (np.nan_to_num(data.inputs["beside"]) for data in (train, test))
    nearest = ((asked[:, None] - known[None]) ** 2).sum(axis=2).argmin(axis=1)
    labels = train.signature.labels["execution"]
    return {"execution": np.eye(len(labels), dtype=np.float32)[train.targets["execution"][nearest]]}


def racket_sports(folder: Path, seeds: Sequence[int]) -> Result:
    """The archive's official split; every case is a window."""
    task = TASKS.get(NAME)
    train = task.dataset(_open(folder / "RacketSports_TRAIN.ts.gz"), task.Settings())
    test = task.dataset(_open(folder / "RacketSports_TEST.ts.gz"), task.Settings())
    return official_split(
        train, relabelled(test, train.signature.labels), seeds, "RacketSports", "official split",
        "0.934 (WEASEL+MUSE), 0.921 (signature kernel), 1-NN Euclid 0.822", SHORT_STROKES, folds=4,
    )  # fmt: skip


def dumbbell(folder: Path, seed: int) -> Result:
    """Windows of 2.5 s of curls done well or with one of four faults, one of six people out."""
    task = TASKS.get(NAME)
    recordings = _open(folder)
    choices = {
        f"level {level}": TechniqueSettings(
            window_s=2.5, hop_s=1.0, rate_hz=20.0, level=level, magnetism=True
        )
        for level in LEVELS
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
    return groups_out(
        splits, [seed], MANY_CHANNELS, "WLE dumbbell curls",
        "leave one of 6 people out, windows of 2.5 s",
        "0.782 (random forest, 2.5 s windows, Velloso et al. 2013); rows of this file: 0.382",
        folds=2, details={"chosen on the training people": chosen},
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
    return groups_out(
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
    every_third = TechniqueSettings(hop_s=0.1)
    train = task.dataset(_open(folder / "squat_train.csv.gz"), every_third)
    test = task.dataset(_open(folder / "squat_test.csv.gz"), task.Settings())
    return official_split(
        train, relabelled(test, train.signature.labels), seeds, "exercise pose, squat",
        "published split, every frame of the test file",
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
            groups_out(
                splits, [seed], FEW_CHANNELS, f"exercise pose, {name}",
                f"{len(folds)} folds over {len(set(data.groups.tolist()))} clips",
                f"{anchor}, on other frames", folds=1,
            )
        )  # fmt: skip
    return results


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
        given = fitted("rocket", {"features": 500}, data.take(fold.train), test, seed)
        scores.append(accuracy_of(test, given))
    return float(np.mean(scores))


def _load(activity: Activity) -> str:
    return next((event.label for event in activity.events if event.kind == "load"), "")


def _set_name(activity: Activity) -> str:
    return activity.source.name.rpartition("/")[2].partition("_MetaWear")[0]


def _open(path: Path) -> list[Activity]:
    return list(open_path(path).activities)
