"""What stands for a missing value in a network, and what training with holes is good for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from stadion.core.arrays import Array, FloatArray
from stadion.core.dataset import Dataset
from stadion.core.plugins import Cupboard
from stadion.core.settings import read_settings
from stadion.core.signature import Signature, Tensor
from stadion.science.missing import blanked
from stadion.science.scores import mae
from stadion.train.base import Learner, Run
from stadion.train.network.front import Front, Prepared
from stadion.train.network.impute import Impute, Kind, bridged
from stadion.train.network.model import TorchModel
from tests.train.graphs import session_of, unlike
from tests.train.toys import pace_to_heart_rate

KINDS: tuple[Kind, ...] = ("median", "mean", "zero", "last", "learned")
ROWS, STEPS = 30, 12
SIGNATURE = Signature(
    (
        Tensor("imu", "FP32", (None, STEPS, 3), step_s=0.1),
        Tensor("pulse", "FP64", (None, STEPS), step_s=0.1),
        Tensor("age", "FP32", (None,)),
        Tensor("form", "FP32", (None, 2)),
    ),
    (Tensor("y", "FP32", (None,)),),
)


def given(seed: int = 0) -> dict[str, Array]:
    """Skewed numbers, so that median and mean lie apart; a third of them missing."""
    chance = np.random.default_rng(seed)
    whole: dict[str, Array] = {
        "imu": chance.exponential(2, (ROWS, STEPS, 3)).astype(np.float32) - 5,
        "pulse": chance.exponential(30, (ROWS, STEPS)) + 60,
        "age": chance.exponential(20, ROWS).astype(np.float32),
        "form": chance.exponential(1, (ROWS, 2)).astype(np.float32),
    }
    return blanked(whole, 0.35, seed)


def by_hand(kind: Kind, values: FloatArray, center: FloatArray, scale: FloatArray) -> FloatArray:
    """Scaled (n, ..., c) values filled channel by channel, in plain loops."""
    scaled = np.clip((values - center) / scale, -50, 50)
    filled = scaled.copy()
    for channel in range(values.shape[-1]):
        known = scaled[..., channel][np.isfinite(scaled[..., channel])]
        constant = {
            "mean": known.mean(),
            "zero": -center[channel] / scale[channel],
            "learned": 7.0 + channel,
        }.get(kind, 0.0)
        for row in range(len(values)):
            one = filled[row].reshape(-1, values.shape[-1])[:, channel]  # a view
            before = 0.0
            for step in range(len(one)):
                if np.isnan(one[step]):
                    one[step] = before if kind == "last" else constant
                elif values.ndim == 3:
                    before = one[step]
    return filled


def filled(kind: Kind, inputs: dict[str, Array]) -> tuple[Front, Prepared]:
    """The rows behind front and imputation, both fitted to them."""
    front = Front.fitted(SIGNATURE, inputs)
    impute = Impute.fitted(kind, front, SIGNATURE, inputs)
    if kind == "learned":
        with torch.no_grad():
            for values in impute.parameters():
                values.add_(7 + torch.arange(len(values)))
    rows: Prepared = impute(front(*(torch.tensor(values) for values in inputs.values())))
    return front, rows


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_its_slow_twin(kind: Kind) -> None:
    inputs = given()
    front, rows = filled(kind, inputs)
    assert rows.sequence is not None
    assert rows.static is not None
    sequence = np.concatenate([inputs["imu"], inputs["pulse"][:, :, None]], axis=2)
    static = np.concatenate([inputs["age"][:, None], inputs["form"]], axis=1)
    pairs = (
        (rows.sequence, sequence, front.sequence_center, front.sequence_scale),
        (rows.static, static, front.static_center, front.static_scale),
    )
    for received, values, center, scale in pairs:
        expected = by_hand(kind, values.astype(np.float64), center.numpy(), scale.numpy())
        np.testing.assert_allclose(received.detach().numpy(), expected, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_measured_and_the_masks_stay(kind: Kind) -> None:
    inputs = given(1)
    front = Front.fitted(SIGNATURE, inputs)
    before = front(*(torch.tensor(values) for values in inputs.values()))
    _, after = filled(kind, inputs)
    for old, new, mask, kept in (
        (before.sequence, after.sequence, before.sequence_mask, after.sequence_mask),
        (before.static, after.static, before.static_mask, after.static_mask),
    ):
        assert old is not None
        assert new is not None
        assert mask is not None
        assert kept is not None
        assert torch.equal(mask, kept)
        assert torch.equal(old[mask == 0], new[mask == 0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_the_graph_fills_as_the_model_does(name: str, kind: Kind, tmp_path: Path) -> None:
    data = pace_to_heart_rate(60)
    model = fitted(name, data, tmp_path, epochs=2, impute=kind)
    session = session_of(model, tmp_path / "model.onnx")
    for share in (0.0, 0.3, 1.0):
        holed = blanked(data.inputs, share, 3, data.signature)
        asked = Dataset("asked", data.signature, holed, data.targets, data.groups)
        assert unlike(model, session, asked) < 1e-4


def test_a_bridge_is_a_straight_line_and_ends_are_held() -> None:
    inputs = given(2)
    front = Front.fitted(SIGNATURE, inputs)
    rows = front(*(torch.tensor(values) for values in inputs.values()))
    values, missing = rows.sequence.numpy(), rows.sequence_mask.numpy() == 1
    received = bridged(rows.sequence, rows.sequence_mask).numpy()
    clock = np.arange(STEPS)
    for row in range(ROWS):
        for channel in range(values.shape[2]):
            known = ~missing[row, :, channel]
            one = values[row, known, channel] if known.any() else [0.0]
            expected = np.interp(clock, clock[known] if known.any() else [0], one)
            np.testing.assert_allclose(received[row, :, channel], expected, atol=1e-5)


def test_a_learned_filling_is_trained(tmp_path: Path) -> None:
    data = pace_to_heart_rate(60)
    holed = blanked(data.inputs, 0.5, 3, data.signature)
    gone = Dataset("gone", data.signature, holed, data.targets, data.groups)
    impute = fitted("cnn", gone, tmp_path, epochs=5, impute="learned").module.impute
    assert isinstance(impute, Impute)
    assert impute.sequence.abs().max() > 0.001
    assert impute.static.abs().max() > 0.001


def fitted(name: str, data: Dataset, folder: Path, **chosen: object) -> TorchModel:
    learner = Cupboard[Learner]("stadion.train").get(name)
    model = learner.fit(data, read_settings(learner.Settings, chosen, name), Run(5, folder))
    assert isinstance(model, TorchModel)
    return model


def noisy_copies(seed: int, rows: int = 300) -> Dataset:
    """Eight noisy readings of one number, which is the answer."""
    chance = np.random.default_rng(seed)
    level = chance.normal(10, 3, rows)
    readings = level[:, None] + chance.normal(0, 1, (rows, 8))
    signature = Signature(
        (Tensor("readings", "FP32", (None, 8)),), (Tensor("level", "FP32", (None,)),)
    )
    return Dataset(
        "copies",
        signature,
        {"readings": readings.astype(np.float32)},
        {"level": level.astype(np.float32)},
        np.arange(rows).astype("U"),
    )


def test_training_with_holes_loses_less_where_values_are_missing(tmp_path: Path) -> None:
    test = noisy_copies(1)
    asked = blanked(test.inputs, 0.3, 2, test.signature)
    errors = []
    for rate in (0.0, 0.1, 0.3):
        model = fitted("mlp", noisy_copies(0), tmp_path, epochs=40, missing_rate=rate)
        errors.append(mae(test.targets["level"], model.predict(asked)["level"]))
    assert errors[1] < 0.7 * errors[0]
    assert errors[2] < 0.7 * errors[0]
