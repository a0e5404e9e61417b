"""Whatever numbers a file holds, a measure gives a value or says that it cannot be told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadion.core.arrays import FloatArray
from stadion.core.errors import StadionError
from stadion.science.critical_power import critical_power_of_curve, w_balance
from stadion.science.curve import DURATIONS_S, duration_curve
from stadion.science.cycling import Rider, fit_resistance, power_of, speed_of
from stadion.science.form import form_curve
from stadion.science.grade import grade_of, graded_speed
from stadion.science.load import edwards, monotony, run_load, trimp
from stadion.science.power import decoupling, variability, weighted_power
from stadion.science.resample import per_second
from stadion.science.running import accelerated_power, mechanical_power
from stadion.science.zones import zone_seconds

NUMBERS = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=200)
MEASURES: dict[str, Callable[[FloatArray], object]] = {
    "weighted power": weighted_power,
    "variability": variability,
    "decoupling": lambda x: decoupling(x, x[::-1]),
    "curve": duration_curve,
    "critical power": lambda x: (
        critical_power_of_curve(np.resize(x, len(DURATIONS_S)), DURATIONS_S).cp_w
    ),
    "balance": lambda x: w_balance(x, 250, 20_000),
    "exact balance": lambda x: w_balance(x, 250, 20_000, exact=True),
    "impulse": lambda x: trimp(x, 50, 200, "male"),
    "edwards": lambda x: edwards(x, 200),
    "run load": lambda x: run_load(x, 4.0),
    "monotony": lambda x: monotony(x[:7]),
    "form": lambda x: form_curve(x).form,
    "grade": lambda x: grade_of(x, x[::-1]),
    "graded speed": lambda x: graded_speed(x, x[::-1]),
    "zones": lambda x: zone_seconds(x, (100.0, 200.0)),
    "cycling power": lambda x: power_of(Rider(80.0), x, x[::-1]),
    "cycling speed": lambda x: speed_of(Rider(80.0), x, x[::-1]),
    "resistance": lambda x: fit_resistance(x, x[::-1], x, x, 80.0).cda_m2,
    "sprint": lambda x: accelerated_power(x, x[::-1]),
    "foot pod": lambda x: mechanical_power(x, x[::-1], 70.0),
    "seconds": lambda x: per_second(np.abs(x), x),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", MEASURES)
@given(numbers=NUMBERS)
@settings(max_examples=40, deadline=None)
def test_it_gives_numbers_or_says_why_not(name: str, numbers: list[float]) -> None:
    try:
        result = MEASURES[name](np.array(numbers, float))
    except StadionError:
        return
    assert not np.isinf(np.asarray(result, float)).any()
