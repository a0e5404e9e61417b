"""Swimming by hand, with published examples, and with real pool swims against their sessions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from stadion.core.activity import Lap
from stadion.core.errors import StadionError
from stadion.science.swim import (
    critical_swim_speed,
    distance_per_stroke,
    pace_per_100m,
    speed_of_pace,
    stroke_index,
    stroke_rate,
    swim_sets,
    swolf,
)
from tests.ingest.real_files import only, raw, read_bytes


def test_a_length_of_25_m_in_20_s_with_16_strokes() -> None:
    assert swolf(20.0, 16) == 36.0
    assert stroke_rate(16, 20.0) == 48.0
    assert distance_per_stroke(25.0, 16) == 1.5625
    assert stroke_index(1.25, 1.5625) == pytest.approx(1.953, abs=1e-3)
    assert pace_per_100m(1.25) == 80.0
    assert speed_of_pace(pace_per_100m(1.1)) == pytest.approx(1.1)


def test_two_trials_give_the_difference_of_distances_over_that_of_times() -> None:
    css = critical_swim_speed([400, 200], [330.0, 155.0])
    assert css.speed_mps == pytest.approx((400 - 200) / (330 - 155))
    assert css.pace_s == pytest.approx(87.5)
    assert css.reserve_m == pytest.approx(200 - 155 * css.speed_mps)
    assert css.trials == 2
    assert math.isnan(css.speed_se_mps)


def test_several_trials_give_a_line_with_its_error() -> None:
    from scipy import stats  # type: ignore[import-untyped]

    time_s = np.array([31.0, 68.0, 148.0, 312.0, 650.0])
    distance_m = np.array([50.0, 100.0, 200.0, 400.0, 800.0])
    css, line = critical_swim_speed(distance_m, time_s), stats.linregress(time_s, distance_m)
    assert css.speed_mps == pytest.approx(line.slope)
    assert css.reserve_m == pytest.approx(line.intercept)
    assert css.speed_se_mps == pytest.approx(line.stderr)


def test_gaps_between_lengths_are_rests_too_and_styles_may_mix() -> None:
    def lap(start: float, seconds: float, label: str = "freestyle", **values: float) -> Lap:
        return Lap(start, start + seconds, "length", label, {"timer_s": seconds, **values})

    laps = [
        Lap(0, 300, "lap"), lap(0, 20.0, strokes=8), lap(20, 20.5, "backstroke"),
        lap(70, 21.0), lap(91, 21.4), lap(112, 60.0, "idle"), lap(172, 19.0),
    ]  # fmt: skip
    sets = swim_sets(laps, 50.0)
    assert [one.lengths for one in sets] == [2, 2, 1]
    assert [one.stroke for one in sets] == ["mixed", "freestyle", "freestyle"]
    assert [round(one.rest_s, 1) for one in sets] == [29.5, 59.6, 0.0]
    assert sets[0].swolf == 28.0
    assert sets[0].strokes == 8
    assert math.isnan(sets[1].swolf)
    assert sets[1].pace_s == pytest.approx(42.4)
    assert swim_sets([], 25.0) == ()


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    ["GarminSwimExample", "lap_swim_test_FR920xt", "Morning_Swim",
     "2024-10-20-104352-Pool_Swim-BingiWatch"],
)  # fmt: skip
def test_real_pool_swims_add_up_to_their_sessions(name: str) -> None:
    activity = only(read_bytes("fit", raw(f"fit/gc__{name}.fit")))
    session = next(lap.values for lap in activity.laps if lap.kind == "session")
    sets = swim_sets(activity.laps, session["pool_length_m"])
    assert sum(one.distance_m for one in sets) == session["distance_m"]
    swum = [lap for lap in activity.laps if lap.kind == "length" and lap.label != "idle"]
    assert sum(one.moving_s for one in sets) == pytest.approx(
        sum(lap.values["timer_s"] for lap in swum)
    )
    rests = np.array([one.rest_s for one in sets])
    assert (rests[:-1] >= 5.0).all()
    assert sum(one.moving_s + one.rest_s for one in sets) <= session["elapsed_s"] + 5.0
    strokes = sum(one.strokes for one in sets if math.isfinite(one.strokes))
    assert strokes == pytest.approx(session["total_cycles"], rel=0.02)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pace_per_100m(0.0), "speed_mps is 0"),
        (lambda: critical_swim_speed([200], [150]), "at least two durations"),
        (lambda: critical_swim_speed([200, 400], [150, 150]), "at least two durations"),
        (lambda: critical_swim_speed([400, 200], [150, 320]), "expected a longer distance"),
        (lambda: critical_swim_speed([0, 200], [150, 320]), "above 0"),
        (lambda: swim_sets([], -25.0), "pool_m is -25"),
        (lambda: swolf(20.0, -3), "strokes is -3"),
    ],
)
def test_a_wrong_argument_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(StadionError, match=words):
        call()
