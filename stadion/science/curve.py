"""A second-by-second series in; the best mean over every duration, out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.core.errors import Code, StadionError
from stadion.science.arguments import series

__all__ = ["DURATIONS_S", "duration_curve"]

DURATIONS_S: tuple[int, ...] = (
    *(1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 90),
    *(120, 150, 180, 240, 300, 360, 480, 600, 720, 900, 1200, 1500, 1800, 2400, 3000),
    *(3600, 4500, 5400, 7200, 9000, 10_800, 14_400, 18_000),
)
"""Seconds, near equal steps of the logarithm from 1 s to 5 h through those that people name."""


def duration_curve(
    values_1hz: npt.ArrayLike, durations_s: tuple[int, ...] = DURATIONS_S
) -> FloatArray:
    """Highest mean over every window of each duration: exact, no window is left out.

    Parameters
    ----------
    values_1hz
        (n,) power, speed or heart rate at 1 Hz. A window with a missing second does not count.
    durations_s
        (k,) whole seconds, each 1 or more.

    Returns
    -------
    (k,) float64 in the unit of the values; NaN where no window of that length is whole.

    Examples
    --------
    >>> duration_curve([100.0, 300.0, 200.0, float("nan"), 50.0], (1, 2, 3, 4))
    array([300., 250., 200.,  nan])
    """
    values = series("values_1hz", values_1hz)
    wrong = [d for d in durations_s if d < 1 or d != int(d)]
    if wrong:
        raise StadionError(
            Code.INVALID, f"durations_s holds {wrong[0]}; expected whole seconds, 1 or more"
        )
    missing = np.isnan(values)
    sums = np.concatenate([[0.0], np.where(missing, 0.0, values).cumsum()])
    holes = np.concatenate([[0], missing.cumsum(dtype=np.int32)]) if missing.any() else None
    longest = _longest_run(missing)
    return np.array([_best(sums, holes, int(d)) if d <= longest else np.nan for d in durations_s])


def _best(sums: FloatArray, holes: npt.NDArray[np.int32] | None, duration: int) -> float:
    """Highest mean of `duration` seconds in a row; at least one such stretch is whole."""
    totals = sums[duration:] - sums[:-duration]
    if holes is not None:
        totals = totals[holes[duration:] == holes[:-duration]]
    return float(totals.max()) / duration


def _longest_run(missing: npt.NDArray[np.bool_]) -> int:
    """Most seconds in a row of which none is missing."""
    edges = np.concatenate([[-1], np.flatnonzero(missing), [len(missing)]])
    return int(np.diff(edges).max()) - 1
