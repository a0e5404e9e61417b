"""Weighted power and what follows from it, against a slow twin and what head units computed."""

from __future__ import annotations

import numpy as np
import pytest

from stadion.science.power import (
    decoupling,
    efficiency,
    intensity,
    rolling_means,
    variability,
    weighted_power,
)
from stadion.science.resample import per_second
from tests.ingest.real_files import only, raw, read_bytes
from tests.science.refusals import refused

RIDES = {
    "gc__Garmin1000_withFirstbeat": 225,
    "tormoder__Edge810-Vector-2013-08-16-15-35-10": 301,
    "gc__2018-10-03-08-23-16": 158,
}
"""Real ride -> what its head unit computed as weighted power, in whole watts."""


def slow_weighted_power(power: list[float]) -> float:
    """The definition, second by second."""
    fourth = []
    for end in range(30, len(power) + 1):
        window = power[end - 30 : end]
        if not any(np.isnan(window)):
            fourth.append((sum(window) / 30) ** 4)
    return float((sum(fourth) / len(fourth)) ** 0.25) if fourth else float("nan")


@pytest.mark.data
@pytest.mark.parametrize("name", RIDES)
def test_weighted_power_is_what_the_head_unit_showed(name: str) -> None:
    main = only(read_bytes("fit", raw(f"fit/{name}.fit"))).tracks[0]
    power = per_second(main.time_s, main.channels["power"])
    assert weighted_power(power) == pytest.approx(RIDES[name], abs=0.6)


@pytest.mark.parametrize("seed", range(3))
def test_the_fast_way_agrees_with_the_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    power = random.integers(0, 900, 2000).astype(float)
    power[random.integers(0, 2000, 12)] = np.nan
    assert weighted_power(power) == pytest.approx(slow_weighted_power(power.tolist()), rel=1e-12)


def test_coasting_counts_and_missing_does_not() -> None:
    riding = np.full(600, 200.0)
    coasting = np.concatenate([riding, np.zeros(600)])
    missing = np.concatenate([riding, np.full(600, np.nan)])
    assert weighted_power(coasting) < 180.0
    assert weighted_power(missing) == pytest.approx(200.0)
    assert variability(coasting) > 1.5
    assert variability(missing) == pytest.approx(1.0)


def test_no_window_bridges_a_gap_or_looks_back_before_the_start() -> None:
    halves = np.concatenate([np.full(29, 900.0), [np.nan], np.full(60, 100.0)])
    assert weighted_power(halves) == pytest.approx(100.0)
    assert np.isnan(weighted_power(np.full(29, 300.0)))
    assert weighted_power(np.full(30, 300.0)) == pytest.approx(300.0)


def test_uneven_power_weighs_more_than_its_mean() -> None:
    surges = np.tile(np.repeat([100.0, 300.0], 60), 20)
    assert weighted_power(surges) > 200.0
    assert variability(surges) > 1.0


def test_what_cannot_be_told_is_missing() -> None:
    assert np.isnan(weighted_power([]))
    assert np.isnan(variability(np.zeros(600)))
    assert np.isnan(intensity(np.nan, 250))
    assert np.isnan(efficiency(200, 0))
    assert np.isnan(decoupling(np.full(600, np.nan), np.full(600, 140.0)))
    assert not len(rolling_means([1.0, 2.0], 3))


def test_decoupling_follows_the_heart() -> None:
    power, steady = np.full(1200, 200.0), np.full(1200, 140.0)
    assert decoupling(power, steady) == pytest.approx(0.0)
    drifting = np.repeat([140.0, 154.0], 600)
    assert decoupling(power, drifting) == pytest.approx(100 * (1 - 140 / 154))
    assert decoupling(power[::-1], drifting[::-1]) < 0
    holes = drifting.copy()
    holes[::2] = np.nan
    assert decoupling(power, holes) == pytest.approx(decoupling(power, drifting))


def test_wrong_arguments_are_named() -> None:
    with refused("ftp_w", "0"):
        intensity(200, 0)
    with refused("output_1hz 3", "heart_rate_1hz 2"):
        decoupling([1, 2, 3], [1, 2])
    with refused("power_w_1hz", "(2, 2)"):
        weighted_power(np.zeros((2, 2)))
    with refused("power_w_1hz"):
        weighted_power(["fast"])
