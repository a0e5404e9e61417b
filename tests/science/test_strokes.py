"""Steps and strokes of made-up motions whose number is known, and of real ones."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest

from stadion.core.activity import Activity
from stadion.core.arrays import FloatArray
from stadion.core.errors import StadionError
from stadion.ingest import open_path
from stadion.science.cycles import CycleSettings, find_cycles
from stadion.science.strokes import (
    STEPS,
    cadence_from,
    find_impacts,
    find_steps,
    find_strokes,
)
from tests.places import shared_data

Parts = list[tuple[float, float, float]]
"""(seconds, cycles a minute at the start, at the end); 0 is a pause."""
GAITS: dict[str, Parts] = {
    "walk": [(60, 108, 108)],
    "stroll": [(60, 66, 66)],
    "run": [(60, 168, 168)],
    "faster and faster": [(90, 90, 180)],
    "with pauses": [(30, 108, 108), (10, 0, 0), (30, 120, 102), (15, 0, 0), (20, 162, 174)],
    "walk, then run": [(30, 96, 96), (30, 162, 162)],
}
ROWS: dict[str, Parts] = {
    "steady": [(180, 20, 20)],
    "faster and faster": [(120, 18, 36)],
    "with pauses": [(60, 24, 24), (30, 0, 0), (60, 30, 28), (10, 0, 0), (40, 34, 36)],
}


def _phase(parts: Parts, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """(n,) cycles done so far; (n,) 1 where somebody moves."""
    pace = np.concatenate([np.linspace(a, b, round(s * rate_hz)) for s, a, b in parts]) / 60.0
    return np.cumsum(pace) / rate_hz, (pace > 0).astype(float)


def _steps(parts: Parts, rate_hz: float, noise: float, seed: int) -> tuple[FloatArray, int]:
    """(n, 3) at the hip, tilted: impacts that differ from left to right and from step to step."""
    rng = np.random.default_rng(seed)
    phase, moves = _phase(parts, rate_hz)
    step = np.floor(phase).astype(int)
    height = (
        np.where(step % 2 == 0, 1.25, 0.75) * (1 + 0.15 * rng.normal(size=step.max() + 2))[step]
    )
    impact = 3.0 * height * np.exp(-0.5 * ((phase % 1 - 0.5) / 0.12) ** 2)
    body = (impact + 0.5 * np.sin(4 * np.pi * phase)) * moves
    samples = np.outer(9.81 + body, [0.3, 0.2, 0.93])
    return samples + rng.normal(0, noise, samples.shape), int(phase[-1] + 0.5)


def _rowing(parts: Parts, rate_hz: float, noise: float, seed: int) -> tuple[FloatArray, float]:
    """(n, 3) of a boat: a short hard drive, a long recovery."""
    rng = np.random.default_rng(seed)
    phase, moves = _phase(parts, rate_hz)
    place, drive = phase % 1, 0.4
    pull = np.sin(np.pi * place / drive)
    glide = np.sin(np.pi * (place - drive) / (1 - drive))
    ahead = np.where(place < drive, 3.0 * pull, -1.4 * glide) * moves
    up = 9.81 + 0.5 * np.cos(2 * np.pi * phase) * moves
    samples = np.stack([ahead, 0.3 * ahead + 0.4 * np.sin(4 * np.pi * phase) * moves, up], axis=1)
    return samples + rng.normal(0, noise, samples.shape), float(phase[-1])


def _swim(rate_hz: float, noise: float, seed: int) -> tuple[FloatArray, float]:
    """(n, 3) rad/s of a wrist over five lengths of different pace, 3 s at each wall."""
    rng = np.random.default_rng(seed)
    parts, strokes = [], 0.0
    for pace_hz, seconds in ((0.5, 24), (0.55, 22), (0.45, 26), (0.7, 20), (0.6, 22)):
        done = np.arange(int(seconds * rate_hz)) / rate_hz * pace_hz
        uneven = np.cumsum(1 + 0.08 * rng.normal(size=int(done[-1]) + 3))
        turn = 2 * np.pi * (np.interp(done, np.arange(len(uneven)), uneven) - uneven[0])
        parts.append(np.stack([
            3.0 * np.sin(turn) + np.sin(2 * turn + 0.5), 1.5 * np.cos(turn), 0.8 * np.sin(turn + 1),
        ], axis=1))  # fmt: skip
        parts.append(np.zeros((round(3 * rate_hz), 3)))
        strokes += turn[-1] / (2 * np.pi)
    samples = np.concatenate(parts)
    return samples + rng.normal(0, noise, samples.shape), float(strokes)


@pytest.mark.parametrize("gait", GAITS)
@pytest.mark.parametrize("rate_hz", [20.0, 50.0, 100.0])
def test_steps_of_known_number_are_counted(gait: str, rate_hz: float) -> None:
    """Within 3 % with little noise; the mean error over all is below 1 %."""
    for seed in range(2):
        samples, steps = _steps(GAITS[gait], rate_hz, 0.3, seed)
        assert len(find_steps(samples, rate_hz)) == pytest.approx(steps, rel=0.03)


def test_the_mean_error_of_steps_is_below_one_percent_in_noise_of_a_tenth_of_gravity() -> None:
    counted = [
        (len(find_steps(samples, rate)), steps)
        for parts in GAITS.values() for rate in (20.0, 50.0) for seed in range(2)
        for samples, steps in [_steps(parts, rate, 1.0, seed)]
    ]  # fmt: skip
    found, true = np.array(counted).T
    assert np.abs(found - true).sum() / true.sum() < 0.015
    assert abs(found.sum() / true.sum() - 1) < 0.01


def test_steps_are_where_the_impacts_were_and_none_in_a_pause() -> None:
    samples, _ = _steps([(20, 108, 108), (20, 0, 0), (20, 120, 120)], 50.0, 0.2, 0)
    found = find_steps(samples, 50.0) / 50.0
    assert not ((found > 20.6) & (found < 39.4)).any()
    first = found[found < 20] * 1.8
    assert np.abs((first % 1) - 0.5).max() < 0.15
    assert cadence_from(find_steps(samples, 50.0), 50.0) == pytest.approx(114, abs=1.5)


def test_the_magnitude_alone_will_do_and_a_hole_is_no_step() -> None:
    samples, steps = _steps(GAITS["walk"], 50.0, 0.3, 1)
    magnitude = np.linalg.norm(samples, axis=1)
    assert len(find_steps(magnitude, 50.0)) == pytest.approx(steps, abs=2)
    magnitude[1000:1500] = np.nan
    found = find_steps(magnitude, 50.0)
    assert not ((found >= 1000) & (found < 1500)).any()
    assert len(found) == pytest.approx(steps * 5 / 6, abs=4)


def test_who_rests_takes_no_steps() -> None:
    rng = np.random.default_rng(0)
    still = np.outer(np.full(3000, 9.81), [0, 0, 1]) + rng.normal(0, 0.15, (3000, 3))
    assert len(find_steps(still, 50.0)) == 0
    assert len(find_strokes(still, 50.0, "rowing")) == 0
    assert len(find_steps(np.full((500, 3), np.nan), 50.0)) == 0
    assert len(find_steps([], 50.0)) == 0
    assert len(find_strokes(np.zeros((2, 3)), 50.0, "swimming")) == 0
    assert len(find_impacts([np.nan, np.nan], 50.0)) == 0
    assert np.isnan(cadence_from(np.array([3, 9]), 50.0))


@pytest.mark.parametrize("piece", ROWS)
@pytest.mark.parametrize("rate_hz", [10.0, 50.0])
def test_rowing_strokes_of_known_number_are_counted(piece: str, rate_hz: float) -> None:
    """Exactly while somebody rows; a pause may cost one stroke at each of its ends."""
    samples, strokes = _rowing(ROWS[piece], rate_hz, 0.3, 0)
    allowed = 0.6 if piece != "with pauses" else 2.5
    assert len(find_strokes(samples, rate_hz, "rowing")) == pytest.approx(strokes, abs=allowed)


@pytest.mark.parametrize("rate_hz", [10.0, 25.0, 50.0])
@pytest.mark.parametrize("noise", [0.3, 0.8])
def test_arm_cycles_of_five_lengths_are_counted(rate_hz: float, noise: float) -> None:
    """Within 5 %: one more or less at a wall."""
    for seed in range(2):
        samples, strokes = _swim(rate_hz, noise, seed)
        found = find_strokes(samples, rate_hz, "swimming")
        assert len(found) == pytest.approx(strokes, rel=0.06)
        assert cadence_from(found, rate_hz) == pytest.approx(60 * strokes / 114, rel=0.05)


def test_impacts_stand_out_and_lie_apart() -> None:
    rng = np.random.default_rng(0)
    swing = np.abs(rng.normal(5, 2, 3000))
    hits = np.sort(rng.choice(28, 12, replace=False)) * 100 + 100
    for at in hits:
        swing[at : at + 3] += [30, 22, 12]
    assert find_impacts(swing, 50.0).tolist() == hits.tolist()


def test_half_an_hour_takes_less_than_a_second() -> None:
    samples, steps = _steps([(1800, 160, 170)], 50.0, 0.5, 0)
    start = time.process_time()
    found = find_steps(samples, 50.0)
    assert time.process_time() - start < 1.0
    assert len(found) == pytest.approx(steps, rel=0.01)


def _imu(activity: Activity) -> FloatArray:
    channels = activity.tracks[0].channels
    return np.stack([channels[f"acceleration_{axis}"] for axis in "xyz"], axis=1)


@pytest.mark.data
def test_real_walking_and_running_have_plausible_cadences() -> None:
    """A watch at 10 Hz, 10 s each: walkers 70 to 105 steps a minute, runners 110 to 155.

    Who stands or plays badminton takes few or none.
    """
    cadence: dict[str, list[float]] = {}
    steps: Counter[str] = Counter()
    for part in ("TRAIN", "TEST"):
        path = shared_data("A_activity_imu", "uea_basicmotions", f"BasicMotions_{part}.ts.gz")
        for activity in open_path(path).activities:
            found = find_steps(_imu(activity), 10.0)
            label = activity.laps[0].label
            cadence.setdefault(label, []).append(cadence_from(found, 10.0))
            steps[label] += len(found)
    walking, running = np.array(cadence["Walking"]), np.array(cadence["Running"])
    assert len(walking) == len(running) == 20
    assert ((walking > 70) & (walking < 105)).all()
    assert ((running > 110) & (running < 155)).all()
    assert np.median(walking) == pytest.approx(92, abs=4)
    assert np.median(running) == pytest.approx(138, abs=8)
    assert steps["Standing"] < 0.15 * steps["Walking"]
    assert steps["Badminton"] < 0.1 * steps["Running"]


@pytest.mark.data
def test_real_racket_strokes_are_one_impact_each() -> None:
    """Windows of 3 s around one stroke, 303 of them: exactly one in 9 of 10."""
    counts: list[int] = []
    for part in ("TRAIN", "TEST"):
        path = shared_data("A_activity_imu", "uea_racketsports", f"RacketSports_{part}.ts.gz")
        counts += [
            len(find_strokes(_imu(one), 10.0, "racket")) for one in open_path(path).activities
        ]
    assert len(counts) == 303
    assert (np.array(counts) >= 1).mean() > 0.98
    assert (np.array(counts) == 1).mean() > 0.88


def test_a_wrong_argument_is_named() -> None:
    samples = np.zeros((100, 3))
    with pytest.raises(StadionError, match="kind is 'golf'; expected 'swimming', 'rowing'"):
        find_strokes(samples, 50.0, "golf")  # type: ignore[arg-type]
    with pytest.raises(StadionError, match=r"rate_hz is 5.0; expected at least 7.6"):
        find_steps(samples, 5.0)
    with pytest.raises(StadionError, match=r"acceleration has shape \(2, 2, 2\)"):
        find_steps(np.zeros((2, 2, 2)), 50.0)
    with pytest.raises(StadionError, match="samples is no array of numbers"):
        find_strokes([["a", "b"]], 50.0, "rowing")
    with pytest.raises(StadionError, match="rate_hz is 0"):
        find_impacts([1.0], 0.0)
    assert len(find_cycles(np.zeros(400), 50.0, CycleSettings())) == 0
    assert STEPS.alike == 0.6
