"""Kernels and ridge on real smart-watch recordings, and on series whose answer is known."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from stadion.core.dataset import Dataset
from stadion.core.errors import StadionError
from stadion.core.signature import Signature, Tensor
from stadion.science.scores import SCORES, accuracy, log_loss, mae
from stadion.train.base import Progress, Run
from stadion.train.rocket import PLUGIN, RocketSettings
from stadion.train.selection.choice import Candidate, choose
from tests.train.graphs import milliseconds_per_answer, session_of, unlike
from tests.train.series_sets import basic_motions, racket_sports
from tests.train.toys import ask, classes_by_group, holed, pace_to_heart_rate

SMALL = RocketSettings(features=1_000)


@pytest.mark.data
def test_racket_strokes_are_told_apart_by_settings_chosen_on_the_training_part(
    tmp_path: Path,
) -> None:
    train, test = racket_sports("TRAIN"), racket_sports("TEST")
    variants = [RocketSettings(variant="positive"), RocketSettings(variant="both")]
    ranking = choose(
        [Candidate(PLUGIN, settings) for settings in variants],
        train, k=5, seed=0, score=SCORES["accuracy"], folder=tmp_path,
    )  # fmt: skip
    began = time.monotonic()
    model = PLUGIN.fit(train, ranking[0].candidate.settings, Run(0, tmp_path))
    assert time.monotonic() - began < 10
    answers, truth = model.predict(test.inputs)["activity"], test.targets["activity"]
    assert accuracy(truth, answers) >= 0.86
    assert log_loss(truth, answers) < 0.6  # saying nothing gives 1.39


def test_motions_of_the_demo_are_told_apart(tmp_path: Path) -> None:
    train, test = basic_motions("TRAIN"), basic_motions("TEST")
    model = PLUGIN.fit(train, RocketSettings(), Run(0, tmp_path))
    answers = model.predict(test.inputs)["activity"]
    assert accuracy(test.targets["activity"], answers) >= 0.95
    # 40 recordings cannot show more certainty than this
    assert np.median(answers.max(axis=1)) < 0.999


@pytest.mark.parametrize("variant", ["positive", "competing", "both"])
def test_the_graph_answers_alike_also_with_holes(variant: str, tmp_path: Path) -> None:
    data = basic_motions("TRAIN")
    settings = RocketSettings(variant=variant)  # type: ignore[arg-type]
    model = PLUGIN.fit(data, settings, Run(0, tmp_path))
    session = session_of(model, tmp_path / "model.onnx")
    assert unlike(model, session, data) < 1e-5
    assert unlike(model, session, holed(data, 0.2)) < 1e-5
    assert milliseconds_per_answer(session, data) < 6


def test_nothing_measured_still_gets_an_answer(tmp_path: Path) -> None:
    data = basic_motions("TRAIN")
    model = PLUGIN.fit(data, SMALL, Run(0, tmp_path))
    answer = model.predict(ask(data, np.nan))["activity"]
    assert np.isfinite(answer).all()
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)


def test_equal_seeds_give_equal_models_and_others_do_not(tmp_path: Path) -> None:
    data = basic_motions("TRAIN")
    first, again, other = (
        PLUGIN.fit(data, SMALL, Run(seed, tmp_path)).predict(data.inputs)["activity"]
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-6


def test_a_quantity_is_learned_from_series_and_static_inputs(tmp_path: Path) -> None:
    data, fresh = pace_to_heart_rate(), pace_to_heart_rate(seed=1)
    model = PLUGIN.fit(data, SMALL, Run(0, tmp_path))
    truth = fresh.targets["heart_rate"]
    assert mae(truth, model.predict(fresh.inputs)["heart_rate"]) < 4  # the noise alone gives 1.6
    assert mae(truth, np.full_like(truth, data.targets["heart_rate"].mean())) > 15
    assert unlike(model, session_of(model, tmp_path / "model.onnx"), holed(fresh, 0.1)) < 1e-5


def test_more_rows_than_features_are_learned_alike(tmp_path: Path) -> None:
    data, fresh = pace_to_heart_rate(1_500), pace_to_heart_rate(seed=1)
    model = PLUGIN.fit(data, RocketSettings(features=500), Run(0, tmp_path))
    truth = fresh.targets["heart_rate"]
    assert mae(truth, model.predict(fresh.inputs)["heart_rate"]) < 3


def test_a_reading_far_outside_does_not_run_away(tmp_path: Path) -> None:
    data = pace_to_heart_rate()
    model = PLUGIN.fit(data, SMALL, Run(0, tmp_path))
    answer = model.predict(ask(data, 1e6))["heart_rate"]
    assert (np.abs(answer) < 1_000).all()


@pytest.mark.parametrize("groups", [1, 3, 240])
def test_any_number_of_groups_can_be_learned_from(groups: int, tmp_path: Path) -> None:
    data = pace_to_heart_rate(240, groups)
    model = PLUGIN.fit(data, SMALL, Run(0, tmp_path))
    error = mae(data.targets["heart_rate"], model.predict(data.inputs)["heart_rate"])
    assert error < 4


def test_a_class_that_never_occurs_gets_little_probability(tmp_path: Path) -> None:
    data = classes_by_group([8, 8, 8, 8], [0, 1, 0, 1], classes=3)
    answer = PLUGIN.fit(data, SMALL, Run(0, tmp_path)).predict(data.inputs)["kind"]
    assert answer.shape == (32, 3)
    assert accuracy(data.targets["kind"], answer) == 1
    assert answer[:, 2].max() < 0.2


def test_a_channel_that_never_changes_does_no_harm(tmp_path: Path) -> None:
    data = basic_motions("TRAIN")
    data.inputs["acceleration"][:, :, 1] = 9.81
    data.inputs["angular_velocity"][:, :, 2] = np.nan
    model = PLUGIN.fit(data, SMALL, Run(0, tmp_path))
    assert accuracy(data.targets["activity"], model.predict(data.inputs)["activity"]) == 1
    assert unlike(model, session_of(model, tmp_path / "model.onnx"), data) < 1e-5


def test_several_outputs_are_answered_at_once(tmp_path: Path) -> None:
    data = pace_to_heart_rate()
    kind = (data.targets["heart_rate"] > 140).astype(np.int64)
    curve = np.stack([data.targets["heart_rate"]] * 6, axis=1).reshape(-1, 3, 2)
    both = Dataset(
        data.task,
        Signature(
            data.signature.inputs,
            (Tensor("curve", "FP32", (None, 3, 2)), Tensor("hard", "FP32", (None, 2))),
            {"hard": ("no", "yes")},
        ),
        data.inputs,
        {"hard": kind, "curve": curve},
        data.groups,
    )
    model = PLUGIN.fit(both, SMALL, Run(0, tmp_path))
    answers = model.predict(both.inputs)
    assert answers["curve"].shape == (240, 3, 2)
    assert mae(curve, answers["curve"]) < 4
    assert accuracy(kind, answers["hard"]) > 0.9
    assert unlike(model, session_of(model, tmp_path / "model.onnx"), both) < 1e-5


def test_it_says_how_far_it_is(tmp_path: Path) -> None:
    seen: list[Progress] = []
    PLUGIN.fit(pace_to_heart_rate(40), SMALL, Run(0, tmp_path, seen.append))
    assert [(p.done, p.total) for p in seen] == [(1, 2), (2, 2)]


def test_inputs_without_a_time_axis_are_refused(tmp_path: Path) -> None:
    data = pace_to_heart_rate(20)
    static = Dataset(
        data.task,
        Signature((data.signature.input("warm"),), data.signature.outputs),
        {"warm": data.inputs["warm"]},
        data.targets,
        data.groups,
    )
    with pytest.raises(StadionError, match="time axis"):
        PLUGIN.fit(static, RocketSettings(), Run(0, tmp_path))
