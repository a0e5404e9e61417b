"""Estimates of VO2max: published lines, and where they say nothing."""

from __future__ import annotations

import math

import pytest

from stadion.science.oxygen import (
    cooper,
    cycling_oxygen,
    heart_rate_ratio,
    running_oxygen,
    submaximal,
    walking_oxygen,
)
from tests.science.refusals import refused


def test_cooper_of_the_document() -> None:
    assert cooper(2400) == pytest.approx((2400 - 504.9) / 44.73)
    assert cooper(3000) > cooper(2999)
    assert math.isnan(cooper(500))


def test_the_ratio_of_heart_rates() -> None:
    assert heart_rate_ratio(180, 60) == pytest.approx(45.9)


def test_the_guidelines_lines_meet_at_rest() -> None:
    assert running_oxygen(0) == walking_oxygen(0) == 3.5
    assert running_oxygen(200 / 60) == pytest.approx(43.5)
    assert running_oxygen(200 / 60, 0.1) == pytest.approx(61.5)
    assert walking_oxygen(80 / 60, 0.05) == pytest.approx(18.7)
    assert cycling_oxygen(0, 70) == 7.0
    assert cycling_oxygen(200, 70) == pytest.approx(10.8 * 200 / 70 + 7)


def test_an_effort_below_the_maximum_is_carried_to_it() -> None:
    assert submaximal(running_oxygen(3), 190, 50, 190) == pytest.approx(running_oxygen(3))
    half = submaximal(23.5, 120, 50, 190)
    assert half == pytest.approx(43.5)
    assert math.isnan(submaximal(10, 90, 50, 190))
    assert math.isnan(submaximal(40, 200, 50, 190))


def test_wrong_arguments_are_named() -> None:
    with refused("hr_max_bpm", "60", "hr_rest_bpm"):
        heart_rate_ratio(60, 60)
    with refused("distance_m", "0"):
        cooper(0)
    with refused("mass_kg", "-70"):
        cycling_oxygen(200, -70)
    with refused("grade", "-0.1"):
        running_oxygen(3, -0.1)
