"""Folds by time learn from what was before, and from that only."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from stadion.core.arrays import FloatArray
from stadion.core.dataset import Dataset
from stadion.core.errors import StadionError
from stadion.science.folds import folds_of, time_folds
from tests.train.toys import classes_by_group


def dated(times: FloatArray) -> Dataset:
    data = classes_by_group([1] * len(times), [0, 1] * (len(times) // 2) + [0] * (len(times) % 2))
    return dataclasses.replace(data, times=np.asarray(times, np.float64))


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_tested_came_after_everything_that_is_known(k: int, seed: int) -> None:
    times = np.random.default_rng(seed).integers(0, 40, 200).astype(float)
    folds = time_folds(dated(times), k)
    assert len(folds) == k
    for fold in folds:
        assert times[fold.train].max() < times[fold.test].min()
        assert set(fold.train) | set(fold.test) == set(
            np.flatnonzero(times <= times[fold.test].max())
        )
    tested = np.concatenate([fold.test for fold in folds])
    assert len(set(tested)) == len(tested)


def test_one_fold_by_time_asks_about_the_last_fifth() -> None:
    fold = folds_of(dated(np.arange(100.0)), "time", 1, 0)[0]
    assert list(fold.test) == list(range(80, 100))


def test_one_fold_by_group_leaves_no_group_on_both_sides() -> None:
    data = classes_by_group([10] * 10, [0, 1] * 5)
    (fold,) = folds_of(data, "group", 1, 0)
    assert len(fold.test) == 20
    assert set(data.groups[fold.train]).isdisjoint(data.groups[fold.test])


def test_rows_of_one_moment_stay_together() -> None:
    times = np.repeat([0.0, 1.0, 2.0], [5, 90, 5])
    for fold in time_folds(dated(times), 2):
        assert set(times[fold.train]).isdisjoint(times[fold.test])


@pytest.mark.parametrize("times", [np.zeros(10), np.array([0.0, np.nan, 2.0])])
def test_what_cannot_be_split_by_time_is_refused(times: FloatArray) -> None:
    with pytest.raises(StadionError, match=r"time|moments"):
        time_folds(dated(times), 2)


def test_a_split_by_time_needs_times() -> None:
    with pytest.raises(StadionError, match="no times"):
        folds_of(classes_by_group([3, 3], [0, 1]), "time", 2, 0)
