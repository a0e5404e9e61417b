"""Speeds and distances whose unit a table does not say in, in SI units out where one tells."""

from __future__ import annotations

import numpy as np

from stadion.core.activity import Repair
from stadion.core.arrays import FloatArray
from stadion.core.units import UNITS

__all__ = ["told_units"]

_SPEEDS = ("m/s", "km/h", "mph")
_DISTANCES = ("m", "km", "mi")
_NEAR = 0.12
_TOO_FAST_MPS = 12.0
"""Half of a recording over 43 km/h without a unit is in km/h: no athlete keeps that up."""
_TOO_SLOW_MPS = 0.1


def told_units(
    seconds: FloatArray, channels: dict[str, FloatArray], unstated: set[str]
) -> list[Repair]:
    """Convert, in place, the speed and distance that named no unit.

    Speed summed up over time must give the distance: the pair of units for which it does is
    taken, m/s and m first.

    Parameters
    ----------
    seconds
        (n,) the clock of the rows.
    unstated
        Names of the channels whose unit the file does not say.

    Returns
    -------
    What was assumed beyond m/s and m.
    """
    speed, distance = channels.get("speed"), channels.get("distance")
    way = _covered(seconds, speed) if speed is not None else 0.0
    length = _length(distance) if distance is not None else 0.0
    assumed: dict[str, str] = {}
    if way > 0 and length > 0 and unstated & {"speed", "distance"}:
        assumed = _agreeing(way, length, unstated)
    elif "speed" in unstated and speed is not None and _median(speed) > _TOO_FAST_MPS:
        assumed = {"speed": "km/h"}
    elif "distance" in unstated and length > 0:
        elapsed = float(np.nanmax(seconds) - np.nanmin(seconds))
        if elapsed > 300 and length / elapsed < _TOO_SLOW_MPS and length % 1:
            assumed = {"distance": "km"}
    for name, unit in assumed.items():
        channels[name] = channels[name] * np.asarray(UNITS[unit].factor, channels[name].dtype)
    return [Repair(f"{name} without a unit taken as {unit}") for name, unit in assumed.items()]


def _agreeing(way: float, length: float, unstated: set[str]) -> dict[str, str]:
    speeds = _SPEEDS if "speed" in unstated else _SPEEDS[:1]
    distances = _DISTANCES if "distance" in unstated else _DISTANCES[:1]
    for distance in distances:
        for speed in speeds:
            ratio = way * UNITS[speed].factor / (length * UNITS[distance].factor)
            if abs(ratio - 1) < _NEAR:
                found = {"speed": speed, "distance": distance}
                return {n: u for n, u in found.items() if u not in ("m/s", "m")}
    return {}


def _median(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0


def _covered(seconds: FloatArray, speed: FloatArray) -> float:
    known = np.isfinite(speed) & np.isfinite(seconds)
    if known.sum() < 10:
        return 0.0
    steps = np.diff(seconds[known])
    # A long gap is a pause, not a minute at the last speed.
    steps = np.where((steps > 0) & (steps <= 30), steps, 0.0)
    return float((steps * speed[known][1:].astype(np.float64)).sum())


def _length(distance: FloatArray) -> float:
    known = distance[np.isfinite(distance)]
    return float(known.max() - known.min()) if len(known) else 0.0
