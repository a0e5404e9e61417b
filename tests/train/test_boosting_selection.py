"""Trees on few statistics: the choice is made in the fit, named, and compiled into the graph."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import pytest

from stadion.core.dataset import Dataset
from stadion.core.signature import Signature, Tensor
from stadion.export.verify import TOLERANCE, verify
from stadion.science.scores import accuracy
from stadion.train._examples import day_table, movements, pace_and_heart_rate
from stadion.train.base import Run
from stadion.train.boosting import PLUGIN, BoostingSettings, TreesModel
from stadion.train.windows.statistics import WindowStatistics
from tests.train.graphs import session_of, unlike
from tests.train.series_sets import basic_motions, racket_sports

Way = Literal["mrmr", "permutation"]
WAYS: tuple[Way, ...] = ("mrmr", "permutation")


def fitted(data: Dataset, way: Way, keep: int, folder: Path, trees: int = 60) -> TreesModel:
    settings = BoostingSettings(trees=trees, learning_rate=0.1, select=way, keep=keep)
    return PLUGIN.fit(data, settings, Run(0, folder))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "data", [movements(), pace_and_heart_rate(), day_table()], ids=lambda d: d.task
)
def test_the_graph_reads_what_was_chosen_and_no_more(
    data: Dataset, way: Way, tmp_path: Path
) -> None:
    model = fitted(data, way, 5, tmp_path)
    path = tmp_path / "model.onnx"
    model.to_onnx(path)
    assert verify(model, path, model.signature, data.inputs).difference <= TOLERANCE
    assert 1 <= len(model.signature.selected) <= 5
    places = {p.name: p for p in onnx.load(path).graph.initializer}[
        "window_statistics:chosen:places"
    ]
    names = WindowStatistics(data.signature).names
    kept = onnx.numpy_helper.to_array(places)
    assert model.signature.selected == tuple(names[place] for place in kept)


@pytest.mark.parametrize("way", WAYS)
def test_a_table_keeps_what_tells_and_drops_copies_and_noise(way: Way, tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    sleep, load = chance.normal(7, 1, 400), chance.normal(400, 100, 400)
    ready = ((sleep - 7) - (load - 400) / 100 > 0).astype(np.int64)
    noise = chance.normal(0, 1, (20, 400))
    columns = ("sleep", "load", "sleep_min", "load_half", *(f"noise_{i}" for i in range(20)))
    table = np.stack([sleep, load, sleep * 60, load / 2, *noise], axis=1).astype(np.float32)
    signature = Signature(
        (Tensor("day", "FP32", (None, 24), columns=columns),),
        (Tensor("ready", "FP32", (None, 2), columns=("no", "yes"), missing=False),),
        {"ready": ("no", "yes")},
    )
    groups = np.array([f"athlete-{row % 10}" for row in range(400)])
    data = Dataset("days", signature, {"day": table}, {"ready": ready}, groups)
    selected = fitted(data, way, 4, tmp_path).signature.selected
    kinds = [name.removeprefix("day.").partition("_")[0] for name in selected]
    assert {"sleep", "load"} <= set(kinds)
    if way == "mrmr":
        assert sorted(kinds) == ["load", "sleep"]


def test_without_a_choice_everything_is_read(tmp_path: Path) -> None:
    model = PLUGIN.fit(movements(), BoostingSettings(trees=5), Run(0, tmp_path))
    assert model.signature.selected == ()


@pytest.mark.parametrize("way", WAYS)
def test_the_choice_is_made_of_the_rows_it_is_given_alone(way: Way, tmp_path: Path) -> None:
    """What tells something among other rows is not chosen where it does not."""
    data = movements(180)
    chance = np.random.default_rng(0)
    still = chance.normal(0, 1, data.inputs["acceleration"].shape).astype(np.float32)
    mass = np.where(data.targets["movement"] == 2, 60.0, 90.0).astype(np.float32)
    mass[90:] = chance.permutation(mass[90:])
    rows = dataclasses.replace(data, inputs={"acceleration": still, "body_mass": mass})
    selected = [
        fitted(rows.take(part), way, 1, tmp_path).signature.selected
        for part in np.split(np.arange(180), 2)
    ]
    assert selected[0] == ("body_mass",)
    assert selected[1] != ("body_mass",)


def test_names_say_what_is_in_each_column() -> None:
    data = movements(20)
    statistics = WindowStatistics(data.signature)
    rows = statistics.of_rows([data.inputs[tensor.name] for tensor in data.signature.inputs])
    column = {name: rows[:, place] for place, name in enumerate(statistics.names)}
    assert len(column) == rows.shape[1]
    series = data.inputs["acceleration"].astype(np.float64)
    length = np.sqrt((series**2).sum(axis=2))
    change = np.abs(np.diff(series[:, :, 2], axis=1))
    for name, expected in {
        "body_mass": data.inputs["body_mass"],
        "acceleration.y: mean": np.nanmean(series[:, :, 1], axis=1),
        "acceleration.z: highest": np.nanmax(series[:, :, 2], axis=1),
        "acceleration.x: quantile 0.25": np.nanquantile(series[:, :, 0], 0.25, axis=1),
        "acceleration.x: share missing": np.isnan(series[:, :, 0]).mean(axis=1),
        "acceleration length: lowest": np.nanmin(length, axis=1),
        "acceleration.y: mean of part 2 of 4": np.nanmean(series[:, 6:12, 1], axis=1),
        "acceleration.z: mean change": np.nanmean(change, axis=1),
    }.items():
        np.testing.assert_allclose(column[name], expected, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("way", WAYS)
def test_motions_of_the_demo_need_forty_statistics(way: Way, tmp_path: Path) -> None:
    model = fitted(basic_motions("TRAIN"), way, 40, tmp_path, 200)
    test = basic_motions("TEST")
    assert accuracy(test.targets["activity"], model.predict(test.inputs)["activity"]) >= 0.95
    assert unlike(model, session_of(model, tmp_path / "model.onnx"), test) < 1e-4


@pytest.mark.data
@pytest.mark.parametrize(("way", "least"), [("mrmr", 0.8), ("permutation", 0.84)])
def test_racket_strokes_lose_little_with_forty_of_all_statistics(
    way: Way, least: float, tmp_path: Path
) -> None:
    train, test = racket_sports("TRAIN"), racket_sports("TEST")
    truth = test.targets["activity"]
    whole = PLUGIN.fit(train, BoostingSettings(), Run(0, tmp_path))
    few = PLUGIN.fit(train, BoostingSettings(select=way, keep=40), Run(0, tmp_path))
    scores = [accuracy(truth, model.predict(test.inputs)["activity"]) for model in (whole, few)]
    every = len(WindowStatistics(train.signature).names)
    print(f"RacketSports: {every} statistics {scores[0]:.3f}, 40 by {way} {scores[1]:.3f}")
    assert scores[1] >= least
