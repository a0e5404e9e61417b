"""Whatever series comes, a measure gives a value, NaN or an error that names what is wrong."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.science import beats, hrv, rhythm, rowing, sleep, strokes, swim, threat

_LENGTHS = (0, 1, 2, 3, 4, 8, 30, 130, 300, 500)
Made = Callable[[], FloatArray]


def _series(rng: np.random.Generator, count: int) -> FloatArray:
    """Clean, with holes, constant, unknown, skewed, with huge, infinite or tiny values."""
    values = rng.normal(800.0, 50.0, count)
    kind = rng.integers(9)
    if kind == 1:
        values[rng.random(count) < 0.3] = np.nan
    elif kind in (2, 3):
        values[:] = (800.0, np.nan)[kind - 2]
    elif kind == 4:
        values = rng.exponential(600.0, count)
    elif kind == 5:
        values[rng.random(count) < 0.1] *= 1e6
    elif kind == 6:
        values[rng.random(count) < 0.05] = np.inf
    elif kind == 7:
        values = np.abs(values) * 1e-9
    elif kind == 8:
        values = np.resize([400.0, 1200.0], count)
    return values


def _calls(made: Made, rng: np.random.Generator) -> Iterator[Callable[[], object]]:
    rr, other = made(), made()
    motion = np.stack([made() for _ in range(3)], axis=1) / 100.0
    stages = rng.choice([0, 1, 2, 3, 4, np.nan], len(rr))
    rate = float(rng.choice([8, 10, 25, 100]))
    yield lambda: hrv.time_domain(rr)
    yield lambda: hrv.frequency_domain(rr, method="welch")
    yield lambda: hrv.frequency_domain(rr, other, method="lomb")
    yield lambda: hrv.nonlinear(rr)
    yield lambda: hrv.windowed_alpha1(rr, smoothness=float(rng.choice([0, 500])))
    yield lambda: _mended(rr)
    yield lambda: sleep.night_of(stages)
    yield lambda: sleep.epochs_of(rr, rr + 100.0, stages)
    yield lambda: rhythm.regularity(stages, float(rng.choice([30, 43_200, 7])))
    yield lambda: rhythm.social_jet_lag_h(rr, other)
    yield lambda: swim.critical_swim_speed(rr, other)
    yield lambda: rowing.rowing_critical_power(rr, other)
    shots = threat.Shots(rr, other, stages)
    moves = threat.Moves(rr, other, other, rr, stages)
    yield lambda: threat.threat_of(threat.fit_threat(shots, moves), moves)
    yield lambda: strokes.cadence_from(strokes.find_steps(motion, rate), rate)
    yield lambda: strokes.find_steps(rr, rate)
    yield lambda: strokes.find_strokes(motion, rate, "swimming")
    yield lambda: strokes.find_strokes(motion, rate, "rowing")
    yield lambda: strokes.find_strokes(motion, rate, "racket")


def _mended(rr: FloatArray) -> object:
    mended = beats.correct(rr)
    course = hrv.windowed_alpha1(mended.rr_ms, mended.time_s, mended.is_mended)
    return course, hrv.frequency_domain(mended.rr_ms, mended.time_s)


@pytest.mark.parametrize("seed", range(4))
def test_no_series_brings_a_foreign_exception_or_a_warning(seed: int) -> None:
    rng = np.random.default_rng(seed)
    answered = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(25):
            count = int(rng.choice(_LENGTHS))
            for call in _calls(lambda size=count: _series(rng, size), rng):  # type: ignore[misc]
                with contextlib.suppress(StadionError):
                    call()
                    answered += 1
    assert answered > 100, "most series were refused"


def test_the_error_is_one_that_a_caller_can_answer() -> None:
    with pytest.raises(StadionError) as caught:
        hrv.frequency_domain(np.full(400, 800.0), np.zeros(400))
    assert caught.value.code is Code.INVALID
    assert "time_s[1] is 0; expected each beat after the one before" in str(caught.value)
    with pytest.raises(StadionError, match="time_s runs from"):
        hrv.windowed_alpha1([800.0, 900.0], [5.0, 1.0])
