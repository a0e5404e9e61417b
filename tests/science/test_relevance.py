"""What columns tell of a target: known values, and what is left out of a choice."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from stadion.science.relevance import binned, most_relevant, mutual_information


def test_mutual_information_is_that_of_the_oracle_and_the_correction_is_small() -> None:
    chance = np.random.default_rng(0)
    other = chance.integers(0, 4, 5_000)
    columns = np.stack([other, other // 2, chance.integers(0, 5, 5_000)], axis=1)
    shared, sureness = mutual_information(columns, other)
    oracle = [mutual_info_score(column, other) for column in columns.T]
    np.testing.assert_allclose(shared, oracle, atol=2e-3)
    assert (sureness[:2] > 40).all()
    assert abs(sureness[2]) < 3


def test_of_little_data_nothing_is_made_up() -> None:
    """Plain counting finds 0.1 nats in noise of 60 rows; corrected it is near nothing."""
    chance = np.random.default_rng(1)
    columns, other = chance.integers(0, 4, (60, 300)), chance.integers(0, 4, 60)
    shared, sureness = mutual_information(columns, other)
    plain = np.mean([mutual_info_score(column, other) for column in columns.T])
    assert plain > 0.06
    assert shared.mean() < 0.35 * plain
    assert abs(sureness.mean()) < 0.3
    assert 0.7 < sureness.std() < 1.3


def test_bins_are_even_ties_stay_together_and_the_missing_are_apart() -> None:
    values = np.stack([np.arange(1_000.0), np.repeat([1.0, 2.0], 500), np.arange(1_000.0)], axis=1)
    values[:100, 2] = np.nan
    values = np.concatenate([values, np.full((1_000, 1), np.nan)], axis=1)
    codes = binned(values)
    counts = np.bincount(codes[:, 0])
    assert len(counts) == 8
    assert counts.max() - counts.min() <= 2
    assert len(np.unique(codes[:, 1])) == 2
    assert (codes[:100, 2] == 8).all()
    assert len(np.unique(codes[100:, 2])) == 8
    assert (codes[:, 3] == 8).all()


def made_up(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns 0 and 1 tell two halves of the class; 2-11 are their copies, 12-61 tell nothing."""
    chance = np.random.default_rng(seed)
    kind = chance.integers(0, 4, rows)
    first = kind // 2 + chance.normal(0, 0.4, rows)
    second = kind % 2 + chance.normal(0, 0.4, rows)
    copies = [np.exp(first), -first, 3 * first + 1, first**3, np.arctan(first)]
    copies += [np.exp(second), -second, 2 * second, second**3, np.arctan(second)]
    noise = chance.normal(0, 1, (50, rows))
    return np.stack([first, second, *copies, *noise], axis=1), kind


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rows", [150, 2_000])
def test_copies_and_noise_are_left_out(rows: int, seed: int) -> None:
    values, kind = made_up(rows, seed)
    chosen = most_relevant(values, kind[:, None], 20)
    of_first, of_second = {0, *range(2, 7)}, {1, *range(7, 12)}
    assert len(chosen) == 2
    assert len(of_first & set(chosen.tolist())) == 1
    assert len(of_second & set(chosen.tolist())) == 1


def test_every_target_counts_and_unknown_ones_do_not() -> None:
    values, kind = made_up(600, 0)
    halves = np.stack([kind // 2, kind % 2], axis=1)
    halves[::2, 1] = -1
    chosen = most_relevant(values, halves, 20)
    assert len(chosen) == 2
    only_first = most_relevant(values, np.stack([kind // 2, np.full(600, -1)], axis=1), 20)
    assert set(only_first.tolist()) <= {0, *range(2, 7)}


def test_what_tells_nothing_still_leaves_one_column() -> None:
    values = np.random.default_rng(0).normal(0, 1, (200, 9))
    kind = np.random.default_rng(1).integers(0, 2, (200, 1))
    assert len(most_relevant(values, kind, 5)) == 1
    assert len(most_relevant(np.zeros((200, 3)), kind, 5)) == 1


def test_missing_values_can_be_what_tells() -> None:
    chance = np.random.default_rng(0)
    kind = chance.integers(0, 2, 400)
    values = chance.normal(0, 1, (400, 6))
    values[kind == 1, 3] = np.nan
    assert most_relevant(values, kind[:, None], 4).tolist() == [3]
