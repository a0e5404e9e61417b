"""Arguments of a formula in; the same as floats, or an error that names the wrong one, out."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from stadion.core.days import SEXES
from stadion.core.errors import Code, StadionError

__all__ = ["above", "between", "positive", "same_length", "series", "sex_of"]


def positive(name: str, value: float, unit: str) -> float:
    """The value, when it is a finite number above 0.

    Raises
    ------
    StadionError
        INVALID, with the argument's name, its value and what would be right.

    Examples
    --------
    >>> positive("ftp_w", 250, "W")
    250.0
    """
    return above(name, value, 0.0, unit)


def above(name: str, value: float, low: float, unit: str, limit: str = "") -> float:
    """The value, when it is finite and above `low`, which `limit` names where it is no constant."""
    if not low < value < math.inf:
        what = f"{limit} = {low:g}" if limit else f"{low:g}"
        raise StadionError(Code.INVALID, f"{name} is {value}; expected more than {what} {unit}")
    return float(value)


def between(name: str, value: float, low: float, high: float, unit: str) -> float:
    """The value, when it lies in [low, high].

    Examples
    --------
    >>> between("rpe", 7, 0, 10, "points")
    7.0
    """
    if not low <= value <= high:
        raise StadionError(
            Code.INVALID, f"{name} is {value}; expected {low:g} to {high:g} {unit}".rstrip()
        )
    return float(value)


def series(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(n,) float64 of one line of numbers; what is infinite becomes missing, NaN.

    Examples
    --------
    >>> series("power_w", [100, float("inf")])
    array([100.,  nan])
    """
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise StadionError(Code.INVALID, f"{name} is no array of numbers; expected (n,)") from error
    if array.ndim != 1:
        raise StadionError(Code.INVALID, f"{name} has shape {array.shape}; expected (n,)")
    return array if not np.isinf(array).any() else np.where(np.isinf(array), np.nan, array)


def same_length(**arrays: npt.NDArray[np.float64]) -> None:
    """Nothing, when all arrays have one length."""
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise StadionError(Code.INVALID, f"lengths differ ({lengths}); expected equal ones")


def sex_of(sex: str) -> str:
    """The word, when the formula has a line for it."""
    if sex not in SEXES:
        raise StadionError(
            Code.INVALID,
            f"sex is {sex!r}; expected {' or '.join(SEXES)}: this formula differs by sex",
        )
    return sex
