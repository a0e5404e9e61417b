"""Intervals hold the share of the truth they are made for, and the graph gives the same ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.core.signature import Signature, Tensor
from stadion.export.verify import verify
from stadion.platform.measuring import interval_coverage
from stadion.train.base import Run
from stadion.train.boosting import PLUGIN as BOOSTING
from stadion.train.boosting import BoostingSettings
from stadion.train.intervals.calibrate import intervals_unseen, with_intervals
from stadion.train.intervals.conformal import margin
from stadion.train.intervals.model import IntervalModel

QUICK = BoostingSettings(trees=30)


def runners(rows: int, seed: int) -> Dataset:
    """Pace and climb to heart rate; who climbs is harder to tell. And one of three efforts."""
    chance = np.random.default_rng(seed)
    pace, climb = chance.uniform(2, 5, rows), chance.uniform(0, 1, rows)
    heart = 60 + 25 * pace + chance.normal(0, 1, rows) * (2 + 20 * climb)
    effort = np.clip(np.floor(pace - 2 + chance.normal(0, 0.5, rows)), 0, 2).astype(np.int64)
    signature = Signature(
        (Tensor("pace", "FP32", (None,), "m/s"), Tensor("climb", "FP32", (None,), "m/s")),
        (
            Tensor("heart_rate", "FP32", (None,), "bpm", low=30.0, high=230.0, missing=False),
            Tensor("effort", "FP32", (None, 3), missing=False),
        ),
        {"effort": ("easy", "steady", "hard")},
    )
    return Dataset(
        "runs",
        signature,
        {"pace": pace.astype(np.float32), "climb": climb.astype(np.float32)},
        {"heart_rate": heart.astype(np.float32), "effort": effort},
        np.array([f"runner-{n % 40}" for n in range(rows)]),
        strata={"terrain": np.where(climb > 0.5, "hills", "flat")},
    )


def calibrated(tmp_path: Path, rows: int = 4_000) -> IntervalModel:
    known, unseen = runners(rows, 1), runners(rows, 2)
    model = BOOSTING.fit(known, QUICK, Run(0, tmp_path))
    return with_intervals(model, unseen, model.predict(unseen.inputs), 0.9, Run(0, tmp_path))


def test_nine_in_ten_truths_lie_inside_also_where_it_is_hard(tmp_path: Path) -> None:
    asked = runners(6_000, 3)
    model = calibrated(tmp_path)
    report = interval_coverage(asked, model.predict(asked.inputs), 0.9)
    for name in ("heart_rate", "effort"):
        assert report[name]["coverage"] == pytest.approx(0.9, abs=0.02)
        assert report[name]["coverage terrain=hills"] > 0.85
        assert report[name]["coverage terrain=flat"] > 0.85


def test_intervals_are_wider_where_answers_are_harder(tmp_path: Path) -> None:
    answers = calibrated(tmp_path).predict(
        {"pace": np.full(2, 3.0, np.float32), "climb": np.array([0.05, 0.95], np.float32)}
    )
    easy, hard = answers["heart_rate_high"] - answers["heart_rate_low"]
    assert hard > 2 * easy


def test_the_graph_gives_the_intervals_of_the_model(tmp_path: Path) -> None:
    model = calibrated(tmp_path)
    graph = tmp_path / "model.onnx"
    model.to_onnx(graph)
    told = verify(model, graph, model.signature, runners(200, 4).inputs)
    assert told.difference < 1e-4
    session = onnxruntime.InferenceSession(graph)
    assert [output.name for output in session.get_outputs()] == [
        "heart_rate", "effort", "heart_rate_low", "heart_rate_high", "effort_set",
    ]  # fmt: skip


def test_bounds_stay_inside_what_is_possible(tmp_path: Path) -> None:
    model = calibrated(tmp_path)
    tight = dataclasses.replace(model.inner.signature.outputs[0], low=150.0, high=160.0)
    signature = dataclasses.replace(
        model.inner.signature, outputs=(tight, model.inner.signature.outputs[1])
    )
    inside = dataclasses.replace(model, inner=dataclasses.replace(model.inner, signature=signature))  # type: ignore[type-var]
    answers = inside.predict(runners(100, 5).inputs)
    assert answers["heart_rate_low"].min() >= 150
    assert answers["heart_rate_high"].max() <= 160


def test_few_rows_or_wide_answers_get_one_margin_for_all(tmp_path: Path) -> None:
    model = calibrated(tmp_path, rows=200)
    assert model.hardness is None
    answers = model.predict(runners(50, 6).inputs)
    widths: Array = answers["heart_rate_high"] - answers["heart_rate_low"]
    assert np.ptp(widths) < 1e-3


def test_what_is_reported_is_seen_on_groups_that_gave_no_margin(tmp_path: Path) -> None:
    """Answers that know half of the groups by heart: their own margins would look far too good."""
    data = runners(2_000, 7)
    model = BOOSTING.fit(data, QUICK, Run(0, tmp_path))
    answers = model.predict(data.inputs)
    bounded = intervals_unseen(model, data, answers, 0.9, Run(0, tmp_path))
    report = interval_coverage(data, bounded, 0.9)["heart_rate"]
    assert report["coverage"] == pytest.approx(0.9, abs=0.03)
    assert bounded["heart_rate"] is not answers["heart_rate"]


@pytest.mark.parametrize(("n", "expected"), [(9, 9.0), (19, 18.0), (99, 90.0)])
def test_the_margin_is_the_smallest_that_keeps_the_promise(n: int, expected: float) -> None:
    scores = np.random.default_rng(0).permutation(np.arange(1.0, n + 1))
    assert margin(np.append(scores, np.nan), 0.9) == expected


def test_unknown_truths_do_not_count(tmp_path: Path) -> None:
    unseen = runners(1_000, 8)
    targets = dict(unseen.targets)
    targets["heart_rate"] = np.where(np.arange(1_000) % 2, targets["heart_rate"], np.nan)
    targets["effort"] = np.where(np.arange(1_000) % 3, targets["effort"], -1)
    holed = dataclasses.replace(unseen, targets=targets)
    model = BOOSTING.fit(runners(1_000, 9), QUICK, Run(0, tmp_path))
    bounded = with_intervals(model, holed, model.predict(holed.inputs), 0.9, Run(0, tmp_path))
    report = interval_coverage(holed, bounded.predict(holed.inputs), 0.9)
    assert report["heart_rate"]["coverage"] == pytest.approx(0.9, abs=0.04)
    assert report["effort"]["coverage"] == pytest.approx(0.9, abs=0.04)
