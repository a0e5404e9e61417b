"""Trees on window statistics: as good as their figures say, and the same in the graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.signature import Signature, Tensor
from stadion.science.scores import accuracy, mae
from stadion.train.base import Progress, Run
from stadion.train.boosting import PLUGIN, BoostingSettings
from stadion.train.windows.statistics import WindowStatistics
from tests.train.graphs import milliseconds_per_answer, nodes_of, session_of, unlike
from tests.train.series_sets import basic_motions, racket_sports
from tests.train.toys import ask, classes_by_group, holed, pace_to_heart_rate

QUICK = BoostingSettings(trees=60, learning_rate=0.1)


@pytest.mark.data
def test_racket_strokes_are_told_apart(tmp_path: Path) -> None:
    model = PLUGIN.fit(racket_sports("TRAIN"), BoostingSettings(), Run(0, tmp_path))
    test = racket_sports("TEST")
    assert accuracy(test.targets["activity"], model.predict(test.inputs)["activity"]) >= 0.8


def test_motions_of_the_demo_are_told_apart(tmp_path: Path) -> None:
    model = PLUGIN.fit(basic_motions("TRAIN"), QUICK, Run(0, tmp_path))
    test = basic_motions("TEST")
    assert accuracy(test.targets["activity"], model.predict(test.inputs)["activity"]) >= 0.95


def test_the_graph_decides_as_the_trees_do_also_with_holes(tmp_path: Path) -> None:
    data = basic_motions("TRAIN")
    for trained_on in (data, holed(data, 0.1)):
        model = PLUGIN.fit(trained_on, QUICK, Run(0, tmp_path))
        session = session_of(model, tmp_path / "model.onnx")
        for share in (0.0, 0.05, 0.5, 0.95):
            assert unlike(model, session, holed(data, share)) < 1e-5
        assert milliseconds_per_answer(session, data) < 3
    assert nodes_of(tmp_path / "model.onnx").count("TreeEnsembleRegressor") == 1


def test_rows_that_lie_on_a_threshold_go_the_same_way(tmp_path: Path) -> None:
    """Few different values, none of them a round binary number: thresholds lie close to them."""
    chance = np.random.default_rng(0)
    x = (chance.integers(0, 12, 600) / 10).astype(np.float32)
    signature = Signature(
        (Tensor("x", "FP32", (None, 1)),), (Tensor("y", "FP32", (None,), missing=False),)
    )
    y = np.sin(9 * x) + chance.normal(0, 0.01, 600)
    data = Dataset("toy", signature, {"x": x[:, None]}, {"y": y.astype(np.float32)},
                   np.arange(600).astype("U"))  # fmt: skip
    model = PLUGIN.fit(data, QUICK, Run(0, tmp_path))
    near = np.unique(x)
    between = np.arange(-0.2, 1.4, 1e-3, np.float32)
    odd = np.array([np.nan, np.inf, 0.0, 1e-38], np.float32)
    up, down = np.nextafter(near, np.float32(9)), np.nextafter(near, np.float32(-9))
    asked = np.concatenate([near, up, down, between, odd])[:, None]
    received = session_of(model, tmp_path / "model.onnx").run(None, {"x": asked})[0]
    np.testing.assert_allclose(received, model.predict({"x": asked})["y"], atol=1e-6)


def test_missing_values_are_learned_from(tmp_path: Path) -> None:
    """Whether anything was measured at all is what tells these rows apart."""
    data = pace_to_heart_rate(200)
    lost = np.arange(200) % 2 == 0
    data.inputs["speed"][lost] = np.nan
    data.targets["heart_rate"][:] = np.where(lost, 60, 150)
    model = PLUGIN.fit(data, QUICK, Run(0, tmp_path))
    answers = model.predict(data.inputs)["heart_rate"]
    assert mae(data.targets["heart_rate"], answers) < 1
    assert unlike(model, session_of(model, tmp_path / "model.onnx"), data) < 1e-5


@pytest.mark.parametrize("objective", ["mae", "mse", "huber"])
def test_a_quantity_is_learned(objective: str, tmp_path: Path) -> None:
    data, fresh = pace_to_heart_rate(), pace_to_heart_rate(seed=1)
    settings = BoostingSettings(objective=objective, learning_rate=0.1)  # type: ignore[arg-type]
    model = PLUGIN.fit(data, settings, Run(0, tmp_path))
    truth = fresh.targets["heart_rate"]
    assert mae(truth, model.predict(fresh.inputs)["heart_rate"]) < 6
    assert unlike(model, session_of(model, tmp_path / "model.onnx"), holed(fresh, 0.1)) < 1e-5


def test_equal_seeds_give_equal_models(tmp_path: Path) -> None:
    data = basic_motions("TRAIN")
    first, again = (
        PLUGIN.fit(data, QUICK, Run(5, tmp_path)).predict(data.inputs)["activity"] for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


def test_patience_ends_the_training_on_groups_it_has_not_seen(tmp_path: Path) -> None:
    data = pace_to_heart_rate()
    seen: list[Progress] = []
    settings = BoostingSettings(trees=2_000, learning_rate=0.3, patience=10)
    model = PLUGIN.fit(data, settings, Run(0, tmp_path, seen.append))
    ((_, (booster,)),) = model.answers
    grown = seen[-2].done
    assert grown < 2_000 == seen[-1].done
    assert booster.num_trees() == grown - 10


def test_balanced_weights_help_the_rare_class(tmp_path: Path) -> None:
    data = classes_by_group([60, 60, 6], [0, 1, 2])
    chance = np.random.default_rng(0)
    data.inputs["wave"][:] += chance.normal(0, 1.5, (126, 1)).astype(np.float32)
    rare = data.targets["kind"] == 2
    given = {
        weights: PLUGIN.fit(
            data,
            BoostingSettings(trees=20, min_child=3, class_weights=weights),
            Run(0, tmp_path),
        ).predict(data.inputs)["kind"][rare, 2]
        for weights in ("none", "balanced")
    }
    assert given["balanced"].mean() > given["none"].mean()


def test_a_class_that_never_occurs_gets_little_probability(tmp_path: Path) -> None:
    data = classes_by_group([20, 20, 20], [0, 1, 1], classes=3)
    answer = PLUGIN.fit(data, QUICK, Run(0, tmp_path)).predict(data.inputs)["kind"]
    assert accuracy(data.targets["kind"], answer) == 1
    assert answer[:, 2].max() < 0.05


def test_nothing_measured_still_gets_an_answer(tmp_path: Path) -> None:
    data = pace_to_heart_rate()
    answer = PLUGIN.fit(data, QUICK, Run(0, tmp_path)).predict(ask(data, np.nan))["heart_rate"]
    assert ((answer > 80) & (answer < 200)).all()


def test_text_and_free_lengths_are_refused(tmp_path: Path) -> None:
    data = pace_to_heart_rate(20)
    for tensor, values, code in (
        (Tensor("name", "BYTES", (None,)), np.full(20, "x", object), Code.UNSUPPORTED),
        (Tensor("speed", "FP32", (None, None), step_s=1.0), data.inputs["speed"], Code.INVALID),
    ):
        odd = Dataset(
            data.task,
            Signature((tensor,), data.signature.outputs),
            {tensor.name: values},
            data.targets,
            data.groups,
        )
        with pytest.raises(StadionError) as refused:
            PLUGIN.fit(odd, QUICK, Run(0, tmp_path))
        assert refused.value.code == code
        assert tensor.name in refused.value.message


def test_statistics_are_those_of_numpy() -> None:
    """The torch module against the slow way, on one channel with holes."""
    chance = np.random.default_rng(0)
    series = chance.normal(5, 2, (1, 40)).astype(np.float32)
    series[0, [3, 17, 39]] = np.nan
    signature = Signature((Tensor("x", "FP32", (None, 40), step_s=1.0),), ())
    features = WindowStatistics(signature)(torch.from_numpy(series))[0].tolist()
    x = series[0].astype(np.float64)
    known = x[np.isfinite(x)]
    deviations = known - known.mean()
    expected = [
        known.mean(),
        known.std(),
        np.sqrt((known**2).mean()),
        known.min(),
        known.max(),
        *np.quantile(known, [0.1, 0.25, 0.5, 0.75, 0.9]),
        x[38],
        (deviations**3).mean() / known.std() ** 3,
        (deviations**4).mean() / known.std() ** 4,
        3 / 40,
        *(np.nanmean(part) for part in np.split(x, 4)),
        np.nanmean(np.abs(np.diff(x))),
        np.sqrt(np.nanmean(np.diff(x) ** 2)),
        np.corrcoef(np.flatnonzero(np.isfinite(x)), known)[0, 1],
    ]
    np.testing.assert_allclose(features[: len(expected)], expected, rtol=1e-5, atol=1e-6)


def test_the_spectrum_finds_a_sine_and_the_autocorrelation_its_period() -> None:
    steps = np.arange(64)
    wave = np.sin(2 * np.pi * steps / 8).astype(np.float32)[None]
    signature = Signature((Tensor("x", "FP32", (None, 64), step_s=1.0),), ())
    features = WindowStatistics(signature)(torch.from_numpy(wave))[0].numpy()
    bands, mean_frequency = features[-7:-1], features[-1]
    assert bands.max() == pytest.approx(1, abs=1e-5)
    assert mean_frequency == pytest.approx(8 / 32, abs=1e-5)
    lags = features[-15:-7]  # 1 2 3 5 8 13 21 (34 is too long): the fifth is the period
    assert lags[-3] == pytest.approx(56 / 64, abs=1e-5)
