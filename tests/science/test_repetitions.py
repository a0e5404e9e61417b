"""Repetitions of made-up and of real movements."""

from __future__ import annotations

import numpy as np
import pytest

from stadion.core.arrays import FloatArray
from stadion.ingest import open_path
from stadion.science.dtw import dtw_distances, nearest_by_dtw
from stadion.science.pose import joint_angles, on_body
from stadion.science.repetitions import RepetitionSettings, count_repetitions, repetitions
from stadion.tasks.exercise_technique import acceleration_of, repetitions_of
from tests.places import shared_data

RATE_HZ = 25.0


def movement(times_s: list[tuple[float, float]], seconds: float, seed: int = 0) -> FloatArray:
    """(n, 3) of a sensor tilted once between each start and end, with noise."""
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    lift = np.zeros(len(time_s))
    for start, end in times_s:
        inside = (time_s >= start) & (time_s <= end)
        lift[inside] += np.sin(np.pi * (time_s[inside] - start) / (end - start)) ** 2
    tilt = 1.2 * lift
    axes = np.stack([9.81 * np.sin(tilt), 9.81 * np.cos(tilt), np.zeros(len(tilt))], axis=1)
    return np.asarray(axes + np.random.default_rng(seed).normal(0, 0.2, axes.shape))


SLOW = [(2.0 + 4 * k, 5.0 + 4 * k) for k in range(6)]


def test_each_excursion_is_found_where_it_was() -> None:
    found = repetitions(movement(SLOW, 28), RATE_HZ)
    assert len(found) == len(SLOW)
    for one, (start, end) in zip(found, SLOW, strict=True):
        assert one.peak_s == pytest.approx((start + end) / 2, abs=0.3)
        assert start - 0.7 < one.start_s < one.peak_s < one.end_s < end + 0.7


def test_slow_and_fast_ones_of_one_session_are_all_found() -> None:
    fast = [(60.0 + 2 * k, 61.2 + 2 * k) for k in range(6)]
    assert count_repetitions(movement(SLOW + fast, 90), RATE_HZ) == 12


def test_a_long_rest_belongs_to_no_repetition() -> None:
    found = repetitions(movement([*SLOW, (100, 103), (104, 107)], 110), RATE_HZ)
    assert max(one.end_s - one.start_s for one in found) < 8


def test_nothing_moves_nothing_is_counted() -> None:
    still = movement([], 20)
    assert count_repetitions(still, RATE_HZ, RepetitionSettings(least_height=1.0)) == 0
    assert count_repetitions(np.full((50, 3), np.nan), RATE_HZ) == 0
    assert repetitions(np.zeros((2, 3)), RATE_HZ) == []


def test_what_a_hole_hides_is_counted_by_the_usual_pace() -> None:
    samples = movement(SLOW, 28)
    samples[int(9.5 * RATE_HZ) : int(17.5 * RATE_HZ)] = np.nan
    assert len(repetitions(samples, RATE_HZ)) == 4
    assert count_repetitions(samples, RATE_HZ) == 6


@pytest.mark.data
def test_thirty_executions_of_a_real_session() -> None:
    path = shared_data("A_activity_imu", "uci_physical_therapy", "s2.tar.xz")
    session = next(a for a in open_path(path).activities if "e1/u1/test" in a.source.name)
    found = repetitions(*acceleration_of(session))
    assert len(found) == 30
    lengths = np.array([one.end_s - one.start_s for one in found])
    assert lengths[10:20].max() < lengths[:10].min()  # ten correct ones, then ten fast ones


@pytest.mark.data
def test_real_sets_of_the_barbell_are_near_their_plan() -> None:
    path = shared_data("A_activity_imu", "barbell_metawear", "participants_ABC.tar.xz")
    sets = [a for a in open_path(path).activities if "dead" in a.source.name]
    counts = [repetitions_of(a, RepetitionSettings(cutoff_hz=0.4)) for a in sets]
    plan = [5 if "heavy" in a.source.name else 10 for a in sets]
    assert np.abs(np.array(counts) - plan).sum() <= 0.1 * sum(plan)


def test_warping_forgives_a_late_start_and_a_band_bounds_it() -> None:
    time_s = np.linspace(0, 1, 30)
    wave = np.sin(2 * np.pi * time_s)[None, :, None]
    late = np.roll(wave, 2, axis=1)
    other = np.cos(2 * np.pi * time_s)[None, :, None]
    known = np.concatenate([other, wave])
    straight, warped = dtw_distances(late, known, 0), dtw_distances(late, known, 4)
    assert (warped <= straight + 1e-9).all()
    assert warped[0, 1] < 0.2 * straight[0, 1]
    assert nearest_by_dtw(known, late, 4).tolist() == [1]


def test_a_body_looks_the_same_wherever_it_stands() -> None:
    rng = np.random.default_rng(0)
    names = ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "left_knee", "left_ankle")
    body = {name: rng.uniform(0, 1, (5, 2)) for name in names}
    moved = {name: 0.5 * place + 0.2 for name, place in body.items()}
    for name, place in on_body(body).items():
        np.testing.assert_allclose(on_body(moved)[name], place)
    np.testing.assert_allclose(joint_angles(moved)["left_knee"], joint_angles(body)["left_knee"])
    straight = {"left_hip": [[0.0, 2.0]], "left_knee": [[0.0, 1.0]], "left_ankle": [[0.0, 0.0]]}
    angles = joint_angles({name: np.array(place) for name, place in straight.items()})
    assert angles["left_knee"][0] == pytest.approx(180.0)
