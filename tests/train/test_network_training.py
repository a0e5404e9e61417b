"""What the settings of the loop do to a training, and what a training does to the process."""

from __future__ import annotations

import dataclasses
import logging
import signal
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stadion.core.dataset import Dataset
from stadion.core.errors import Code, StadionError
from stadion.core.model import Model
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings
from stadion.train._examples import day_table, movements, outputs_of, pace_and_heart_rate
from stadion.train.base import Learner, Progress, Run
from stadion.train.network.holdout import held_out_rows
from stadion.train.network.settings import LoopSettings
from stadion.train.network.updates import optimizer_for, schedule_for


def trained(
    name: str, data: Dataset, folder: Path, seed: int = 1, **chosen: Any
) -> tuple[Model, list[Progress]]:
    learner = Cupboard[Learner]("stadion.train").get(name)
    settings = read_settings(learner.Settings, chosen, name)
    seen: list[Progress] = []
    return learner.fit(data, settings, Run(seed, folder, seen.append)), seen


def accuracy(model: Model, data: Dataset) -> float:
    (name,) = data.targets
    return float((model.predict(data.inputs)[name].argmax(1) == data.targets[name]).mean())


def mae(model: Model, data: Dataset, name: str = "heart_rate") -> float:
    return float(np.nanmean(np.abs(model.predict(data.inputs)[name] - data.targets[name])))


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm"])
def test_movements_of_others_are_told_apart(name: str, tmp_path: Path) -> None:
    model, _ = trained(name, movements(90), tmp_path, epochs=30)
    assert accuracy(model, movements(90, seed=5)) >= 0.95


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm"])
def test_heart_rate_follows_the_pace(name: str, tmp_path: Path) -> None:
    data = outputs_of(pace_and_heart_rate(200), "heart_rate")
    model, _ = trained(name, data, tmp_path, epochs=20)
    other = outputs_of(pace_and_heart_rate(200, seed=5), "heart_rate")
    spread = np.abs(other.targets["heart_rate"] - np.median(data.targets["heart_rate"])).mean()
    assert mae(model, other) < 0.4 * spread


def test_a_table_without_time_is_learned_by_the_mlp(tmp_path: Path) -> None:
    model, _ = trained("mlp", day_table(300), tmp_path, epochs=30)
    assert accuracy(model, day_table(300, seed=5)) > 0.85


@pytest.mark.parametrize(
    "chosen",
    [
        {"optimizer": "sgd", "learning_rate": 0.05},
        {"optimizer": "momentum", "learning_rate": 0.01},
        {"optimizer": "adam", "schedule": "constant"},
        {"optimizer": "adamw", "schedule": "cosine"},
        {"schedule": "step"},
        {"schedule": "onecycle", "clip": 0},
        {"class_weights": "balanced", "label_smoothing": 0.1},
        {"rotation": 20, "time_warp": 0.2, "jitter": 0.1, "scale": 0.2, "missing_rate": 0.3},
        {"norm": "layer"},
        {"norm": "none", "dropout": 0},
    ],
    ids=str,
)
def test_every_way_of_training_lowers_the_loss(chosen: dict[str, Any], tmp_path: Path) -> None:
    _, seen = trained("mlp", movements(), tmp_path, epochs=12, **chosen)
    losses = [progress.loss for progress in seen if progress.loss is not None]
    assert [progress.done for progress in seen] == list(range(1, 13))
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("loss", ["mae", "mse", "huber"])
def test_targets_that_were_not_measured_count_for_nothing(loss: str, tmp_path: Path) -> None:
    data = outputs_of(pace_and_heart_rate(200), "heart_rate")
    target = data.targets["heart_rate"].copy()
    target[::2] = np.nan
    holed = dataclasses.replace(data, targets={"heart_rate": target})
    model, seen = trained("mlp", holed, tmp_path, epochs=40, loss=loss)
    assert mae(model, data) < 12
    assert all(np.isfinite(progress.loss or np.nan) for progress in seen)


def test_balanced_weights_find_the_rare_class_more_often(tmp_path: Path) -> None:
    data = day_table(400)
    rare = np.flatnonzero(data.targets["ready"] == 1)[:20]
    rows = np.concatenate([np.flatnonzero(data.targets["ready"] == 0), rare])
    few, fresh = data.take(rows), day_table(400, seed=5)
    found = {}
    for weights in ("none", "balanced"):
        model, _ = trained("mlp", few, tmp_path, epochs=10, class_weights=weights)
        answer = model.predict(fresh.inputs)["ready"].argmax(1)
        found[weights] = answer[fresh.targets["ready"] == 1].mean()
    assert found["balanced"] > found["none"] + 0.1


def test_blanking_in_training_teaches_to_do_without_a_channel(tmp_path: Path) -> None:
    fresh = movements(300, seed=5)
    cut = {name: values.copy() for name, values in fresh.inputs.items()}
    cut["acceleration"][:, :, :2] = np.nan
    blind = dataclasses.replace(fresh, inputs=cut)
    scores = []
    for rate in (0.0, 0.3):
        model, _ = trained("mlp", movements(90), tmp_path, epochs=40, missing_rate=rate)
        scores.append(accuracy(model, blind))
    assert scores[1] > scores[0]
    assert scores[1] > 0.9


def test_early_stopping_returns_the_best_epoch(tmp_path: Path) -> None:
    data = day_table(60)
    common: dict[str, Any] = {
        "schedule": "constant",
        "learning_rate": 0.02,
        "holdout": 0.3,
        "patience": 3,
    }
    model, seen = trained("mlp", data, tmp_path, epochs=200, **common)
    losses = [progress.loss or np.nan for progress in seen]
    best = int(np.argmin(losses)) + 1
    assert len(seen) == best + 3
    assert seen[-1].total == 200
    until_then, _ = trained("mlp", data, tmp_path, epochs=best, **common)
    same = [m.predict(data.inputs)["ready"] for m in (model, until_then)]
    assert np.array_equal(same[0], same[1])


def test_held_out_groups_are_whole_and_leave_every_class_to_train() -> None:
    data = movements(180)
    for seed in range(5):
        held = held_out_rows(data, 0.3, seed)
        groups = {part: set(data.groups[rows]) for part, rows in (("in", ~held), ("out", held))}
        assert groups["in"].isdisjoint(groups["out"])
        assert 0.15 < held.mean() < 0.5
        assert set(data.targets["movement"][~held]) == {0, 1, 2}


def test_the_updates_of_a_large_set_are_bounded(tmp_path: Path) -> None:
    _, seen = trained("mlp", movements(320), tmp_path, batch_size=16, epochs=50, most_steps=70)
    assert seen[-1].total == 3  # 20 updates each


@pytest.mark.parametrize(
    ("schedule", "at"),
    [
        ("constant", {0: 1, 50: 1, 100: 1}),
        ("cosine", {0: 1, 50: 0.5, 100: 0}),
        ("step", {0: 1, 49: 1, 50: 0.1, 75: 0.01}),
        ("onecycle", {0: 0.04, 15: 0.52, 30: 1, 65: 0.5, 100: 0}),
    ],
)
def test_the_learning_rate_follows_its_schedule(schedule: str, at: dict[int, float]) -> None:
    settings = read_settings(LoopSettings, {"schedule": schedule, "learning_rate": 2}, "loop")
    layer = torch.nn.Linear(2, 2)
    optimizer = optimizer_for(layer, settings)
    course = schedule_for(optimizer, settings, 100)
    rates = []
    for _ in range(101):
        rates.append(optimizer.param_groups[0]["lr"] / 2)
        optimizer.step()
        course.step()
    assert {step: rates[step] for step in at} == pytest.approx(at, abs=1e-9)


def test_weight_decay_leaves_biases_alone() -> None:
    settings = read_settings(LoopSettings, {"weight_decay": 0.3}, "loop")
    layer = torch.nn.Linear(3, 2)
    decays = {
        tuple(weight.shape): group["weight_decay"]
        for group in optimizer_for(layer, settings).param_groups
        for weight in group["params"]
    }
    assert decays == {(2, 3): 0.3, (2,): 0.0}


@pytest.mark.parametrize(
    ("name", "data", "chosen", "said"),
    [
        ("mlp", pace_and_heart_rate(), {"optimizer": "sgd", "learning_rate": 10, "clip": 0,
         "norm": "none", "loss": "mse", "schedule": "constant"}, "diverge"),
        ("mlp", movements().take(np.arange(1)), {}, "1 rows; expected at least 2"),
        ("mlp", dataclasses.replace(movements(), groups=np.full(48, "anna")), {"patience": 3},
         "1 group; early stopping holds out whole groups"),
        ("mlp", movements(), {"hidden": "64,-3"}, "hidden is '64,-3'; expected sizes"),
        ("cnn", movements(), {"kernel": 4}, "kernel is 4; expected an odd number"),
        ("cnn", day_table(), {}, "cnn reads sequences, and no input of this training set"),
        ("lstm", day_table(), {}, "lstm reads sequences, and no input of this training set"),
        ("mlp", dataclasses.replace(movements(), targets={"movement": np.arange(48)}), {},
         "target holds 0 to 47; expected 0 to 2"),
        ("mlp", dataclasses.replace(movements(), targets={}), {}, "there is no target 'movement'"),
        ("mlp", dataclasses.replace(outputs_of(pace_and_heart_rate(), "heart_rate"),
         targets={"heart_rate": np.full(60, np.nan, np.float32)}), {}, "target holds no value"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)  # fmt: skip
def test_what_cannot_be_learned_is_refused_in_words(
    name: str, data: Dataset, chosen: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(StadionError, match=said) as error:
        trained(name, data, tmp_path, epochs=30, **chosen)
    assert error.value.code is Code.INVALID


def test_a_training_is_silent_and_leaves_one_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, run = tmp_path / "here", tmp_path / "run"
    here.mkdir()
    monkeypatch.chdir(here)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained("lstm", movements(), run, epochs=3)
    assert capfd.readouterr() == ("", "")
    assert list(here.iterdir()) == []
    assert [path.suffix for path in run.iterdir()] == [".ckpt"]


def test_a_training_leaves_chance_modes_and_signals_as_they_were(tmp_path: Path) -> None:
    def state() -> tuple[Any, ...]:
        return (
            torch.random.get_rng_state().tolist(),
            torch.are_deterministic_algorithms_enabled(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            list(warnings.filters),
            [logging.getLogger(name).level for name in ("", "lightning.pytorch", "torch")],
            [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        )

    import lightning.pytorch  # noqa: F401  # sets the levels of its loggers when imported

    with torch.no_grad():
        before = state()
        trained("mlp", movements(), tmp_path, epochs=2)
        assert state() == before


def test_ctrl_c_ends_a_training_as_it_ends_everything_else(tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    learner = Cupboard[Learner]("stadion.train").get("mlp")
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        learner.fit(movements(), learner.Settings(), Run(1, tmp_path, interrupt))
    assert signal.getsignal(signal.SIGINT) is handler
