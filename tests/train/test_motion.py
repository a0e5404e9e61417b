"""The learner of paths: heads that agree, futures that differ, one graph without chance."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from stadion.core.arrays import Array, Arrays
from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.settings import read_settings
from stadion.export.graph import check_content, check_signature
from stadion.export.verify import verify
from stadion.science.paths import best_of, motion_of
from stadion.train._examples import movements
from stadion.train.base import Progress, Run, silent
from stadion.train.network.model import TorchModel
from stadion.train.trajectories.example import arcs
from stadion.train.trajectories.losses import Truth, loss_of, ties
from stadion.train.trajectories.network import Forecast
from stadion.train.trajectories.past import PASTS
from stadion.train.trajectories.scene import STEP_S, Scene, scene_of
from stadion.train.trajectory import PLUGIN

SMALL = {"features": 16, "hidden": 32, "layers": 1, "batch_size": 32}


def fitted(
    folder: Path, progress: Callable[[Progress], None] = silent, seed: int = 0, **given: Any
) -> TorchModel:
    settings = read_settings(PLUGIN.Settings, {**SMALL, "epochs": 2, **given}, PLUGIN.name)
    return PLUGIN.fit(arcs(0), settings, Run(seed, folder, progress))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TorchModel:
    return fitted(tmp_path_factory.mktemp("trained"), epochs=60, batch_size=96, tie=2.0)


def scene_from(data: Dataset) -> Scene:
    names = ("path", "others", "ball", "teammate", "basket", "place")
    return scene_of(*(torch.tensor(data.inputs[name]) for name in names))


def forecast(position: Array, futures: Array | None = None) -> Forecast:
    """One whose speed, acceleration and turn rate are those of the path."""
    path = arcs(0).inputs["path"][: len(position), -2:]
    motion = motion_of(np.concatenate([path, position], axis=1), STEP_S, 0.0)
    values = (position, motion.speed[:, 1:], motion.acceleration, motion.turn_rate)
    many = futures if futures is not None else position[:, None]
    one, two, three, four, five = (torch.tensor(np.asarray(v, np.float32)) for v in (*values, many))
    return Forecast(one, two, three, four, five, torch.zeros(len(position), many.shape[1]))


def test_after_training_one_of_the_futures_is_nearer_than_going_straight_on(
    trained: TorchModel,
) -> None:
    data = arcs(0)
    answer = trained.predict(data.inputs)
    truth = data.targets["position"]
    step = data.inputs["path"][:, -1] - data.inputs["path"][:, -2]
    straight = (step[:, None] * np.arange(1, 13)[None, :, None])[:, None]
    assert best_of(answer["futures"], truth)[0].mean() < best_of(straight, truth)[0].mean()
    assert answer["future_probability"].sum(axis=1) == pytest.approx(1.0, abs=1e-5)


def test_futures_differ_and_more_than_one_is_the_best_for_somebody(trained: TorchModel) -> None:
    data = arcs(1)
    futures = trained.predict(data.inputs)["futures"]
    apart = np.linalg.norm(futures - data.targets["position"][:, None], axis=-1).mean(axis=2)
    assert len(set(apart.argmin(axis=1).tolist())) >= 5


def test_half_a_turn_of_the_court_turns_the_answers(trained: TorchModel) -> None:
    inputs = arcs(2).inputs
    turned = {name: v if name == "teammate" else -v for name, v in inputs.items()}
    here, there = trained.predict(inputs), trained.predict(turned)
    for name, sign in (("position", -1), ("futures", -1), ("speed", 1), ("turn_rate", 1)):
        assert there[name] == pytest.approx(sign * here[name], abs=1e-4), name


def test_the_heads_of_a_trained_model_agree(trained: TorchModel) -> None:
    data = arcs(0)
    answer = trained.predict(data.inputs)
    path = np.concatenate([data.inputs["path"][:, -1:], answer["position"]], axis=1)
    speed = motion_of(path, STEP_S, 0.0).speed
    assert np.median(np.abs(answer["speed"] - speed)) < 0.4  # of 1 to 5 m/s


@pytest.mark.parametrize("reader", sorted(PASTS))
def test_every_reader_becomes_one_graph_without_chance(reader: str, tmp_path: Path) -> None:
    data = arcs(0)
    model = fitted(tmp_path, reader=reader)
    model.to_onnx(tmp_path / "model.onnx")
    verify(model, tmp_path / "model.onnx", model.signature, data.inputs)
    graph = onnx.load(tmp_path / "model.onnx")
    check_content(graph)
    check_signature(graph, model.signature)


def test_a_row_takes_less_than_20_ms(tmp_path: Path) -> None:
    model = fitted(tmp_path, features=64, hidden=192, layers=2, epochs=1)
    model.to_onnx(tmp_path / "model.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", options)
    row = {name: values[:1] for name, values in arcs(0).inputs.items()}
    times = []
    for _ in range(30):
        began = time.perf_counter()
        session.run(None, row)
        times.append(time.perf_counter() - began)
    assert np.median(times) < 0.02


def test_a_training_that_was_ended_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    def end_in_the_second_epoch(progress: Progress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    whole = fitted(tmp_path / "whole", epochs=3)
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "ended", end_in_the_second_epoch, epochs=3, checkpoint_s=0)
    seen: list[int] = []
    model = fitted(tmp_path / "ended", lambda p: seen.append(p.done), epochs=3, checkpoint_s=0)
    assert seen == [3], "it began anew"
    _same(whole.predict(arcs(0).inputs), model.predict(arcs(0).inputs))


def test_bfloat16_in_training_gives_a_float32_model(tmp_path: Path) -> None:
    answer = fitted(tmp_path, precision="bfloat16").predict(arcs(0).inputs)
    assert {values.dtype for values in answer.values()} == {np.dtype(np.float32)}


def test_rates_that_are_those_of_the_path_violate_nothing() -> None:
    data = arcs(0)
    said = forecast(data.targets["position"])
    scene = scene_from(data)
    plain = scene._replace(path=torch.tensor(data.inputs["path"]))
    for part in ties(said, plain):
        assert float(part.median()) < 1e-2
    faster = said._replace(speed=said.speed + 1.0)
    assert float(ties(faster, plain)[0].median()) == pytest.approx(1.0, abs=1e-2)


def test_only_the_best_future_learns_unless_all_have_a_share() -> None:
    data = arcs(0).take(np.arange(4))
    offsets = np.array([0.1, 1.0, 3.0])[None, :, None, None]
    futures = data.targets["position"][:, None] + offsets
    truth = Truth(*(torch.tensor(data.targets[n]) for n in
                    ("position", "speed", "acceleration", "turn_rate")))  # fmt: skip
    moved = {}
    for spread in (0.0, 0.3):
        said = forecast(data.targets["position"], futures)
        said.futures.requires_grad_()
        loss_of(said, truth, scene_from(data), spread, 0.0, 0.0).backward()  # type: ignore[no-untyped-call]
        assert said.futures.grad is not None
        moved[spread] = said.futures.grad.abs().sum(dim=(0, 2, 3)) > 0
    assert moved[0.0].tolist() == [True, False, False]
    assert moved[0.3].tolist() == [True, True, True]


def test_unknown_targets_do_not_count() -> None:
    data = arcs(0)
    names = ("position", "speed", "acceleration", "turn_rate")
    said = forecast(data.targets["position"] + 1.0)
    holed = {name: data.targets[name].copy() for name in names}
    for values in holed.values():
        values[::2] = np.nan
    loss = loss_of(said, Truth(*(torch.tensor(holed[n]) for n in names)), scene_from(data), 0, 0, 0)
    assert torch.isfinite(loss)
    nothing = Truth(*(torch.full_like(torch.tensor(holed[n]), torch.nan) for n in names))
    assert float(loss_of(said, nothing, scene_from(data), 0, 0, 0)) == pytest.approx(0.0)


def test_a_gap_is_filled_by_the_steps_beside_it() -> None:
    data = arcs(0)
    path = data.inputs["path"].copy()
    path[:, 3] = np.nan
    inputs = {**data.inputs, "path": path}
    filled = scene_of(*(torch.tensor(inputs[n]) for n in
                        ("path", "others", "ball", "teammate", "basket", "place")))  # fmt: skip
    between = (path[:, 2] + path[:, 4]) / 2 * filled.side.numpy()[:, None]
    assert filled.path[:, 3].numpy() == pytest.approx(between, abs=0.05)
    assert float(filled.path_known[:, 3].sum()) == 0.0


def test_another_question_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StadionError, match="answers position, speed") as refusal:
        PLUGIN.fit(movements(), PLUGIN.Settings(), Run(0, tmp_path))
    assert refusal.value.code is Code.UNSUPPORTED
    with pytest.raises(StadionError, match="multiple of 4"):
        fitted(tmp_path, features=6)


def _same(first: Arrays, second: Arrays) -> None:
    for name, values in first.items():
        assert np.array_equal(values, second[name]), name
