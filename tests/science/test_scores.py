"""Scores agree with values worked out by hand and with scikit-learn, and refuse nonsense."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from stadion.core.errors import Code, StadionError
from stadion.science import scores
from stadion.science.scores import SCORES, all_scores, score_named

TRUTH = np.array([0, 0, 1, 2])
SURE = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])


def random_answers(seed: int) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    probabilities = chance.dirichlet(np.ones(4), 200)
    return chance.integers(0, 4, 200), probabilities


def test_scores_of_classes_by_hand() -> None:
    assert scores.accuracy(TRUTH, SURE) == 0.75
    assert scores.balanced_accuracy(TRUTH, SURE) == pytest.approx((0.5 + 1 + 1) / 3)
    # class 0: precision 1, recall 1/2; class 1: precision 1/2, recall 1; class 2: both 1
    assert scores.macro_f1(TRUTH, SURE) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    expected = -sum(math.log(p) for p in (0.8, 0.3, 0.8, 0.6)) / 4
    assert scores.log_loss(TRUTH, SURE) == pytest.approx(expected)
    rows = (0.04 + 0.01 + 0.01, 0.49 + 0.36 + 0.01, 0.01 + 0.04 + 0.01, 0.04 + 0.04 + 0.16)
    assert scores.brier(TRUTH, SURE) == pytest.approx(sum(rows) / 4)


def test_calibration_error_is_the_gap_between_sure_and_right() -> None:
    always_sure = np.tile([1.0, 0.0], (10, 1))
    assert scores.calibration_error(np.array([0] * 7 + [1] * 3), always_sure) == pytest.approx(0.3)
    honest = np.tile([0.7, 0.3], (10, 1))
    assert scores.calibration_error(np.array([0] * 7 + [1] * 3), honest) == pytest.approx(0)


@pytest.mark.parametrize("seed", range(3))
def test_scores_agree_with_scikit_learn(seed: int) -> None:
    truth, answers = random_answers(seed)
    chosen = answers.argmax(axis=1)
    assert scores.accuracy(truth, answers) == pytest.approx(metrics.accuracy_score(truth, chosen))
    assert scores.balanced_accuracy(truth, answers) == pytest.approx(
        metrics.balanced_accuracy_score(truth, chosen)
    )
    assert scores.macro_f1(truth, answers) == pytest.approx(
        metrics.f1_score(truth, chosen, average="macro")
    )
    assert scores.log_loss(truth, answers) == pytest.approx(metrics.log_loss(truth, answers))
    wanted, given = answers[:, 0], answers[:, 1]
    assert scores.mae(wanted, given) == pytest.approx(metrics.mean_absolute_error(wanted, given))
    assert scores.rmse(wanted, given) ** 2 == pytest.approx(
        metrics.mean_squared_error(wanted, given)
    )
    assert scores.r2(wanted, given) == pytest.approx(metrics.r2_score(wanted, given))


def test_a_missing_target_does_not_count() -> None:
    truth = np.array([100.0, np.nan, 120.0])
    answers = np.array([110.0, 0.0, 120.0])
    assert scores.mae(truth, answers) == 5.0
    assert scores.rmse(truth, answers) == pytest.approx(math.sqrt(50))


def test_an_impossible_truth_costs_much_but_not_everything() -> None:
    assert 30 < scores.log_loss(np.array([1]), np.array([[1.0, 0.0]])) < 40


def test_all_scores_gives_those_that_fit() -> None:
    assert set(all_scores(TRUTH, SURE, of_classes=True)) == {
        name for name, score in SCORES.items() if score.of_classes
    }
    assert set(all_scores(SURE, SURE, of_classes=False)) == {"mae", "rmse", "r2"}


def test_each_score_knows_which_way_is_up() -> None:
    for name, score in SCORES.items():
        assert score.name == name
        truth, good, bad = (
            (np.array([0, 1]), np.eye(2), np.eye(2)[::-1])
            if score.of_classes
            else (np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.array([3.0, 0.0]))
        )
        assert score.is_better(score.compute(truth, good), score.compute(truth, bad)), name
        assert not score.is_better(math.nan, score.compute(truth, bad))


@pytest.mark.parametrize(
    ("truth", "answers", "told"),
    [
        (np.array([0, 3]), np.eye(2), "expected 0 to 1"),
        (np.array([0.0, 1.0]), np.eye(2), "class indices"),
        (np.array([0]), np.eye(2), "[n, K]"),
        (np.zeros(0, np.int64), np.zeros((0, 2)), "n from 1"),
    ],
)
def test_nonsense_is_refused_with_what_was_expected(
    truth: np.ndarray, answers: np.ndarray, told: str
) -> None:
    with pytest.raises(StadionError) as refused:
        scores.accuracy(truth, answers)
    assert refused.value.code == Code.INVALID
    assert told in refused.value.message


def test_quantities_of_different_shape_are_refused() -> None:
    with pytest.raises(StadionError, match="expected one shape"):
        scores.mae(np.zeros(3), np.zeros((3, 1)))


def test_an_unknown_score_is_answered_with_those_there_are() -> None:
    with pytest.raises(StadionError, match="there are accuracy") as refused:
        score_named("acuracy")
    assert refused.value.code == Code.NOT_FOUND


def test_a_class_at_each_of_several_places_is_scored_like_rows() -> None:
    chance = np.random.default_rng(0)
    targets = np.array([[0, 2, -1], [1, 1, 2]])
    probabilities = chance.dirichlet(np.ones(3), (2, 3))
    flat = scores.log_loss(targets.ravel(), probabilities.reshape(-1, 3))
    assert scores.log_loss(targets, probabilities) == pytest.approx(flat)
