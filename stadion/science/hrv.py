"""Intervals between heart beats in; how much and how the heart varies its pace out.

Every function takes corrected intervals (`stadion.science.beats.correct`) in ms, in order, NaN for
a hole in the recording; one above 5 s is a hole too. What a recording is too short to tell is NaN:

| From | told | after |
|---|---|---|
| 10 s | mean interval, heart rate | Baek 2015 |
| 1 min | RMSSD and the other differences between neighbours | Esco & Flatt 2014 |
| 1 min, 2 min | HF; LF, normalised units | ten waves of the lowest frequency, Task Force 1996 |
| 4 min | SDNN | Baek 2015 |
| 5 min | VLF, total | Task Force 1996 |
| 64 beats | DFA alpha 1 | four windows of its longest scale |
| 200 beats | sample entropy | Richman & Moorman 2000 |
| 15 min | SDANN, SDNN index | three stretches of 5 min |

References
----------
Task Force of the ESC and NASPE, Heart rate variability: standards of measurement, physiological
interpretation, and clinical use, Eur. Heart J. 17 (1996) 354-381.
H. J. Baek et al., Reliability of ultra-short-term analysis, Telemed. e-Health 21 (2015) 404-414.
M. R. Esco, A. A. Flatt, Ultra-short-term heart rate variability indexes at rest and post-exercise
in athletes, J. Sports Sci. Med. 13 (2014) 535-541.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import Array, FloatArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import between, same_length, series
from stadion.science.beats import beat_times
from stadion.science.fractal import sample_entropy, scaling_exponent, smoothed_away
from stadion.science.spectrum import BANDS, frequency_domain, is_long, pieces_of, without_holes

__all__ = [
    "BANDS",
    "AlphaCourse",
    "frequency_domain",
    "nonlinear",
    "time_domain",
    "windowed_alpha1",
]

_MEAN_S, _DIFFERENCES_S, _DEVIATION_S = 10.0, 60.0, 240.0
_STRETCH_S, _STRETCHES, _ALL_BUT = 300.0, 3, 0.05
_LEAST = 5  # beats
_LONGEST_S = 30 * 86_400.0
_SCALES = (4, 16)  # beats: Peng 1995
_LEAST_ENTROPY, _MOST_ENTROPY = 200, 5_000  # beats


class AlphaCourse(NamedTuple):
    """DFA alpha 1 over a recording: (k,) seconds at each window's end, (k,) exponents or NaN."""

    time_s: FloatArray
    alpha1: FloatArray


def time_domain(rr_ms: npt.ArrayLike) -> dict[str, float]:
    """Deviations and differences of the intervals.

    Parameters
    ----------
    rr_ms
        (n,) intervals, NaN = a hole; differences across a hole do not count.

    Returns
    -------
    `mean_rr_ms`, `heart_rate_bpm`; `rmssd_ms`, `ln_rmssd`, `sdsd_ms`, `pnn50`, `pnn20` (percent
    of all intervals) of neighbours; `sdnn_ms`, `cv` (percent) of all; `sdann_ms` (deviation of
    the means of 5 min), `sdnn_index_ms` (mean of their deviations).

    Examples
    --------
    >>> rr = 900.0 + 40.0 * np.sin(np.arange(300) * 1.5)
    >>> told = time_domain(rr).items()
    >>> {name: round(value, 1) for name, value in told if value == value}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'mean_rr_ms': 900.2, 'heart_rate_bpm': 66.7, 'rmssd_ms': 38.5, 'ln_rmssd': 3.7,
     'sdsd_ms': 38.6, 'pnn50': 26.0, 'pnn20': 75.7, 'sdnn_ms': 28.3, 'cv': 3.1}
    """
    rr = without_holes(series("rr_ms", rr_ms))
    known = rr[np.isfinite(rr)]
    length_s = known.sum() / 1000.0
    steps = np.diff(rr)
    steps = steps[np.isfinite(steps)]
    told = dict.fromkeys(
        ("mean_rr_ms", "heart_rate_bpm", "rmssd_ms", "ln_rmssd", "sdsd_ms", "pnn50", "pnn20",
         "sdnn_ms", "cv", "sdann_ms", "sdnn_index_ms"), float("nan"),
    )  # fmt: skip
    if is_long(length_s, _MEAN_S):
        told["mean_rr_ms"] = float(known.mean())
        told["heart_rate_bpm"] = 60_000.0 / told["mean_rr_ms"]
    if is_long(length_s, _DIFFERENCES_S) and len(steps) >= _LEAST:
        told |= _differences(steps, len(known))
    if is_long(length_s, _DEVIATION_S):
        told["sdnn_ms"] = float(known.std(ddof=1))
        told["cv"] = 100.0 * told["sdnn_ms"] / told["mean_rr_ms"]
    return told | _stretches(rr)


def _differences(steps: FloatArray, intervals: int) -> dict[str, float]:
    """Task Force 1996 counts pNN50 over all intervals, which are one more than the differences."""
    rmssd = float(np.sqrt(np.mean(steps**2)))
    return {
        "rmssd_ms": rmssd,
        "ln_rmssd": float(np.log(rmssd)) if rmssd > 0 else float("nan"),
        "sdsd_ms": float(steps.std(ddof=1)),
        "pnn50": 100.0 * float((np.abs(steps) > 50.0).sum()) / intervals,
        "pnn20": 100.0 * float((np.abs(steps) > 20.0).sum()) / intervals,
    }


def _stretches(rr: FloatArray) -> dict[str, float]:
    """Mean and deviation of every whole 5 minutes of known intervals, put together."""
    known = rr[np.isfinite(rr)]
    index = np.floor((beat_times(known) - known / 1000.0) / _STRETCH_S)
    known = known[index < np.floor(known.sum() / 1000.0 / _STRETCH_S + _ALL_BUT)]
    _, at, counts = np.unique(index[: len(known)], return_inverse=True, return_counts=True)
    if len(counts) < _STRETCHES or counts.min() < _LEAST:
        return {}
    means = np.bincount(at, known) / counts
    squares = np.bincount(at, (known - means[at]) ** 2) / (counts - 1)
    return {
        "sdann_ms": float(means.std(ddof=1)),
        "sdnn_index_ms": float(np.sqrt(squares).mean()),
    }


def nonlinear(rr_ms: npt.ArrayLike) -> dict[str, float]:
    """How the intervals follow from each other.

    Parameters
    ----------
    rr_ms
        (n,) intervals, NaN = a hole: the exponent and the entropy look at the longest stretch.

    Returns
    -------
    `sd1_ms`, `sd2_ms` (across and along the line of identity of a Poincare plot; from 1 min and
    4 min on), `sd1_sd2`, `alpha1` (detrended fluctuations over 4 to 16 beats: about 1 at rest,
    0.75 near the first threshold, 0.5 near the second), `sample_entropy` (templates of 2, tolerance
    0.2 SD; NaN above 5,000 beats, where drift alone decides it).

    Examples
    --------
    >>> told = nonlinear(800 + np.random.default_rng(0).normal(0, 30, 600))
    >>> round(told["sd1_ms"]), round(told["alpha1"], 1)
    (30, 0.6)

    References
    ----------
    M. Brennan, M. Palaniswami, P. Kamen, Do existing measures of Poincare plot geometry reflect
    nonlinear features of heart rate variability?, IEEE Trans. Biomed. Eng. 48 (2001) 1342-1347.
    C.-K. Peng, S. Havlin, H. E. Stanley, A. L. Goldberger, Quantification of scaling exponents
    and crossover phenomena in nonstationary heartbeat time series, Chaos 5 (1995) 82-87.
    B. Rogers, D. Giles, N. Draper, O. Hoos, T. Gronwald, A new detection method defining the
    aerobic threshold for endurance exercise and training prescription based on fractal
    correlation properties of heart rate variability, Front. Physiol. 11 (2021) 596567.
    """
    rr = without_holes(series("rr_ms", rr_ms))
    length_s = np.nansum(rr) / 1000.0
    longest = max(pieces_of(rr), key=len, default=np.zeros(0, np.int64))
    across, along = np.diff(rr) / np.sqrt(2.0), (rr[1:] + rr[:-1]) / np.sqrt(2.0)
    across, along = across[np.isfinite(across)], along[np.isfinite(along)]
    is_told = len(across) >= _LEAST
    sd1 = float(across.std(ddof=1)) if is_told and is_long(length_s, _DIFFERENCES_S) else np.nan
    sd2 = float(along.std(ddof=1)) if is_told and is_long(length_s, _DEVIATION_S) else np.nan
    has_entropy = _LEAST_ENTROPY <= len(longest) <= _MOST_ENTROPY
    return {
        "sd1_ms": sd1,
        "sd2_ms": sd2,
        "sd1_sd2": sd1 / sd2 if sd2 > 0 else float("nan"),
        "alpha1": _alpha1(rr[longest]),
        "sample_entropy": sample_entropy(rr[longest]) if has_entropy else float("nan"),
    }


def _alpha1(rr: FloatArray) -> float:
    if len(rr) < 4 * _SCALES[1]:
        return float("nan")
    return scaling_exponent(rr, range(_SCALES[0], _SCALES[1] + 1))


def windowed_alpha1(
    rr_ms: npt.ArrayLike,
    time_s: npt.ArrayLike | None = None,
    is_mended: Array | None = None,
    window_s: float = 120.0,
    step_s: float = 20.0,
    most_mended: float = 0.1,
    smoothness: float = 0.0,
) -> AlphaCourse:
    """DFA alpha 1 every `step_s` over the `window_s` before: how hard the exercise is.

    Parameters
    ----------
    rr_ms, time_s, is_mended
        (n,) as `beats.correct` gives them; without times one interval follows the other.
    most_mended
        A window with a larger share of mended intervals is NaN, as is one with a hole. Two
        intervals end at a beat that was moved, so that this is one beat in twenty.
    smoothness
        Above 0 takes the slow trend off first, as the studies of thresholds did with 500.

    Examples
    --------
    >>> rr = 450 + np.random.default_rng(0).normal(0, 5, 1200)
    >>> course = windowed_alpha1(rr)
    >>> len(course.time_s), round(float(course.alpha1.mean()), 1)
    (21, 0.6)

    References
    ----------
    Rogers 2021, as in `nonlinear`. M. P. Tarvainen, P. O. Ranta-aho, P. A. Karjalainen, An advanced
    detrending method with application to HRV analysis, IEEE Trans. Biomed. Eng. 49 (2002) 172.
    """
    rr = series("rr_ms", rr_ms)
    times = series("time_s", beat_times(rr) if time_s is None else time_s)
    mended = np.zeros(len(rr)) if is_mended is None else series("is_mended", is_mended)
    same_length(rr_ms=rr, time_s=times, is_mended=mended)
    rr = without_holes(rr)
    between("window_s", window_s, 30.0, 3_600.0, "s")
    between("step_s", step_s, 1.0, 3_600.0, "s")
    if not len(rr):
        return AlphaCourse(np.zeros(0), np.zeros(0))
    first = times[0] - np.nan_to_num(rr[0]) / 1000.0
    if not (np.diff(times) >= 0).all() or not times[-1] - first < _LONGEST_S:
        told = f"time_s runs from {first:g} to {times[-1]:g}; expected it rising, within 30 days"
        raise StadionError(Code.INVALID, told)
    ends = np.arange(first + window_s, times[-1] + 1e-6, step_s)
    starts = np.searchsorted(times, ends - window_s, side="right")
    stops = np.searchsorted(times, ends + 1e-6, side="right")
    alpha = np.full(len(ends), np.nan)
    for k, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        part = rr[start:stop]
        if np.isfinite(part).all() and stop > start and mended[start:stop].mean() <= most_mended:
            alpha[k] = _alpha1(smoothed_away(part, smoothness) if smoothness > 0 else part)
    return AlphaCourse(ends, alpha)
