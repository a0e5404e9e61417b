"""Units convert within their dimension and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadion.core.channels import CHANNELS
from stadion.core.errors import StadionError
from stadion.core.units import UNITS, convert


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1.0, "mi", "km", 1.609344),
        (180.0, "deg", "rad", np.pi),
        (20.0, "degC", "K", 293.15),
        (1.0, "kcal", "kJ", 4.184),
        (10.0, "mph", "km/h", 16.09344),
    ],
)
def test_known_conversions(value: float, source: str, target: str, expected: float) -> None:
    assert convert(value, source, target) == pytest.approx(expected)


@given(st.sampled_from(sorted(UNITS)), st.floats(-1e6, 1e6))
def test_there_and_back_is_the_same(symbol: str, value: float) -> None:
    si = next(u.symbol for u in UNITS.values() if u.dimension == UNITS[symbol].dimension)
    back = convert(convert(value, symbol, si), si, symbol)
    assert back == pytest.approx(value, rel=1e-9, abs=1e-6)


def test_dimensions_do_not_mix() -> None:
    with pytest.raises(StadionError, match=r"length.*time"):
        convert(1.0, "m", "s")
    with pytest.raises(StadionError, match="furlong"):
        convert(1.0, "furlong", "m")


def test_every_channel_has_a_known_unit() -> None:
    assert {c.unit for c in CHANNELS.values()} <= set(UNITS)
