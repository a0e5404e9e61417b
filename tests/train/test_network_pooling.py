"""What is read of a sequence over time leaves out what was not measured."""

from __future__ import annotations

import pytest
import torch

from stadion.train.network.pooling import (
    SUMMARY,
    last,
    masked_max,
    masked_mean,
    measured,
    summary,
)

STEPS = torch.tensor([[[-5.0], [-1.0], [-3.0], [-9.0]]])  # one row, four steps, one feature


def there(*flags: float) -> torch.Tensor:
    return torch.tensor(flags).reshape(1, -1, 1)


def test_a_step_counts_when_any_channel_of_it_was_measured() -> None:
    mask = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]])
    assert measured(mask).flatten().tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("flags", "mean", "highest", "end"),
    [
        ((1.0, 1.0, 1.0, 1.0), -4.5, -1, -9),
        ((1.0, 0.0, 1.0, 0.0), -4, -3, -3),
        ((0.0, 0.0, 1.0, 1.0), -6, -3, -9),
        ((0.0, 0.0, 0.0, 0.0), 0, 0, -5),
    ],
)
def test_pooling_sees_the_measured_steps_only(
    flags: tuple[float, ...], mean: float, highest: float, end: float
) -> None:
    assert masked_mean(STEPS, there(*flags)).item() == mean
    assert masked_max(STEPS, there(*flags)).item() == highest
    assert last(STEPS, there(*flags)).item() == end


def test_a_summary_is_the_same_with_and_without_a_padded_end() -> None:
    values = torch.randn((3, 10, 2), generator=torch.Generator().manual_seed(0))
    mask = torch.zeros_like(values)
    padded = torch.nn.functional.pad(values, (0, 0, 0, 5))
    padded_mask = torch.nn.functional.pad(mask, (0, 0, 0, 5), value=1.0)
    whole, longer = summary(values, mask), summary(padded, padded_mask)
    assert whole.shape == (3, SUMMARY * 2)
    assert torch.allclose(whole[:, :-2], longer[:, :-2], atol=1e-6)
    assert torch.allclose(longer[:, -2:], torch.tensor(1 / 3))  # the share that is missing


def test_a_summary_names_mean_spread_extremes_and_change() -> None:
    numbers = summary(STEPS, torch.zeros_like(STEPS)).flatten().tolist()
    assert numbers == pytest.approx([-4.5, 8.75**0.5, -9, -1, 4, 0])
