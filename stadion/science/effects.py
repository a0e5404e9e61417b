"""Streams at 1 Hz and an athlete's limits in, what the work was and what it cost out."""

from __future__ import annotations

import math

import numpy as np

from stadion.core.arrays import FloatArray
from stadion.core.profile import Profile
from stadion.science.grade import grade_of, graded_speed
from stadion.science.load import edwards, heart_rate_load, power_load, run_load, trimp
from stadion.science.power import decoupling, efficiency, intensity, weighted_power
from stadion.science.quality.limits import FOOT_SPORTS
from stadion.science.seconds import Seconds

__all__ = ["graded_series", "load_measures"]


def load_measures(seconds: Seconds, profile: Profile) -> dict[str, float]:
    """Work, loads, decoupling and efficiency, as far as the streams and the profile tell."""
    output, unit = _output(seconds)
    found = _power_measures(seconds, profile) | _heart_measures(seconds, profile)
    if seconds.activity.sport in FOOT_SPORTS:
        found |= _foot_measures(output if unit == "mps" else graded_series(seconds), profile)
    heart = seconds.get("heart_rate")
    if output is not None and heart is not None:
        both = np.isfinite(output) & np.isfinite(heart)
        if both.any():
            means = float(output[both].mean()), float(heart[both].mean())
            found[f"efficiency_{unit}_per_bpm"] = efficiency(*means)
        found["decoupling_percent"] = decoupling(output, heart)
    return found


def graded_series(seconds: Seconds) -> FloatArray | None:
    """(n,) m/s on the level that would cost as much; None without speed.

    Where height or distance is missing the way counts as level.
    """
    speed = seconds.get("speed")
    if speed is None:
        return None
    altitude, distance = seconds.get("altitude"), seconds.get("distance")
    if altitude is None:
        return speed
    if distance is None or len(distance) != len(speed):
        distance = np.cumsum(np.nan_to_num(speed))
    size = min(len(speed), len(altitude))
    grade = grade_of(altitude[:size], distance[:size])
    return graded_speed(speed[:size], np.nan_to_num(grade))


def _output(seconds: Seconds) -> tuple[FloatArray | None, str]:
    """What the athlete gave: power where it is measured, else speed; graded on foot."""
    power = seconds.get("power")
    if seconds.activity.sport in FOOT_SPORTS:
        return graded_series(seconds), "mps"
    if power is not None:
        return power, "w"
    return seconds.get("speed"), "mps"


def _power_measures(seconds: Seconds, profile: Profile) -> dict[str, float]:
    power = seconds.get("power")
    known = np.empty(0) if power is None else power[np.isfinite(power)]
    if power is None or not len(known) or not known.any():
        return {}
    weighted, mean = weighted_power(power), float(known.mean())
    found = {
        "work_kj": float(known.sum()) / 1000.0,
        "weighted_power_w": weighted,
        "variability": weighted / mean if mean > 0 else math.nan,
    }
    # A threshold is one of cycling; a runner's watts are another quantity.
    if profile.ftp_w is not None and seconds.activity.sport not in FOOT_SPORTS:
        found["intensity"] = intensity(weighted, profile.ftp_w)
        found["power_load"] = power_load(float(len(known)), found["intensity"])
    return found


def _heart_measures(seconds: Seconds, profile: Profile) -> dict[str, float]:
    heart = seconds.get("heart_rate")
    highest, rest = profile.hr_max_bpm, profile.hr_rest_bpm
    if heart is None or highest is None:
        return {}
    found = {"edwards": edwards(heart, highest)}
    if rest is None or rest >= highest or not profile.sex:
        return found
    found["trimp"] = trimp(heart, rest, highest, profile.sex)
    threshold = profile.hr_threshold_bpm
    if threshold is not None and rest < threshold <= highest:
        found["heart_rate_load"] = heart_rate_load(heart, rest, highest, threshold, profile.sex)
    return found


def _foot_measures(graded: FloatArray | None, profile: Profile) -> dict[str, float]:
    if graded is None or not np.isfinite(graded).any():
        return {}
    found = {"graded_speed_mps": float(np.nanmean(graded))}
    if profile.threshold_speed_mps is not None:
        found["run_load"] = run_load(graded, profile.threshold_speed_mps)
    return found
