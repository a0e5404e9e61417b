"""The contract of a task, executable: each function takes one task and raises if it is broken."""

from __future__ import annotations

import dataclasses

import numpy as np

from stadion.core.activity import Activity, Recording, Table
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.names import checked_name
from stadion.science.folds import folds_of
from stadion.science.scores import SCORES
from stadion.tasks.base import Task, activities_of

__all__ = [
    "check_a_recording_becomes_a_request",
    "check_a_split_is_declared_and_cannot_leak",
    "check_an_athlete_is_one_group",
    "check_baselines_answer_like_a_model",
    "check_it_says_what_it_is",
    "check_missing_channels_are_missing_values",
    "check_no_recordings_is_an_error_that_says_why",
    "check_the_same_recordings_make_the_same_rows",
    "check_the_targets_fit_the_signature",
]


def _dataset(task: Task, seed: int = 0) -> Dataset:
    return task.dataset(task.examples(seed), task.Settings())


def _without_values(recording: Recording) -> Recording:
    """The recording as a watch with all sensors off would have made it; a table without numbers."""
    if isinstance(recording, Table):
        empty = {
            name: np.full(len(values), np.nan) if values.dtype.kind == "f" else values
            for name, values in recording.columns.items()
        }
        return dataclasses.replace(recording, columns=empty)
    return _without_channels(recording)


def _without_channels(activity: Activity) -> Activity:
    tracks = tuple(
        dataclasses.replace(
            track, channels={name: np.full(len(track), np.nan) for name in track.channels}
        )
        for track in activity.tracks
    )
    return dataclasses.replace(activity, tracks=tracks)


def check_it_says_what_it_is(task: Task) -> None:
    """Name, question, channels, metric and reference are there and mean something."""
    checked_name(task.name, "task name")
    assert task.question.endswith("?"), f"the question is {task.question!r}"
    assert task.channels or task.tables, "the task names neither a channel nor a kind of table"
    assert task.interval is None or 0.5 <= task.interval < 1, f"interval is {task.interval}"
    assert task.learners, "the task names no learner for 'auto'"
    assert task.metric in SCORES, f"metric {task.metric!r} is not one of {sorted(SCORES)}"
    assert task.reference, "the task has no reference"


def check_the_same_recordings_make_the_same_rows(task: Task) -> None:
    """Building the set twice gives equal digests, other recordings another one."""
    assert _dataset(task).digest == _dataset(task).digest
    assert _dataset(task).digest != _dataset(task, seed=1).digest


def check_the_targets_fit_the_signature(task: Task) -> None:
    """Each output has a target: class indices below the number of labels, or finite numbers."""
    data = _dataset(task)
    assert data.task == task.name, f"the data set says {data.task!r}"
    assert set(data.targets) == {tensor.name for tensor in data.signature.outputs}
    for name, values in data.targets.items():
        labels = data.signature.labels.get(name)
        if labels is None:
            assert np.isfinite(values).any(), f"{name} holds no number"
        else:
            assert values.dtype.kind == "i", f"{name} is {values.dtype}"
            assert values.min() >= -1, f"{name} holds a class below -1, which means unknown"
            assert values.max() < len(labels), f"{name} holds a class without a label"


def check_an_athlete_is_one_group(task: Task) -> None:
    """There are as many groups as athletes, so that a split by group is one by person.

    Where the recordings do not say whose they are (games, tables of many people) there are at
    least two groups.
    """
    groups = len(set(_dataset(task).groups.tolist()))
    athletes = {activity.athlete for activity in activities_of(task.examples(0))} - {""}
    assert groups > 1, "the examples show one group only"
    assert not athletes or groups == len(athletes), f"{len(athletes)} athletes, {groups} groups"


def check_a_split_is_declared_and_cannot_leak(task: Task) -> None:
    """A split by time has the time of every row; one by group has no group on both sides."""
    data = _dataset(task)
    assert task.split in ("group", "time"), f"the split is {task.split!r}"
    if task.split == "time":
        assert data.times is not None, "the task splits by time, and its rows have none"
        assert np.isfinite(data.times).all(), "a row has no time"
    for fold in folds_of(data, task.split, 2, seed=0):
        if task.split == "time" and data.times is not None:
            assert data.times[fold.train].max() < data.times[fold.test].min(), "a fold looks ahead"
        else:
            shared = set(data.groups[fold.train]) & set(data.groups[fold.test])
            assert not shared, f"{sorted(shared)} are on both sides of a fold"


def check_a_recording_becomes_a_request(task: Task) -> None:
    """A request made of one recording is what the signature asks for."""
    data = _dataset(task)
    for activity in task.examples(0):
        inputs = task.features(activity, data.signature, data.settings)
        assert data.signature.check_inputs(inputs) > 0, "the request has no rows"


def check_missing_channels_are_missing_values(task: Task) -> None:
    """A recording without any sensor value is a request of NaN, or refused in words."""
    data = _dataset(task)
    silent = _without_values(task.examples(0)[0])
    try:
        inputs = task.features(silent, data.signature, data.settings)
    except StadionError as error:
        assert error.code is Code.INVALID, error
    else:
        data.signature.check_inputs(inputs)


def check_baselines_answer_like_a_model(task: Task) -> None:
    """Each baseline gives every output, with the rows of the question."""
    data = _dataset(task)
    baselines = task.baselines(data, data)
    assert baselines, "the task has no baseline"
    for name, outputs in baselines.items():
        for tensor in data.signature.outputs:
            values = outputs[tensor.name]
            assert len(values) == len(data), f"{name} answers {len(values)} of {len(data)} rows"
            assert np.isfinite(values).all(), f"{name} answers with NaN"


def check_no_recordings_is_an_error_that_says_why(task: Task) -> None:
    """An empty archive is INVALID, not a crash."""
    try:
        task.dataset([], task.Settings())
    except StadionError as error:
        assert error.code is Code.INVALID, error
    else:
        raise AssertionError("a data set was made of nothing")
