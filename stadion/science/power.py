"""Seconds of power and heart rate in; how hard, how even and how economical they were, out.

All series are at 1 Hz (`science.resample.per_second`). Zero is a measurement, coasting; NaN is
missing and is never taken for zero.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.science.arguments import known_together, positive, series

__all__ = [
    "decoupling",
    "efficiency",
    "intensity",
    "rolling_means",
    "variability",
    "weighted_power",
]

_WINDOW_S = 30


def rolling_means(values_1hz: npt.ArrayLike, window_s: int) -> FloatArray:
    """Mean of each whole window of `window_s` seconds, in order of its last second.

    Returns
    -------
    (n - window_s + 1,) float64, empty when n is smaller; NaN where a second of it is missing.

    Examples
    --------
    >>> rolling_means([1.0, 3.0, 5.0, float("nan")], 2)
    array([ 2.,  4., nan])
    """
    values = series("values_1hz", values_1hz)
    width = int(positive("window_s", window_s, "s"))
    if len(values) < width:
        return np.empty(0)
    missing = np.isnan(values)
    sums = np.concatenate([[0.0], np.where(missing, 0.0, values).cumsum()])
    means: FloatArray = (sums[width:] - sums[:-width]) / width
    if missing.any():
        holes = np.concatenate([[0], missing.cumsum()])
        means[holes[width:] != holes[:-width]] = np.nan
    return means


def weighted_power(power_w_1hz: npt.ArrayLike) -> float:
    """Watts of steady riding that would cost the body as much as this uneven power did.

    The fourth power of the rolling mean over 30 s, averaged, and its fourth root. The first
    window is the first 30 s: there is none that looks back before the start. A window with a
    missing second does not count, so that a long gap neither lowers nor bridges anything.

    Parameters
    ----------
    power_w_1hz
        (n,) W at 1 Hz; coasting is 0, missing is NaN.

    Returns
    -------
    W; NaN where no 30 s in a row are known.

    References
    ----------
    H. Allen, A. R. Coggan, Training and Racing with a Power Meter, 2006 (30 s, fourth power).

    Examples
    --------
    >>> round(weighted_power(np.full(600, 250.0)), 3)
    250.0
    """
    means = rolling_means(series("power_w_1hz", power_w_1hz), _WINDOW_S)
    # Below zero is a sensor's offset; its fourth power would count as work.
    known = np.maximum(means[~np.isnan(means)], 0.0)
    return float(np.mean(known**4) ** 0.25) if len(known) else np.nan


def intensity(weighted_w: float, ftp_w: float) -> float:
    """Weighted power as a share of the threshold's; NaN when the power is unknown.

    Raises
    ------
    StadionError
        INVALID when `ftp_w` is not above 0.

    Examples
    --------
    >>> intensity(200.0, 250.0)
    0.8
    """
    return weighted_w / positive("ftp_w", ftp_w, "W")


def variability(power_w_1hz: npt.ArrayLike) -> float:
    """Weighted power over mean power: 1 = steady, more = uneven; NaN where neither is known.

    The mean is that of all known seconds, coasting included.

    Examples
    --------
    >>> round(variability(np.full(600, 200.0)), 3)
    1.0
    """
    power = series("power_w_1hz", power_w_1hz)
    known = power[~np.isnan(power)]
    mean = float(known.mean()) if len(known) else 0.0
    return weighted_power(power) / mean if mean > 0.0 else np.nan


def efficiency(output_mean: float, heart_rate_mean: float) -> float:
    """Power (W) or speed (m/s) per heart beat a minute; NaN where the heart rate is unknown.

    Examples
    --------
    >>> efficiency(210.0, 140.0)
    1.5
    """
    return output_mean / heart_rate_mean if heart_rate_mean > 0.0 else np.nan


def decoupling(output_1hz: npt.ArrayLike, heart_rate_1hz: npt.ArrayLike) -> float:
    """Per cent of efficiency lost from the first half to the second: 100 (E1 - E2) / E1.

    Parameters
    ----------
    output_1hz
        (n,) power in W, or speed in m/s.
    heart_rate_1hz
        (n,) bpm.

    Returns
    -------
    Per cent; positive = the heart beat more for the same in the second half. The halves are of
    the seconds in which both are known; NaN with less than two minutes of them or no output.

    References
    ----------
    J. Friel, The Cyclist's Training Bible, 4th ed. 2009 (aerobic decoupling).

    Examples
    --------
    >>> power = np.full(600, 200.0)
    >>> round(decoupling(power, np.repeat([140.0, 147.0], 300)), 2)
    4.76
    """
    output, rate = known_together(output_1hz=output_1hz, heart_rate_1hz=heart_rate_1hz)
    if len(output) < 120:
        return np.nan
    half = len(output) // 2
    first = efficiency(float(output[:half].mean()), float(rate[:half].mean()))
    second = efficiency(float(output[half:].mean()), float(rate[half:].mean()))
    return 100.0 * (first - second) / first if first > 0.0 else np.nan
