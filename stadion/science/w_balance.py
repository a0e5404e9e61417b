"""Seconds of power and an athlete's critical power in; what is left of W' at each, out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stadion.core.arrays import FloatArray
from stadion.science.arguments import positive, series

__all__ = ["w_balance"]


def w_balance(
    power_w_1hz: npt.ArrayLike, cp_w: float, w_prime_j: float, exact: bool = False
) -> FloatArray:
    """(n,) J left of W' at the end of each second, from a full store.

    Above CP the excess is spent; below it the store refills in proportion to how empty it is
    and how far below CP the power lies: dW/dt = (CP - P) (W' - W) / W'.

    Parameters
    ----------
    power_w_1hz
        (n,) W at 1 Hz. A missing second gives NaN and leaves the store as it was: fill pauses
        with 0 where they were rests.
    cp_w, w_prime_j
        Critical power and the work above it (`fit_critical_power`).
    exact
        False steps from second to second as the equation is printed (Euler), True solves it
        within each second; they differ by some 0.01 % of W'.

    Returns
    -------
    (n,) float64. Below 0 means that CP or W' is higher in truth than was said: nothing is cut.

    References
    ----------
    P. F. Skiba, S. Fulford, D. C. Clarke, A. Vanhatalo, A. M. Jones, Intramuscular determinants
    of the ability to recover work capacity above critical power, Eur. J. Appl. Physiol. 115
    (2015) 703.

    Examples
    --------
    >>> power = np.repeat([350.0, 150.0], 60)
    >>> [round(w_balance(power, 250, 20_000, exact)[-1]) for exact in (False, True)]
    [15558, 15555]
    """
    power = series("power_w_1hz", power_w_1hz)
    critical, store = positive("cp_w", cp_w, "W"), positive("w_prime_j", w_prime_j, "J")
    missing = np.isnan(power)
    excess = np.where(missing, 0.0, power - critical)
    spent = np.maximum(excess, 0.0)
    # What is missing of W' is a line through its last value: + spent above CP, * kept below it.
    rest = np.minimum(excess, 0.0) / store
    # A rest too strong for the printed step (W' of a few joules) fills the store, no more.
    kept = np.exp(rest) if exact else np.maximum(1.0 + rest, 0.0)
    lacks = np.empty(len(power))
    lack = 0.0
    for index, (share, more) in enumerate(zip(kept.tolist(), spent.tolist(), strict=True)):
        lack = lack * share + more
        lacks[index] = lack
    balance: FloatArray = np.where(missing, np.nan, store - lacks)
    return balance
