"""Learning from copies with holes, and what missing values cost a trained model."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stadion.core.dataset import Dataset
from stadion.core.model import Model
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings
from stadion.core.signature import Signature, Tensor
from stadion.science.missing import blanked
from stadion.science.scores import accuracy, mae
from stadion.train._blanks import with_blanked_copies
from stadion.train.base import Learner, Run
from stadion.train.boosting import PLUGIN as BOOSTING
from stadion.train.boosting import BoostingSettings
from tests.train.graphs import session_of, unlike
from tests.train.series_sets import basic_motions, racket_sports
from tests.train.toys import pace_to_heart_rate


def form(seed: int, rows: int) -> Dataset:
    """A questionnaire: twelve columns that follow three hidden ones; the answer does too."""
    mix = np.random.default_rng(0).normal(size=(3, 12))
    chance = np.random.default_rng(seed)
    hidden = chance.normal(size=(rows, 3))
    columns = hidden @ mix + chance.normal(0, 0.5, (rows, 12))
    answer = 3 * hidden[:, 0] + 2 * np.sin(2 * hidden[:, 1]) + hidden[:, 2] * hidden[:, 0]
    columns[chance.random(rows) < 0.2, 3] = np.nan
    signature = Signature((Tensor("form", "FP32", (None, 12)),), (Tensor("y", "FP32", (None,)),))
    return Dataset(
        "form",
        signature,
        {"form": columns.astype(np.float32)},
        {"y": answer.astype(np.float32)},
        np.array([f"person-{row % 20}" for row in range(rows)]),
    )


def fitted(name: str, data: Dataset, folder: Path, **chosen: Any) -> Model:
    learner = Cupboard[Learner]("stadion.train").get(name)
    return learner.fit(data, read_settings(learner.Settings, chosen, name), Run(0, folder))


def scores(model: Model, test: Dataset) -> dict[float, float]:
    """Share missing -> accuracy, or mean error, over three draws of the holes."""
    name = test.signature.outputs[0].name
    compute = accuracy if name in test.signature.labels else mae
    found = {}
    for share in (0.0, 0.3, 0.5):
        holed = [blanked(test.inputs, share, seed, test.signature) for seed in (1, 2, 3)]
        values = [compute(test.targets[name], model.predict(inputs)[name]) for inputs in holed]
        found[share] = float(np.mean(values))
    return found


def trivial(train: Dataset, test: Dataset) -> float:
    name = test.signature.outputs[0].name
    known, target = train.targets[name], test.targets[name]
    if name in test.signature.labels:
        return float((target == np.bincount(known).argmax()).mean())
    return mae(target, np.full(len(target), np.median(known)))


# --- copies


def test_copies_follow_the_rows_and_keep_all_but_their_values() -> None:
    data = dataclasses.replace(
        pace_to_heart_rate(60),
        times=np.arange(60.0),
        strata={"sex": np.where(np.arange(60) % 2, "male", "female")},
    )
    rows = np.arange(10, 50)
    both = with_blanked_copies(data, 0.1, 3, rows)
    assert len(both) == 100
    for name, values in data.inputs.items():
        np.testing.assert_array_equal(both.inputs[name][:60], values)
        copies = both.inputs[name][60:]
        np.testing.assert_array_equal(copies[~np.isnan(copies)], values[rows][~np.isnan(copies)])
        assert 0.05 < np.isnan(copies).mean() < 0.4
    assert both.times is not None
    for first, then in (
        (both.targets["heart_rate"][60:], data.targets["heart_rate"][rows]),
        (both.groups[60:], data.groups[rows]),
        (both.times[60:], np.arange(60.0)[rows]),
        (both.strata["sex"][60:], data.strata["sex"][rows]),
    ):
        np.testing.assert_array_equal(first, then)
    again = with_blanked_copies(data, 0.1, 3, rows)
    assert again.digest == both.digest
    assert with_blanked_copies(data, 0.1, 4, rows).digest != both.digest


def test_over_rows_and_copies_the_rate_is_missing() -> None:
    data = form(1, 1_000)
    whole = dataclasses.replace(data, inputs={"form": np.ones((1_000, 12), np.float32)})
    both = with_blanked_copies(whole, 0.1, 0, np.arange(1_000))
    assert np.isnan(both.inputs["form"]).mean() == pytest.approx(0.1, abs=0.01)


def test_inputs_that_may_not_be_missing_are_not_copied() -> None:
    tensor = Tensor("form", "FP32", (None, 12), missing=False)
    data = form(1, 20)
    whole = {"form": np.ones((20, 12), np.float32)}
    signature = dataclasses.replace(data.signature, inputs=(tensor,))
    needed = dataclasses.replace(data, signature=signature, inputs=whole)
    assert with_blanked_copies(needed, 0.1, 0, np.arange(20)) is needed


# --- trees


@pytest.mark.parametrize("seed", [0, 1])
def test_trees_that_learned_from_holes_lose_less_to_them(seed: int, tmp_path: Path) -> None:
    test, train = form(2, 800), form(1, 1_500)
    errors = []
    for rate in (0.0, BoostingSettings().missing_rate):
        model = BOOSTING.fit(train, BoostingSettings(missing_rate=rate), Run(seed, tmp_path))
        errors.append(scores(model, test))
    without, with_copies = errors
    assert with_copies[0.3] < 0.95 * without[0.3]
    assert with_copies[0.5] < 0.95 * without[0.5]
    assert with_copies[0.0] < 1.05 * without[0.0]


@pytest.mark.data
def test_racket_strokes_with_holes_are_told_apart_better(tmp_path: Path) -> None:
    train, test = racket_sports("TRAIN"), racket_sports("TEST")
    found = [
        scores(BOOSTING.fit(train, BoostingSettings(missing_rate=rate), Run(0, tmp_path)), test)
        for rate in (0.0, 0.1)
    ]
    assert found[1][0.3] > found[0][0.3] + 0.02
    assert found[1][0.5] > found[0][0.5] + 0.05


def test_copies_at_most_double_the_time(tmp_path: Path) -> None:
    train = form(1, 4_000)
    took = []
    for rate in (0.0, 0.1):
        rounds = []
        for _ in range(3):
            began = time.process_time()
            BOOSTING.fit(train, BoostingSettings(missing_rate=rate), Run(0, tmp_path))
            rounds.append(time.process_time() - began)
        took.append(min(rounds))
    assert took[1] < 2.2 * took[0]


def test_rows_that_judge_when_to_stop_have_no_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copies of the rows that train are seen being made."""
    asked: list[np.ndarray] = []

    def watched(data: Dataset, rate: float, seed: int, rows: np.ndarray) -> Dataset:
        asked.append(rows)
        return with_blanked_copies(data, rate, seed, rows)

    monkeypatch.setattr("stadion.train.boosting.with_blanked_copies", watched)
    data = form(1, 200)
    settings = BoostingSettings(trees=40, patience=5)
    model = BOOSTING.fit(data, settings, Run(0, tmp_path))
    trained = set(data.groups[asked[0]])
    assert 10 < len(trained) < 20
    assert set(np.delete(data.groups, asked[0])).isdisjoint(trained)
    session = session_of(model, tmp_path / "model.onnx")
    holed = blanked(data.inputs, 0.3, 1, data.signature)
    assert unlike(model, session, dataclasses.replace(data, inputs=holed)) < 1e-4


# --- every learner


@pytest.mark.parametrize("learner", ["boosting", "rocket", "cnn"])
def test_a_third_missing_costs_less_than_half_of_the_gain(learner: str, tmp_path: Path) -> None:
    train, test = basic_motions("TRAIN"), basic_motions("TEST")
    chosen = {"epochs": 40} if learner == "cnn" else {}
    found = scores(fitted(learner, train, tmp_path, **chosen), test)
    gain = found[0.0] - trivial(train, test)
    assert gain > 0.5
    assert (found[0.0] - found[0.3]) / gain < 0.2
    assert (found[0.0] - found[0.5]) / gain < 0.5


@pytest.mark.parametrize("learner", ["boosting", "mlp"])
def test_a_third_of_a_table_missing_costs_less_than_half(learner: str, tmp_path: Path) -> None:
    train, test = form(1, 600), form(2, 600)
    found = scores(fitted(learner, train, tmp_path), test)
    gain = trivial(train, test) - found[0.0]
    assert gain > 1
    assert (found[0.3] - found[0.0]) / gain < 0.35
    assert (found[0.5] - found[0.0]) / gain < 0.5
