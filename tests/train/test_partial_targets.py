"""Targets that are known in different rows: each output is learned from the rows that have it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.settings import read_settings
from stadion.train import baseline, boosting, mlp, rocket
from stadion.train._examples import movements, pace_and_heart_rate
from stadion.train._target import answerable, targets_of
from stadion.train.base import Learner, Run

LEARNERS: dict[str, tuple[Learner, dict[str, int]]] = {
    "boosting": (boosting.PLUGIN, {"trees": 60}),
    "rocket": (rocket.PLUGIN, {"features": 500}),
    "mlp": (mlp.PLUGIN, {"epochs": 40}),
}


def with_unknown(data: Dataset, unknown: dict[str, Any]) -> Dataset:
    """The set without the truth of some rows of some targets."""
    targets = {name: values.copy() for name, values in data.targets.items()}
    for name, rows in unknown.items():
        targets[name][rows] = -1 if targets[name].dtype.kind == "i" else np.nan
    return dataclasses.replace(data, targets=targets)


def no_row_has_both() -> Dataset:
    """Heart rate is known in even rows, breathing in odd ones."""
    whole = pace_and_heart_rate(120)
    odd = np.arange(120) % 2 == 1
    return with_unknown(whole, {"heart_rate": odd, "breaths": ~odd})


def test_a_row_counts_when_any_of_its_targets_is_known() -> None:
    data = with_unknown(
        pace_and_heart_rate(60), {"heart_rate": np.arange(20), "breaths": np.arange(10, 30)}
    )
    left = answerable(data)
    assert len(left) == 50
    known = {target.name: int(target.known.sum()) for target in targets_of(left)}
    assert known == {"heart_rate": 40, "breaths": 40}


@pytest.mark.parametrize("name", LEARNERS)
def test_each_output_is_learned_from_its_own_rows(name: str, tmp_path: Path) -> None:
    learner, given = LEARNERS[name]
    whole = pace_and_heart_rate(120)
    settings = read_settings(learner.Settings, given, name)
    answer = learner.fit(no_row_has_both(), settings, Run(0, tmp_path)).predict(whole.inputs)
    for output, truth in whole.targets.items():
        spread = np.abs(truth - truth.mean(axis=0)).mean()
        error = np.abs(answer[output] - truth).mean()
        assert error < 0.5 * spread, f"{output} is off by {error:.2f}, its spread is {spread:.2f}"


def test_trees_of_one_output_are_those_of_its_rows_alone(tmp_path: Path) -> None:
    settings = boosting.BoostingSettings(trees=20, patience=5)
    whole = pace_and_heart_rate(120)
    partly = with_unknown(whole, {"breaths": np.arange(0, 120, 2)})
    both = boosting.PLUGIN.fit(whole, settings, Run(0, tmp_path / "a")).predict(whole.inputs)
    some = boosting.PLUGIN.fit(partly, settings, Run(0, tmp_path / "b")).predict(whole.inputs)
    assert np.array_equal(both["heart_rate"], some["heart_rate"])
    assert not np.array_equal(both["breaths"], some["breaths"])


def test_the_mean_of_a_target_is_that_of_its_known_values(tmp_path: Path) -> None:
    data = no_row_has_both()
    model = baseline.PLUGIN.fit(data, baseline.BaselineSettings(), Run(0, tmp_path))
    expected = np.nanmean(data.targets["heart_rate"])
    assert model.predict(data.inputs)["heart_rate"][0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["boosting", "rocket"])
def test_rows_of_unknown_class_are_left_out(name: str, tmp_path: Path) -> None:
    learner, given = LEARNERS[name]
    settings = read_settings(learner.Settings, given, name)
    data = movements(90)
    unknown = with_unknown(data, {"movement": np.arange(0, 30)})
    alone = learner.fit(data.take(np.arange(30, 90)), settings, Run(0, tmp_path / "a"))
    partly = learner.fit(unknown, settings, Run(0, tmp_path / "b"))
    asked = data.inputs
    assert np.array_equal(alone.predict(asked)["movement"], partly.predict(asked)["movement"])


def test_a_target_without_any_value_is_refused(tmp_path: Path) -> None:
    data = with_unknown(pace_and_heart_rate(60), {"breaths": np.arange(60)})
    with pytest.raises(StadionError, match="breaths") as refused:
        boosting.PLUGIN.fit(data, boosting.BoostingSettings(), Run(0, tmp_path))
    assert refused.value.code is Code.INVALID
