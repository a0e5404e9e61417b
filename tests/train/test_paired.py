"""What the learner of two sides is made of: guesses of missing values and a linear model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from stadion.core.errors import StadionError
from stadion.science.missing import blanked
from stadion.train._examples import day_table
from stadion.train.base import Run
from stadion.train.paired import PLUGIN, PairedSettings
from stadion.train.sides.filling import filling_weights
from stadion.train.sides.linear import fit_linear


def test_a_missing_value_is_guessed_from_those_that_go_with_it() -> None:
    rng = np.random.default_rng(0)
    strength = rng.normal(size=(4_000, 1))
    values = np.concatenate([strength + 0.3 * rng.normal(size=(4_000, 5)),
                             rng.normal(size=(4_000, 1))], axis=1)  # fmt: skip
    values /= values.std(axis=0)
    weights = filling_weights(values)
    assert (np.diag(weights) == 0).all()
    holes = rng.random(values.shape) < 0.3
    guesses = np.where(holes, 0.0, values) @ weights
    error = (guesses - values)[holes & (np.arange(6) < 5)]
    assert np.sqrt((error**2).mean()) < 0.55
    assert np.abs(weights[:, 5]).max() < 0.1


def test_values_never_seen_together_give_no_wild_guess() -> None:
    values = np.random.default_rng(1).normal(size=(200, 4))
    values[:100, 0] = values[100:, 1] = np.nan
    assert np.isfinite(filling_weights(values)).all()
    assert np.abs(filling_weights(values)).max() < 2.0


@pytest.mark.parametrize("classes", [2, 3])
def test_the_linear_model_agrees_with_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(2)
    inputs = np.concatenate([rng.normal(size=(500, 4)), np.ones((500, 1))], axis=1)
    labels = (inputs[:, 0] + rng.logistic(size=500) > np.linspace(-1, 1, classes - 1)[:, None]).sum(
        axis=0
    )
    ours = fit_linear(inputs, labels, np.ones(500), classes, 0.0, slice(0, 0))
    chances = np.exp(inputs @ ours)
    chances /= chances.sum(axis=1, keepdims=True)
    theirs = LogisticRegression(C=1e6, max_iter=2_000).fit(inputs[:, :-1], labels)
    assert np.abs(chances - theirs.predict_proba(inputs[:, :-1])).max() < 0.002


def test_with_few_matches_the_answer_is_that_of_the_average_rating() -> None:
    rng = np.random.default_rng(3)
    edge = rng.normal(size=(60, 1)) + 0.1 * rng.normal(size=(60, 4))
    inputs = np.concatenate([edge, rng.normal(size=(60, 3)), np.ones((60, 1))], axis=1)
    labels = (edge.mean(axis=1) + rng.logistic(size=60) < 0).astype(int)
    weights = fit_linear(inputs, labels, np.ones(60), 2, 1e6, slice(0, 4))[:, 0]
    assert np.allclose(weights[:4], weights[0], atol=1e-3)
    assert weights[0] > 0.05
    assert np.abs(weights[4:7]).max() < 1e-3


def test_missing_values_leave_most_of_the_answer_as_it_was(tmp_path: Path) -> None:
    data = PLUGIN.example(0)
    model = PLUGIN.fit(data, PairedSettings(trees=10), Run(0, tmp_path))
    whole = model.predict(data.inputs)["outcome"]
    holed = model.predict(blanked(data.inputs, 0.3, 0, data.signature))["outcome"]
    assert np.corrcoef(whole[:, 0], holed[:, 0])[0, 1] > 0.6


def test_a_set_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StadionError, match="who wins a match"):
        PLUGIN.fit(day_table(), PairedSettings(), Run(0, tmp_path))
