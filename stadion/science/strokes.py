"""Motion of a sensor on the body in; the moment of every step or stroke out.

What repeats (steps, strokes in water and in a boat) is found by `stadion.science.cycles`; strokes
with a racket are impacts.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray, IntArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import positive, series
from stadion.science.cycles import CycleSettings, bridged, find_cycles, maxima
from stadion.science.repetitions import main_axis

__all__ = [
    "ROWING",
    "STEPS",
    "SWIMMING",
    "cadence_from",
    "find_impacts",
    "find_steps",
    "find_strokes",
]

_PAUSE = 1.7  # usual cycles between two from which they are not neighbours
_IMPACT = 4.0  # times the usual deviation
_MAD_TO_SD = 1.4826

STEPS = CycleSettings()
"""Walking at 50 to sprinting at 230 steps a minute, m/s^2."""
SWIMMING = CycleSettings(0.25, 1.2, 0.3, 0.3, 14.0, 0.8)
"""15 to 70 arm cycles a minute, rad/s at the wrist."""
ROWING = CycleSettings(0.2, 0.85, 0.2, 0.3, 16.0, 0.8)
"""12 to 50 strokes a minute, m/s^2 of the boat, the handle or the wrist."""


def find_steps(
    acceleration: npt.ArrayLike, rate_hz: float, settings: CycleSettings = STEPS
) -> IntArray:
    """Sample of each step of somebody who walks or runs.

    Parameters
    ----------
    acceleration
        (n, 3) m/s^2 with or without gravity, or (n,) its magnitude; NaN = missing. Worn anywhere:
        only the magnitude is looked at, so that orientation does not matter. At the wrist a
        stride of two steps may count as one where the arm swings more than the body moves.
    rate_hz
        At least 8.

    Examples
    --------
    >>> time = np.arange(0, 30, 0.02)
    >>> walk = 9.81 + 2.0 * np.sin(2 * np.pi * 1.8 * time)
    >>> len(find_steps(walk, 50.0))
    54
    """
    if np.ndim(acceleration) == 1:
        return find_cycles(series("acceleration", acceleration), rate_hz, settings)
    columns = _columns("acceleration", acceleration)
    return find_cycles(_magnitude("acceleration", columns), rate_hz, settings, columns)


def find_strokes(
    samples: npt.ArrayLike, rate_hz: float, kind: Literal["swimming", "rowing", "racket"]
) -> IntArray:
    """Sample of each stroke.

    Parameters
    ----------
    samples
        (n, 3) NaN = missing. `swimming`: angular velocity of the wrist in rad/s, one stroke is
        one cycle of that arm. `rowing`: acceleration in m/s^2. `racket`: acceleration at the
        wrist in m/s^2; strokes are impacts at least 0.6 s apart.

    Examples
    --------
    >>> time = np.arange(0, 60, 0.04)
    >>> wave = np.sin(2 * np.pi * 0.5 * time)[:, None] * np.array([2.0, 1.0, 0.5])
    >>> len(find_strokes(wave, 25.0, "swimming"))
    30
    """
    if kind == "racket":
        return find_impacts(_magnitude("samples", samples), rate_hz)
    if kind not in ("swimming", "rowing"):
        raise StadionError(
            Code.INVALID, f"kind is {kind!r}; expected 'swimming', 'rowing' or 'racket'"
        )
    settings = SWIMMING if kind == "swimming" else ROWING
    columns = _columns("samples", samples)
    known = np.asarray(np.isfinite(columns).all(axis=1))
    if known.sum() < 3:
        return np.zeros(0, np.int64)
    filled = np.stack([bridged(column, known) for column in columns.T], axis=1)
    axis = main_axis(filled, positive("rate_hz", rate_hz, "Hz"), settings.fastest_hz)
    return find_cycles(np.where(known, axis, np.nan), rate_hz, settings)


def find_impacts(
    magnitude: npt.ArrayLike, rate_hz: float, apart_s: float = 0.6, least: float = 8.0
) -> IntArray:
    """Sample of each impact: a short peak that stands out from the motion around it.

    Parameters
    ----------
    magnitude
        (n,) of the acceleration, m/s^2, NaN = missing.
    apart_s
        Of several peaks nearer than this the highest counts.
    least
        m/s^2 above the median, besides four usual deviations, that an impact must reach.

    Examples
    --------
    >>> hits = np.full(500, 2.0)
    >>> hits[[100, 103, 300]] = [30.0, 20.0, 25.0]
    >>> find_impacts(hits, 50.0).tolist()
    [100, 300]
    """
    values = series("magnitude", magnitude)
    positive("rate_hz", rate_hz, "Hz")
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(0, np.int64)
    middle = np.median(values[known])
    usual = _MAD_TO_SD * np.median(np.abs(values[known] - middle))
    heights = np.where(known, values, middle)
    limit = middle + max(least, min(_IMPACT * usual, 0.5 * (heights.max() - middle)))
    peaks = maxima(np.concatenate([[middle], heights, [middle]])) - 1
    peaks = peaks[heights[peaks] >= limit]
    kept: list[int] = []
    for peak in peaks[np.argsort(-heights[peaks], kind="stable")].tolist():
        if all(abs(peak - other) >= apart_s * rate_hz for other in kept):
            kept.append(peak)
    return np.array(sorted(kept), np.int64)


def cadence_from(indices: IntArray, rate_hz: float, longest_s: float = 4.0) -> float:
    """Cycles per minute while moving: the usual time between two, pauses left out.

    Parameters
    ----------
    indices
        (k,) samples of steps or strokes, rising; NaN with fewer than 3.
    longest_s
        Two that lie further apart have a pause between them.

    Examples
    --------
    >>> cadence_from(np.array([0, 50, 100, 150, 900, 950]), 100.0)
    120.0
    """
    positive("rate_hz", rate_hz, "Hz")
    between = np.diff(indices) / rate_hz
    between = between[(between > 0) & (between <= longest_s)]
    if len(between) < 2:
        return float("nan")
    usual = between[between <= _PAUSE * np.median(between)]
    return float(60.0 / usual.mean())


def _columns(name: str, samples: npt.ArrayLike) -> FloatArray:
    try:
        array = np.asarray(samples, np.float64)
    except (TypeError, ValueError) as error:
        raise StadionError(Code.INVALID, f"{name} is no array of numbers") from error
    if array.ndim != 2 or not array.shape[1]:
        raise StadionError(Code.INVALID, f"{name} has shape {array.shape}; expected (n, 3)")
    return np.where(np.isfinite(array), array, np.nan)


def _magnitude(name: str, samples: npt.ArrayLike) -> FloatArray:
    if np.ndim(samples) == 1:
        return series(name, samples)
    return np.asarray(np.linalg.norm(_columns(name, samples), axis=1))
