"""Holes as sensors make them: the share that was asked for, of every kind, the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from stadion.core.arrays import Array
from stadion.core.signature import Signature, Tensor
from stadion.science.missing import blanked

ROWS, STEPS = 600, 40
INPUTS: dict[str, Array] = {
    "motion": np.ones((ROWS, STEPS, 3), np.float32),
    "speed": np.ones((ROWS, STEPS)),
    "age": np.ones(ROWS, np.float32),
    "form": np.ones((ROWS, 8), np.float32),
    "laps": np.ones(ROWS, np.int64),
}
SIGNATURE = Signature(
    (
        Tensor("motion", "FP32", (None, STEPS, 3), step_s=0.1),
        Tensor("speed", "FP64", (None, STEPS), step_s=0.1),
        Tensor("age", "FP32", (None,)),
        Tensor("form", "FP32", (None, 8), missing=False),
        Tensor("laps", "INT64", (None,)),
    ),
    (),
)


def lost(values: Array) -> float:
    return float(np.isnan(values).mean())


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_the_share_is_kept_on_average(share: float) -> None:
    for seed in range(3):
        found = blanked(INPUTS, share, seed)
        for name in ("motion", "speed", "age", "form"):
            assert lost(found[name]) == pytest.approx(share, abs=0.06), name


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nothing_and_everything(share: float) -> None:
    assert all(lost(values) == share for name, values in blanked(INPUTS, share, 4).items()
               if name != "laps")  # fmt: skip


def test_of_what_was_measured_the_same_share_is_lost() -> None:
    measured = INPUTS["motion"].copy()
    measured[:, :10] = np.nan
    found = blanked({"motion": measured}, 0.3, 5)["motion"]
    assert lost(found[:, 10:]) == pytest.approx(0.3, abs=0.04)
    assert np.isnan(found[:, :10]).all()


def test_channels_blocks_and_single_values_are_lost() -> None:
    motion: Array = np.isnan(blanked(INPUTS, 0.3, 6)["motion"])
    whole = np.asarray(motion.all(axis=1))
    assert 0.08 < whole.mean() < 0.2
    single = motion[:, 1:-1] & ~motion[:, :-2] & ~motion[:, 2:]
    assert single.mean() > 0.03
    at_once = motion.all(axis=2) & ~whole.min(axis=1, keepdims=True)
    assert at_once.mean() > 0.05  # far more often than three channels would by chance


def test_equal_seeds_make_equal_holes_and_the_given_arrays_stay() -> None:
    before = {name: values.copy() for name, values in INPUTS.items()}
    one = blanked(INPUTS, 0.4, 7)
    two = blanked(dict(reversed(list(INPUTS.items()))), 0.4, 7)
    other = blanked(INPUTS, 0.4, 8)
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])
        np.testing.assert_array_equal(INPUTS[name], before[name])
        assert values.dtype == INPUTS[name].dtype
    assert not np.array_equal(one["age"], other["age"], equal_nan=True)


def test_a_signature_says_what_has_time_and_what_must_be_there() -> None:
    found = blanked(INPUTS, 0.5, 9, SIGNATURE)
    assert lost(found["form"]) == 0.0
    assert lost(found["motion"]) == pytest.approx(0.5, abs=0.06)
    table = Signature((Tensor("form", "FP32", (None, 8)),), ())
    columns = np.isnan(blanked({"form": INPUTS["form"]}, 0.5, 9, table)["form"])
    assert np.abs(columns.mean(axis=0) - 0.5).max() < 0.08
    assert columns.all(axis=1).mean() < 0.03  # each value by itself: 1 in 256


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_is_from_0_to_1(share: float) -> None:
    with pytest.raises(ValueError, match="expected 0 to 1"):
        blanked(INPUTS, share, 0)
