"""Units of sport: a symbol, what it measures and how it relates to the SI unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError

__all__ = ["UNITS", "Unit", "convert", "unit"]


@dataclass(frozen=True, slots=True)
class Unit:
    """SI value = value * factor + offset, for values of one dimension."""

    symbol: str
    dimension: str
    factor: float = 1.0
    offset: float = 0.0


_G = 9.80665  # standard gravity, m/s^2 (CGPM 1901)

UNITS: dict[str, Unit] = {
    u.symbol: u
    for u in (
        Unit("1", "ratio"),
        Unit("%", "ratio", 0.01),
        Unit("s", "time"),
        Unit("ms", "time", 1e-3),
        Unit("min", "time", 60.0),
        Unit("h", "time", 3600.0),
        Unit("m", "length"),
        Unit("mm", "length", 1e-3),
        Unit("cm", "length", 1e-2),
        Unit("km", "length", 1e3),
        Unit("ft", "length", 0.3048),
        Unit("mi", "length", 1609.344),
        Unit("m/s", "speed"),
        Unit("km/h", "speed", 1 / 3.6),
        Unit("mph", "speed", 0.44704),
        Unit("m/s^2", "acceleration"),
        Unit("g", "acceleration", _G),
        Unit("rad/s", "angular velocity"),
        Unit("deg/s", "angular velocity", math.pi / 180),
        Unit("rad", "angle"),
        Unit("deg", "angle", math.pi / 180),
        Unit("T", "magnetic field"),
        Unit("uT", "magnetic field", 1e-6),
        Unit("au", "arbitrary"),
        Unit("bpm", "heart rate"),
        Unit("rpm", "cadence"),
        Unit("breaths/min", "respiration"),
        Unit("W", "power"),
        Unit("N m", "torque"),
        Unit("J", "energy"),
        Unit("kJ", "energy", 1e3),
        Unit("kcal", "energy", 4184.0),
        Unit("kg", "mass"),
        Unit("lb", "mass", 0.45359237),
        Unit("g/dL", "concentration"),
        Unit("K", "temperature"),
        Unit("degC", "temperature", 1.0, 273.15),
    )
}


def unit(symbol: str) -> Unit:
    """The unit of that symbol; INVALID with the known ones otherwise."""
    found = UNITS.get(symbol)
    if found is None:
        raise StadionError(
            Code.INVALID, f"unit is {symbol!r}; expected one of {', '.join(sorted(UNITS))}"
        )
    return found


def convert(value: FloatArray | float, source: str, target: str) -> FloatArray | float:
    """Convert between two units of one dimension.

    Examples
    --------
    >>> round(float(convert(36.0, "km/h", "m/s")), 6)
    10.0
    >>> round(float(convert(1.0, "g", "m/s^2")), 5)
    9.80665
    """
    a, b = unit(source), unit(target)
    if a.dimension != b.dimension:
        raise StadionError(
            Code.INVALID, f"cannot convert {source} ({a.dimension}) to {target} ({b.dimension})"
        )
    with np.errstate(over="ignore"):  # what no float can hold is infinite
        return (value * a.factor + a.offset - b.offset) / b.factor
