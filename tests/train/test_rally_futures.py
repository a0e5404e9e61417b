"""A network of rallies: turned courts, several futures, windows of a rally, a kill in between."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from stadion.core.arrays import Array
from stadion.core.dataset import Dataset
from stadion.core.errors import StadionError
from stadion.science.badminton import best_of
from stadion.train.base import Progress, Run
from stadion.train.intervals.calibrate import with_intervals
from stadion.train.rallies.course import RallySettings
from stadion.train.rallies.windows import Windows
from stadion.train.rally_futures import PLUGIN

QUICK = RallySettings(epochs=3, width=16, batch_size=16)


def two_ways(seed: int, rows: int = 160) -> Dataset:
    """Rallies that go on to the left with one type, or to the right with another: by a coin."""
    data = PLUGIN.example(seed, rows)
    coin = np.random.default_rng(seed + 10).integers(0, 2, rows)
    types = np.where(data.targets["type"] >= 0, np.where(coin, 2, 7)[:, None], -1)
    landing = data.targets["landing"].copy()
    landing[..., 0] = np.where(
        np.isnan(landing[..., 0]), np.nan, np.where(coin, 2.5, -2.5)[:, None]
    )
    return dataclasses.replace(data, targets={"type": types, "landing": landing})


def turned(inputs: dict[str, Array]) -> dict[str, Array]:
    """The same rallies with the court turned by half a circle."""
    places = ("past_landing", "past_player", "past_opponent")
    return {name: -values if name in places else values for name, values in inputs.items()}


def test_a_turned_court_gives_the_same_strokes_at_turned_places(tmp_path: Path) -> None:
    data = PLUGIN.example(0)
    model = PLUGIN.fit(data, QUICK, Run(0, tmp_path))
    here, there = model.predict(data.inputs), model.predict(turned(dict(data.inputs)))
    np.testing.assert_allclose(here["type"], there["type"], atol=1e-5)
    np.testing.assert_allclose(here["landing"], -there["landing"], atol=1e-4)
    np.testing.assert_allclose(here["future_landing"], -there["future_landing"], atol=1e-4)


def test_futures_part_where_a_rally_can_go_two_ways(tmp_path: Path) -> None:
    data, other = two_ways(0), two_ways(1)
    settings = RallySettings(futures=2, epochs=20, width=32, batch_size=16, mirror=0.0,
                             windows=0.0, missing_rate=0.0)  # fmt: skip
    answers = PLUGIN.fit(data, settings, Run(0, tmp_path)).predict(other.inputs)
    truth = other.targets["type"], other.targets["landing"].astype(np.float64)
    several = best_of(*truth, answers["future_type"], answers["future_landing"])
    one = best_of(*truth, answers["type"][:, None], answers["landing"][:, None])
    assert several.score < one.score - 0.5
    assert one.types.mean() == pytest.approx(np.log(2), abs=0.3)  # a coin is a coin
    np.testing.assert_allclose(answers["future_chance"].sum(axis=1), 1, atol=1e-5)
    assert np.abs(answers["future_chance"] - 0.5).mean() < 0.25


def test_a_type_that_follows_the_last_one_is_learned(tmp_path: Path) -> None:
    data = PLUGIN.example(0)
    settings = RallySettings(epochs=60, width=32, batch_size=16, missing_rate=0.0)
    answers = PLUGIN.fit(data, settings, Run(0, tmp_path)).predict(data.inputs)
    known = data.targets["type"] >= 0
    right = answers["type"].argmax(axis=2) == data.targets["type"]
    assert right[known].mean() > 0.5  # one in ten by chance


def test_intervals_grow_with_the_error_the_model_expects(tmp_path: Path) -> None:
    data = PLUGIN.example(0, 240)
    run = Run(0, tmp_path)
    model = PLUGIN.fit(data, QUICK, run)
    answers = model.predict(data.inputs)
    whole = with_intervals(model, data, answers, 0.9, run)
    given = whole.predict(data.inputs)
    width = given["landing_high"] - given["landing_low"]
    grown = width / np.maximum(given["landing_spread"], 1e-6)
    inside = (np.abs(given["landing_low"]) < 14.9) & (np.abs(given["landing_high"]) < 14.9)
    first = grown[:, 0, 1][inside[:, 0, 1]]
    assert first.std() < 0.01 * first.mean()  # one factor for every row
    assert width[:, 0, 1].std() > 0
    truth, known = data.targets["landing"], np.isfinite(data.targets["landing"])
    held = (truth >= given["landing_low"]) & (truth <= given["landing_high"])
    assert held[known].mean() > 0.88
    kinds = data.targets["type"]
    there = kinds >= 0
    chosen = np.take_along_axis(given["type_set"], kinds.clip(0)[..., None], axis=2)[..., 0]
    for place in range(4):
        assert chosen[:, place][there[:, place]].mean() > 0.88
    whole.to_onnx(tmp_path / "whole.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "whole.onnx")
    names = [output.name for output in session.get_outputs()]
    for name, values in zip(names, session.run(names, dict(data.inputs)), strict=True):
        apart = np.abs(values.astype(np.float64) - given[name])
        assert apart.max() < 1e-3 or (values.dtype == np.bool_ and apart.mean() < 0.01), name


def test_windows_are_later_strokes_with_the_players_in_their_turn() -> None:
    data = PLUGIN.example(0)
    windows = Windows(data)
    names = [tensor.name for tensor in data.signature.inputs]
    rows = torch.arange(len(data))
    first = windows.take(rows, torch.zeros(len(data), dtype=torch.int64))
    for name, values in zip(names, first.inputs, strict=True):
        np.testing.assert_array_equal(values.numpy(), data.inputs[name], err_msg=name)
    later = int(windows.later.argmax())
    batch = windows.take(torch.tensor([later]), torch.tensor([3]))
    given = dict(zip(names, batch.inputs, strict=True))
    assert given["past_type"][0, 0].argmax() == data.inputs["past_type"][later, 3].argmax()
    assert given["past_type"][0, 1:].argmax(dim=1).tolist() == (
        data.targets["type"][later, :3].tolist()
    )
    assert torch.isnan(given["past_player"][0, 1:]).all()
    assert given["first_stroke"][0] == 4
    np.testing.assert_array_equal(given["first_player"][0], data.inputs["second_player"][later])
    assert batch.types[0].tolist() == data.targets["type"][later, 3:].tolist()


def test_a_training_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    data = PLUGIN.example(0)
    whole = PLUGIN.fit(data, QUICK, Run(0, tmp_path / "whole")).predict(data.inputs)

    class KilledError(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.done == 2:
            raise KilledError

    with pytest.raises(KilledError):
        PLUGIN.fit(data, QUICK, Run(0, tmp_path / "killed", kill))
    seen: list[Progress] = []
    again = PLUGIN.fit(data, QUICK, Run(0, tmp_path / "killed", seen.append)).predict(data.inputs)
    assert [progress.done for progress in seen] == [3]
    for name, values in whole.items():
        np.testing.assert_allclose(again[name], values, atol=1e-5)


@pytest.mark.parametrize("epochs", [1, 2, 4, 5])
def test_the_shortest_trainings_come_to_an_end(tmp_path: Path, epochs: int) -> None:
    settings = dataclasses.replace(QUICK, epochs=epochs, batch_size=64)
    PLUGIN.fit(PLUGIN.example(0), settings, Run(0, tmp_path))


def test_settings_that_diverge_are_told(tmp_path: Path) -> None:
    data = PLUGIN.example(0)
    landing = np.where(np.isnan(data.targets["landing"]), np.nan, 3e38).astype(np.float32)
    broken = dataclasses.replace(data, targets={**data.targets, "landing": landing})
    with pytest.raises(StadionError, match="diverge"):
        PLUGIN.fit(broken, QUICK, Run(0, tmp_path))
