"""Augmentation moves rows as real ones might have been, and nothing else."""

from __future__ import annotations

import numpy as np
import torch

from stadion.core.signature import Signature, Tensor
from stadion.train.network.augment import Augment
from stadion.train.network.front import Front, Prepared
from stadion.train.network.settings import LoopSettings

ROWS, STEPS = 200, 40
OFF = {"jitter": 0.0, "scale": 0.0, "missing_rate": 0.0}
SIGNATURE = Signature(
    (
        Tensor("imu", "FP32", (None, STEPS, 7), step_s=0.1,
               columns=("a_x", "a_y", "a_z", "pulse", "g_x", "g_y", "g_z")),
        Tensor("clock", "FP32", (None, STEPS), step_s=0.1, missing=False),
        Tensor("age", "FP32", (None,)),
        Tensor("visits", "INT64", (None,)),
    ),
    (Tensor("y", "FP32", (None,)),),
)  # fmt: skip
A, G, CLOCK = slice(0, 3), slice(4, 7), 7


def raw() -> dict[str, np.ndarray]:
    chance = np.random.default_rng(0)
    center = np.array([0, 0, 9.81, 140, 0, 0, 0])
    imu = chance.normal(center, [1, 2, 3, 5, 1, 1, 1], (ROWS, STEPS, 7))
    return {
        "imu": imu.astype(np.float32),
        "clock": np.tile(np.arange(STEPS, dtype=np.float32), (ROWS, 1)),
        "age": chance.normal(40, 9, ROWS).astype(np.float32),
        "visits": chance.integers(0, 9, ROWS),
    }


def moved(seed: int = 1, **chosen: float) -> tuple[Front, Prepared, Prepared]:
    """The front, the rows before and the rows after."""
    inputs = raw()
    front = Front.fitted(SIGNATURE, inputs)
    rows = front(*(torch.tensor(values) for values in inputs.values()))
    augment = Augment(SIGNATURE, front, LoopSettings(**{**OFF, **chosen}))  # type: ignore[arg-type]
    return front, rows, augment(rows, torch.Generator().manual_seed(seed))


def sequences(*chosen: Prepared) -> list[torch.Tensor]:
    return [rows.sequence for rows in chosen if rows.sequence is not None]


def physical(front: Front, sequence: torch.Tensor) -> torch.Tensor:
    return sequence * front.sequence_scale + front.sequence_center


def test_nothing_moves_when_all_is_off() -> None:
    _, before, after = moved()
    for old, new in zip(before, after, strict=True):
        assert old is not None
        assert new is not None
        assert torch.equal(old, new)


def test_rotation_turns_vectors_and_keeps_their_length_and_angles() -> None:
    front, before, after = moved(rotation=60)
    old, new = (physical(front, sequence) for sequence in sequences(before, after))
    for axes in (A, G):
        assert torch.allclose(old[..., axes].norm(dim=2), new[..., axes].norm(dim=2), atol=1e-3)
        assert not torch.allclose(old[..., axes], new[..., axes], atol=0.1)
    between = [(v[..., A] * v[..., G]).sum(dim=2) for v in (old, new)]
    assert torch.allclose(between[0], between[1], atol=1e-2)  # both turn together
    assert torch.equal(old[..., 3], new[..., 3])  # the pulse has no axes


def test_rotation_stays_within_its_angle() -> None:
    front, before, after = moved(rotation=10)
    old, new = (physical(front, sequence)[..., A] for sequence in sequences(before, after))
    cosine = torch.nn.functional.cosine_similarity(old, new, dim=2).clamp(-1, 1)
    largest = torch.rad2deg(torch.acos(cosine)).max()
    assert 5 < largest < 10.2


def test_a_warped_clock_starts_and_ends_on_time_and_never_runs_back() -> None:
    front, before, after = moved(time_warp=0.5)
    old, new = (physical(front, sequence)[..., CLOCK] for sequence in sequences(before, after))
    assert torch.allclose(new[:, [0, -1]], old[:, [0, -1]], atol=1e-3)
    assert (new[:, 1:] - new[:, :-1]).min() > 0
    assert (new - old).abs().max() > 2


def test_jitter_is_a_share_of_each_channels_spread() -> None:
    _, before, after = moved(jitter=0.2)
    old, new = sequences(before, after)
    assert torch.allclose((new - old).std(dim=(0, 1)), torch.full((8,), 0.2), atol=0.01)


def test_scale_stretches_a_channel_of_a_row_by_one_factor() -> None:
    _, before, after = moved(scale=0.3)
    old, new = sequences(before, after)
    factor = (new / old)[..., :7]
    assert factor.std(dim=1).max() < 1e-3
    assert 0.2 < float(factor[:, 0].std()) < 0.4


def test_blanking_hits_its_share_and_only_what_may_be_missing() -> None:
    _, _, after = moved(missing_rate=0.4)
    sequence, mask, static, static_mask = after
    assert sequence is not None
    assert mask is not None
    assert static is not None
    assert static_mask is not None
    blank = mask.mean(dim=(0, 1))
    assert torch.allclose(blank[:CLOCK], torch.full((7,), 0.37), atol=0.1)
    assert blank[CLOCK] == 0  # the signature allows no gap there
    assert 0.3 < static_mask[:, 0].mean() < 0.5
    assert static_mask[:, 1].max() == 0  # a whole number has no NaN
    assert sequence[mask == 1].abs().max() == 0
    assert static[static_mask == 1].abs().max() == 0


def test_whole_channels_blocks_of_time_and_single_values_are_blanked() -> None:
    _, _, after = moved(missing_rate=0.3)
    assert after.sequence_mask is not None
    mask = after.sequence_mask[..., :CLOCK]
    whole = mask.amin(dim=1, keepdim=True)
    assert 0.05 < float(whole.mean()) < 0.25
    alone = mask[:, 1:-1] * (1 - mask[:, :-2]) * (1 - mask[:, 2:])
    assert float(alone.mean()) > 0.02
    silent = (mask.amin(dim=2) - whole.amin(dim=2)).mean()  # all channels for a while
    assert float(silent) > 0.03
    rows = mask.mean(dim=(1, 2))
    assert float(rows.quantile(0.2)) < 0.15  # some rows are nearly whole,
    assert float(rows.quantile(0.9)) > 0.5  # and some mostly blank


def test_equal_seeds_move_alike_and_others_do_not() -> None:
    everything = {"rotation": 30, "time_warp": 0.2, "jitter": 0.1, "scale": 0.1}
    runs = [sequences(moved(seed, **everything)[2])[0] for seed in (1, 1, 2)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
