"""Folds keep groups together, and the choice among learners is made on rows nobody saw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.model import Model
from stadion.science.folds import grouped_folds
from stadion.science.scores import SCORES
from stadion.train.base import Progress, Run
from stadion.train.baseline import PLUGIN as BASELINE
from stadion.train.baseline import BaselineSettings
from stadion.train.boosting import PLUGIN as BOOSTING
from stadion.train.boosting import BoostingSettings
from stadion.train.rocket import PLUGIN as ROCKET
from stadion.train.rocket import RocketSettings
from stadion.train.selection.choice import Candidate, choose, cross_validate
from tests.train.series_sets import racket_sports
from tests.train.toys import classes_by_group, pace_to_heart_rate


def shares(data: Dataset, k: int, seed: int = 0) -> np.ndarray:
    """(folds, classes) share of each class's rows in the test part of each fold."""
    labels = data.targets["kind"]
    counts = [np.bincount(labels[f.test], minlength=3) for f in grouped_folds(data, k, seed)]
    shares: np.ndarray = np.array(counts) / np.bincount(labels, minlength=3)
    return shares


@pytest.mark.parametrize("seed", range(5))
def test_every_row_is_tested_once_and_no_group_is_on_both_sides(seed: int) -> None:
    chance = np.random.default_rng(seed)
    data = classes_by_group(list(chance.integers(1, 30, 23)), list(chance.integers(0, 3, 23)))
    folds = grouped_folds(data, 5, seed)
    tested = np.concatenate([fold.test for fold in folds])
    np.testing.assert_array_equal(np.sort(tested), np.arange(len(data)))
    for fold in folds:
        assert not set(data.groups[fold.train]) & set(data.groups[fold.test])
        assert len(fold.train) + len(fold.test) == len(data)


def test_rows_that_are_their_own_group_are_split_evenly_by_class() -> None:
    data = classes_by_group([1] * 103, [0] * 60 + [1] * 33 + [2] * 10)
    counts = shares(data, 5) * [60, 33, 10]
    assert (np.ptp(counts, axis=0) <= 1).all()
    assert np.ptp(counts.sum(axis=1)) <= 2


def test_groups_are_spread_so_that_classes_are_as_even_as_they_can_be() -> None:
    data = classes_by_group([10] * 12, [0, 1, 2] * 4)
    np.testing.assert_allclose(shares(data, 4), 0.25)


def test_one_large_group_has_a_fold_of_its_own() -> None:
    data = classes_by_group([100, 10, 10, 10, 10], [0] * 5)
    sizes = sorted(len(fold.test) for fold in grouped_folds(data, 2, 0))
    assert sizes == [40, 100]


def test_the_seed_decides_and_decides_always_alike() -> None:
    data = classes_by_group([1] * 60, [0, 1, 2] * 20)
    tests = [[f.test.tolist() for f in grouped_folds(data, 3, seed)] for seed in (1, 1, 2)]
    assert tests[0] == tests[1] != tests[2]


def test_quantities_are_split_by_size_alone() -> None:
    sizes = [len(fold.test) for fold in grouped_folds(pace_to_heart_rate(240, 12), 4, 0)]
    assert sizes == [60, 60, 60, 60]


def test_fewer_groups_than_folds_give_as_many_folds_as_groups() -> None:
    assert len(grouped_folds(classes_by_group([5, 5, 5], [0, 1, 2]), 10, 0)) == 3


@pytest.mark.parametrize(("groups", "k"), [(1, 5), (3, 1)])
def test_what_cannot_be_split_is_refused(groups: int, k: int) -> None:
    with pytest.raises(StadionError, match="expected at least 2 of each") as refused:
        grouped_folds(classes_by_group([5] * groups, [0] * groups), k, 0)
    assert refused.value.code == Code.INVALID


def test_answers_out_of_fold_are_in_the_order_of_the_rows(tmp_path: Path) -> None:
    data = pace_to_heart_rate()
    seen: list[Progress] = []
    result = cross_validate(
        BOOSTING, BoostingSettings(trees=40, learning_rate=0.2), data,
        k=4, seed=0, score=SCORES["mae"], folder=tmp_path, progress=seen.append,
    )  # fmt: skip
    truth, answers = data.targets["heart_rate"], result.outputs["heart_rate"]
    assert len(result.scores) == 4
    assert result.mean == pytest.approx(np.abs(truth - answers).mean(), rel=1e-5)  # equal folds
    assert result.mean < 10
    folds = [p for p in seen if p.what == "boosting: folds"]
    assert [(p.done, p.total) for p in folds] == [(n, 4) for n in range(5)]


def test_no_fold_is_answered_by_a_model_that_saw_it(tmp_path: Path) -> None:
    """The mean of the other groups: a leak would move it towards the row's own group."""
    data = classes_by_group([10, 10, 10, 10], [0, 1, 0, 1])
    result = cross_validate(
        BASELINE, BaselineSettings(), data,
        k=4, seed=0, score=SCORES["accuracy"], folder=tmp_path,
    )  # fmt: skip
    own = result.outputs["kind"][np.arange(40), data.targets["kind"]]
    np.testing.assert_allclose(own, 1 / 3, rtol=1e-6)
    assert result.mean == 0


@pytest.mark.data
def test_the_better_learner_comes_first_and_a_failure_last_with_its_reason(tmp_path: Path) -> None:
    data = racket_sports("TRAIN").take(np.arange(0, 151, 2))
    ranking = choose(
        [
            Candidate(Unwilling(), BaselineSettings()),
            Candidate(BASELINE, BaselineSettings()),
            Candidate(ROCKET, RocketSettings(features=1_000)),
        ],
        data, k=3, seed=0, score=SCORES["log_loss"], folder=tmp_path,
    )  # fmt: skip
    assert [entry.candidate.learner.name for entry in ranking] == [
        "rocket",
        "baseline",
        "unwilling",
    ]
    assert ranking[0].result is not None
    assert ranking[0].result.mean < 0.8
    assert ranking[-1].result is None
    assert "wants more rows" in ranking[-1].reason


def test_when_nobody_can_learn_it_the_reasons_are_told(tmp_path: Path) -> None:
    with pytest.raises(StadionError, match="unwilling: INVALID: it wants more rows"):
        choose(
            [Candidate(Unwilling(), BaselineSettings())], classes_by_group([3, 3], [0, 1]),
            k=2, seed=0, score=SCORES["accuracy"], folder=tmp_path,
        )  # fmt: skip


@dataclass
class Unwilling:
    """A learner that refuses every training set, as learners may."""

    name: str = "unwilling"
    summary: str = "refuses"
    Settings: type[BaselineSettings] = BaselineSettings

    def fit(self, data: Dataset, settings: BaselineSettings, run: Run) -> Model:
        raise StadionError(Code.INVALID, "it wants more rows")
