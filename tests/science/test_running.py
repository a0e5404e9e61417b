"""Power of running: metabolic, with changes of speed, and mechanical."""

from __future__ import annotations

import numpy as np
import pytest

from stadion.science.running import (
    accelerated_power,
    energy_kj,
    mechanical_power,
    metabolic_power,
)
from tests.science.refusals import refused


def test_metabolic_power_is_minettis_and_missing_stays_missing() -> None:
    power = metabolic_power([3.0, 3.0, np.nan, 3.0], [0.0, 0.1, 0.0, np.nan])
    assert power[0] == pytest.approx(10.8)
    assert power[1] / power[0] == pytest.approx(1.6578, abs=5e-5)
    assert np.isnan(power[2:]).all()


def test_without_acceleration_the_sprint_model_is_the_steady_one() -> None:
    speed = np.linspace(1, 8, 8)
    np.testing.assert_allclose(
        accelerated_power(speed, np.zeros(8)), metabolic_power(speed, np.zeros(8))
    )
    assert accelerated_power([4.0], [0.0], 1.29)[0] == pytest.approx(1.29 * 4 * 3.6)


def test_speeding_up_costs_and_slowing_down_saves() -> None:
    braking, steady, pushing = accelerated_power([4.0] * 3, [-1.0, 0.0, 1.0])
    assert braking < steady < pushing


def test_mechanical_power_is_the_published_example() -> None:
    alone = mechanical_power([20 / 3.6], [0.0], 70, air_kg_m3=1e-12)
    assert alone[0] == pytest.approx(381, abs=0.5)
    level = mechanical_power([20 / 3.6], [0.0], 70, air_kg_m3=1.205)
    assert level[0] - alone[0] == pytest.approx(24.8, abs=0.1)


def test_climbing_adds_its_share_and_wind_from_behind_takes_some() -> None:
    level, climb, behind = (
        mechanical_power([4.0], [grade], 60, wind_mps=wind)[0]
        for grade, wind in ((0.0, 0.0), (0.1, 0.0), (0.0, -3.0))
    )
    assert climb - level == pytest.approx((0.456 + 0.11622) * 0.1 * 9.80665 * 60 * 4)
    assert behind < level


def test_energy_is_that_of_the_known_seconds() -> None:
    assert energy_kj([100.0] * 60 + [float("nan")] * 60) == 6.0
    assert np.isnan(energy_kj([]))


def test_wrong_arguments_are_named() -> None:
    with refused("mass_kg", "0"):
        mechanical_power([3.0], [0.0], 0)
    with refused("acceleration_mps2 2", "speed_mps 1"):
        accelerated_power([3.0], [0.0, 0.0])
    with refused("terrain", "-1"):
        accelerated_power([3.0], [0.0], -1)
