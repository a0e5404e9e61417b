"""Measures in SI units in, what people of that sport say out: paces, km/h, hours, whole beats."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["named", "pace", "paced", "told"]

_PACED = {"running": 1000.0, "walking": 1000.0, "hiking": 1000.0, "treadmill": 1000.0,
          "swimming": 100.0, "rowing": 500.0, "indoor_rowing": 500.0}  # fmt: skip
"""Sport -> metres whose time people of that sport speak of."""

_UNITS = ("w_per_bpm", "mps_per_bpm", "per_min", "percent", "kcal", "mps", "bpm", "rpm", "degc",
          "mm", "ms", "kj", "kg", "m", "s", "w", "j", "1")  # fmt: skip
_SHOWN_UNITS = {"w_per_bpm": "W/bpm", "mps_per_bpm": "m/s/bpm", "per_min": "1/min", "mps": "m/s",
                "percent": "%", "w": "W", "kj": "kJ", "degc": "°C", "1": "", "j": "J"}  # fmt: skip
_DECIMALS = {"bpm": 0, "w": 0, "rpm": 0, "kcal": 0, "kj": 0, "degc": 0, "ms": 1, "mm": 0,
             "percent": 1, "per_min": 1, "j": 0}  # fmt: skip
_NAMES = {"edwards": "Edwards load", "lucia": "Lucia load", "trimp": "TRIMP", "rmssd_ms": "RMSSD",
          "sdnn_ms": "SDNN", "alpha1": "DFA alpha 1", "swolf": "SWOLF", "ftp_w": "FTP",
          "w_prime_j": "W'", "cp_w": "critical power"}  # fmt: skip
_SLOWEST_MPS = 0.1  # slower is standing: no pace
_KM_FROM_M = 10_000.0


def paced(sport: str, sub_sport: str = "") -> float | None:
    """Metres whose time tells a speed in this sport; None where people say km/h.

    Examples
    --------
    >>> paced("running"), paced("fitness_equipment", "indoor_rowing"), paced("cycling")
    (1000.0, 500.0, None)
    """
    return _PACED.get(sub_sport) or _PACED.get(sport)


def pace(speed_mps: float, metres: float) -> str | None:
    """Minutes and seconds for so many metres; None for standing.

    Examples
    --------
    >>> pace(3.0, 1000), pace(1.25, 100)
    ('5:33 min/km', '1:20 min/100 m')
    """
    if not speed_mps >= _SLOWEST_MPS:
        return None
    minutes, seconds = divmod(round(metres / speed_mps), 60)
    return f"{minutes}:{seconds:02d} min/{'km' if metres == 1000 else f'{metres:.0f} m'}"


def told(name: str, value: Any, metres: float | None = None) -> str | None:
    """A value with the unit its name ends in, as people say it.

    Parameters
    ----------
    metres
        What speeds are told for, see `paced`; None = km/h.

    Examples
    --------
    >>> told("moving_s", 3725.0), told("speed_mps", 3.0), told("sex", "female")
    ('1:02:05', '10.8 km/h', 'female')
    >>> told("speed_mps", 3.0, 1000), told("heart_rate_bpm", 151.4), told("ascent_m", 310.2)
    ('5:33 min/km', '151 bpm', '310 m')
    """
    if value is None or isinstance(value, str):
        return value
    unit = next((unit for unit in _UNITS if name == unit or name.endswith(f"_{unit}")), "")
    if unit == "s":
        return _clock(value)
    if unit == "mps":
        return pace(value, metres) if metres else f"{3.6 * value:.1f} km/h"
    if unit == "m" and abs(value) >= _KM_FROM_M:
        return f"{value / 1000:.2f} km"
    decimals = 0 if unit == "m" and abs(value) >= 100 else _DECIMALS.get(unit)
    if decimals is None:
        number = f"{value:.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    else:
        number = f"{value:.{decimals}f}"
    return f"{number} {_SHOWN_UNITS.get(unit, unit)}".strip()


def named(key: str, metres: float | None = None) -> str:
    """What a measure is called, without its unit.

    Examples
    --------
    >>> named("heart_rate_max_bpm"), named("speed_moving_mps", 1000), named("rmssd_ms")
    ('heart rate max', 'pace moving', 'RMSSD')
    """
    if key in _NAMES:
        return _NAMES[key]
    unit = next((unit for unit in _UNITS if key.endswith(f"_{unit}")), "")
    name = key.removesuffix(f"_{unit}").replace("_", " ")
    if metres and unit == "mps":
        return name.replace("speed max", "fastest pace").replace("speed", "pace")
    return name


def _clock(seconds: float) -> str:
    whole = round(seconds) if seconds >= 0 else math.ceil(seconds)
    minutes, rest = divmod(abs(whole), 60)
    return f"{'-' if whole < 0 else ''}{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
