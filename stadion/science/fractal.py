"""A series of numbers in; how alike it is at different lengths, and how surprising, out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stadion.core.arrays import FloatArray

__all__ = ["sample_entropy", "scaling_exponent", "smoothed_away"]

_AT_ONCE = 1 << 20  # pairs compared together: bounds the memory


def scaling_exponent(values: FloatArray, scales: Iterable[int]) -> float:
    """Slope of log fluctuation over log scale: detrended fluctuation analysis of first order.

    The running sum of the values less their mean is cut into stretches of each scale; the
    fluctuation is the deviation from each stretch's own straight line.

    Parameters
    ----------
    values
        (n,) without missing ones, n at least the longest scale.
    scales
        Lengths in samples, each at least 3.

    Returns
    -------
    0.5 for independent values, 1 for 1/f noise, 1.5 for a random walk; NaN where nothing varies.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=20_000)
    >>> round(scaling_exponent(noise, range(16, 64)), 1)
    0.5
    >>> round(scaling_exponent(np.cumsum(noise), range(16, 64)), 1)
    1.5

    References
    ----------
    C.-K. Peng, S. Havlin, H. E. Stanley, A. L. Goldberger, Quantification of scaling exponents
    and crossover phenomena in nonstationary heartbeat time series, Chaos 5 (1995) 82-87.
    """
    sums = np.cumsum(values - values.mean())
    lengths = list(scales)
    squares = np.array([_fluctuation(sums, length) for length in lengths])
    if not (squares > 1e-12).all():
        return float("nan")
    x, y = np.log(lengths), 0.5 * np.log(squares)
    x = x - x.mean()
    return float(x @ y / (x @ x))


def _fluctuation(sums: FloatArray, length: int) -> float:
    """Mean square of what is left of each stretch without its mean and slope."""
    cut = sums[: len(sums) // length * length].reshape(-1, length)
    at = np.arange(length) - (length - 1) / 2.0
    total = np.einsum("ij,ij->i", cut, cut) - length * cut.mean(axis=1) ** 2
    return float(np.mean(total - (cut @ at) ** 2 / (at @ at)) / length)


def sample_entropy(values: FloatArray, template: int = 2, tolerance: float | None = None) -> float:
    """-ln of the chance that stretches alike over `template` samples stay so for one more.

    Parameters
    ----------
    values
        (n,) without missing ones; the work grows with n squared.
    tolerance
        Largest difference of two samples that are alike; without it 0.2 standard deviations.

    Returns
    -------
    NaN where no two stretches are alike.

    Examples
    --------
    >>> sample_entropy(np.tile([1.0, 2.0, 3.0], 40)) < 0.01
    True

    References
    ----------
    J. S. Richman, J. R. Moorman, Physiological time-series analysis using approximate entropy and
    sample entropy, Am. J. Physiol. 278 (2000) H2039-H2049.
    """
    limit = 0.2 * values.std(ddof=1) if tolerance is None else tolerance
    count = len(values) - template
    alike = longer = 0
    rows = max(1, _AT_ONCE // max(count, 1))
    for start in range(0, count, rows):
        here = np.arange(start, min(start + rows, count))
        is_near = np.ones((len(here), count), bool)
        for k in range(template):
            is_near &= np.abs(values[here + k, None] - values[None, k : k + count]) <= limit
        alike += int(is_near.sum()) - len(here)
        last = values[None, template : template + count]
        is_near &= np.abs(values[here + template, None] - last) <= limit
        longer += int(is_near.sum()) - len(here)
    return float(np.log(alike / longer)) if longer else float("nan")


def smoothed_away(values: FloatArray, smoothness: float) -> FloatArray:
    """(n,) values less their slow trend, the smoother the larger `smoothness` is.

    References
    ----------
    M. P. Tarvainen, P. O. Ranta-aho, P. A. Karjalainen, An advanced detrending method with
    application to HRV analysis, IEEE Trans. Biomed. Eng. 49 (2002) 172-175, equation 15.

    Examples
    --------
    >>> np.abs(smoothed_away(np.linspace(0.0, 9.0, 50), 500.0)).max() < 1e-6
    np.True_
    """
    bend = np.diff(np.eye(len(values)), 2, axis=0)
    trend = np.linalg.solve(np.eye(len(values)) + smoothness**2 * bend.T @ bend, values)
    return np.asarray(values - trend)
