"""Zones: from what a profile knows, and the seconds spent in them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from stadion.core.profile import Profile
from stadion.science.zones import (
    Zones,
    heart_rate_zones,
    power_zones,
    speed_zones,
    zone_seconds,
)
from tests.science.refusals import refused

WHOLE = Profile(hr_max_bpm=190, hr_rest_bpm=50, hr_threshold_bpm=170, ftp_w=250)


def test_the_threshold_tells_most_then_the_reserve_then_the_maximum() -> None:
    for profile, basis in (
        (WHOLE, "threshold"),
        (Profile(hr_max_bpm=190, hr_rest_bpm=50), "reserve"),
        (Profile(hr_max_bpm=190), "max"),
    ):
        zones = heart_rate_zones(profile)
        assert zones is not None
        assert basis in zones.name
        assert len(zones) == 5


def test_a_basis_can_be_chosen_and_none_is_made_up() -> None:
    zones = heart_rate_zones(WHOLE, "max")
    assert zones is not None
    assert zones.bounds == pytest.approx((114, 133, 152, 171))
    assert heart_rate_zones(Profile(hr_max_bpm=190), "reserve") is None
    assert heart_rate_zones(Profile()) is None
    assert power_zones(Profile()) is None
    assert speed_zones(Profile()) is None


def test_seven_zones_of_power_and_of_pace() -> None:
    power, speed = power_zones(WHOLE), speed_zones(Profile(threshold_speed_mps=4.0))
    assert power is not None
    assert speed is not None
    assert len(power) == len(speed) == 7
    assert power.bounds == pytest.approx((137.5, 187.5, 225, 262.5, 300, 375))
    assert speed.bounds[3] == 4.0


def test_every_known_second_is_in_exactly_one_zone() -> None:
    values = np.random.default_rng(0).uniform(60, 200, 5000)
    values[::17] = np.nan
    zones = Zones("heart rate", (100, 120, 140, 160))
    seconds = zone_seconds(values, zones)
    known = values[~np.isnan(values)]
    edges = [0, *zones.bounds, np.inf]
    expected = [int(np.sum((known >= a) & (known < b))) for a, b in pairwise(edges)]
    assert seconds.tolist() == expected
    assert seconds.sum() == len(known)


def test_a_value_on_a_bound_is_in_the_upper_zone() -> None:
    assert zone_seconds([100.0], (100.0,)).tolist() == [0, 1]
    assert zone_seconds([], (100.0,)).tolist() == [0, 0]


def test_wrong_arguments_are_named() -> None:
    with refused("bounds", "rising"):
        zone_seconds([1.0], (2.0, 1.0))
    with refused("bounds"):
        Zones("none", ())
    with refused("basis", "speed"):
        heart_rate_zones(WHOLE, "speed")
