"""What the front of every network does to raw values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stadion.core.arrays import Array
from stadion.core.errors import StadionError
from stadion.core.signature import Signature, Tensor
from stadion.train.network.front import Front, Prepared

NAN, INF = np.nan, np.inf


def signature(*inputs: Tensor) -> Signature:
    return Signature(inputs, (Tensor("y", "FP32", (None,)),))


def prepared(*pairs: tuple[Tensor, Array]) -> Prepared:
    """The rows behind a front that was fitted to them."""
    inputs = {tensor.name: values for tensor, values in pairs}
    front = Front.fitted(signature(*(tensor for tensor, _ in pairs)), inputs)
    rows: Prepared = front(*(torch.tensor(values) for _, values in pairs))
    return rows


def static(name: str, *shape: int, datatype: str = "FP32") -> Tensor:
    return Tensor(name, datatype, (None, *shape))


def sequence(name: str, *shape: int | None) -> Tensor:
    return Tensor(name, "FP32", (None, *shape), step_s=1.0)


def test_sequences_are_joined_by_channel_and_the_rest_by_column() -> None:
    chance = np.random.default_rng(0)
    rows = prepared(
        (sequence("imu", 7, 3), chance.normal(size=(4, 7, 3)).astype(np.float32)),
        (static("mass"), chance.normal(size=4).astype(np.float32)),
        (sequence("speed", 7), chance.normal(size=(4, 7)).astype(np.float32)),
        (static("counts", 2, datatype="INT64"), np.arange(8).reshape(4, 2)),
    )
    assert rows.sequence is not None
    assert rows.static is not None
    assert rows.sequence.shape == (4, 7, 4)
    assert rows.static.shape == (4, 3)
    assert rows.sequence.dtype == rows.static.dtype == torch.float32


def test_nan_and_infinity_become_the_median_and_are_marked() -> None:
    values = np.array([1, 2, 3, 4, 100, NAN, INF, -INF], np.float32)
    rows = prepared((static("x"), values))
    assert rows.static is not None
    assert rows.static_mask is not None
    assert rows.static_mask[:, 0].tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert rows.static[5:, 0].tolist() == [0, 0, 0]
    assert rows.static[2, 0] == 0  # 3 is the median of what is known


def test_one_spike_of_a_sensor_does_not_flatten_its_channel() -> None:
    values = np.random.default_rng(0).normal(10, 2, 1_000).astype(np.float32)
    values[7] = 1e6
    rows = prepared((static("x"), values))
    assert rows.static is not None
    calm = np.delete(rows.static[:, 0].numpy(), 7)
    assert calm.std() == pytest.approx(1, abs=0.1)


def test_values_beyond_all_measure_stay_finite() -> None:
    tensor = static("x", datatype="FP64")
    front = Front.fitted(signature(tensor), {"x": np.array([1.0, 2, 3, 4, 1e300])})
    rows = front(torch.tensor([1e300, -3e38, 1e6], dtype=torch.float64))
    assert rows.static[:, 0].tolist() == [0, -50, 50]
    assert rows.static_mask[:, 0].tolist() == [1, 0, 0]


def test_the_scale_of_a_large_set_comes_from_all_steps() -> None:
    values = np.zeros((30_000, 100), np.float32)
    values[:, 50:] = 1  # a stride of a hundred would see one step only
    rows = prepared((sequence("x", 100), values))
    assert rows.sequence is not None
    assert rows.sequence.max() - rows.sequence.min() == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("value", [NAN, 5.0, 0.0, 1e30])
def test_a_channel_without_values_or_without_spread_is_zero(value: float) -> None:
    rows = prepared((static("x"), np.full(6, value, np.float32)))
    assert rows.static is not None
    assert rows.static.abs().max() == 0


def test_a_channel_that_mostly_rests_keeps_a_scale() -> None:
    values = np.zeros(1_000, np.float32)
    values[:100] = np.linspace(1, 2, 100)
    rows = prepared((static("x"), values))
    assert rows.static is not None
    assert 1 < rows.static.max() < 10


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ([static("x", datatype="BYTES")], "holds text"),
        ([Tensor("x", "FP32", (4,))], r"\[4\]; expected rows \(free\) first"),
        ([Tensor("x", "FP32", (None,), step_s=1.0)], r"expected rows \(free\) and time first"),
        ([sequence("x", 5, None)], "its channels must be fixed"),
        ([sequence("x", 5), sequence("z", 6)], r"\{'x': 5, 'z': 6\} steps; expected one length"),
    ],
)
def test_inputs_no_network_can_take_are_refused(tensors: list[Tensor], said: str) -> None:
    with pytest.raises(StadionError, match=said):
        Front.fitted(signature(*tensors), {})
