"""Intervals between beats in; how their variance spreads over frequencies out."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import between, same_length, series
from stadion.science.beats import beat_times

__all__ = [
    "BANDS",
    "frequency_domain",
    "is_long",
    "lomb_density",
    "natural_spline",
    "pieces_of",
    "tachogram",
    "welch_density",
    "without_holes",
]

BANDS: dict[str, tuple[float, float]] = {"vlf": (0.0033, 0.04), "lf": (0.04, 0.15),
                                         "hf": (0.15, 0.40)}  # fmt: skip
"""Band -> its edges in Hz, the lower one inside (Task Force 1996)."""
_BAND_S = {"vlf": 300.0, "lf": 120.0, "hf": 60.0}
_WHOLE = 0.95
_LEAST = 5  # beats
_HOLE_S = 5.0
_WINDOWS_S, _RATES_HZ = (30.0, 86_400.0), (1.0, 20.0)
_BANDS_END_HZ = BANDS["hf"][1]


def is_long(length_s: float, least_s: float) -> bool:
    """True when a recording has the length asked for, or all but; minutes rarely end on beats."""
    return bool(length_s >= _WHOLE * least_s)


def frequency_domain(
    rr_ms: npt.ArrayLike,
    time_s: npt.ArrayLike | None = None,
    method: Literal["welch", "lomb"] = "welch",
    window_s: float = 300.0,
    rate_hz: float = 4.0,
    is_cubic: bool = True,
) -> dict[str, float]:
    """Variance of the intervals in the bands of slow, middle and breathing waves.

    Parameters
    ----------
    rr_ms
        (n,) intervals, NaN or above 5 s = a hole: no window reaches across one.
    time_s
        (n,) end of each interval, rising; without it one follows the other.
    method
        `welch`: a tachogram of `rate_hz` (cubic spline, or straight lines), Hann windows that
        overlap by half, each without its straight line. `lomb`: the intervals where they are
        (Lomb-Scargle), in the same windows without a shape.
    window_s
        Length of a window; a shorter recording is one window. A window too short for a band
        does not tell it.

    Returns
    -------
    `vlf_ms2`, `lf_ms2`, `hf_ms2`, `total_ms2` (their sum), `lf_hf`, `lf_nu` and `hf_nu` (percent of
    LF + HF). The density is summed over the frequencies in each band (`BANDS`).

    Examples
    --------
    >>> time = np.cumsum(np.full(400, 0.8))
    >>> rr = 800.0 + 40.0 * np.sin(2 * np.pi * 0.25 * time)
    >>> told = frequency_domain(rr, time)
    >>> round(told["hf_ms2"]), round(told["hf_nu"])
    (792, 100)

    References
    ----------
    Task Force of the ESC and NASPE, Heart rate variability: standards of measurement,
    physiological interpretation, and clinical use, Eur. Heart J. 17 (1996) 354-381.
    For `lomb`: P. Laguna, G. B. Moody, R. G. Mark, Power spectral density of unevenly sampled
    data by least-square analysis, IEEE Trans. Biomed. Eng. 45 (1998) 698-715.
    """
    rr = series("rr_ms", rr_ms)
    times = series("time_s", beat_times(rr) if time_s is None else time_s)
    same_length(rr_ms=rr, time_s=times)
    between("window_s", window_s, *_WINDOWS_S, "s")
    between("rate_hz", rate_hz, *_RATES_HZ, "Hz")
    if method not in ("welch", "lomb"):
        raise StadionError(Code.INVALID, f"method is {method!r}; expected 'welch' or 'lomb'")
    pieces = _stretches(times, rr)
    longest = max((float(time[-1] - time[0]) for time, _ in pieces), default=0.0)
    window_s = min(window_s, longest)
    bands = {band: edges for band, edges in BANDS.items() if is_long(window_s, _BAND_S[band])}
    if method == "lomb":
        powers = _lomb_powers(pieces, window_s, bands)
    else:
        grids = [tachogram(time, part, rate_hz, is_cubic) for time, part in pieces]
        powers = _welch_powers(grids, window_s, rate_hz, bands)
    return _shares(powers)


def _stretches(times: FloatArray, rr: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    """Times and intervals of each stretch without a hole."""
    known = np.flatnonzero(np.isfinite(without_holes(rr)) & np.isfinite(times))
    steps = np.diff(times[known])
    if not (steps > 0).all():
        at = int(known[1:][steps <= 0][0])
        told = f"time_s[{at}] is {times[at]:g}; expected each beat after the one before"
        raise StadionError(Code.INVALID, told)
    cuts = np.flatnonzero((steps > _HOLE_S) | (np.diff(known) > 1)) + 1
    return [(times[at], rr[at]) for at in np.split(known, cuts) if len(at) >= _LEAST]


def _welch_powers(
    grids: list[FloatArray], window_s: float, rate_hz: float, bands: dict[str, tuple[float, float]]
) -> dict[str, float]:
    if not bands:
        return {}
    window = min(round(window_s * rate_hz), max(map(len, grids)))
    return _in_bands(*welch_density(grids, rate_hz, window), bands)


def _lomb_powers(
    pieces: list[tuple[FloatArray, FloatArray]],
    window_s: float,
    bands: dict[str, tuple[float, float]],
) -> dict[str, float]:
    """Means over all windows, which are equally long in seconds but not in beats."""
    each = []
    for time, rr in pieces if bands else []:
        starts = np.arange(time[0], time[-1] - window_s + 1e-6, window_s / 2.0)
        firsts = np.searchsorted(time, starts - 1e-6)
        stops = np.searchsorted(time, starts + window_s + 1e-6)
        for first, stop in zip(firsts.tolist(), stops.tolist(), strict=True):
            if stop - first >= _LEAST:
                density = lomb_density(time[first:stop], rr[first:stop], _BANDS_END_HZ)
                each.append(_in_bands(*density, bands))
    return {band: float(np.mean([one[band] for one in each])) for band in bands}


def _in_bands(
    frequency: FloatArray, density: FloatArray, bands: dict[str, tuple[float, float]]
) -> dict[str, float]:
    step = frequency[1] - frequency[0]
    return {
        band: float(density[(frequency >= low) & (frequency < high)].sum() * step)
        for band, (low, high) in bands.items()
    }


def _shares(powers: dict[str, float]) -> dict[str, float]:
    vlf, lf, hf = (powers.get(band, float("nan")) for band in BANDS)
    both = lf + hf
    return {
        "vlf_ms2": vlf,
        "lf_ms2": lf,
        "hf_ms2": hf,
        "total_ms2": vlf + both,
        "lf_hf": lf / hf if hf > 0 else float("nan"),
        "lf_nu": 100.0 * lf / both if both > 0 else float("nan"),
        "hf_nu": 100.0 * hf / both if both > 0 else float("nan"),
    }


def without_holes(rr_ms: FloatArray) -> npt.NDArray[np.float64]:
    """(n,) NaN where an interval is unknown or too long (5 s) to lie between two beats."""
    return np.where((rr_ms > 0) & (rr_ms <= 1000.0 * _HOLE_S), rr_ms, np.nan)


def pieces_of(rr_ms: FloatArray) -> list[Array]:
    """Indices of each run of known intervals."""
    known = np.flatnonzero(np.isfinite(rr_ms))
    if not len(known):
        return []
    return np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)


def natural_spline(x: FloatArray, y: FloatArray, at: FloatArray) -> FloatArray:
    """(m,) a cubic spline through (n,) points, without curvature at its ends.

    Parameters
    ----------
    x
        (n,) strictly rising, at least 3.
    at
        (m,) places inside x.

    References
    ----------
    C. de Boor, A Practical Guide to Splines, 1978, chapter IV.

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> natural_spline(x, np.array([0.0, 1.0, 0.0]), np.array([0.5, 1.0])).tolist()
    [0.6875, 1.0]
    """
    width, rise = np.diff(x), np.diff(y)
    curve = np.zeros(len(x))
    curve[1:-1] = _tridiagonal(
        width[1:-1], 2.0 * (width[:-1] + width[1:]), 6.0 * np.diff(rise / width)
    )
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    h, left, right = width[k], at - x[k], x[k + 1] - at
    bent = curve[k] * right**3 / (6.0 * h) + curve[k + 1] * left**3 / (6.0 * h)
    low = (y[k] / h - curve[k] * h / 6.0) * right
    high = (y[k + 1] / h - curve[k + 1] * h / 6.0) * left
    return np.asarray(bent + low + high)


def _tridiagonal(beside: FloatArray, diagonal: FloatArray, right: FloatArray) -> FloatArray:
    """Solution of a symmetric system by elimination; floats, since it goes row by row."""
    off, main, values = beside.tolist(), diagonal.tolist(), right.tolist()
    for k in range(1, len(main)):
        share = off[k - 1] / main[k - 1]
        main[k] -= share * off[k - 1]
        values[k] -= share * values[k - 1]
    for k in range(len(main) - 1, -1, -1):
        after = off[k] * values[k + 1] if k + 1 < len(main) else 0.0
        values[k] = (values[k] - after) / main[k]
    return np.array(values)


def tachogram(
    time_s: FloatArray, rr_ms: FloatArray, rate_hz: float = 4.0, is_cubic: bool = True
) -> FloatArray:
    """(m,) intervals at a steady rate from the first beat's time on, by spline or straight lines.

    Parameters
    ----------
    time_s, rr_ms
        (n,) of one stretch without holes, at least 3.
    """
    steps = int(np.floor((time_s[-1] - time_s[0]) * rate_hz + 1e-9))
    grid = time_s[0] + np.arange(steps + 1) / rate_hz
    if is_cubic:
        return natural_spline(time_s, rr_ms, grid)
    return np.asarray(np.interp(grid, time_s, rr_ms))


def welch_density(
    stretches: list[FloatArray], rate_hz: float, window: int
) -> tuple[FloatArray, FloatArray]:
    """Frequencies (k,) in Hz and one-sided density (k,) in the values' unit squared per Hz.

    Hann windows of `window` samples that overlap by half, each without its straight line,
    averaged over all stretches; a stretch shorter than the window is left out.

    References
    ----------
    P. D. Welch, The use of fast Fourier transform for the estimation of power spectra,
    IEEE Trans. Audio Electroacoustics 15 (1967) 70-73.
    """
    shape = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(window) / window)
    cut = np.concatenate([
        np.lib.stride_tricks.sliding_window_view(one, window)[:: window - window // 2]
        for one in stretches if len(one) >= window
    ])  # fmt: skip
    power = np.abs(np.fft.rfft(_without_line(cut) * shape, axis=1)) ** 2
    density = power.mean(axis=0) / (rate_hz * (shape**2).sum())
    density[1 : (window + 1) // 2] *= 2.0  # all but 0 and Nyquist stand for two sides
    return np.fft.rfftfreq(window, 1.0 / rate_hz), density


def _without_line(windows: FloatArray) -> FloatArray:
    """(m, n) rows without their mean and slope."""
    at = np.arange(windows.shape[1]) - (windows.shape[1] - 1) / 2.0
    centred = windows - windows.mean(axis=1, keepdims=True)
    return np.asarray(centred - np.outer(centred @ at / (at @ at), at))


def lomb_density(
    time_s: FloatArray, values: FloatArray, highest_hz: float
) -> tuple[FloatArray, FloatArray]:
    """Frequencies (k,) and one-sided density (k,) of unevenly sampled values, without resampling.

    Frequencies are multiples of one over the length; the values' straight line is taken off.

    References
    ----------
    J. D. Scargle, Studies in astronomical time series analysis II, Astrophys. J. 263 (1982)
    835-853, equation 10; a wave of amplitude A has the power N A^2 / 4 there, so that
    2 T / N makes it a density whose sum over 1 / T is the variance A^2 / 2.
    """
    length = (time_s[-1] - time_s[0]) * len(time_s) / (len(time_s) - 1)
    frequency = np.arange(1, int(highest_hz * length) + 1) / length
    at = time_s - time_s.mean()
    centred = values - values.mean()
    centred = centred - at * (centred @ at) / (at @ at)
    turn = 2.0 * np.pi * frequency[:, None]
    late = np.arctan2(np.sin(2 * turn * at).sum(axis=1), np.cos(2 * turn * at).sum(axis=1)) / 2.0
    phase = turn * at - late[:, None]
    cosine, sine = np.cos(phase), np.sin(phase)
    power = 0.5 * (
        (cosine @ centred) ** 2 / (cosine**2).sum(axis=1)
        + (sine @ centred) ** 2 / (sine**2).sum(axis=1)
    )
    return frequency, np.asarray(2.0 * power * length / len(values))
