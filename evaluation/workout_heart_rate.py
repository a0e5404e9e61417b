"""Heart-rate curves of open workouts, grouped so that files of one workout never part."""

from __future__ import annotations

import csv
import dataclasses
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from evaluation import session_heart_rate
from evaluation.protocol import LEARNERS, TASKS, Answered, answer_split, joined, summary
from evaluation.results import Result, result
from stadion.core.activity import Activity
from stadion.core.arrays import Array, FloatArray
from stadion.core.dataset import Dataset
from stadion.core.errors import StadionError
from stadion.ingest import open_path
from stadion.platform.measuring import baseline_scores, scores_of
from stadion.science.folds import grouped_folds
from stadion.science.resample import bin_means
from stadion.tasks.base import Task
from stadion.train.base import Run

__all__ = ["evaluate", "workouts"]

LEARNER = "heart_hybrid"
"""Fixed beforehand, with its default settings: nothing here is chosen by the test folds."""
_BESIDE = ("heart_ode",)
"""What else was tried, on the same folds, without package and intervals."""
_SHARES = (0.5,)
"""Parts of the training groups by which a learning curve is drawn, beside all of them."""
_FOLDS = 5
_ANCHOR = (
    "7.4 (LSTM, 40,000 runs) and 6.1 (hybrid ODE) on other, far larger data; on 47 of these FIT "
    "files the mean 17.3 and the value at minute 5 16.2"
)
_STEP_S = 10.0
_LIKE_BPM = 1.0
"""Two recordings whose heart rates differ by less on average are one workout."""


def evaluate(data: Path, seeds: Sequence[int]) -> list[Result]:
    """Five folds over groups of workouts; each is answered by a model that has not seen it."""
    task = TASKS.get("workout_heart_rate")
    recordings = workouts(data / "B_activity_files")
    rows = task.dataset(recordings, task.Settings())
    folds = [(fold.train, fold.test) for fold in grouped_folds(rows, _FOLDS, seeds[0])]
    answers = [
        answer_split(task, rows.take(known), rows.take(asked), seeds[0], LEARNER, folds=3)
        for known, asked in folds
    ]
    order = np.concatenate([asked for _, asked in folds])
    whole = joined(answers, rows, [asked for _, asked in folds])
    each = [scores_of(a.test, a.outputs)["mae"] for a in answers]
    beside = {name: _learned(name, rows, folds, seeds[0], 1.0) for name in _BESIDE}
    curve = {f"{share:.0%} of the training workouts":
             _learned(_BESIDE[0], rows, folds, seeds[0], share) for share in _SHARES}  # fmt: skip
    trivial = baseline_scores(task, rows, folds)
    untouched = np.array([_is_untouched(group) for group in whole.test.groups.tolist()])
    details = {
        "each fold": [round(value, 3) for value in each],
        "groups that no choice of the design has seen": _mae(whole, untouched),
        "other learners": beside,
        f"learning curve of {_BESIDE[0]}": curve,
    }
    is_fit = _is_fit(task, recordings, len(rows))[order]
    fit_rows = rows.take(np.sort(order[is_fit]))
    return [
        _line(whole, "open workout files", float(np.std(each)),
              {name: scores["mae"] for name, scores in trivial.items()}, details),
        _line(_part(whole, is_fit), "open workout files, FIT only", float(np.std(each)),
              {k: v["mae"] for k, v in baseline_scores(task, fit_rows).items()}, {}),
        *session_heart_rate.evaluate(data, seeds),
    ]  # fmt: skip


def workouts(folder: Path) -> list[Activity]:
    """One recording of each workout that has heart rate, its group as the athlete.

    A group holds the files of one workout or one test series. Of files that overlap in time, or
    hold the same heart rate whatever their group and clock say, the first is taken, FIT before
    GPX and TCX: no workout counts twice, and none is in a training and a test part.
    """
    with (folder / "index.csv").open() as file:
        index = sorted(csv.DictReader(file), key=lambda row: row["file"])
    taken: dict[str, list[Activity]] = {}
    curves: list[FloatArray] = []
    for row in index:
        group = row["activity_group"]
        for activity in open_path(folder / row["file"], athlete=group).activities:
            if "heart_rate" not in activity.channels or _overlaps(activity, taken.get(group, [])):
                continue
            curve = _curve(activity)
            if not any(_alike(curve, other) for other in curves):
                taken.setdefault(group, []).append(activity)
                curves.append(curve)
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


def _curve(activity: Activity) -> FloatArray:
    """Up to half an hour of heart rate, a mean every 10 s."""
    track = next(track for track in activity.tracks if "heart_rate" in track.channels)
    return bin_means(track.time_s, track.channels["heart_rate"], _STEP_S, 180)


def _alike(one: FloatArray, other: FloatArray) -> bool:
    """Whether five minutes and more are the same, give or take one step."""
    for shift in (-1, 0, 1):
        apart = np.abs(one - np.roll(other, shift))[1:-1]
        known = np.isfinite(apart)
        if known.sum() >= 30 and apart[known].mean() < _LIKE_BPM:
            return True
    return False


def _learned(
    name: str, rows: Dataset, folds: Sequence[tuple[Array, Array]], seed: int, share: float
) -> float:
    """MAE over all folds of a learner that sees a share of the groups of each training part."""
    learner = LEARNERS.get(name)
    errors = []
    for known, asked in folds:
        train, test = rows.take(_some_groups(rows, known, share, seed)), rows.take(asked)
        with tempfile.TemporaryDirectory() as folder:
            model = learner.fit(train, learner.Settings(), Run(seed, Path(folder)))
        answer = model.predict(test.inputs)["heart_rate"]
        errors.append(np.abs(answer - test.targets["heart_rate"]))
    return round(float(np.concatenate(errors).mean()), 3)


def _some_groups(rows: Dataset, known: Array, share: float, seed: int) -> Array:
    names = np.unique(rows.groups[known])
    chosen = np.random.default_rng(seed).permutation(names)[: max(2, round(share * len(names)))]
    return known[np.isin(rows.groups[known], chosen)]


def _is_untouched(group: str) -> bool:
    """A quarter of the groups was kept from all that was tried while the learners were made."""
    return int(sha256(group.encode()).hexdigest(), 16) % 4 == 0


def _is_fit(task: Task, recordings: Sequence[Activity], rows: int) -> Array:
    """(rows,) True where a row's recording was a FIT file."""
    flags = []
    for recording in recordings:
        try:
            count = len(task.dataset([recording], task.Settings()))
        except StadionError:
            continue
        flags += [recording.source.reader == "fit"] * count
    if len(flags) != rows:
        raise AssertionError(f"{len(flags)} rows one by one, {rows} together")
    return np.array(flags)


def _part(answered: Answered, rows: Array) -> Answered:
    return dataclasses.replace(
        answered,
        test=answered.test.take(rows),
        outputs={name: values[rows] for name, values in answered.outputs.items()},
        missing={
            share: {name: values[rows] for name, values in outputs.items()}
            for share, outputs in answered.missing.items()
        },
    )


def _mae(answered: Answered, rows: Array) -> float:
    return round(scores_of(_part(answered, rows).test, _part(answered, rows).outputs)["mae"], 3)


def _line(
    answered: Answered, data: str, spread: float, trivial: dict[str, float], more: dict[str, object]
) -> Result:
    test, curve = answered.test, answered.outputs["heart_rate"]
    scores = scores_of(test, answered.outputs)
    truth, groups = test.targets["heart_rate"], len(set(test.groups.tolist()))
    return result(
        summary([answered]),
        task=test.task,
        data=data,
        protocol=f"{_FOLDS} folds over {groups} groups of workouts, whole curve after minute 5",
        metric="mae",
        value=scores["mae"],
        spread=spread,
        baselines=trivial,
        anchor=_ANCHOR,
        test_rows=len(test),
        details={
            "rmse": round(scores["rmse"], 3),
            "if each group's level were known": _level_known(test, truth - curve),
            **more,
        },
    )


def _level_known(test: Dataset, errors: FloatArray) -> float:
    """What is left of the error when each group's median error is taken off: its shape alone."""
    left = [errors[rows] - np.median(errors[rows]) for rows in _rows_of_groups(test)]
    return round(float(np.abs(np.concatenate(left)).mean()), 3)


def _rows_of_groups(test: Dataset) -> list[Array]:
    return [np.flatnonzero(test.groups == name) for name in np.unique(test.groups)]
