"""A stream that repeats itself in; the peak of each cycle out.

In three steps: how long one cycle is around each moment (autocorrelation), where the motion has
a peak, and which of those peaks make the best chain of cycles of that length.

References
----------
The chain: D. P. W. Ellis, Beat tracking by dynamic programming, J. New Music Research 36 (2007)
51-60. Autocorrelation of gait: R. Moe-Nilssen, J. L. Helbostad, Estimation of gait cycle
characteristics by trunk accelerometry, J. Biomech. 37 (2004) 121-126.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import Array, FloatArray, IntArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import series

__all__ = ["CycleSettings", "bridged", "find_cycles", "maxima"]

_HOPS = 4  # windows that begin within the length of one
_TIGHT = 5.0  # price of a cycle that is longer or shorter than its surroundings say
_BREAK = 1.0  # price of going on after a pause
_SHORTEST, _LONGEST = 0.5, 2.5  # cycles between neighbours of one chain
_HIDDEN = 0.7  # price of a cycle whose peak drowned
_FINER = 8  # lags of the autocorrelation per sample
_RESTING = 0.4  # of the motion of its window: where it is less, somebody stands
_AROUND = 0.3  # cycles
_LEAST_HZ = 40.0  # peaks are looked for at this rate at least
_KNOWN = 0.5  # of a window


@dataclass(frozen=True, slots=True)
class CycleSettings:
    """What counts as one cycle.

    `slowest_hz` and `fastest_hz` bound its rate; `least_rms` is the movement, in the samples'
    unit, below which somebody rests; `periodicity` the autocorrelation, 0 to 1, that a movement
    must reach to repeat itself; `window_s` the time over which a rate is taken as steady; `alike`
    the share of the best autocorrelation from which a shorter cycle is the cycle: low where two
    cycles differ, as the steps of a left and a right foot do.
    """

    slowest_hz: float = field(default=0.8, metadata={"low": 0.05, "high": 10.0})
    fastest_hz: float = field(default=3.8, metadata={"low": 0.1, "high": 20.0})
    least_rms: float = field(default=0.5, metadata={"low": 0.0, "high": 1_000.0})
    periodicity: float = field(default=0.3, metadata={"low": 0.0, "high": 0.99})
    window_s: float = field(default=5.0, metadata={"low": 0.5, "high": 120.0})
    alike: float = field(default=0.6, metadata={"low": 0.0, "high": 1.0})


class _Pace(NamedTuple):
    """(n,) length of a cycle in samples, NaN where nothing repeats; (n,) size of the motion."""

    period: FloatArray
    rms: FloatArray


def find_cycles(
    signal: npt.ArrayLike, rate_hz: float, settings: CycleSettings, whole: FloatArray | None = None
) -> IntArray:
    """Sample of the peak of each cycle of one stream (n,) that repeats itself.

    Parameters
    ----------
    whole
        (n, c) streams that repeat after every second cycle, such as what a sensor sees of left
        and right; without it the signal itself.
    """
    values = series("signal", signal)
    if not rate_hz >= 2.0 * settings.fastest_hz:
        raise StadionError(
            Code.INVALID,
            f"rate_hz is {rate_hz}; expected at least {2 * settings.fastest_hz:g}, twice the "
            "fastest cycle",
        )
    known = np.isfinite(values)
    if len(values) < 4.0 * rate_hz / settings.fastest_hz or not known.any():
        return np.zeros(0, np.int64)
    columns = [values] if whole is None else list(whole.T)
    moved, *parts = (_moved(bridged(each, known), rate_hz, settings) for each in (values, *columns))
    pace = _pace(moved, np.stack(parts, axis=1), known, rate_hz, settings)
    finer = int(np.ceil(_LEAST_HZ / rate_hz))
    fine = _upsampled(moved, finer)
    peaks = maxima(fine)
    at = np.minimum((peaks + finer // 2) // finer, len(values) - 1)
    is_moving = known & _is_moving(moved, pace, settings.least_rms)
    peaks, at = peaks[is_moving[at]], at[is_moving[at]]
    chain = _best_chain(peaks, fine[peaks] / pace.rms[at], pace.period[at] * finer)
    chain = chain[is_moving[np.minimum((chain + finer // 2) // finer, len(values) - 1)]]
    return np.unique(np.minimum((chain + finer // 2) // finer, len(values) - 1))


def _is_moving(moved: FloatArray, pace: _Pace, least_rms: float) -> Array:
    """(n,) False where nothing repeats, and in the pauses between."""
    told = pace.period[np.isfinite(pace.period)]
    if not len(told):
        return np.zeros(len(moved), bool)
    around = np.sqrt(np.maximum(_smooth(moved**2, _AROUND * float(np.median(told))), 0.0))
    least = np.maximum(_RESTING * pace.rms, least_rms)
    return np.asarray(np.isfinite(pace.period) & (around >= least))


def bridged(values: FloatArray, known: Array) -> FloatArray:
    """(n,) with a straight line where nothing is known."""
    at = np.arange(len(values))
    return np.asarray(np.interp(at, at[known], values[known]))


def _moved(values: FloatArray, rate_hz: float, settings: CycleSettings) -> FloatArray:
    """(n,) without what is slower than a cycle and what is faster: gravity, drift and noise."""
    slow = _smooth(values, rate_hz / (np.pi * settings.slowest_hz))
    return _smooth(values, rate_hz / (2.0 * np.pi * 1.5 * settings.fastest_hz)) - slow


def _smooth(values: FloatArray, spread: float) -> FloatArray:
    """Gaussian of `spread` samples; the ends are mirrored."""
    reach = min(max(1, int(np.ceil(4.0 * spread))), len(values) - 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / spread) ** 2)
    padded = np.pad(values, reach, mode="reflect")
    size = 1 << int(np.ceil(np.log2(len(padded) + len(kernel))))
    spectrum = np.fft.rfft(padded, size) * np.fft.rfft(kernel / kernel.sum(), size)
    return np.asarray(np.fft.irfft(spectrum, size)[2 * reach : 2 * reach + len(values)])


def _upsampled(values: FloatArray, times: int) -> FloatArray:
    """(times n,) by the Fourier transform, which bends a band-limited motion truly."""
    if times == 1:
        return values
    mirrored = np.concatenate([values, values[::-1]])
    spectrum = np.fft.rfft(mirrored)
    return np.asarray(times * np.fft.irfft(spectrum, times * len(mirrored))[: times * len(values)])


def _pace(
    moved: FloatArray, parts: FloatArray, known: Array, rate_hz: float, settings: CycleSettings
) -> _Pace:
    """Length of a cycle around each sample, from windows that overlap."""
    width = min(len(moved), max(8, round(settings.window_s * rate_hz)))
    hop = max(1, width // _HOPS)
    starts = np.unique(np.append(np.arange(0, len(moved) - width + 1, hop), len(moved) - width))
    view = np.lib.stride_tricks.sliding_window_view
    cut = view(moved, width)[starts]
    seen = view(known, width)[starts].mean(axis=1)
    rms = np.sqrt((cut**2).mean(axis=1))
    lags = _FINER * min(np.ceil(2.0 * rate_hz / settings.slowest_hz) + 2, 2 * width // 3)
    once = _alike(cut[:, None], int(lags))
    twice = _alike(view(parts, width, axis=0)[starts], int(lags))
    period, height = _periods(once, twice, rate_hz * _FINER, settings)
    is_told = (rms >= settings.least_rms) & (height >= settings.periodicity) & (seen >= _KNOWN)
    middle = starts + width / 2.0
    nearest = np.searchsorted((middle[1:] + middle[:-1]) / 2.0, np.arange(len(moved)))
    period = np.where(is_told, period / _FINER, np.nan)
    return _Pace(period[nearest], np.maximum(rms, 1e-12)[nearest])


def _alike(windows: FloatArray, lags: int) -> FloatArray:
    """(k, lags) autocorrelation of (k, c, w) windows, the c streams together, at fine lags."""
    width = windows.shape[2]
    centred = windows - windows.mean(axis=2, keepdims=True)
    power = (np.abs(np.fft.rfft(centred, 2 * width, axis=2)) ** 2).sum(axis=1)
    alike = np.fft.irfft(power, 2 * width * _FINER, axis=1)[:, :lags]
    fewer = width / (width - np.arange(lags) / _FINER)
    return np.asarray(alike / np.maximum(alike[:, :1], 1e-12) * fewer)


def _periods(
    once: FloatArray, twice: FloatArray, lags_hz: float, settings: CycleSettings
) -> tuple[FloatArray, FloatArray]:
    """(k,) lags of a cycle of each window, and how much it repeats itself.

    After one cycle the motion is like itself, after two everything is: a mean of both tells a
    step from a stride wherever the sensor is.
    """
    last = min(once.shape[1], (twice.shape[1] + 1) // 2, int(lags_hz / settings.slowest_hz) + 2)
    height = (once[:, :last] + twice[:, : 2 * last : 2][:, :last]) / 2.0
    is_top = (height[:, 1:-1] >= height[:, :-2]) & (height[:, 1:-1] > height[:, 2:])
    is_top[:, : max(0, int(lags_hz / settings.fastest_hz) - 1)] = False
    tops = np.where(is_top, height[:, 1:-1], -np.inf)
    best = tops.max(axis=1, initial=-np.inf)
    first = (tops >= settings.alike * np.maximum(best, 0.0)[:, None]).argmax(axis=1)
    return first + 1.0, np.where(np.isfinite(best), best, 0.0)


def maxima(values: FloatArray) -> IntArray:
    """Samples higher than the one before and not lower than the next; ends do not count."""
    inner = (values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])
    return np.asarray(np.flatnonzero(inner) + 1)


def _best_chain(peaks: IntArray, height: FloatArray, period: FloatArray) -> IntArray:
    """The peaks whose heights, less the price of uneven cycles between them, sum to the most.

    Where two of them lie two cycles apart, one is put between them.
    """
    score = np.clip(height, -1.0, 3.0)
    before = np.full(len(peaks), -1)
    top = np.full(len(peaks), -1)  # the best of all chains so far: one may go on after a pause
    start = np.searchsorted(peaks, peaks - _LONGEST * period)
    stop = np.searchsorted(peaks, peaks - _SHORTEST * period, side="right")
    for k, (first, last) in enumerate(zip(start.tolist(), stop.tolist(), strict=True)):
        gain = 0.0
        if last > first:
            cycles = (peaks[k] - peaks[first:last]) / period[k]
            whole = np.where(cycles > 1.5, 2.0, 1.0)
            price = _TIGHT * np.log(cycles / whole) ** 2 + _HIDDEN * (whole - 1.0)
            values = score[first:last] - price
            at = int(values.argmax())
            if values[at] > gain:
                gain, before[k] = float(values[at]), first + at
        far = int(top[first - 1]) if first > 0 else -1
        if far >= 0 and score[far] - _BREAK > gain:
            gain, before[k] = float(score[far]) - _BREAK, far
        score[k] += gain
        top[k] = k if k == 0 or score[k] > score[top[k - 1]] else top[k - 1]
    chain, at = [], int(top[-1]) if len(peaks) else -1
    while at >= 0:
        chain.append(at)
        at = int(before[at])
    found = np.array(chain[::-1], np.int64)
    cycles = np.diff(peaks[found]) / period[found[1:]]
    hidden = np.flatnonzero((cycles > 1.5) & (cycles <= _LONGEST))
    middles = (peaks[found[hidden]] + peaks[found[hidden + 1]]) // 2
    return np.sort(np.concatenate([peaks[found], middles]))
