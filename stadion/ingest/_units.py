"""Spellings of units as files write them in, values in the vocabulary's unit out."""

from __future__ import annotations

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.core.channels import CHANNELS, canonical
from stadion.core.units import UNITS, convert

__all__ = ["as_channel", "known_unit"]

_SPELLINGS: dict[str, str] = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "msec": "ms", "millisecond": "ms", "milliseconds": "ms",
    "minute": "min", "minutes": "min", "mins": "min",
    "hour": "h", "hours": "h", "hr": "h", "hrs": "h",
    "meter": "m", "meters": "m", "metre": "m", "metres": "m",
    "millimeters": "mm", "millimetres": "mm", "centimeters": "cm", "centimetres": "cm",
    "kilometers": "km", "kilometres": "km", "feet": "ft", "mile": "mi", "miles": "mi",
    "mps": "m/s", "m/sec": "m/s", "m.s-1": "m/s", "ms-1": "m/s",
    "kmh": "km/h", "kph": "km/h", "km/hr": "km/h", "mi/h": "mph",
    "m/s2": "m/s^2", "m/s²": "m/s^2", "m/s/s": "m/s^2", "m.s-2": "m/s^2",
    "dps": "deg/s", "°/s": "deg/s", "degrees/s": "deg/s", "radians/s": "rad/s",
    "°": "deg", "degree": "deg", "degrees": "deg", "radians": "rad",
    "µt": "uT", "ut": "uT", "microtesla": "uT",
    "beats/min": "bpm", "1/min": "rpm", "rev/min": "rpm", "r/min": "rpm",
    "brpm": "breaths/min",
    "watt": "W", "watts": "W", "w": "W", "j": "J", "kj": "kJ",
    "n-m": "N m", "n.m": "N m", "n*m": "N m", "nm": "N m", "n m": "N m", "newton meters": "N m",
    "g/dl": "g/dL",
    "°c": "degC", "c": "degC", "celsius": "degC", "degrees c": "degC", "degc": "degC",
    "k": "K", "kelvin": "K", "percent": "%", "kgs": "kg", "lbs": "lb",
}  # fmt: skip
_FAHRENHEIT = {"°f", "f", "fahrenheit", "degf"}


def known_unit(text: str) -> str | None:
    """The symbol of `core.units` for a unit as a file spells it; None when it is unknown.

    Examples
    --------
    >>> known_unit("KPH"), known_unit("M/S"), known_unit("furlongs")
    ('km/h', 'm/s', None)
    """
    text = text.strip()
    lower = text.lower()
    return next((unit for unit in (text, lower, _SPELLINGS.get(lower)) if unit in UNITS), None)


def as_channel(name: str, unit: str, values: FloatArray) -> tuple[str, FloatArray]:
    """The channel's name and its values in the vocabulary's unit.

    A name outside the vocabulary keeps its values as they are. A name of the vocabulary whose
    unit cannot be converted carries the unit in its name, so that no channel lies about its
    unit.

    Examples
    --------
    >>> name, values = as_channel("Speed", "km/h", np.array([36.0]))
    >>> name, round(float(values[0]), 6)
    ('speed', 10.0)
    >>> as_channel("Cadence", "spm", np.array([170.0]))[0]
    'cadence_spm'
    """
    key = canonical(name)
    channel = CHANNELS.get(key)
    if channel is None or not unit.strip():
        return key, values
    if unit.strip().lower() in _FAHRENHEIT and channel.unit == "degC":
        return key, (values - 32) / 1.8
    source = known_unit(unit)
    if source is None or UNITS[source].dimension != UNITS[channel.unit].dimension:
        return f"{key}_{'_'.join(unit.lower().split())}", values
    if source == channel.unit:
        return key, values
    return key, np.asarray(convert(values, source, channel.unit), values.dtype)
